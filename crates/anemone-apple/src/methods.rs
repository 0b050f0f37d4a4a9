//! Every method of the private framework that is called, in one table.
//!
//! A row gives the class, the selector, the method's type string as Apple's systems report it, the Rust types of a call, since
//! when it is there, and who says so. From a row come
//! * the function that sends the message, so that nothing can be sent that is not in the table;
//! * an assertion, at compile time, that the Rust types are those of the type string: `cargo check` for an Apple target
//!   evaluates it with Apple's own encodings;
//! * a [`Finding`] of the preflight, which compares the running system's method with the Rust types before the first
//!   message is sent.
//!
//! Sources, as the rows abbreviate them: *headers*: dumps of the framework's classes from macOS 15.4.1 and other releases
//! (rrk567301/Runtime-Headers and others); *verified*: type strings that projects compare at run time on macOS 26 (the
//! Objective-C bridges pie and spl); *decompiled*: published decompilations, used to explain and never to copy; other names
//! are of projects on GitHub that call the method.

mod encoding;

use crate::error::Error;
use crate::preflight::{Finding, Status};
use crate::surface::IOSurfaceRef;
use block2::Block;
use objc2::encode::{EncodeArguments, EncodeReturn};
use objc2::runtime::{AnyClass, AnyObject, Bool, MessageReceiver, Sel, VerificationError};
use objc2_foundation::{NSArray, NSData, NSDictionary, NSError, NSNumber};
use std::ffi::{CStr, CString};
use std::sync::OnceLock;

/// What a request calls when it is done: whether it succeeded, and the error if not.
pub(crate) type Completion = Block<dyn Fn(Bool, *mut NSError)>;

/// A row, as the preflight sees it.
pub(crate) struct Method {
    class: &'static CStr,
    selector: &'static str,
    of_class: bool,
    types: &'static str,
    required: bool,
    since: &'static str,
    source: &'static str,
    verify: fn(&AnyClass, Sel) -> Result<(), VerificationError>,
}

impl Method {
    /// Compares the row with the running system.
    pub(crate) fn check(&self) -> Finding {
        let (status, found) = match AnyClass::get(self.class) {
            None => (Status::NoClass, None),
            Some(class) => {
                let class = if self.of_class { class.metaclass() } else { class };
                let selector = selector(self.selector);
                match class.instance_method(selector) {
                    None => (Status::NoMethod, None),
                    Some(method) => {
                        // SAFETY: the method is one of the runtime's, whose type string lives as long as it does.
                        let types = unsafe { CStr::from_ptr(objc2::ffi::method_getTypeEncoding(method)) };
                        let status = match (self.verify)(class, selector) {
                            Ok(()) => Status::AsExpected,
                            Err(e) => Status::Changed(e.to_string()),
                        };
                        (status, Some(types.to_string_lossy().into_owned()))
                    }
                }
            }
        };
        Finding {
            class: self.class.to_str().unwrap_or_default(),
            selector: self.selector,
            of_class: self.of_class,
            expected: self.types,
            found,
            status,
            required: self.required,
            since: self.since,
            source: self.source,
        }
    }
}

fn selector(name: &'static str) -> Sel {
    Sel::register(&CString::new(name).unwrap_or_default())
}

