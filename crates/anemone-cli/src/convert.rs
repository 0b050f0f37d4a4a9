//! `anemone convert`

mod same;
mod special;

use crate::context::{Context, Report};
use crate::failure::{Failure, Problem};
use crate::model::{self, Chosen, PartArgs, Shape, dims_text};
use crate::progress::Progress;
use crate::style::Style;
use crate::table::{self, Align, Table};
use anemone_mil::{Form, ModelFile, SaveError};
use clap::ValueEnum;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

const LONG_ABOUT: &str = "\
Writes a model in another form, which the ending of OUT names:
  .mlpackage   a Core ML package, as converters write it and Xcode takes it
  .mlmodelc    a compiled Core ML model, as Core ML loads it
  .mlmodel     the model alone, its weights in weights/weight.bin beside it
  .mil         MIL text, its weights in weights/weight.bin beside it

Dimensions stay as open as they are, and weights as compressed; descriptions, images, states and metadata are kept, except \
that MIL text has no place for them. What was written is read again and compared with the model; a difference is an error.

--dtype fp16 makes an fp32 model one of half precision, as Core ML's converter does by default: operations and weights become \
fp16 where their numbers allow it, inputs and outputs stay as they are. Its dimensions are fixed then, as with --shape.

What is there already is not replaced, unless --force is given; then only by a model, or a file by a file.";

const EXAMPLES: &str = "\
Examples:
  anemone convert model.mlpackage model.mlmodelc
  anemone convert model.mlmodelc text/model.mil            with its weights: text/weights/weight.bin
  anemone convert model.mil model.mlpackage --force
  anemone convert model.mlpackage half.mlpackage --dtype fp16
  anemone convert model.mlpackage fixed.mlpackage --shape image=1,3,224,224";

/// Write a model in another form: .mlpackage, .mlmodelc, .mlmodel or MIL text
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// A model: .mlpackage, .mlmodelc, .mlmodel, or MIL text (.mil)
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// Where to write it; the ending says in which form
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// Lower an fp32 model to this type
    #[arg(long, value_enum)]
    dtype: Option<DtypeArg>,
    /// Fix the dimensions of an input that has open ones, such as image=1,3,224,224. For each input once
    #[arg(long = "shape", value_name = "INPUT=DIMS")]
    shapes: Vec<Shape>,
    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// What a model is lowered to.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum DtypeArg {
    /// Half precision
    Fp16,
}

#[derive(Serialize)]
struct Written {
    path: PathBuf,
    bytes: u64,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Convert {
    model: PathBuf,
    form: String,
    output: PathBuf,
    output_form: String,
    /// The version of Core ML's model format; absent for MIL text.
    specification: Option<i32>,
    /// Dimensions that were fixed.
    shapes: Vec<Chosen>,
    files: Vec<Written>,
    bytes: u64,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Convert, Failure> {
    let form = form(&args.to)?;
    let file = model::load(&args.from, cx)?;
    let from_form = file.form();
    let (file, shapes) = match (args.dtype, &args.shapes[..]) {
        (None, []) => (file, Vec::new()),
        (dtype, shapes) => {
            let part = PartArgs { function: None, shapes: shapes.to_vec() };
            special::made(file, &part, dtype.is_some(), cx)?
        }
    };
    if args.dtype.is_some() && !shapes.is_empty() {
        let text: Vec<_> = shapes.iter().map(|c| format!("`{}` {}", c.input, dims_text(&c.shape))).collect();
        cx.note(&format!("lowering fixes dimensions that were open: {}", text.join(", ")));
    }
    let progress = Progress::stage(&format!("writing {}", args.to.display()));
    let saved = if args.force { file.replace(&args.to, form) } else { file.save(&args.to, form) };
    saved.map_err(|e| refused(&e, &args.to))?;
    drop(progress);
    let back = read_back(&file, &args.to, form, cx)?;
    let files = files(&args.to, form, &back);
    Ok(Convert {
        model: args.from.clone(),
        form: from_form.to_string(),
        output: args.to.clone(),
        output_form: form.to_string(),
        specification: back.specification(),
        shapes,
        bytes: files.iter().map(|f| f.bytes).sum(),
        files,
    })
}

/// The form that a name asks for.
fn form(path: &Path) -> Result<Form, Failure> {
    Form::of_path(path).ok_or_else(|| {
        let endings: Vec<_> = Form::ALL.iter().map(|f| format!(".{}", f.extension())).collect();
        let problem = Problem::new("usage", format!("{} does not say in which form to write", path.display()));
        Failure::from(problem.hint(format!("let its name end in one of {}", endings.join(", ")))).usage()
    })
}

/// Why a model was not written.
fn refused(error: &SaveError, to: &Path) -> Failure {
    let problem = Problem::new("write", error.to_string());
    match error {
        SaveError::Exists { path } if path == to => problem.hint("--force replaces it").into(),
        SaveError::Exists { .. } => {
            problem.hint("these may be the weights of another model: write to another folder; or --force").into()
        }
        SaveError::NoModel { .. } => problem.hint("choose another place, or remove it").into(),
        _ => problem.into(),
    }
}

/// Reads what was written, and compares it with what it was to be.
///
/// # Errors
/// It cannot be read, or says something else.
fn read_back(file: &ModelFile, path: &Path, form: Form, cx: &Context) -> Result<ModelFile, Failure> {
    let progress = Progress::stage(&format!("checking {}", path.display()));
    let back = model::load(path, cx)?;
    let different = |what: String| {
        let message = format!("{} was written, and reads back differently: {what}", path.display());
        Problem::new("convert", message).hint("this is a bug of anemone: please report it, with the model")
    };
    same::same(&file.draft(), &back.draft()).map_err(different)?;
    if file.description() != back.description() {
        if form != Form::Text {
            return Err(different("its description".to_owned()).into());
        }
        drop(progress);
        cx.note("MIL text has no description: what the model says of images, its texts and its metadata are not in it");
    }
    Ok(back)
}

/// The files that were written, with their sizes.
fn files(path: &Path, form: Form, model: &ModelFile) -> Vec<Written> {
    let mut paths = Vec::new();
    match form {
        Form::Package | Form::Compiled => walk(path, &mut paths),
        Form::Text | Form::Model => {
            paths.push(path.to_owned());
            if model.source().text().contains("BLOBFILE") {
                paths.push(path.with_file_name("weights").join("weight.bin"));
            }
        }
    }
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |m| m.len());
    paths.into_iter().map(|path| Written { bytes: size(&path), path }).collect()
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, out) } else { out.push(path) }
    }
}

impl Report for Convert {
    fn text(&self, style: Style) -> String {
        let mut table = Table::new(&[("", Align::Left), ("", Align::Right)]);
        for file in &self.files {
            table.row(vec![file.path.display().to_string(), table::bytes(file.bytes)]);
        }
        let specification = self.specification.map(|n| format!(", specification {n}")).unwrap_or_default();
        let all = table::bytes(self.bytes);
        format!(
            "{}{}: {all}, read back and equal\n",
            table.text("", style),
            format_args!("{}{specification}", self.output_form)
        )
    }
}
