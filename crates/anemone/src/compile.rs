//! From a graph to something that runs.

use crate::error::Error;
use crate::executable::Executable;
use crate::graph::Graph;
use anemone_ir::diagnostic::{Diagnostic, Severity};
use anemone_ir::draft::{Draft, DraftFunction};
use anemone_ir::limits::{Limits, lint, lint_draft};
use anemone_ir::{Diagnostics, Profile, Program, check};
use std::path::PathBuf;

/// How urgent the work is to the system that shares the Neural Engine. The CPU engine pays no regard to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum NSQualityOfService {
    /// The lowest latency.
    UserInteractive,
    /// Somebody waits for the result.
    UserInitiated,
    /// No wish.
    #[default]
    Default,
    /// Nobody waits.
    Utility,
    /// Nobody would notice.
    Background,
}

/// Where a program runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Backend {
    /// On the Neural Engine if there is one and it takes the program, else on the CPU.
    #[default]
    Auto,
    /// On the Neural Engine.
    Ane,
    /// On the CPU.
    Cpu,
}

/// Whether the CPU may stand in for the Neural Engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Fallback {
    /// With [`Backend::Auto`] it may, with [`Backend::Ane`] it may not.
    #[default]
    ByBackend,
    /// It may.
    Allow,
    /// It may not: if there is no Neural Engine, or it does not take the program, compiling is an error.
    Forbid,
}

/// How to compile; [`Default`] is what [`Graph::compile`] uses.
///
/// ```
/// use anemone::{Backend, CompileOptions, Graph, Level, Limit, Limits, Shape};
/// let mut g = Graph::new();
/// let x = g.placeholder(Shape::spatial(4, 1, 16));
/// g.relu(x);
/// let narrow = Limits::default().set(Limit::PlaceholderWidth, Level::Allow);
/// let options = CompileOptions::new().backend(Backend::Cpu).limits(narrow);
/// assert_eq!(g.compile_with(&options)?.backend(), Backend::Cpu);
/// # Ok::<(), anemone::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CompileOptions {
    /// Where to run.
    pub backend: Backend,
    /// Whether the CPU may stand in for the Neural Engine.
    pub fallback: Fallback,
    /// How urgent the work is.
    pub quality_of_service: NSQualityOfService,
    /// The numerics: `fp16` as the Neural Engine has it, or `f32`, which tells a rounding error from a wrong graph and is there
    /// on the CPU only.
    pub profile: Profile,
    /// Threads of the CPU engine; `None` for as many as the machine has, or as the variable `ANEMONE_THREADS` says.
    pub threads: Option<usize>,
    /// Which limits of the Neural Engine are checked, on every platform and for every back end.
    pub limits: Limits,
    /// Runs that [`Executable::submit`] lets be under way at once; `None` for 2. More gain nothing, by what others have
    /// measured.
    pub in_flight: Option<usize>,
    /// A folder to leave a new folder in when the Neural Engine refuses the program: with the program, its weights, and what
    /// was said. It can be attached to a report.
    pub reproduction: Option<PathBuf>,
}

impl CompileOptions {
    /// The default options.
    pub fn new() -> CompileOptions {
        CompileOptions::default()
    }

    /// The same with another [`CompileOptions::backend`].
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> CompileOptions {
        self.backend = backend;
        self
    }

    /// The same with another [`CompileOptions::fallback`].
    #[must_use]
    pub fn fallback(mut self, fallback: Fallback) -> CompileOptions {
        self.fallback = fallback;
        self
    }

    /// The same with another [`CompileOptions::quality_of_service`].
    #[must_use]
    pub fn quality_of_service(mut self, quality_of_service: NSQualityOfService) -> CompileOptions {
        self.quality_of_service = quality_of_service;
        self
    }

    /// The same with another [`CompileOptions::profile`].
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> CompileOptions {
        self.profile = profile;
        self
    }

    /// The same with a number of [`CompileOptions::threads`].
    #[must_use]
    pub fn threads(mut self, threads: usize) -> CompileOptions {
        self.threads = Some(threads);
        self
    }

    /// The same with other [`CompileOptions::limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> CompileOptions {
        self.limits = limits;
        self
    }

    /// The same with a number of runs [`CompileOptions::in_flight`]; at least 1.
    #[must_use]
    pub fn in_flight(mut self, runs: usize) -> CompileOptions {
        self.in_flight = Some(runs);
        self
    }

    /// The same with a folder for [`CompileOptions::reproduction`]s.
    #[must_use]
    pub fn reproduction(mut self, folder: impl Into<PathBuf>) -> CompileOptions {
        self.reproduction = Some(folder.into());
        self
    }

    /// Whether the CPU may run what was meant for the Neural Engine.
    pub(crate) fn may_fall_back(&self) -> bool {
        match self.fallback {
            Fallback::ByBackend => self.backend != Backend::Ane,
            Fallback::Allow => true,
            Fallback::Forbid => false,
        }
    }
}

