//! `anemone emit`

use crate::context::{Context, Report};
use crate::failure::{Failure, Problem};
use crate::files::Files;
use crate::model::{Model, ModelArgs, dims_text};
use crate::style::Style;
use crate::table::{self, Align, Table, plural};
use crate::target::{self, Target};
use anemone_ir::ane::Generation;
use anemone_mil::{Dialect, Printed, WeightFile, print, print_form};
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

const LONG_ABOUT: &str = "\
Prints a model as canonical MIL text: equal programs give equal bytes, whoever wrote them, so that two models can be \
compared with diff.

Constants of ten and more elements are kept in a file of weights, which the text names @model_path/weights/weight.bin. On \
stdout there is the text alone. With -o both are written: the text to FILE, the weights to weights/weight.bin beside it; \
either both are written or neither.

With --for the program is written anew for a generation of the Neural Engine, whose compiler takes less than Core ML does: \
every argument is written out, operations that it is known to refuse become others, and ports get names whose order is their \
own. What was changed, and who says that it must be, is listed on stderr. It is what anemone hands to the framework on a Mac.";

const EXAMPLES: &str = "\
Examples:
  anemone emit model.mil
  anemone emit model.mlmodelc -o copy/model.mil      with its weights: copy/weights/weight.bin
  anemone emit model.mil --dialect 1.0               for iOS 15 to 17
  anemone emit model.mil --for m1 -o m1/model.mil    for the Neural Engine of an M1
  diff <(anemone emit a.mil) <(anemone emit b.mil)";

/// How much of a file is looked at to see whether it is MIL text.
const HEAD: u64 = 64 * 1024;

