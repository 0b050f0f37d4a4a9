//! `anemone run`

pub(crate) mod dump;
mod states;
mod trace;

use crate::context::{Context, Report};
use crate::elements::{Elements, Statistics};
use crate::engine::{EngineArgs, RanOn, execute_step, outputs, problem};
use crate::failure::{Failure, Problem};
use crate::files::Files;
use crate::inputs::{self, Binding, Bound, Given};
use crate::model::{Chosen, Model, ModelArgs, dims_text};
use crate::neural::{Done, NeuralArgs};
use crate::npy;
use crate::progress::Progress;
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use anemone_cpu::Observer;
use anemone_ir::{Function, ValueId};
use dump::{Dump, Saved, with_outputs};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trace::Trace;

const LONG_ABOUT: &str = "\
Runs a model once, and says what came out: for each output its shape and type, and the minimum, maximum and mean of its \
finite elements.

Each input of the model is given by name, from a NumPy file or made up. A file has the input's shape and type, but float32 \
is taken for an fp16 input, and rounded. Made up are:
  random[:SEED]  the same numbers for the same SEED (0 if not given) and name: multiples of 1/1024
                 from -1 on and below 1, whole numbers from 0 to 9, or true and false
  zeros, ones    what they say

It runs on the Neural Engine where there is one that takes the program, else on the CPU; where it ran and why is part of the \
result. --backend ane makes it an error if it cannot run there.

With --output, each output is written to DIR/NAME.npy: all of them, or none if anything fails.

An input that the model calls an image may be a .png or .jpg of its size; the function gets its pixels as numbers from 0 to \
255, in the order of colours that the model says. Dimensions that the model leaves open are those that it has by default, or \
those of --shape.

States begin as zeros, or with the files of --state-in. --steps N runs N times in a row, each run with the states that the one \
before left: so a decoder with its cache in states is fed token by token. An input of shape [2, 3] may then be a file of shape \
[N, 2, 3], a part for each run, or one of shape [2, 3] for all of them; outputs are written with the runs as their first axis.";

const EXAMPLES: &str = "\
Examples:
  anemone run model.mil --input x=random
  anemone run model.mlpackage --input image=cat.jpg --resize --output results
  anemone run model.mlpackage --input x=random --shape x=1,3,512,512
  anemone run model.mil --input x=random --trace run.json --dump conv_1=conv.npy
  anemone run decoder.mlpackage --function decode -i token=tokens.npy --steps 16 --state-out cache
  anemone run model.mil --input x=x.npy --profile f32     is it rounding, or a wrong graph?
  anemone run model.mil --input x=random:7 --json | jq '.outputs[] | {name, mean}'

