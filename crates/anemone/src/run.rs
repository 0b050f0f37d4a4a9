//! How to run, and what came of it.

use crate::compile::Backend;
use std::fmt;
use std::time::Duration;

/// The way of a run to the Neural Engine. The results are the same; on the CPU so is the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RunPath {
    /// Through the loaded program itself: the way that works on every system.
    #[default]
    InMemory,
    /// Through the connection to the system's service, by its queues.
    Client,
    /// Through the connection, past its queues. At most a tenth faster, by what others have measured.
    Direct,
    /// As [`RunPath::Direct`], at the highest priority there is. No entitlement is needed, as far as is known.
    RealTime,
}

impl RunPath {
    /// Every path.
    pub const ALL: [RunPath; 4] = [RunPath::InMemory, RunPath::Client, RunPath::Direct, RunPath::RealTime];

    /// Its name: `in-memory`, `client`, `direct`, `real-time`.
    pub fn name(self) -> &'static str {
        match self {
            RunPath::InMemory => "in-memory",
            RunPath::Client => "client",
            RunPath::Direct => "direct",
            RunPath::RealTime => "real-time",
        }
    }
}

impl fmt::Display for RunPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How [`crate::Executable::run_with`] runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// The way to the Neural Engine.
    pub path: RunPath,
    /// Whether what is prepared for these tensors is kept for the next run with them. It is kept for the 16 sets of tensors that
    /// were used last; their memory stays as long, also if they are dropped.
    pub cached: bool,
    /// Whether to measure the time on the hardware; see [`RunReport::hardware`]. The program is loaded a second time for it, by
    /// the first such run, and measured runs take [`RunPath::Client`] if they can. Where nothing can be measured, later runs go
    /// as if it had not been asked for.
    pub statistics: bool,
}

impl RunOptions {
    /// In memory, uncached, without statistics: what [`crate::Executable::run`] does.
    pub fn new() -> RunOptions {
        RunOptions::default()
    }

    /// The same on another [`RunOptions::path`].
    #[must_use]
    pub fn path(mut self, path: RunPath) -> RunOptions {
        self.path = path;
        self
    }

    /// The same, [`RunOptions::cached`] or not.
    #[must_use]
    pub fn cached(mut self, cached: bool) -> RunOptions {
        self.cached = cached;
        self
    }

    /// The same with [`RunOptions::statistics`] or without.
    #[must_use]
    pub fn statistics(mut self, statistics: bool) -> RunOptions {
        self.statistics = statistics;
        self
    }
}

/// How a tensor came to the engine, or from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transfer {
    /// The engine used the tensor's memory.
    InPlace,
    /// It was copied, because the engine wants it in another layout.
    Copied,
    /// The program does not read it, so the engine was not given it.
    Unused,
}

/// What a run did.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RunReport {
    /// Where it ran; never [`Backend::Auto`].
    pub backend: Backend,
    /// On which way to the Neural Engine; `None` on the CPU.
    pub path: Option<RunPath>,
    /// How each input came to the engine.
    pub inputs: Vec<Transfer>,
    /// How each output came from it.
    pub outputs: Vec<Transfer>,
    /// The time on the engine itself, without dispatch. On the Neural Engine it is there only if
    /// [`RunOptions::statistics`] were asked for and the system lets them out: macOS keeps the counters to itself unless it was
    /// started with `anedebug=1`, or is a build of Apple's own.
    pub hardware: Option<Duration>,
    /// The time of the run as a whole, from the checks of the tensors to the last copy.
    pub wall: Duration,
}
