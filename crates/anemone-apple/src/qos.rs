//! How urgent work is.

/// A quality of service, as the framework takes it.
///
/// The values that the framework knows are exactly these (public notes on macOS 26.3.1; published decompilations); any other
/// counts as `Default` and is logged. Foundation's own number for "default" is -1, which is none of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u32)]
pub enum Qos {
    /// Queue 3 of the driver.
    UserInteractive = 33,
    /// Queue 4.
    UserInitiated = 25,
    /// Queue 5.
    #[default]
    Default = 21,
    /// Queue 5.
    Utility = 17,
    /// Queue 6.
    Background = 9,
}

impl Qos {
    /// The framework's number.
    pub fn value(self) -> u32 {
        self as u32
    }
}
