//! `anemone run`

use crate::context::{Context, Report};
use crate::elements::{Elements, Statistics};
use crate::engine::{EngineArgs, RanOn, execute, outputs};
use crate::failure::Failure;
use crate::files::Files;
use crate::inputs::{self, Bound, Given};
use crate::model::Model;
use crate::neural::{Done, NeuralArgs};
use crate::npy;
use crate::progress::Progress;
use crate::style::Style;
use crate::table::{self, Align, Table};
use anemone_ir::{Function, ValueId};
use serde::Serialize;
use std::path::{Path, PathBuf};

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

With --output, each output is written to DIR/NAME.npy: all of them, or none if anything fails.";

const EXAMPLES: &str = "\
Examples:
  anemone run model.mil --input x=random
  anemone run model.mil --input image=cat.npy --input scale=ones --output results
  anemone run model.mil --input x=x.npy --profile f32     is it rounding, or a wrong graph?
  anemone run model.mil --input x=random:7 --json | jq '.outputs[] | {name, mean}'

In Python, numpy.save(\"x.npy\", x.astype(\"float16\")) writes an input, and numpy.load(\"results/y.npy\")
reads an output.";

/// Run a model once, on NumPy files or made-up inputs
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file of MIL text, or a folder with model.mil
    model: PathBuf,
    /// An input: NAME=FILE.npy, NAME=random, NAME=random:SEED, NAME=zeros or NAME=ones; for each input once
    #[arg(short, long = "input", value_name = "NAME=SOURCE")]
    inputs: Vec<Given>,
    /// Write each output to DIR/NAME.npy
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Run this function of the model; `main` if not given
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
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
    inputs: Vec<InputReport>,
    outputs: Vec<OutputReport>,
    ran_on: RanOn,
    /// The CPU engine's own time; on the Neural Engine that of the whole run.
    seconds: f64,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Run, Failure> {
    let model = Model::open(&args.model, cx)?;
    let function = model.function(args.function.as_deref())?;
    let bound = inputs::bind(function, &args.inputs, None)?;
    inputs::warn_of_overflow(&bound, cx);
    let Done { outputs, ran_on, seconds } = match args.neural.run(&args.engine, &model.program, function, &bound, cx)? {
        Ok(done) => done,
        Err(why) => on_cpu(&args.engine, function, &bound, why)?,
    };
    let files = match &args.output {
        Some(folder) => write(folder, function, &outputs)?,
        None => Vec::new(),
    };
    let mut files = files.into_iter();
    let report = |(id, elements): (&ValueId, &Elements)| {
        let value = function.value(*id);
        OutputReport {
            name: value.name.to_string(),
            shape: value.ty.dims.to_vec(),
            dtype: elements.dtype().name(),
            statistics: Statistics::of(elements),
            file: files.next(),
        }
    };
    Ok(Run {
        function: function.name.to_string(),
        inputs: bound.iter().map(InputReport::new).collect(),
        outputs: function.outputs.iter().zip(&outputs).map(report).collect(),
        ran_on,
        seconds,
        model: model.path,
    })
}

fn on_cpu(args: &EngineArgs, function: &Function, inputs: &[Bound], why: String) -> Result<Done, Failure> {
    let engine = args.plan(function)?;
    let _progress = Progress::stage("running");
    let mut outputs = outputs(&engine, function)?;
    let took = execute(&engine, function, inputs, &mut outputs)?;
    Ok(Done { outputs, ran_on: RanOn::cpu(&engine, why), seconds: took.as_secs_f64() })
}

impl InputReport {
    fn new(bound: &Bound) -> InputReport {
        let Bound { name, ty, overflows, .. } = bound;
        InputReport { name: name.clone(), shape: ty.dims.to_vec(), dtype: ty.dtype.name(), overflows: *overflows }
    }
}

/// Writes every output, or none; gives the files.
fn write(folder: &Path, function: &Function, outputs: &[Elements]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Files::default();
    let mut paths = Vec::new();
    for (id, elements) in function.outputs.iter().zip(outputs) {
        let value = function.value(*id);
        let path = folder.join(format!("{}.npy", value.name));
        files.add(&path, |to| npy::write(to, &value.ty.dims, elements))?;
        paths.push(path);
    }
    files.commit()?;
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
        let facts = [
            ("ran on", self.ran_on.text()),
            ("profile", self.ran_on.profile_text().to_owned()),
            ("time", table::seconds(self.seconds)),
        ];
        format!("{}\n{}", table.text("", style), table::facts(&facts, style))
    }
}