In Python, numpy.save(\"x.npy\", x.astype(\"float16\")) writes an input, and numpy.load(\"results/y.npy\")
reads an output.";

/// Run a model once, on NumPy files or made-up inputs
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// An input: NAME=FILE.npy, NAME=random, NAME=random:SEED, NAME=zeros or NAME=ones, for images NAME=FILE.png or .jpg; for
    /// each input once
    #[arg(short, long = "input", value_name = "NAME=SOURCE")]
    inputs: Vec<Given>,
    /// Resize pictures that do not have the size of their input
    #[arg(long)]
    resize: bool,
    /// Write each output to DIR/NAME.npy
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Run N times, the states carried from run to run; each input and output has the runs as its first axis
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: Option<u32>,
    /// Begin with the states in DIR/NAME.npy, and not with zeros
    #[arg(long, value_name = "DIR")]
    state_in: Option<PathBuf>,
    /// Write what the states hold at the end to DIR/NAME.npy
    #[arg(long, value_name = "DIR")]
    state_out: Option<PathBuf>,
    /// Save a value on the way, by its name or that of its operation, to FILE.npy or else NAME.npy; may be repeated
    #[arg(long, value_name = "OP[=FILE]")]
    dump: Vec<Dump>,
    /// Write how long each step took to FILE, as a trace that Perfetto and Chrome open
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    neural: NeuralArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Serialize)]
struct OutputReport {
    name: String,
    shape: Vec<usize>,
    dtype: &'static str,
    #[serde(flatten)]
    statistics: Statistics,
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct InputReport {
    name: String,
    shape: Vec<usize>,
    dtype: &'static str,
    /// Finite elements of the file that are infinite as `fp16`.
    overflows: usize,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Run {
    model: PathBuf,
    function: String,
    /// Dimensions that the model leaves open.
    shapes: Vec<Chosen>,
    inputs: Vec<InputReport>,
    outputs: Vec<OutputReport>,
    /// Runs in a row, if that was asked for.
    steps: Option<usize>,
    /// Files of the states, of values on the way, and of the trace.
    states: Vec<PathBuf>,
    dumped: Vec<PathBuf>,
    trace: Option<PathBuf>,
    ran_on: RanOn,
    /// The CPU engine's own time; on the Neural Engine that of the whole run. Of all runs together.
    seconds: f64,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Run, Failure> {
    let model = Model::open(&args.model, cx)?;
    let function = model.function();
    let folder = args.output.as_deref().unwrap_or(Path::new(""));
    let saved = dump::saved(function, &args.dump, folder)?;
    let features = model.description().inputs;
    let steps = args.steps.map(|n| n as usize);
    let binding = Binding { features: &features, otherwise: None, steps, resize: args.resize };
    let bound = inputs::bind(function, &args.inputs, binding, cx)?;
    inputs::warn_of_overflow(&bound, cx);
    let mut files = Files::default();
    let on_neural = match args.only_on_cpu(function) {
        Some(why) => args.neural.not_asked_for(why)?,
        None => args.neural.run(&args.engine, &model.program, function, &bound, cx)?,
    };
    let (done, states) = match on_neural {
        Ok(done) => (done, Vec::new()),
        Err(why) => on_cpu(args, &model, &saved, &bound, &mut files, why)?,
    };
    let Done { outputs, ran_on, seconds } = done;
    let mut paths = match &args.output {
        Some(folder) => write(folder, function, &outputs, steps, &mut files)?,
        None => Vec::new(),
    }
    .into_iter();
    let dumped: Vec<_> = saved.iter().map(|s| s.path.clone()).collect();
    files.commit()?;
    let report = |(id, elements): (&ValueId, &Elements)| {
        let value = function.value(*id);
        OutputReport {
            name: value.name.to_string(),
            shape: shape(&value.ty.dims, steps),
            dtype: elements.dtype().name(),
            statistics: Statistics::of(elements),
            file: paths.next(),
        }
    };
    Ok(Run {
        function: function.name.to_string(),
        shapes: model.chosen.clone(),
        inputs: bound.iter().map(InputReport::new).collect(),
        outputs: function.outputs.iter().zip(&outputs).map(report).collect(),
        steps,
        states,
        dumped,
        trace: args.trace.clone(),
        ran_on,
        seconds,
        model: model.path,
    })
}

impl Args {
    /// Why only the CPU can do what is asked for.
    fn only_on_cpu(&self, function: &Function) -> Option<&'static str> {
        let reasons = [
            (!self.dump.is_empty(), "--dump saves what the CPU engine computes"),
            (self.trace.is_some(), "--trace times the steps of the CPU engine"),
            (self.steps.is_some(), "--steps is for the CPU engine"),
            (!function.states.is_empty(), "models with states run on the CPU engine"),
        ];
        reasons.into_iter().find_map(|(applies, why)| applies.then_some(why))
    }
}

/// Runs on the CPU, and adds files of what is saved on the way and of the states; gives the latter's paths.
fn on_cpu(
    args: &Args,
    model: &Model,
    saved: &[Saved],
    inputs: &[Bound],
    files: &mut Files,
    why: String,
) -> Result<(Done, Vec<PathBuf>), Failure> {
    let function = model.function();
    let steps = args.steps.map(|n| n as usize);
    let runs = steps.unwrap_or(1);
    if function.states.is_empty() && (args.state_in.is_some() || args.state_out.is_some()) {
        let message = format!("the function `{}` has no states to read or write", function.name);
        return Err(Problem::new("state", message).into());
    }
    let extended = with_outputs(function, saved.iter().map(|s| s.id));
    let engine = args.engine.plan(&extended)?;
    let mut state = engine.state().map_err(|e| problem(&e))?;
    if let Some(folder) = &args.state_in {
        states::read(&mut state, folder)?;
    }
    let progress = Progress::stage("running");
    let mut outputs = outputs(&engine, &extended, runs)?;
    let mut trace = args.trace.as_ref().map(|_| Trace::new());
    let mut took = Duration::ZERO;
    for step in 0..runs {
        let mut run = |observe: Option<&mut Observer<'_>>| {
            execute_step(&engine, &extended, step, inputs, &mut outputs, &mut state, observe)
        };
        took += match &mut trace {
            Some(trace) => trace.run(|observe| run(Some(observe)))?,
            None => run(None)?,
        };
    }
    drop(progress);
    for Saved { id, path } in saved {
        let elements = dump::of(&extended, &outputs, *id);
        files.add(path, |to| npy::write(to, &shape(&extended.ty(*id).dims, steps), elements))?;
    }
    let states = match &args.state_out {
        Some(folder) => states::write(&state, folder, files)?,
        None => Vec::new(),
    };
    if let (Some(path), Some(trace)) = (&args.trace, &trace) {
        trace.add_to(files, path, &engine, &extended, &model.path)?;
    }
    outputs.truncate(function.outputs.len());
    let done = Done { outputs, ran_on: RanOn::cpu(&engine, why), seconds: took.as_secs_f64() };
    Ok((done, states))
}

impl Run {
    fn time(&self) -> String {
        let all = table::seconds(self.seconds);
        match self.steps {
            Some(n) => format!("{all}, {} for each of {}", table::seconds(self.seconds / n as f64), plural(n, "step")),
            None => all,
        }
    }
}

/// Dimensions of what several runs give: the runs come first.
fn shape(dims: &[usize], steps: Option<usize>) -> Vec<usize> {
    steps.into_iter().chain(dims.iter().copied()).collect()
}

impl InputReport {
    fn new(bound: &Bound) -> InputReport {
        let Bound { name, ty, overflows, .. } = bound;
        InputReport { name: name.clone(), shape: ty.dims.to_vec(), dtype: ty.dtype.name(), overflows: *overflows }
    }
}

/// Adds a file for every output; gives their paths.
fn write(
    folder: &Path,
    function: &Function,
    outputs: &[Elements],
    steps: Option<usize>,
    files: &mut Files,
) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for (id, elements) in function.outputs.iter().zip(outputs) {
        let value = function.value(*id);
        let path = folder.join(format!("{}.npy", value.name));
        files.add(&path, |to| npy::write(to, &shape(&value.ty.dims, steps), elements))?;
        paths.push(path);
    }
    Ok(paths)
}

