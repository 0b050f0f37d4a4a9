//! What came of a program on an engine.

use serde::{Deserialize, Serialize};

/// How well a program went, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The reference's bits.
    Equal,
    /// As near as is allowed.
    Near,
    /// It was not tried: the engine is known not to take it.
    Unsuitable,
    /// As near as is allowed, but for values that have to do with NaN, infinities or subnormal numbers.
    Special,
    /// Further from the reference than is allowed.
    Departs,
    /// It compiles, and does not run.
    RunFails,
    /// It does not compile.
    CompileFails,
    /// It took too long, and was ended.
    TimedOut,
    /// It ended the process that it was in.
    Crashed,
}

impl Status {
    /// All, best first.
    pub const ALL: [Status; 9] = [
        Status::Equal,
        Status::Near,
        Status::Unsuitable,
        Status::Special,
        Status::Departs,
        Status::RunFails,
        Status::CompileFails,
        Status::TimedOut,
        Status::Crashed,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Status::Equal => "equal",
            Status::Near => "near",
            Status::Unsuitable => "not tried",
            Status::Special => "special values differ",
            Status::Departs => "departs",
            Status::RunFails => "does not run",
            Status::CompileFails => "does not compile",
            Status::TimedOut => "timed out",
            Status::Crashed => "crashed",
        }
    }

    /// Whether it was compiled.
    pub fn compiles(self) -> bool {
        self.runs() || self == Status::RunFails
    }

    /// Whether it ran to the end.
    pub fn runs(self) -> bool {
        matches!(self, Status::Equal | Status::Near | Status::Special | Status::Departs)
    }

    /// Whether numbers come out right: nothing departs but special values.
    pub fn is_right(self) -> bool {
        matches!(self, Status::Equal | Status::Near | Status::Special)
    }
}

/// The first element that is not as near as is allowed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Departure {
    /// The run line, from 1, in the file of the operation.
    pub line: usize,
    /// The output's name.
    pub output: String,
    /// Where in it, row-major.
    pub index: usize,
    /// What the reference gives; text, since JSON has no NaN and no infinities.
    pub wanted: String,
    /// What the engine gave.
    pub got: String,
    /// How many elements of this output depart.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

/// The largest differences from the reference, over elements where both are finite and nothing special is involved.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Largest {
    /// Numbers of the result's type in between; for integers, the difference.
    pub ulp: u64,
    /// The difference.
    pub abs: f64,
}

/// What came of a program.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// How well it went; the worst of its run lines.
    pub status: Status,
    /// What the engine says where it does not take or run the program.
    pub message: Option<String>,
    /// Absent if nothing ran.
    pub error: Option<Largest>,
    /// Where it departs first; of special values only if no others depart.
    pub departure: Option<Departure>,
    /// Elements that have to do with NaN, infinities or subnormal numbers.
    pub special: usize,
    /// How many of them are not as wanted.
    pub special_differ: usize,
    /// How long it took to compile, in seconds; absent if it does not compile.
    pub compile_seconds: Option<f64>,
}

impl Outcome {
    /// One of a program that did not run.
    pub fn without_run(status: Status, message: impl Into<String>) -> Outcome {
        Outcome { status, message: Some(message.into()), ..Outcome::default() }
    }
}

impl Default for Outcome {
    fn default() -> Outcome {
        Outcome {
            status: Status::Equal,
            message: None,
            error: None,
            departure: None,
            special: 0,
            special_differ: 0,
            compile_seconds: None,
        }
    }
}

/// What came of an operation's programs.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Programs.
    pub programs: usize,
    /// Not tried.
    pub unsuitable: usize,
    /// Compiled.
    pub compile: usize,
    /// Ran to the end.
    pub run: usize,
    /// Ran, and gave the right numbers.
    pub right: usize,
    /// The largest error of any; absent if none ran.
    pub error: Option<Largest>,
    /// Programs that differ in special values alone.
    pub special: usize,
}

impl Summary {
    /// Of some outcomes.
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Summary {
        let mut sum = Summary::default();
        for outcome in outcomes {
            sum.programs += 1;
            sum.unsuitable += usize::from(outcome.status == Status::Unsuitable);
            sum.compile += usize::from(outcome.status.compiles());
            sum.run += usize::from(outcome.status.runs());
            sum.right += usize::from(outcome.status.is_right());
            sum.special += usize::from(outcome.status == Status::Special);
            if let Some(error) = outcome.error {
                let most = sum.error.get_or_insert_default();
                *most = Largest { ulp: most.ulp.max(error.ulp), abs: most.abs.max(error.abs) };
            }
        }
        sum
    }
}
