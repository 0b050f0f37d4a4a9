//! `anemone info`

use crate::context::Report;
use crate::engine::problem;
use crate::failure::Failure;
use crate::machine::Machine;
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use anemone_cpu::{Engine, Options};
use anemone_ir::{Builder, DType, TensorType, args, check};
use anemone_simd::Level;
use serde::Serialize;

const LONG_ABOUT: &str = "\
Says what this machine has for anemone: processor, vector instructions, threads, whether programs can run on a Neural \
Engine and why not, and which variables are set.

To be sent along with a report of a bug.";

const EXAMPLES: &str = "\
Examples:
  anemone info
  anemone info --json | jq .engine.simd
  ANEMONE_SIMD=scalar anemone info";

/// Say what this machine has: processor, vector instructions, threads, Neural Engine
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {}

/// The variables that are honoured, and what for.
const VARIABLES: [(&str, &str); 6] = [
    ("ANEMONE_SIMD", "vector instructions: scalar, avx2, avx512"),
    ("ANEMONE_THREADS", "threads of the engine"),
    ("ANEMONE_LOG", "what is logged; RUST_LOG where not set"),
    ("RUST_LOG", "what is logged"),
    ("ANEMONE_NO_PROGRESS", "no progress bars"),
    ("NO_COLOR", "no colours"),
];

/// What runs take unless told otherwise.
#[derive(Serialize)]
struct EngineInfo {
    simd: &'static str,
    /// Elements of a vector.
    lanes: usize,
    threads: usize,
    profile: &'static str,
}

#[derive(Serialize)]
struct NeuralEngine {
    available: bool,
    why: String,
    /// Such as `h15g`; absent, like what follows, if the system does not tell.
    architecture: Option<String>,
    cores: Option<u32>,
    engines: Option<u32>,
    virtual_machine: Option<bool>,
}

#[derive(Serialize)]
struct Variable {
    name: &'static str,
    value: Option<String>,
    meaning: &'static str,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Info {
    version: &'static str,
    /// Whether this program was built with optimisation.
    optimised: bool,
    machine: Machine,
    neural_engine: NeuralEngine,
    /// The levels of this machine, slowest first.
    simd_available: Vec<&'static str>,
    /// Absent if nothing can run, which is the fault of a variable.
    engine: Option<EngineInfo>,
    engine_error: Option<String>,
    variables: Vec<Variable>,
}

pub(crate) fn run(_: &Args) -> Result<Info, Failure> {
    let (engine, engine_error) = match engine() {
        Ok(engine) => (Some(engine), None),
        Err(why) => (None, Some(why)),
    };
    let neural_engine = neural_engine();
    let variable = |(name, meaning)| {
        let value = std::env::var_os(name).map(|v| v.to_string_lossy().into_owned());
        Variable { name, value, meaning }
    };
    Ok(Info {
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        machine: Machine::this(),
        neural_engine,
        simd_available: Level::available().map(Level::name).collect(),
        engine,
        engine_error,
        variables: VARIABLES.into_iter().map(variable).collect(),
    })
}

/// What the system says of its Neural Engine.
fn neural_engine() -> NeuralEngine {
    let device = anemone::ane::device().unwrap_or_default();
    let (available, why) = match anemone::neural_engine() {
        Ok(()) => {
            (true, "graphs that are compiled with the crate `anemone` run on it; `anemone doctor` tries it".to_owned())
        }
        Err(e) => (false, e.to_string()),
    };
    NeuralEngine {
        available,
        why,
        architecture: device.architecture,
        cores: device.cores,
        engines: device.engines,
        virtual_machine: device.is_virtual_machine,
    }
}

/// What an engine takes by default: a small program is planned to see it.
fn engine() -> Result<EngineInfo, String> {
    let mut b = Builder::new();
    let x = b.input("x", TensorType::scalar(DType::Fp16));
    let y = b.relu(args! { x: x });
    b.output(y);
    let program = check(b.finish()).map_err(|e| e.to_string())?;
    let engine = Engine::new(program.main(), &Options::default()).map_err(|e| problem(&e).message)?;
    let (level, threads, profile) = (engine.level(), engine.threads(), engine.profile().name());
    Ok(EngineInfo { simd: level.name(), lanes: level.lanes(), threads, profile })
}

impl Report for Info {
    fn text(&self, style: Style) -> String {
        let Machine { arch, cpu, cores, .. } = &self.machine;
        let NeuralEngine { available, why, architecture, cores: engine_cores, .. } = &self.neural_engine;
        let about = [architecture.clone(), engine_cores.map(|n| plural(n as usize, "core"))];
        let about: String = about.into_iter().flatten().map(|fact| format!(", {fact}")).collect();
        let unoptimised = if self.optimised { "" } else { " (built without optimisation: slow)" };
        let mut facts = vec![
            ("version", format!("{}{unoptimised}", self.version)),
            ("system", format!("{} on {arch}", self.machine.system())),
            ("processor", format!("{}, {}", cpu.as_deref().unwrap_or("of unknown name"), plural(*cores, "core"))),
            ("Neural Engine", format!("{}{about}: {why}", if *available { "yes" } else { "no" })),
        ];
        let levels = self.simd_available.join(", ");
        match &self.engine {
            Some(EngineInfo { simd, lanes, threads, profile }) => facts.extend([
                ("SIMD", format!("{simd}, {} (available: {levels})", plural(*lanes, "lane"))),
                ("threads", threads.to_string()),
                ("profile", format!("{profile} (each operation's result is rounded to half precision)")),
            ]),
            None => facts.extend([
                ("SIMD", format!("available: {levels}")),
                ("engine", format!("cannot run: {}", self.engine_error.as_deref().unwrap_or_default())),
            ]),
        }
        let mut variables = Table::new(&[("variable", Align::Left), ("value", Align::Left), ("meaning", Align::Left)]);
        for v in &self.variables {
            let value = v.value.clone().unwrap_or_else(|| "-".to_owned());
            variables.row(vec![v.name.to_owned(), value, v.meaning.to_owned()]);
        }
        format!("{}\n{}", table::facts(&facts, style), variables.text("", style))
    }

    fn code(&self) -> u8 {
        u8::from(self.engine.is_none())
    }
}
