//! What can go wrong with the framework.

use crate::preflight::Finding;
use std::fmt;

/// A step in the life of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// Handing over text and weights.
    Descriptor,
    /// Making the in-memory model.
    Model,
    /// Writing the files that the compiler reads.
    Files,
    /// Compiling.
    Compile,
    /// Loading what was compiled.
    Load,
    /// Reading the layouts of the ports.
    Attributes,
    /// Making or locking a surface.
    Surface,
    /// Making a request.
    Request,
    /// Making the surfaces of a request known to the driver.
    Map,
    /// Running.
    Evaluate,
    /// Unloading.
    Unload,
    /// Asking what the machine has.
    Device,
}

impl Stage {
    /// The step in a word or two, as in "the framework failed to ...".
    pub fn name(self) -> &'static str {
        match self {
            Stage::Descriptor => "take the program",
            Stage::Model => "make a model",
            Stage::Files => "write the program's files",
            Stage::Compile => "compile",
            Stage::Load => "load",
            Stage::Attributes => "describe the program",
            Stage::Surface => "make or lock a surface",
            Stage::Request => "make a request",
            Stage::Map => "map the surfaces",
            Stage::Evaluate => "run",
            Stage::Unload => "unload",
            Stage::Device => "describe the machine",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An `NSError`, read out.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NsError {
    /// The domain; `com.apple.appleneuralengine` for the framework's own.
    pub domain: String,
    /// The code in the domain.
    pub code: isize,
    /// The localised description.
    pub description: String,
    /// The localised reason, if there is one.
    pub reason: Option<String>,
    /// The errors below it. The compiler's own reason is usually the last of them.
    pub underlying: Vec<NsError>,
}

/// The domain of the framework's own errors.
pub const DOMAIN: &str = "com.apple.appleneuralengine";

impl NsError {
    /// What the code is known to mean, for the framework's own domain; from published decompilations of `_ANEErrors` and from
    /// what projects report.
    pub fn meaning(&self) -> Option<&'static str> {
        (self.domain == DOMAIN).then(|| meaning(self.code)).flatten()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let NsError { domain, code, description, reason, underlying } = self;
        write!(f, "{description} ({domain} {code}")?;
        match self.meaning() {
            Some(meaning) => write!(f, ": {meaning})")?,
            None => write!(f, ")")?,
        }
        if let Some(reason) = reason.as_ref().filter(|r| *r != description) {
            write!(f, "; {reason}")?;
        }
        for below in underlying {
            write!(f, "\n{:indent$}because: ", "", indent = 2 * (depth + 1))?;
            below.write(f, depth + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for NsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// The meaning of a code of [`DOMAIN`].
pub fn meaning(code: isize) -> Option<&'static str> {
    Some(match code {
        1 => "an entitlement is needed",
        2 => "real-time priority needs an entitlement",
        3 => "it took too long",
        4 => "the program could not be created",
        5 => "too many runs are waiting",
        6 => "the program could not be loaded",
        7 => "the process has no code-signing identity",
        8 => "the run failed",
        9 => "a file could not be read or written",
        10 => "the model is not valid",
        11 => "the model's key is not valid",
        12 => "a model of the system may not be purged",
        13 => "the surfaces could not be mapped",
        14 => "the surfaces could not be unmapped",
        15 => "the programs could not be chained",
        16 => "a file was not found",
        17 => "the model is not known",
        18 => "the model that this one is an instance of is not known",
        19 => "an instance must not have a cache identifier of its own",
        20 => "the instance of the model is not valid",
        21 => "the instance could not be loaded",
        22 => "the guest or the host of this virtual machine is too old",
        23 => "the program to run was not found",
        24 => "data was not found",
        25 => "this is not supported",
        26 => "an argument is bad",
        27 => "the data for the virtual machine is wrong",
        29 => "the virtual machine's host failed",
        _ => return None,
    })
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no framework on this machine.
    #[error("{path} could not be loaded: {reason}")]
    NoFramework {
        /// Where it should be.
        path: String,
        /// What the loader says.
        reason: String,
    },
    /// A class that is needed is not there.
    #[error("the framework of this system has no class {class}; see `anemone doctor`")]
    NoClass {
        /// The class.
        class: &'static str,
    },
    /// A method that is needed is not there, or is another than is known. Nothing was sent.
    #[error("the framework of this system is another than is known: {0}; see `anemone doctor`")]
    Changed(Box<Finding>),
    /// The framework returned nil and does not say why.
    #[error("the framework failed to {stage}: {what} gave nothing back, and no reason")]
    Nothing {
        /// In which step.
        stage: Stage,
        /// The method.
        what: &'static str,
    },
    /// The framework reported failure.
    #[error("the framework failed to {stage}: {}", .error.as_ref().map_or("it gives no reason".to_owned(), ToString::to_string))]
    Failed {
        /// In which step.
        stage: Stage,
        /// Why; a method may fail and give no error.
        error: Option<Box<NsError>>,
    },
    /// The framework threw an exception.
    #[error("the framework failed to {stage}: it threw {name}: {reason}")]
    Exception {
        /// In which step.
        stage: Stage,
        /// The exception's name.
        name: String,
        /// The exception's reason.
        reason: String,
    },
    /// A file could not be written or read.
    #[error("the program's files could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// The framework describes the program in a way that is not understood.
    #[error("the framework describes the program in a way that is not known: {0}")]
    Attributes(String),
    /// What is given does not fit the program.
    #[error("{0}")]
    Binding(String),
    /// A surface is being read or written, by a guard or by a run.
    #[error("a surface is in use: {0}")]
    Busy(&'static str),
    /// A surface could not be made or locked.
    #[error("a surface of {bytes} bytes could not be {what}{}", .code.map_or(String::new(), |c| format!(": code {c:#x}")))]
    Surface {
        /// Its size.
        bytes: usize,
        /// What was tried, in the past tense.
        what: &'static str,
        /// What `IOSurfaceLock` or `IOSurfaceUnlock` returned.
        code: Option<i32>,
    },
}

impl Error {
    /// The step that failed, if it was one of a program's life.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Error::Nothing { stage, .. } | Error::Failed { stage, .. } | Error::Exception { stage, .. } => Some(*stage),
            Error::Io(_) => Some(Stage::Files),
            Error::Attributes(_) => Some(Stage::Attributes),
            Error::Surface { .. } | Error::Busy(_) => Some(Stage::Surface),
            Error::Binding(_) => Some(Stage::Request),
            Error::NoFramework { .. } | Error::NoClass { .. } | Error::Changed(_) => None,
        }
    }

    /// The framework's own error, if it gave one.
    pub fn ns_error(&self) -> Option<&NsError> {
        match self {
            Error::Failed { error, .. } => error.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_all_that_the_framework_says() {
        let below = NsError {
            domain: "com.apple.ane.compiler".into(),
            code: -14,
            description: "ANECCompile() FAILED".into(),
            reason: None,
            underlying: Vec::new(),
        };
        let error = NsError {
            domain: DOMAIN.into(),
            code: 4,
            description: "no".into(),
            reason: Some("InvalidMILProgram".into()),
            underlying: vec![below],
        };
        let error = Error::Failed { stage: Stage::Compile, error: Some(Box::new(error)) };
        assert_eq!(
            error.to_string(),
            "the framework failed to compile: no (com.apple.appleneuralengine 4: the program could not be created); \
             InvalidMILProgram\n  because: ANECCompile() FAILED (com.apple.ane.compiler -14)"
        );
        let silent = Error::Failed { stage: Stage::Load, error: None };
        assert_eq!(silent.to_string(), "the framework failed to load: it gives no reason");
    }

    #[test]
    fn only_the_frameworks_own_codes_have_its_meanings() {
        let error = |domain: &str| NsError {
            domain: domain.into(),
            code: 13,
            description: String::new(),
            reason: None,
            underlying: Vec::new(),
        };
        assert_eq!(error(DOMAIN).meaning(), Some("the surfaces could not be mapped"));
        assert_eq!(error("NSCocoaErrorDomain").meaning(), None);
        assert_eq!((1..30).filter(|c| meaning(*c).is_none()).collect::<Vec<_>>(), [28]);
    }
}
