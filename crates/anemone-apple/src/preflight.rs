//! What the preflight found: each method of the framework that is called, as it is expected and as it is.

use std::fmt;

/// How a method of the running system compares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// It has the expected type.
    AsExpected,
    /// There is no such class.
    NoClass,
    /// The class has no such method.
    NoMethod,
    /// The method has another type; in which way.
    Changed(String),
}

/// A method of the framework that is called.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The class.
    pub class: &'static str,
    /// The selector.
    pub selector: &'static str,
    /// Whether it is a method of the class itself, and not of its instances.
    pub of_class: bool,
    /// The type string that it has on the systems that are known.
    pub expected: &'static str,
    /// The type string that it has here.
    pub found: Option<String>,
    /// How the two compare. Frame offsets do not matter.
    pub status: Status,
    /// Whether nothing works without it; otherwise only what needs it is missing.
    pub required: bool,
    /// The system that is known to have it first, or the oldest that it was seen on.
    pub since: &'static str,
    /// Who says so.
    pub source: &'static str,
}

impl Finding {
    /// Whether the method can be called.
    pub fn usable(&self) -> bool {
        self.status == Status::AsExpected
    }
}

/// `-[_ANEClient echo:]`
pub(crate) struct Name<'a>(pub(crate) &'a Finding);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { class, selector, of_class, .. } = self.0;
        write!(f, "{}[{class} {selector}]", if *of_class { '+' } else { '-' })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found.as_deref().unwrap_or("nothing");
        match &self.status {
            Status::AsExpected => write!(f, "{} is {found}, as expected", Name(self)),
            Status::NoClass => write!(f, "there is no class {}", self.class),
            Status::NoMethod => write!(f, "there is no method {}; {} is expected", Name(self), self.expected),
            Status::Changed(how) => {
                write!(f, "{} is {found} here and {} elsewhere: {how}", Name(self), self.expected)
            }
        }
    }
}
