//! What a run is given: `--input NAME=SOURCE`, bound to a function's inputs.

mod file;
mod image;

use crate::context::Context;
use crate::elements::Elements;
use crate::failure::{Failure, Problem};
use crate::table::{self, Align, Table, plural};
use anemone_ir::{DType, Function, TensorType};
use anemone_mil::description::Feature;
pub(crate) use file::tensor;
use half::f16;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the elements of an input come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Random(u64),
    Zeros,
    Ones,
}

/// `NAME=SOURCE` of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) source: Source,
}

impl FromStr for Given {
    type Err = String;

    fn from_str(s: &str) -> Result<Given, String> {
        let Some((name, source)) = s.split_once('=').filter(|(name, source)| !name.is_empty() && !source.is_empty())
        else {
            return Err("NAME=SOURCE is wanted, such as x=x.npy, x=random, x=random:7, x=zeros or x=ones".to_owned());
        };
        let source = match (source, source.strip_prefix("random:")) {
            ("zeros", _) => Source::Zeros,
            ("ones", _) => Source::Ones,
            ("random", _) => Source::Random(0),
            (_, Some(seed)) => {
                let seed =
                    seed.parse().map_err(|_| format!("the seed `{seed}` is no whole number from 0 to 2^64 - 1"))?;
                Source::Random(seed)
            }
            (file, None) => Source::File(file.into()),
        };
        Ok(Given { name: name.to_owned(), source })
    }
}

/// An input with its elements.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) ty: TensorType,
    /// Of the input's type; or `fp32` for an `fp16` input, which the engine rounds.
    pub(crate) elements: Elements,
    /// How many finite elements are too large for `fp16`.
    pub(crate) overflows: usize,
    /// Whether the elements are those of several runs, one after the other.
    pub(crate) each_step: bool,
}

impl Bound {
    /// Where the elements of a run are.
    pub(crate) fn at(&self, step: usize) -> Range<usize> {
        let len = self.ty.dims.elements();
        let begin = if self.each_step { step * len } else { 0 };
        begin..begin + len
    }
}

/// How to bind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Binding<'a> {
    /// What the model tells of the function's inputs: which of them are images.
    pub(crate) features: &'a [Feature],
    /// What an input is that is not given.
    pub(crate) otherwise: Option<&'a Source>,
    /// How many runs there are in a row, if each may have inputs of its own.
    pub(crate) steps: Option<usize>,
    /// Whether images may be resized.
    pub(crate) resize: bool,
}

/// Binds by name.
///
/// # Errors
/// Everything that is wrong with what is given, with a list of the function's inputs.
pub(crate) fn bind(
    function: &Function,
    given: &[Given],
    how: Binding<'_>,
    cx: &Context,
) -> Result<Vec<Bound>, Failure> {
    twice(given)?;
    let mut problems = unknown(function, given);
    let mut bound = Vec::new();
    for id in &function.params {
        let (name, ty) = (&*function.value(*id).name, *function.ty(*id));
        let source = given.iter().find(|g| g.name == name).map(|g| &g.source).or(how.otherwise);
        match source {
            Some(source) => match elements(name, &ty, source, how, cx) {
                Ok(elements) => {
                    let overflows = overflows(&ty, &elements);
                    let each_step = elements.len() > ty.dims.elements();
                    bound.push(Bound { name: name.to_owned(), ty, elements, overflows, each_step });
                }
                Err(problem) => problems.push(problem),
            },
            None => {
                let file = if image::is_image(how.features, name) { "FILE.png" } else { "FILE.npy" };
                let hint = format!("add --input {name}={file}, or {name}=random, {name}=zeros, {name}=ones");
                problems
                    .push(Problem::new("input-missing", format!("the input `{name}` ({ty}) is not given")).hint(hint));
            }
        }
    }
    if problems.is_empty() {
        return Ok(bound);
    }
    Err(Failure::from(problems).note(list(function)))
}

/// One name given two values is a mistake of the command line, whatever the model.
fn twice(given: &[Given]) -> Result<(), Failure> {
    let again = given.iter().enumerate().find(|(at, g)| given[..*at].iter().any(|before| before.name == g.name));
    again.map_or(Ok(()), |(_, g)| {
        Err(Failure::from(Problem::new("usage", format!("--input gives `{}` more than once", g.name))).usage())
    })
}

fn unknown(function: &Function, given: &[Given]) -> Vec<Problem> {
    let unknown = given.iter().filter(|g| function.param(&g.name).is_none());
    unknown
        .map(|g| Problem::new("input-unknown", format!("the function `{}` has no input `{}`", function.name, g.name)))
        .collect()
}

