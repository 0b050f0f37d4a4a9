//! Asking the framework what the machine has.

use super::Framework;
use crate::device::Device;
use crate::error::{Error, Stage};
use crate::guard::guarded;
use crate::methods::device;
use objc2::runtime::{AnyClass, AnyObject};
use objc2_foundation::NSString;

impl Framework {
    /// Asks the system what it has.
    ///
    /// # Errors
    /// The framework throws.
    pub fn device(&self) -> Result<Device, Error> {
        let Ok(class) = device::class() else { return Ok(Device::default()) };
        let can = |selector: &str| self.has("_ANEDeviceInfo", &[selector]);
        guarded(Stage::Device, || {
            // SAFETY: each is sent only if the preflight has found it as it should be; the receiver is the class.
            unsafe {
                Ok(Device {
                    has_ane: can("hasANE").then(|| device::has_ane(class).as_bool()),
                    architecture: can("aneArchitectureType").then(|| text(device::architecture, class)).flatten(),
                    sub_type: can("aneSubType").then(|| text(device::sub_type, class)).flatten(),
                    engines: can("numANEs").then(|| device::engines(class)),
                    cores: can("numANECores").then(|| device::cores(class)),
                    board: can("aneBoardType").then(|| device::board(class)),
                    product: can("productName").then(|| text(device::product, class)).flatten(),
                    build: can("buildVersion").then(|| text(device::build, class)).flatten(),
                    is_virtual_machine: can("isVirtualMachine").then(|| device::is_virtual_machine(class).as_bool()),
                    is_internal_build: can("isInternalBuild").then(|| device::is_internal_build(class).as_bool()),
                })
            }
        })
    }
}

/// A string that the class gives.
///
/// # Safety
/// As the getter wants it.
unsafe fn text(getter: unsafe fn(&AnyClass) -> *mut AnyObject, class: &AnyClass) -> Option<String> {
    // SAFETY: the getter's result is nil, or an object that lives until the pool is emptied.
    let object = unsafe { getter(class).as_ref() };
    object.and_then(|o| o.downcast_ref::<NSString>()).map(ToString::to_string)
}