/// Print a model as canonical MIL text, or write it with its weights
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// The spelling: 1.0 is read by iOS 15 to 17, 1.3 by iOS 18; that of MODEL if not given
    #[arg(long, value_parser = PossibleValuesParser::new(Dialect::ALL.map(Dialect::name)))]
    dialect: Option<String>,
    /// Write the program anew for the Neural Engine of this chip or architecture
    #[arg(long = "for", value_name = "CHIP", conflicts_with = "dialect", value_parser = target::parse)]
    target: Option<Generation>,
    /// Write the text to FILE, and the weights to weights/weight.bin beside it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace weights that other models may read, and files that are no MIL text
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Serialize)]
struct Written {
    path: PathBuf,
    bytes: usize,
    /// Whether it was there already, with the same contents.
    unchanged: bool,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Emit {
    model: PathBuf,
    dialect: &'static str,
    /// What was done for the Neural Engine, if that was asked for.
    target: Option<Target>,
    /// The text, unless it was written to a file.
    text: Option<String>,
    weight_bytes: usize,
    files: Vec<Written>,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Emit, Failure> {
    let model = Model::open_whole(&args.model, cx)?;
    specialised(&model, cx);
    let wanted = args.dialect.as_deref().and_then(Dialect::from_name);
    let (printed, dialect, target) = match args.target {
        None => {
            let dialect = wanted.unwrap_or(model.dialect());
            (print(&model.program, dialect), dialect, None)
        }
        Some(generation) => {
            let (legal, target) = target::legalise(&model, generation, cx)?;
            let dialect = if legal.form.verbose { Dialect::V1_0 } else { Dialect::V1_3 };
            (print_form(&legal.program, legal.form), dialect, Some(target))
        }
    };
    let weight_bytes = printed.weight_bytes();
    let emit = Emit { model: model.path, dialect: dialect.name(), target, text: None, weight_bytes, files: Vec::new() };
    let Some(output) = &args.output else {
        if let Some(first) = printed.files.first() {
            let size = table::bytes(weight_bytes as u64);
            let files = match printed.files.len() {
                1 => first.path.clone(),
                many => plural(many, "weight file"),
            };
            cx.note(&format!("the text refers to {files} ({size}), which is not written; -o FILE writes all of it"));
        }
        return Ok(Emit { text: Some(printed.text), ..emit });
    };
    let files = write(output, &printed, args.force)?;
    Ok(Emit { files, ..emit })
}

/// Says that dimensions which were open are not any more.
fn specialised(model: &Model, cx: &Context) {
    if !model.chosen.is_empty() {
        let inputs: Vec<_> = model.chosen.iter().map(|c| format!("`{}` {}", c.input, dims_text(&c.shape))).collect();
        cx.note(&format!(
            "the text is for {}; `anemone convert` writes a model with its dimensions as open as they are",
            inputs.join(", ")
        ));
    }
}

/// Writes the text, and the weights that are not there already.
fn write(output: &Path, printed: &Printed, force: bool) -> Result<Vec<Written>, Failure> {
    let folder = output.parent().unwrap_or(Path::new(""));
    let is_there = |file: &WeightFile| has_contents(&folder.join(&file.path), &file.bytes);
    let weights: Vec<_> = printed.files.iter().map(|file| (file, folder.join(&file.path), is_there(file))).collect();
    let changed = || weights.iter().filter(|(_, _, unchanged)| !unchanged);
    if !force {
        keep_other_files(output)?;
        changed().try_for_each(|(_, path, _)| keep_weights(output, folder, path))?;
    }
    let mut files = Files::default();
    // The weights first: a text without its weights is worse than weights that nothing reads.
    for (file, path, _) in changed() {
        files.add(path, |to| to.write_all(&file.bytes))?;
    }
    files.add(output, |to| to.write_all(printed.text.as_bytes()))?;
    files.commit()?;
    let text = Written { path: output.to_owned(), bytes: printed.text.len(), unchanged: false };
    let weights =
        weights.into_iter().map(|(file, path, unchanged)| Written { path, bytes: file.bytes.len(), unchanged });
    Ok(std::iter::once(text).chain(weights).collect())
}

fn has_contents(path: &Path, contents: &[u8]) -> bool {
    let same_length = fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() == contents.len() as u64);
    same_length && fs::read(path).is_ok_and(|found| found == contents)
}

/// Refuses to write text over a file that is something else, such as the weights of a model.
fn keep_other_files(output: &Path) -> Result<(), Problem> {
    let Ok(file) = File::open(output) else { return Ok(()) };
    let mut head = Vec::new();
    // A folder cannot be read, and is refused when it comes to writing.
    let read = file.take(HEAD).read_to_end(&mut head);
    let is_text = read.is_err() || head.is_empty() || head.windows(8).any(|w| w == b"program(");
    if is_text {
        return Ok(());
    }
    let message = format!("{} is there, and is no MIL text: it is not replaced", output.display());
    Err(Problem::new("replace", message).hint("choose another file; or --force"))
}

/// Refuses to replace weights that another text than `output` may read: they would be wrong for it.
fn keep_weights(output: &Path, folder: &Path, weights: &Path) -> Result<(), Problem> {
    if !weights.exists() {
        return Ok(());
    }
    let own = fs::canonicalize(output).ok();
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let others = texts_in(folder).into_iter().filter(|path| fs::canonicalize(path).ok() != own);
    let reader = match (own.is_some(), others.min()) {
        (_, Some(other)) => format!("{} may read it", other.display()),
        (false, None) => format!("it does not belong to {}, which is not there yet", output.display()),
        (true, None) => return Ok(()),
    };
    let message = format!("{} is there with other contents, and {reader}: it is not replaced", weights.display());
    Err(Problem::new("replace", message).hint("write to another folder; or --force"))
}

/// The files of MIL text in a folder and in the folders in it, as the parts of a pipeline are.
fn texts_in(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect()
    };
    let here = entries(folder);
    let below: Vec<PathBuf> = here.iter().filter(|p| p.is_dir()).flat_map(|p| entries(p)).collect();
    let is_text = |p: &PathBuf| p.extension().is_some_and(|e| e == "mil");
    here.into_iter().chain(below).filter(is_text).collect()
}

impl Report for Emit {
    fn text(&self, style: Style) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let mut table = Table::new(&[("", Align::Left), ("", Align::Right), ("", Align::Left)]);
        for file in &self.files {
            let unchanged = if file.unchanged { "unchanged" } else { "" };
            table.row(vec![file.path.display().to_string(), table::bytes(file.bytes as u64), unchanged.to_owned()]);
        }
        table.text("", style)
    }
}