/// What the function wants.
fn list(function: &Function) -> String {
    if function.params.is_empty() {
        return format!("the function `{}` has no inputs", function.name);
    }
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left), ("", Align::Left)]);
    for id in &function.params {
        let value = function.value(*id);
        table.row(vec![value.name.to_string(), value.ty.dtype.to_string(), value.ty.dims.to_string()]);
    }
    let text = table.text("  ", crate::style::Style::PLAIN);
    let inputs = plural(function.params.len(), "input");
    format!("the function `{}` has {inputs}:\n{}", function.name, text.trim_end())
}

fn elements(name: &str, ty: &TensorType, source: &Source, how: Binding<'_>, cx: &Context) -> Result<Elements, Problem> {
    let len = ty.dims.elements();
    let made = match source {
        Source::File(path) if image::is_named_so(path) => return image::read(name, ty, path, how, cx),
        Source::File(path) => return file::read(name, ty, path, how.steps),
        Source::Zeros => Elements::zeros(ty.dtype, len),
        Source::Ones => Elements::from_f64(ty.dtype, len, std::iter::repeat(1.0)),
        Source::Random(seed) => {
            let len = len.saturating_mul(how.steps.unwrap_or(1));
            Elements::from_f64(ty.dtype, len, random(ty.dtype, *seed, name))
        }
    };
    made.map_err(|message| Problem::new("input-type", format!("input `{name}` is {ty}: {message}")))
}

/// Numbers that depend on the seed and the input's name only. For floats they are multiples of 1/1024 from -1 on and below
/// 1, which every type holds exactly, so that profiles see the same input.
fn random(dtype: DType, seed: u64, name: &str) -> impl Iterator<Item = f64> {
    // FNV-1a keeps inputs apart; SplitMix64 makes the numbers.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut state = seed ^ hash;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        match dtype {
            DType::Int32 => (z % 10) as f64,
            DType::Bool => (z % 2) as f64,
            _ => (z % 2048) as f64 / 1024.0 - 1.0,
        }
    })
}

fn overflows(ty: &TensorType, elements: &Elements) -> usize {
    match (ty.dtype, elements) {
        (DType::Fp16, Elements::F32(v)) => {
            v.iter().filter(|x| x.is_finite() && f16::from_f32(**x).is_infinite()).count()
        }
        _ => 0,
    }
}

/// Says which inputs lose numbers to `fp16`.
pub(crate) fn warn_of_overflow(bound: &[Bound], cx: &Context) {
    for Bound { name, overflows, elements, .. } in bound.iter().filter(|b| b.overflows > 0) {
        let all = table::grouped(elements.len() as u64);
        cx.warn(&format!(
            "input `{name}`: {overflows} of {all} elements are beyond fp16, which ends at 65504, and become infinite"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let source = |s: &str| format!("x={s}").parse::<Given>().map(|g| g.source);
        assert_eq!(source("random"), Ok(Source::Random(0)));
        assert_eq!(source("random:7"), Ok(Source::Random(7)));
        assert_eq!(source("zeros"), Ok(Source::Zeros));
        assert_eq!(source("./zeros"), Ok(Source::File("./zeros".into())));
        assert_eq!(source("a=b.npy"), Ok(Source::File("a=b.npy".into())));
        assert!(source("random:-1").unwrap_err().contains("`-1`"));
        for bad in ["x", "=y", "x=", ""] {
            assert!(bad.parse::<Given>().unwrap_err().contains("NAME=SOURCE"), "{bad}");
        }
    }

    #[test]
    fn random_numbers_are_in_their_range_and_repeat() {
        let take = |dtype, seed, name| random(dtype, seed, name).take(1000).collect::<Vec<_>>();
        let floats = take(DType::Fp16, 3, "x");
        assert!(
            floats.iter().all(|x| (-1.0..1.0).contains(x) && anemone_ir::reference::round_to(DType::Fp16, *x) == *x)
        );
        assert!(floats.iter().sum::<f64>().abs() < 60.0, "the mean is near 0");
        assert_eq!(floats, take(DType::Fp32, 3, "x"));
        assert_ne!(floats, take(DType::Fp16, 4, "x"));
        assert_ne!(floats, take(DType::Fp16, 3, "y"));
        assert!(take(DType::Int32, 0, "x").iter().all(|x| (0.0..10.0).contains(x)));
        assert_eq!(take(DType::Bool, 0, "x").iter().filter(|x| **x != 0.0 && **x != 1.0).count(), 0);
    }
}