impl Report for Run {
    fn text(&self, style: Style) -> String {
        let odd = self.outputs.iter().any(|o| o.statistics.nan + o.statistics.inf > 0);
        let written = self.outputs.iter().any(|o| o.file.is_some());
        let mut columns = vec![("output", Align::Left), ("shape", Align::Left), ("dtype", Align::Left)];
        columns.extend([("min", Align::Right), ("max", Align::Right), ("mean", Align::Right)]);
        columns.extend([("nan", Align::Right), ("inf", Align::Right)].into_iter().filter(|_| odd));
        columns.extend([("file", Align::Left)].into_iter().filter(|_| written));
        let mut table = Table::new(&columns);
        for o in &self.outputs {
            let Statistics { min, max, mean, nan, inf } = &o.statistics;
            let mut row = vec![o.name.clone(), format!("{:?}", o.shape), o.dtype.to_owned()];
            row.extend([min, max, mean].map(|x| x.map_or_else(|| "-".to_owned(), table::value)));
            row.extend([nan, inf].into_iter().filter(|_| odd).map(|n| table::grouped(*n as u64)));
            row.extend(o.file.iter().map(|f| f.display().to_string()));
            table.row(row);
        }
        let mut facts = vec![
            ("ran on", self.ran_on.text()),
            ("profile", self.ran_on.profile_text().to_owned()),
            ("time", self.time()),
        ];
        let shape = |c: &Chosen| ("shape", format!("{} {} ({})", c.input, dims_text(&c.shape), c.from));
        facts.extend(self.shapes.iter().map(shape));
        let file = |name, path: &PathBuf| (name, path.display().to_string());
        facts.extend(self.dumped.iter().map(|path| file("saved", path)));
        facts.extend(self.states.iter().map(|path| file("state", path)));
        facts.extend(self.trace.iter().map(|path| ("trace", format!("{} (ui.perfetto.dev opens it)", path.display()))));
        format!("{}\n{}", table.text("", style), table::facts(&facts, style))
    }
}
