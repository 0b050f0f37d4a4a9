//! `anemone inspect`

mod about;

use crate::context::{Context, Report};
use crate::engine::{ProfileArg, plan};
use crate::failure::Failure;
use crate::model::{Chosen, Model, ModelArgs, dims_text};
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use about::{About, Weights};
use anemone_cpu::{Options, StepReport};
use anemone_ir::{Function, ValueId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

const LONG_ABOUT: &str = "\
Says what is in a model: what it tells of itself, inputs, outputs and states with the shapes that they may have, operations, \
weights and how they are compressed, multiply-accumulates; and how the CPU engine would run it: steps, operations that run \
together, memory.

Parameters are the elements of constant tensors of floats. Bytes moved by a step are those of its operands, results and \
weights, each counted once.";

const EXAMPLES: &str = "\
Examples:
  anemone inspect model.mil
  anemone inspect model.mil --plan                 each step with its operations and bytes
  anemone inspect model.mil --json | jq .plan.arena_bytes";

/// Say what is in a model, and how the CPU engine would run it
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Show each step of the plan
    #[arg(long)]
    plan: bool,
    /// How values of type fp16 are kept between operations
    #[arg(long, value_enum, default_value = "fp16")]
    profile: ProfileArg,
}

#[derive(Serialize)]
struct Port {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
}

#[derive(Serialize)]
struct Count {
    mnemonic: &'static str,
    count: usize,
    macs: u64,
}

#[derive(Serialize)]
struct Step {
    operations: Vec<String>,
    /// The names of what it computes last.
    results: Vec<String>,
    bytes_read: usize,
    bytes_written: usize,
    weight_bytes: usize,
    macs: u64,
}