impl Graph {
    /// Checks the graph and compiles it for where it will run: the Neural Engine if there is one, else the CPU.
    ///
    /// The same graph always gives the same program, to the byte.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Graph`] with every independent mistake in the graph, [`crate::ErrorKind::Limit`] if it is right
    /// but breaks a limit of the Neural Engine, [`crate::ErrorKind::Compile`] or another if the back end refuses it.
    pub fn compile(&self, quality_of_service: NSQualityOfService) -> Result<Executable, Error> {
        self.compile_with(&CompileOptions::default().quality_of_service(quality_of_service))
    }

    /// As [`Graph::compile`], with options.
    ///
    /// # Errors
    /// As [`Graph::compile`]; also [`crate::ErrorKind::Unavailable`] if the back end that is asked for is not there.
    pub fn compile_with(&self, options: &CompileOptions) -> Result<Executable, Error> {
        let (program, warnings) = self.checked(&options.limits)?;
        let executable = Executable::load(program, warnings, options)?;
        let (operations, why) = (executable.program().main().computing_nodes(), executable.why());
        tracing::debug!(operations, why, "compiled");
        executable.warnings().iter().for_each(|w| tracing::warn!("{w}"));
        Ok(executable)
    }

    /// Checks the graph and gives the program it stands for, to print or to inspect. Limits are not checked.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Graph`] with every independent mistake in the graph.
    ///
    /// ```
    /// use anemone::{Graph, Shape};
    /// let mut g = Graph::new();
    /// let x = g.placeholder(Shape::spatial(1, 1, 64));
    /// g.reciprocal(x);
    /// assert_eq!(g.program()?.main().nodes.last().unwrap().mnemonic(), "inverse");
    /// # Ok::<(), anemone::Error>(())
    /// ```
    pub fn program(&self) -> Result<Program, Error> {
        Ok(self.checked(&Limits::none())?.0)
    }

    /// The program, and all warnings.
    fn checked(&self, limits: &Limits) -> Result<(Program, Vec<Diagnostic>), Error> {
        let is_error = |d: &Diagnostic| d.severity == Severity::Error;
        match check(self.draft()) {
            Ok(program) => {
                let findings = lint(program.main(), limits);
                let errors = findings.iter().filter(|d| is_error(d)).count();
                let warnings = [program.warnings(), &unread_inputs(&program), &findings].concat();
                if errors > 0 { Err(Error::graph(warnings, errors)) } else { Ok((program, warnings)) }
            }
            Err(Diagnostics(mut found)) => {
                // A graph whose operations are all in error has no output either; that is no mistake of its own.
                let more = found.iter().any(|d| is_error(d) && d.slug != "no-output");
                found.retain(|d| !more || d.slug != "no-output");
                let draft = self.draft();
                found.extend(draft.functions.iter().flat_map(|f| lint_draft(f, limits)).filter(is_error));
                Err(Error::graph(found, 0))
            }
        }
    }

    /// The graph as it is to be checked: with its outputs, if none were marked.
    fn draft(&self) -> Draft {
        let mut draft = self.built();
        for function in draft.functions.iter_mut().filter(|f| f.outputs.is_empty()) {
            function.outputs = unread_results(function);
        }
        draft
    }
}

/// Computed values that nothing reads, in the order they were made.
fn unread_results(function: &DraftFunction) -> Vec<(anemone_ir::ValueId, anemone_ir::Location)> {
    let mut read = vec![false; function.values.len()];
    function.nodes.iter().for_each(|node| node.for_each_read(&mut |id| read[id.index()] = true));
    let computed = function.nodes.iter().filter(|n| &*n.mnemonic != "const");
    let results = computed.flat_map(|n| n.results.iter().map(|id| (*id, n.location)));
    results.filter(|(id, _)| !read[id.index()]).collect()
}

/// A warning for each input that nothing reads: it must be given to every run all the same.
fn unread_inputs(program: &Program) -> Vec<Diagnostic> {
    let function = program.main();
    let unread = function.params.iter().filter(|id| function.nodes.iter().all(|n| n.operands().all(|o| o != **id)));
    let warning = |id| {
        let value = function.value(id);
        let message = format!("nothing reads the input `{}`; every run must give it all the same", value.name);
        Diagnostic::warning("unread-input", message, value.location)
    };
    unread.copied().map(warning).collect()
}
