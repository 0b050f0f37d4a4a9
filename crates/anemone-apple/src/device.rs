//! What the Neural Engine of this machine is.

/// What the system says of its Neural Engine. What it does not say is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Device {
    /// Whether there is one; a guest system usually has none.
    pub has_ane: Option<bool>,
    /// The generation and variant, such as `h15g`.
    pub architecture: Option<String>,
    /// A finer name than that.
    pub sub_type: Option<String>,
    /// How many engines there are; two in an Ultra.
    pub engines: Option<u32>,
    /// Cores of all engines.
    pub cores: Option<u32>,
    /// The board's number.
    pub board: Option<i64>,
    /// The system, such as `macOS`.
    pub product: Option<String>,
    /// The system's build, such as `25D2128`.
    pub build: Option<String>,
    /// Whether the system is a guest in a virtual machine.
    pub is_virtual_machine: Option<bool>,
    /// Whether it is a build of Apple's own; hardware counters are open on those.
    pub is_internal_build: Option<bool>,
}
