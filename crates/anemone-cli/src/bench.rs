//! `anemone bench`

mod reference;

use crate::context::{Context, Report};
use crate::elements::Elements;
use crate::engine::{EngineArgs, RanOn, execute, outputs};
use crate::failure::{Failure, Problem};
use crate::inputs::{self, Binding, Bound, Given, Source};
use crate::machine::Machine;
use crate::model::{Model, ModelArgs};
use crate::progress::Progress;
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use anemone_cpu::{Engine, peak};
use anemone_ir::Function;
use reference::Comparison;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const LONG_ABOUT: &str = "\
Measures how fast a model runs on the CPU engine.

First the result is checked: with the reference, an evaluation of each operation as it is defined, if that does not take too \
long; and that every run gives equal bytes. A wrong result is a failure, and nothing is measured. Then the model is run again \
and again; times are the engine's own, without binding inputs. At last the machine's peak is measured, with the same threads \
and vector instructions: multiply-adds in registers, and reading memory.

A share of the peak's bandwidth above 100 % says that data came from caches. Inputs that are not given are random. Times \
depend on what else the machine does, on its power supply and its temperature: compare runs made one after the other.";

const EXAMPLES: &str = "\
Examples:
  anemone bench model.mil
  anemone bench model.mil --threads 1 --seconds 10
  anemone bench model.mil --iterations 1000 --input x=x.npy
  anemone bench model.mil --json | jq '{p50: .seconds.p50, gflops}'";

/// How long the engine runs before it is measured, at least.
const WARM_UP: Duration = Duration::from_millis(200);
/// Runs that are compared with each other.
const REPEATS: usize = 3;
/// The fewest runs that are measured, however long they take.
const FEWEST: usize = 5;
/// The most runs that are measured.
const MOST: u64 = 10_000_000;
/// How many times the median the 95th percentile is on a machine that is not left alone.
const UNSTEADY: f64 = 1.5;
/// How long each of the two peaks is measured.
const PEAK: Duration = Duration::from_millis(300);

/// Measure how fast a model runs, after checking that it runs rightly
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Measure N runs
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    iterations: Option<u64>,
    /// Measure for S seconds
    #[arg(long, value_name = "S", default_value = "2", value_parser = seconds)]
    seconds: Duration,
    /// An input: NAME=FILE.npy, NAME=random, NAME=random:SEED, NAME=zeros or NAME=ones; for images NAME=FILE.png or .jpg
    #[arg(short, long = "input", value_name = "NAME=SOURCE")]
    inputs: Vec<Given>,
    /// Resize pictures that do not have the size of their input
    #[arg(long)]
    resize: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

fn seconds(s: &str) -> Result<Duration, String> {
    let number = s.parse::<f64>().ok().filter(|n| (0.001..=3600.0).contains(n));
    number.map(Duration::from_secs_f64).ok_or_else(|| "a number from 0.001 to 3600 is wanted".to_owned())
}

/// Times of runs in seconds; percentiles are times of runs that were measured.
#[derive(Serialize)]
struct Times {
    min: f64,
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
    mean: f64,
}

impl Times {
    fn of(mut times: Vec<f64>) -> Times {
        times.sort_by(f64::total_cmp);
        // The smallest time that so many of a hundred runs do not exceed.
        let percentile = |p: usize| times[(times.len() * p).div_ceil(100).max(1) - 1];
        Times {
            min: times[0],
            p50: percentile(50),
            p95: percentile(95),
            p99: percentile(99),
            max: times[times.len() - 1],
            mean: times.iter().sum::<f64>() / times.len() as f64,
        }
    }
}