#[derive(Serialize)]
struct Plan {
    profile: &'static str,
    steps: Vec<Step>,
    /// Operations that run together with others.
    fused: usize,
    arena_bytes: usize,
    unshared_bytes: usize,
    constant_bytes: usize,
    scratch_bytes_per_thread: usize,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Inspect {
    model: PathBuf,
    dialect: &'static str,
    function: String,
    functions: Vec<String>,
    opset: String,
    about: About,
    /// Dimensions that the model leaves open, as everything that follows has them.
    shapes: Vec<Chosen>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    states: Vec<Port>,
    /// Operations that compute, the most frequent first.
    operations: Vec<Count>,
    weights: Vec<Weights>,
    parameters: usize,
    parameter_bytes: usize,
    macs: u64,
    plan: Plan,
    #[serde(skip)]
    show_plan: bool,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Inspect, Failure> {
    let model = Model::open(&args.model, cx)?;
    let function = model.function();
    let options = Options { profile: args.profile.into(), threads: Some(1), ..Options::default() };
    let report = plan(function, options)?.report();
    let steps: Vec<_> = report.steps.iter().map(|step| Step::new(step, function)).collect();
    let weights = about::weights(function);
    Ok(Inspect {
        dialect: model.dialect().name(),
        function: function.name.to_string(),
        functions: model.file.tree().functions.iter().map(|f| f.name.name.to_string()).collect(),
        opset: function.opset.to_string(),
        about: About::of(&model),
        shapes: model.chosen.clone(),
        inputs: ports(function, &function.params),
        outputs: ports(function, &function.outputs),
        operations: operations(function),
        states: ports(function, &function.states),
        parameters: weights.iter().map(|w| w.elements()).sum(),
        parameter_bytes: weights.iter().map(|w| w.bytes()).sum(),
        weights,
        macs: function.macs(),
        plan: Plan {
            profile: options.profile.name(),
            fused: steps.iter().map(|s| s.operations.len()).filter(|n| *n > 1).sum(),
            arena_bytes: report.arena_bytes,
            unshared_bytes: report.unshared_bytes,
            constant_bytes: report.constant_bytes,
            scratch_bytes_per_thread: report.scratch_bytes,
            steps,
        },
        show_plan: args.plan,
        model: model.path,
    })
}

fn ports(function: &Function, ids: &[ValueId]) -> Vec<Port> {
    let port = |id: &ValueId| {
        let value = function.value(*id);
        Port { name: value.name.to_string(), dtype: value.ty.dtype.name(), shape: value.ty.dims.to_vec() }
    };
    ids.iter().map(port).collect()
}

/// Operations that compute, the most frequent first.
fn operations(function: &Function) -> Vec<Count> {
    let mut counts: BTreeMap<&'static str, (usize, u64)> = BTreeMap::new();
    for node in function.nodes.iter().filter(|n| n.op.schema().computes) {
        let (count, macs) = counts.entry(node.mnemonic()).or_default();
        *count += 1;
        *macs = macs.saturating_add(node.macs);
    }
    let mut out: Vec<_> = counts.into_iter().map(|(mnemonic, (count, macs))| Count { mnemonic, count, macs }).collect();
    out.sort_by_key(|c| std::cmp::Reverse(c.count));
    out
}

impl Step {
    fn new(report: &StepReport, function: &Function) -> Step {
        let last = report.nodes.last().map(|at| &function.nodes[*at]);
        let results = last.iter().flat_map(|n| &n.results).map(|id| function.value(*id).name.to_string());
        Step {
            operations: report.operations.clone(),
            results: results.collect(),
            bytes_read: report.bytes_read,
            bytes_written: report.bytes_written,
            weight_bytes: report.weight_bytes,
            macs: report.macs,
        }
    }
}

impl Report for Inspect {
    fn text(&self, style: Style) -> String {
        let computing: usize = self.operations.iter().map(|c| c.count).sum();
        let mut facts = vec![("model", self.model.display().to_string())];
        facts.extend(self.about.facts());
        if self.functions.len() > 1 {
            facts.push(("functions", self.functions.join(", ")));
        }
        let plan = &self.plan;
        facts.extend([
            ("function", format!("{}, {}, dialect {}", self.function, self.opset, self.dialect)),
            (
                "operations",
                format!("{} that compute, in {}", table::grouped(computing as u64), plural(plan.steps.len(), "step")),
            ),
            ("parameters", format!("{} ({})", table::count(self.parameters as u64), size(self.parameter_bytes))),
            ("work", format!("{} multiply-accumulates a run", table::count(self.macs))),
        ]);
        let memory = [
            (
                "intermediate values",
                format!("{} ({} without sharing)", size(plan.arena_bytes), size(plan.unshared_bytes)),
            ),
            ("constants", size(plan.constant_bytes)),
            ("scratch", format!("{} for each thread", size(plan.scratch_bytes_per_thread))),
            ("fused", format!("{} run together with others", plural(plan.fused, "operation"))),
        ];
        let shape = |c: &Chosen| ("shape", format!("{} {} ({})", c.input, dims_text(&c.shape), c.from));
        facts.extend(self.shapes.iter().map(shape));
        let tables = [
            self.ports(style),
            self.about.table(style),
            self.operations(style),
            about::weights_table(&self.weights, style),
        ];
        let mut out = table::facts(&facts, style);
        for table in tables.iter().filter(|t| !t.is_empty()) {
            out += &format!("\n{table}");
        }
        out += &format!(
            "\n{}\n{}",
            style.heading(&format!("plan (profile {})", plan.profile)),
            indent(&table::facts(&memory, style))
        );
        if self.show_plan {
            out += &format!("\n{}", steps(&plan.steps, style));
        }
        out
    }
}

impl Inspect {
    fn ports(&self, style: Style) -> String {
        let mut table =
            Table::new(&[("", Align::Left), ("name", Align::Left), ("dtype", Align::Left), ("shape", Align::Left)]);
        for (kind, ports) in [("input", &self.inputs), ("output", &self.outputs), ("state", &self.states)] {
            for port in ports {
                table.row(vec![kind.to_owned(), port.name.clone(), port.dtype.to_owned(), format!("{:?}", port.shape)]);
            }
        }
        table.text("", style)
    }

    fn operations(&self, style: Style) -> String {
        let mut table = Table::new(&[("operation", Align::Left), ("count", Align::Right), ("MACs", Align::Right)]);
        for c in &self.operations {
            let macs = if c.macs == 0 { "-".to_owned() } else { table::count(c.macs) };
            table.row(vec![c.mnemonic.to_owned(), table::grouped(c.count as u64), macs]);
        }
        table.text("", style)
    }
}

fn size(bytes: usize) -> String {
    table::bytes(bytes as u64)
}

fn indent(text: &str) -> String {
    text.lines().map(|l| format!("  {l}\n")).collect()
}

/// The steps of a plan.
fn steps(steps: &[Step], style: Style) -> String {
    let right = ["reads", "weights", "writes", "MACs"].map(|heading| (heading, Align::Right));
    let mut columns = vec![("step", Align::Right)];
    columns.extend(right);
    columns.extend([("result", Align::Left), ("operations", Align::Left)]);
    let mut table = Table::new(&columns);
    for (at, step) in steps.iter().enumerate() {
        let operations = if step.operations.is_empty() { "copy".to_owned() } else { step.operations.join(" + ") };
        let or_none = |n: usize| if n == 0 { "-".to_owned() } else { size(n) };
        let macs = if step.macs == 0 { "-".to_owned() } else { table::count(step.macs) };
        table.row(vec![
            at.to_string(),
            or_none(step.bytes_read),
            or_none(step.weight_bytes),
            or_none(step.bytes_written),
            macs,
            step.results.join(", "),
            operations,
        ]);
    }
    table.text("", style)
}