/// A class of the framework.
fn class(name: &'static CStr) -> Result<&'static AnyClass, Error> {
    AnyClass::get(name).ok_or(Error::NoClass { class: name.to_str().unwrap_or_default() })
}

macro_rules! methods {
    ($(
        $(#[$class_doc:meta])*
        $module:ident = $class:literal {$(
            $(#[$doc:meta])*
            $need:ident $kind:tt $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty
                = $selector:literal $types:literal since $since:literal from $source:literal;
        )*}
    )*) => {
        $(
            $(#[$class_doc])*
            pub(crate) mod $module {
                use super::*;

                /// The class.
                #[allow(dead_code, reason = "classes of which only instances are used")]
                pub(crate) fn class() -> Result<&'static AnyClass, Error> {
                    super::class($class)
                }

                $(
                    const _: () = assert!(
                        encoding::matches(
                            <($($ty,)*) as EncodeArguments>::ENCODINGS,
                            &<$ret as EncodeReturn>::ENCODING_RETURN,
                            $types,
                        ) && encoding::colons($selector) == <($($ty,)*) as EncodeArguments>::ENCODINGS.len(),
                        concat!("the Rust types are not those of ", $selector),
                    );

                    $(#[$doc])*
                    ///
                    /// # Safety
                    /// The receiver is the table's class, or an instance of it; the preflight has found the method as it
                    /// should be; objects are of the classes that the method wants.
                    #[allow(clippy::too_many_arguments, reason = "Apple's")]
                    pub(crate) unsafe fn $name(receiver: &methods!(@receiver $kind), $($arg: $ty),*) -> $ret {
                        static SELECTOR: OnceLock<Sel> = OnceLock::new();
                        let selector = *SELECTOR.get_or_init(|| selector($selector));
                        // SAFETY: the types are the method's: asserted above for the type string, and by the preflight
                        // for the running system, which the caller vouches for.
                        unsafe { receiver.send_message(selector, ($($arg,)*)) }
                    }
                )*
            }
        )*

        /// Every row.
        pub(crate) static METHODS: &[Method] = &[$($(Method {
            class: $class,
            selector: $selector,
            of_class: methods!(@of_class $kind),
            types: $types,
            required: methods!(@required $need),
            since: $since,
            source: $source,
            verify: |class, selector| class.verify_sel::<($($ty,)*), $ret>(selector),
        },)*)*];
    };
    (@receiver +) => { AnyClass };
    (@receiver -) => { AnyObject };
    (@of_class +) => { true };
    (@of_class -) => { false };
    (@required required) => { true };
    (@required optional) => { false };
}

/// An object that the caller does not own: every factory and getter of the framework gives such ones.
type Unowned = *mut AnyObject;
/// Where a method puts its error.
type Out = *mut *mut NSError;

methods! {
    /// The program to compile: MIL text, weights.
    descriptor = c"_ANEInMemoryModelDescriptor" {
        /// The weights are a dictionary of dictionaries and never nil; nil is returned if the framework does not like them.
        required + with_mil_text(text: &NSData, weights: &NSDictionary, options: Option<&NSData>) -> Unowned
            = "modelWithMILText:weights:optionsPlist:" "@40@0:8@16@24@32"
            since "macOS 12" from "headers; every project";
    }

    /// A program in memory: the object that compiles, loads and evaluates.
    model = c"_ANEInMemoryModel" {
        /// Nil if the framework does not like the descriptor.
        required + with_descriptor(descriptor: &AnyObject) -> Unowned
            = "inMemoryModelWithDescriptor:" "@24@0:8@16" since "macOS 12" from "headers; every project";
        /// An `NSString`: hashes of text and weights. It names the folder that the compiler reads.
        required - hex_string_identifier() -> Unowned
            = "hexStringIdentifier" "@16@0:8" since "macOS 12" from "headers; every project";
        /// Whether the system has the compiled program in its cache.
        required - compiled_model_exists() -> Bool
            = "compiledModelExists" "B16@0:8" since "macOS 12" from "headers; cgt2, ane-bridge-rs";
        /// Drops the compiled program from the cache.
        required - purge_compiled_model() -> ()
            = "purgeCompiledModel" "v16@0:8" since "macOS 12" from "headers; pie, spl";
        /// The options are never nil.
        required - compile(qos: u32, options: &NSDictionary, error: Out) -> Bool
            = "compileWithQoS:options:error:" "B36@0:8I16@20^@28" since "macOS 12" from "headers; every project";
        /// The options are never nil.
        required - load(qos: u32, options: &NSDictionary, error: Out) -> Bool
            = "loadWithQoS:options:error:" "B36@0:8I16@20^@28" since "macOS 12" from "headers; every project";
        /// Runs a request in this process.
        required - evaluate(qos: u32, options: &NSDictionary, request: &AnyObject, error: Out) -> Bool
            = "evaluateWithQoS:options:request:error:" "B44@0:8I16@20@28^@36"
            since "macOS 12" from "headers; every project";
        /// Unloads, and removes the folder of the files.
        required - unload(qos: u32, error: Out) -> Bool
            = "unloadWithQoS:error:" "B28@0:8I16^@20" since "macOS 12" from "headers; every project";
        /// An `NSDictionary` once loaded: symbols of the ports and their layouts.
        required - model_attributes() -> Unowned
            = "modelAttributes" "@16@0:8" since "macOS 12" from "headers; cgt2, freedomtan/ane_pmu_profiler, tmc";
        /// The `_ANEModel` inside, which the client wants. The in-memory object must not be given to it: a failing
        /// evaluation sends that a message it does not know, and the process dies.
        optional - inner_model() -> Unowned
            = "model" "@16@0:8" since "macOS 14" from "headers (iOS 17); cgt2, ane-bridge-rs";
    }

    /// The connection of this process to the system's service.
    client = c"_ANEClient" {
        /// The one that programs are loaded through.
        optional + shared_connection() -> Unowned
            = "sharedConnection" "@16@0:8" since "macOS 12" from "headers; verified";
        /// Runs a request through the queue of its QoS.
        optional - evaluate(model: &AnyObject, options: &NSDictionary, request: &AnyObject, qos: u32, error: Out) -> Bool
            = "evaluateWithModel:options:request:qos:error:" "B52@0:8@16@24@32I40^@44"
            since "macOS 12" from "headers; verified";
        /// Runs a request at once, without a queue.
        optional - evaluate_direct(
            model: &AnyObject, options: &NSDictionary, request: &AnyObject, qos: u32, error: Out
        ) -> Bool
            = "doEvaluateDirectWithModel:options:request:qos:error:" "B52@0:8@16@24@32I40^@44"
            since "macOS 12" from "headers; ane-infer, ane-bridge-rs, mil_infer, libane";
        /// Runs a request with the priority of real-time work. It needs no entitlement (measured on M3 Pro with macOS
        /// 26.3.1, and on M4); the bracketing `beginRealTimeTask` does, and is not sent.
        optional - evaluate_real_time(
            model: &AnyObject, options: &NSDictionary, request: &AnyObject, error: Out
        ) -> Bool
            = "evaluateRealTimeWithModel:options:request:error:" "B48@0:8@16@24@32^@40"
            since "macOS 13" from "headers; mil_infer; public notes on an M3 Pro";
        /// Makes the surfaces of a request known to the driver before its first run.
        optional - map_surfaces(model: &AnyObject, request: &AnyObject, cache_inference: Bool, error: Out) -> Bool
            = "mapIOSurfacesWithModel:request:cacheInference:error:" "B44@0:8@16@24B32^@36"
            since "macOS 12" from "headers; cgt2, tmc";
        /// Takes that back.
        optional - unmap_surfaces(model: &AnyObject, request: &AnyObject) -> ()
            = "unmapIOSurfacesWithModel:request:" "v32@0:8@16@24" since "macOS 12" from "headers; cgt2, tmc";
    }

    /// Which surfaces a run reads and writes.
    request = c"_ANERequest" {
        /// Arrays of surface objects and of numbers, which are indices of symbols; nil if they do not fit together.
        required + new(
            inputs: &NSArray, input_indices: &NSArray, outputs: &NSArray, output_indices: &NSArray,
            weights: Option<&AnyObject>, statistics: Option<&NSArray>, procedure: &NSNumber
        ) -> Unowned
            = "requestWithInputs:inputIndices:outputs:outputIndices:weightsBuffer:perfStats:procedureIndex:"
            "@72@0:8@16@24@32@40@48@56@64" since "macOS 12" from "headers; ane, maderix/ANE, Orion";
        /// Whether the numbers of surfaces and indices are within the driver's bounds.
        optional - validate() -> Bool = "validate" "B16@0:8" since "macOS 12" from "headers; decompiled";
        /// Makes the evaluation return at once; the block is called when it is done.
        optional - set_completion_handler(handler: &Completion) -> ()
            = "setCompletionHandler:" "v24@0:8@?16" since "macOS 13" from "headers; verified; cgt2, ane-bridge-rs";
        /// The statistics of the last run, an `_ANEPerformanceStats`, or nil.
        optional - statistics() -> Unowned
            = "perfStats" "@16@0:8" since "macOS 12" from "headers; freedomtan/ane_pmu_profiler";
    }

    /// A surface, as requests hold it.
    surface_object = c"_ANEIOSurfaceObject" {
        /// Retains the surface.
        required + new(surface: *mut IOSurfaceRef) -> Unowned
            = "objectWithIOSurface:" "@24@0:8^{__IOSurface=}16" since "macOS 11" from "headers; verified";
    }

    /// A surface that a run writes statistics to.
    statistics_surface = c"_ANEPerformanceStatsIOSurface" {
        /// The first argument is an `_ANEIOSurfaceObject`; 2 stands for the hardware's own counters.
        optional + new(surface: &AnyObject, kind: i64) -> Unowned
            = "objectWithIOSurface:statType:" "@32@0:8@16q24"
            since "macOS 13" from "headers; freedomtan/ane_pmu_profiler";
    }

    /// What a run has measured.
    statistics = c"_ANEPerformanceStats" {
        /// Nanoseconds on the engine; 0 where the driver keeps that to itself.
        optional - hardware_execution_time() -> u64
            = "hwExecutionTime" "Q16@0:8" since "macOS 12" from "headers; freedomtan/ane_pmu_profiler";
    }

    /// What the Neural Engine of this machine is.
    device = c"_ANEDeviceInfo" {
        /// Whether there is one.
        optional + has_ane() -> Bool = "hasANE" "B16@0:8" since "macOS 12" from "headers";
        /// How many there are; two in an Ultra.
        optional + engines() -> u32 = "numANEs" "I16@0:8" since "macOS 12" from "headers";
        /// Cores of all.
        optional + cores() -> u32 = "numANECores" "I16@0:8" since "macOS 12" from "headers";
        /// An `NSString`, such as `h15g`.
        optional + architecture() -> Unowned = "aneArchitectureType" "@16@0:8" since "macOS 12" from "headers";
        /// An `NSString`.
        optional + sub_type() -> Unowned = "aneSubType" "@16@0:8" since "macOS 12" from "headers";
        /// A number of the board.
        optional + board() -> i64 = "aneBoardType" "q16@0:8" since "macOS 12" from "headers";
        /// An `NSString`: `macOS`.
        optional + product() -> Unowned = "productName" "@16@0:8" since "macOS 12" from "headers";
        /// An `NSString`, such as `25D2128`.
        optional + build() -> Unowned = "buildVersion" "@16@0:8" since "macOS 12" from "headers";
        /// Whether the system is a guest.
        optional + is_virtual_machine() -> Bool = "isVirtualMachine" "B16@0:8" since "macOS 13" from "headers";
        /// Whether it is a build of Apple's own, where hardware counters are open.
        optional + is_internal_build() -> Bool = "isInternalBuild" "B16@0:8" since "macOS 12" from "headers";
    }
}