#[derive(Serialize)]
struct Peak {
    gflops: f64,
    gbytes_per_second: f64,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Bench {
    model: PathBuf,
    function: String,
    version: &'static str,
    optimised: bool,
    machine: Machine,
    ran_on: RanOn,
    reference: Comparison,
    /// Runs that gave equal bytes before anything was measured.
    equal_runs: usize,
    runs: usize,
    seconds: Times,
    macs: u64,
    /// Weights and activations, each counted when a step reads or writes it.
    bytes_moved: usize,
    gflops: f64,
    gbytes_per_second: f64,
    peak: Peak,
    /// Parts of the peak, at the median time.
    share_of_flops: f64,
    share_of_bandwidth: f64,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Bench, Failure> {
    let model = Model::open(&args.model, cx)?;
    let function = model.function();
    let description = model.description();
    let binding = Binding {
        features: &description.inputs,
        otherwise: Some(&Source::Random(0)),
        resize: args.resize,
        ..Binding::default()
    };
    let bound = inputs::bind(function, &args.inputs, binding, cx)?;
    inputs::warn_of_overflow(&bound, cx);
    let engine = args.engine.plan(function)?;
    let mut results = outputs(&engine, function, 1)?;
    let reference = checked(&engine, function, &bound, &mut results)?;
    if cfg!(debug_assertions) {
        cx.warn("this program was built without optimisation: its times say nothing about anemone");
    }
    let times = measure(args, || execute(&engine, function, &bound, &mut results))?;
    let runs = times.len();
    let seconds = Times::of(times);
    if seconds.p95 > UNSTEADY * seconds.p50 {
        cx.note("times vary a lot, as they do when other programs use the machine: measure again, or trust `min`");
    }
    let steps = engine.report().steps;
    let bytes_moved = steps.iter().map(|s| s.bytes_read + s.bytes_written + s.weight_bytes).sum();
    let gflops = 2.0 * function.macs() as f64 / seconds.p50 / 1e9;
    let gbytes_per_second = bytes_moved as f64 / seconds.p50 / 1e9;
    let progress = Progress::stage("measuring the machine's peak");
    let peak = peak(engine.level(), engine.threads(), PEAK);
    drop(progress);
    let peak = Peak { gflops: peak.flops / 1e9, gbytes_per_second: peak.bytes / 1e9 };
    Ok(Bench {
        function: function.name.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        optimised: !cfg!(debug_assertions),
        machine: Machine::this(),
        ran_on: RanOn::only_cpu(&engine),
        reference,
        equal_runs: REPEATS,
        runs,
        seconds,
        macs: function.macs(),
        bytes_moved,
        gflops,
        gbytes_per_second,
        share_of_flops: gflops / peak.gflops,
        share_of_bandwidth: gbytes_per_second / peak.gbytes_per_second,
        peak,
        model: model.path,
    })
}

/// Runs a few times, and checks the result; leaves it in `results`.
fn checked(
    engine: &Engine,
    function: &Function,
    bound: &[Bound],
    results: &mut [Elements],
) -> Result<Comparison, Failure> {
    let _progress = Progress::stage("checking the result");
    execute(engine, function, bound, results)?;
    let first = results.to_vec();
    for _ in 1..REPEATS {
        execute(engine, function, bound, results)?;
        if first.iter().zip(&*results).any(|(a, b)| a.bytes() != b.bytes()) {
            let problem = Problem::new("repeat", "two runs on the same inputs gave different bytes");
            return Err(problem.hint("this is a bug of anemone: please report it, with the model").into());
        }
    }
    let comparison = reference::compare(function, engine.profile(), bound, results);
    match comparison.problem() {
        Some(problem) => Err(problem.into()),
        None => Ok(comparison),
    }
}

/// The times of runs, after warming up.
fn measure(args: &Args, mut run: impl FnMut() -> Result<Duration, Failure>) -> Result<Vec<f64>, Failure> {
    let begin = Instant::now();
    while begin.elapsed() < WARM_UP {
        run()?;
    }
    let most = args.iterations.unwrap_or(MOST) as usize;
    let fewest = args.iterations.map_or(FEWEST, |n| n as usize);
    let progress = Progress::steps("measuring", 1000);
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < most && (times.len() < fewest || begin.elapsed() < args.seconds) {
        times.push(run()?.as_secs_f64());
        let part = match args.iterations {
            Some(n) => times.len() as f64 / n as f64,
            None => begin.elapsed().as_secs_f64() / args.seconds.as_secs_f64(),
        };
        progress.at((part * 1000.0) as u64);
    }
    Ok(times)
}

impl Report for Bench {
    fn text(&self, style: Style) -> String {
        let first = table::facts(
            &[
                ("model", format!("{}, function {}", self.model.display(), self.function)),
                ("ran on", self.ran_on.text()),
                ("profile", self.ran_on.profile_text().to_owned()),
                ("result", format!("{}; {} gave equal bytes", self.reference.text(), plural(self.equal_runs, "run"))),
            ],
            style,
        );
        let columns = ["runs", "min", "p50", "p95", "p99"].map(|heading| (heading, Align::Right));
        let mut times = Table::new(&columns);
        let Times { min, p50, p95, p99, .. } = self.seconds;
        let mut row = vec![table::grouped(self.runs as u64)];
        row.extend([min, p50, p95, p99].map(table::seconds));
        times.row(row);
        let mut speed = Table::new(&[
            ("", Align::Left),
            ("a run", Align::Right),
            ("at p50", Align::Right),
            ("peak", Align::Right),
            ("share", Align::Right),
        ]);
        let mut rate = |name: &str, per_run: String, rates: [f64; 2], unit: &str, share: f64| {
            let [at_p50, peak] = rates.map(|x| format!("{} {unit}", table::three_digits(x)));
            speed.row(vec![
                name.to_owned(),
                per_run,
                at_p50,
                peak,
                format!("{} %", table::three_digits(share * 100.0)),
            ]);
        };
        let macs = format!("{} MACs", table::count(self.macs));
        rate("arithmetic", macs, [self.gflops, self.peak.gflops], "GFLOP/s", self.share_of_flops);
        let bytes = table::bytes(self.bytes_moved as u64);
        let rates = [self.gbytes_per_second, self.peak.gbytes_per_second];
        rate("memory", bytes, rates, "GB/s", self.share_of_bandwidth);
        format!("{first}\n{}\n{}", times.text("", style), speed.text("", style))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = Times::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(
            [times.min, times.p50, times.p95, times.p99, times.max, times.mean],
            [1.0, 100.0, 190.0, 198.0, 200.0, 100.5]
        );
        let one = Times::of(vec![3.0]);
        assert_eq!([one.min, one.p50, one.p99, one.max], [3.0; 4]);
    }

    #[test]
    fn seconds_are_in_a_range() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["0", "-1", "nan", "inf", "1e9", "x"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
