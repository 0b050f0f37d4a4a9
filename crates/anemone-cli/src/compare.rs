//! `anemone compare`

mod measure;
mod side;
mod tolerance;
mod values;

use crate::context::{Context, Report};
use crate::engine::ProfileArg;
use crate::failure::{Failure, Problem};
use crate::inputs::Given;
use crate::model::{ModelArgs, PartArgs};
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use measure::{HEADINGS, Measure};
use serde::Serialize;
use side::{Arrays, Side};
use std::path::{Path, PathBuf};
use tolerance::Tolerances;
use values::{Compared, Values};

const LONG_ABOUT: &str = "\
Says how far apart the outputs of two models are on the same inputs; or those of one model under two profiles; or those of a \
model and arrays that were kept, as `anemone run --output DIR` writes them. Outputs are matched by name.

For each output there are the largest difference, in numbers and in units in the last place (of fp16 if one of the two is \
that, else of fp32); the cosine of the angle between the two; the signal-to-noise ratio, in decibels, with B as the signal; \
and whether the largest element is at the same place, in each row along the last axis.

Where outputs differ, values on the way that both models have under the same name are compared too: the first that differs \
at all, and the first whose signal-to-noise ratio is below --parted, are where to look.

With --tolerance FILE the exit code is 1 if an output is further off than the file says. The file is TOML, or JSON if it is \
called so, with a table for each output and [\"*\"] for the others. What is in a table must hold all together:
  abs, rel   of each element, |a - b| <= abs + rel * |b|
  ulp        of each element, at the most
  cosine     at least
  snr        in decibels, at least
  top1       the part of the rows whose largest element is at the same place, at least

Inputs that are not given are random. Models run on the CPU engine; states begin as zeros.";

const EXAMPLES: &str = "\
Examples:
  anemone compare a.mlpackage b.mlpackage --input image=cat.png
  anemone compare model.mlpackage --profile-a fp16 --profile-b f32      what rounding does
  anemone run model.mlpackage -i x=x.npy -o golden                      to be kept, and then in CI:
  anemone compare model.mlpackage golden -i x=x.npy --tolerance tolerance.toml
  anemone compare a.mil b.mil --trace-values                            every value that both have

A file of tolerances:
  [\"*\"]
  snr = 40
  [logits]
  abs = 1e-2
  top1 = 1.0";

/// Say how far apart the outputs of two models, profiles or runs are, and where they part
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// A model, in any form
    a: PathBuf,
    /// Another one, or a folder with NAME.npy for each output; the same model if not given
    b: Option<PathBuf>,
    #[command(flatten)]
    part: PartArgs,
    /// An input of both, as for `anemone run`; random if not given
    #[arg(short, long = "input", value_name = "NAME=SOURCE")]
    inputs: Vec<Given>,
    /// Resize pictures that do not have the size of their input
    #[arg(long)]
    resize: bool,
    /// How A keeps values of type fp16
    #[arg(long, value_enum, default_value = "fp16")]
    profile_a: ProfileArg,
    /// How B does; as A if not given
    #[arg(long, value_enum)]
    profile_b: Option<ProfileArg>,
    /// Threads; by default what ANEMONE_THREADS says, or else one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=anemone_cpu::MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Fail if an output is further off than FILE says
    #[arg(long, value_name = "FILE")]
    tolerance: Option<PathBuf>,
    /// Compare every value that both have, and show all of them
    #[arg(long)]
    trace_values: bool,
    /// Values have parted when their signal-to-noise ratio is below so many decibels
    #[arg(long, value_name = "DB", default_value = "40")]
    parted: f64,
}

#[derive(Serialize)]
struct OutputReport {
    name: String,
    shape: Vec<usize>,
    #[serde(flatten)]
    measure: Measure,
    /// What is not as the tolerances ask for.
    broken: Vec<String>,
}

/// One of the two.
#[derive(Serialize)]
struct About {
    path: PathBuf,
    function: Option<String>,
    profile: Option<&'static str>,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Compare {
    a: About,
    b: About,
    outputs: Vec<OutputReport>,
    /// Outputs that only one of the two has.
    unmatched: Vec<String>,
    tolerance: Option<PathBuf>,
    /// Whether every output is as the tolerances ask for; absent without them.
    within: Option<bool>,
    parted_below: f64,
    /// Absent if values were not compared.
    values: Option<Values>,
    #[serde(skip)]
    show_values: bool,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Compare, Failure> {
    let tolerances = args.tolerance.as_deref().map(Tolerances::read).transpose()?;
    let arrays = args.b.as_deref().filter(|b| side::is_folder_of_arrays(b));
    args.check(arrays)?;
    let a = args.side(&args.a, args.profile_a, cx)?;
    let b = match arrays {
        Some(_) => None,
        None => {
            let path = args.b.as_deref().unwrap_or(&args.a);
            Some(args.side(path, args.profile_b.unwrap_or(args.profile_a), cx)?)
        }
    };
    let outputs_a = a.outputs()?;
    let outputs_b = match (&b, arrays) {
        (Some(b), _) => b.outputs()?,
        (None, folder) => side::read_arrays(&a, folder.unwrap_or(Path::new("")))?,
    };
    let (outputs, unmatched) = outputs(&outputs_a, &outputs_b, tolerances.as_ref())?;
    if let Some(unknown) = tolerances.as_ref().map(|t| t.unknown(&names(&outputs))).filter(|names| !names.is_empty()) {
        cx.warn(&format!("the tolerances are also for {}, which is no output of both", unknown.join(", ")));
    }
    let differ = outputs.iter().any(|o| !o.measure.is_equal());
    let values = match &b {
        Some(b) if differ || args.trace_values => Some(Values::of(&a, b, args.parted, args.trace_values)?),
        _ => None,
    };
    let within = || unmatched.is_empty() && outputs.iter().all(|o| o.broken.is_empty());
    Ok(Compare {
        within: tolerances.as_ref().map(|_| within()),
        b: match (&b, args.b.clone()) {
            (Some(b), _) => b.about(),
            (None, path) => About { path: path.unwrap_or_default(), function: None, profile: None },
        },
        a: a.about(),
        outputs,
        unmatched,
        tolerance: args.tolerance.clone(),
        parted_below: args.parted,
        values,
        show_values: args.trace_values,
    })
}

impl Args {
    fn check(&self, arrays: Option<&Path>) -> Result<(), Failure> {
        let usage = |message: &str| Err(Failure::from(Problem::new("usage", message)).usage());
        if self.b.is_none() && self.profile_b.is_none() {
            return usage(
                "there is nothing to compare with: name a second model or a folder of arrays, or use --profile-b",
            );
        }
        if arrays.is_some() && self.profile_b.is_some() {
            return usage("--profile-b is for a model, and B is a folder of arrays");
        }
        if arrays.is_some() && self.trace_values {
            return usage("--trace-values is for two models, and B is a folder of arrays");
        }
        Ok(())
    }

    fn side(&self, path: &Path, profile: ProfileArg, cx: &Context) -> Result<Side, Failure> {
        let model = ModelArgs { model: path.to_owned(), part: self.part.clone() };
        Side::new(&model, &self.inputs, self.resize, profile, self.threads, cx)
    }
}

fn names(outputs: &[OutputReport]) -> Vec<&str> {
    outputs.iter().map(|o| o.name.as_str()).collect()
}

/// The outputs of both, compared; and the names of those that only one has.
fn outputs(
    a: &Arrays,
    b: &Arrays,
    tolerances: Option<&Tolerances>,
) -> Result<(Vec<OutputReport>, Vec<String>), Failure> {
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    for (name, x) in a {
        let Some((_, y)) = b.iter().find(|(other, _)| other == name) else { continue };
        if x.ty.dims != y.ty.dims {
            let message = format!("output `{name}` is {} of A and {} of B", x.ty, y.ty);
            problems.push(Problem::new("shape", message));
            continue;
        }
        let (numbers_a, numbers_b) = (x.elements.to_f64(), y.elements.to_f64());
        let measure = x.measure(y, &numbers_a, &numbers_b);
        let tolerance = tolerances.and_then(|t| t.of(name));
        let broken = tolerance.map(|t| t.broken(&measure, &numbers_a, &numbers_b)).unwrap_or_default();
        out.push(OutputReport { name: name.clone(), shape: x.ty.dims.to_vec(), measure, broken });
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let only = |a: &Arrays, b: &Arrays| -> Vec<String> {
        a.iter().map(|(name, _)| name.clone()).filter(|name| !b.iter().any(|(other, _)| other == name)).collect()
    };
    let (only_a, only_b) = (only(a, b), only(b, a));
    if out.is_empty() {
        let message = format!("no output has the same name: A has {}, and B {}", only_a.join(", "), only_b.join(", "));
        return Err(Problem::new("outputs", message).hint("outputs are matched by name").into());
    }
    Ok((out, only_a.into_iter().chain(only_b).collect()))
}

impl Report for Compare {
    fn text(&self, style: Style) -> String {
        let about = |side: &About| {
            let function = side.function.as_ref().map(|f| format!(", function {f}")).unwrap_or_default();
            let profile = side.profile.map_or_else(|| ", arrays".to_owned(), |p| format!(", profile {p}"));
            format!("{}{function}{profile}", side.path.display())
        };
        let mut out = table::facts(&[("A", about(&self.a)), ("B", about(&self.b))], style) + "\n";
        let mut columns = vec![("output", Align::Left), ("shape", Align::Left)];
        columns.extend(HEADINGS.map(|heading| (heading, Align::Right)));
        let mut table = Table::new(&columns);
        for o in &self.outputs {
            let mut row = vec![o.name.clone(), format!("{:?}", o.shape)];
            row.extend(o.measure.cells());
            table.row(row);
        }
        out += &table.text("", style);
        let mut facts = Vec::new();
        if !self.unmatched.is_empty() {
            facts.push(("only in one", self.unmatched.join(", ")));
        }
        if let Some(values) = &self.values {
            facts.extend(self.parting(values));
        }
        facts.extend(self.verdict());
        if !facts.is_empty() {
            out += &format!("\n{}", table::facts(&facts, style));
        }
        if let Some(values) = self.values.as_ref().filter(|_| self.show_values) {
            out += &format!("\n{}", values.table(style));
        }
        out
    }

    fn code(&self) -> u8 {
        u8::from(self.within == Some(false))
    }
}

impl Compare {
    fn parting(&self, values: &Values) -> Vec<(&'static str, String)> {
        let text = |found: &Option<Compared>| {
            let none = || format!("none of {} that both have", plural(values.compared, "value"));
            found.as_ref().map_or_else(none, Compared::text)
        };
        let mut facts = vec![("first to differ", text(&values.first_different))];
        let below = format!("below {} dB", self.parted_below);
        facts.push((
            "first to part",
            match &values.first_parted {
                Some(value) => format!("{} ({below})", value.text()),
                None => format!("none is {below}"),
            },
        ));
        facts
    }

    fn verdict(&self) -> Vec<(&'static str, String)> {
        let (Some(within), Some(path)) = (self.within, &self.tolerance) else { return Vec::new() };
        if within {
            return vec![("tolerance", format!("kept, as {} asks for it", path.display()))];
        }
        let broken = self.outputs.iter().flat_map(|o| o.broken.iter().map(|what| format!("{}: {what}", o.name)));
        let unmatched = self.unmatched.iter().map(|name| format!("{name}: in one of the two only"));
        broken.chain(unmatched).map(|text| ("BROKEN", text)).collect()
    }
}
