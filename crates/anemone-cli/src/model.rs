//! The model that a verb works on.

mod shapes;

use crate::context::Context;
use crate::failure::{Failure, Problem};
use crate::finding::Finding;
use crate::progress::Progress;
use crate::table::plural;
use anemone_ir::ane::Generation;
use anemone_ir::{Diagnostic, Draft, Function, Program, Severity};
use anemone_mil::description::FunctionDescription;
use anemone_mil::{Dialect, LoadError, ModelFile, ParseError, Source};
pub(crate) use shapes::{Chosen, Shape, dims_text, shapes_text};
use std::path::{Path, PathBuf};

/// How many diagnostics are shown to people.
const SHOWN: usize = 100;

/// Which model, and what of it.
#[derive(clap::Args, Debug)]
pub(crate) struct ModelArgs {
    /// A model: .mlpackage, .mlmodelc, .mlmodel, or MIL text (.mil)
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) part: PartArgs,
}

/// What of a model.
#[derive(clap::Args, Debug, Clone)]
pub(crate) struct PartArgs {
    /// The function of the model; by default the one that the model names, or else `main`
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// The dimensions of an input that has open ones, such as image=1,3,224,224; by default those that the model names. For
    /// each input once
    #[arg(long = "shape", value_name = "INPUT=DIMS")]
    pub(crate) shapes: Vec<Shape>,
}

/// A model that is as it should be, with the dimensions of its inputs.
pub(crate) struct Model {
    /// As it was named.
    pub(crate) path: PathBuf,
    pub(crate) file: ModelFile,
    pub(crate) program: Program,
    /// Dimensions that were left open, and are now given.
    pub(crate) chosen: Vec<Chosen>,
    function: String,
}

impl Model {
    /// Reads a model with its weights, and of it the function that is meant. Its warnings are shown.
    ///
    /// # Errors
    /// It cannot be read, or something about it is wrong; an input has open dimensions, and nothing says which.
    pub(crate) fn open(args: &ModelArgs, cx: &Context) -> Result<Model, Failure> {
        Model::of_file(load(&args.model, cx)?, &args.part, true, cx)
    }

    /// The same with all its functions, unless one is asked for.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub(crate) fn open_whole(args: &ModelArgs, cx: &Context) -> Result<Model, Failure> {
        Model::of_file(load(&args.model, cx)?, &args.part, args.part.function.is_some(), cx)
    }

    /// Of a file that was opened; `one`: of the function that is meant only.
    pub(crate) fn of_file(file: ModelFile, part: &PartArgs, one: bool, cx: &Context) -> Result<Model, Failure> {
        let progress = Progress::stage(&format!("reading {}", file.path().display()));
        let (draft, function, chosen, problems) = drafted(&file, part, one, cx)?;
        if !problems.is_empty() {
            return Err(Failure::from(problems));
        }
        let program = anemone_ir::check(draft).map_err(|d| wrong(&file.source().error(d.0), cx))?;
        drop(progress);
        cx.say(&render(file.source(), program.warnings(), cx));
        Ok(Model { path: file.path().to_owned(), file, program, chosen, function })
    }

    /// The function that is meant.
    pub(crate) fn function(&self) -> &Function {
        self.program.function(&self.function).expect("the draft had it")
    }

    /// What the model tells of that function.
    pub(crate) fn description(&self) -> FunctionDescription {
        self.file.description().function(&self.function).unwrap_or_default()
    }

    pub(crate) fn source(&self) -> &Source {
        self.file.source()
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.file.tree().version.spelling()
    }
}

/// A file's draft, the function that is meant, the dimensions that were open, and what is wrong about them.
type Drafted = (Draft, String, Vec<Chosen>, Vec<Problem>);

/// The draft of a model, its inputs with their dimensions. Those that nothing says stay open, which is among the problems as
/// `open-shape`.
///
/// # Errors
/// There is no function as it is asked for.
pub(crate) fn drafted(file: &ModelFile, part: &PartArgs, one: bool, cx: &Context) -> Result<Drafted, Failure> {
    let mut draft = file.draft();
    let function = name_of_function(file, &draft, part.function.as_deref())?;
    if one {
        draft.functions.retain(|f| *f.name == *function);
    }
    let (chosen, problems) = shapes::bind(file, &mut draft, &part.shapes, cx);
    Ok((draft, function, chosen, problems))
}

/// The name of the function that is meant.
///
/// # Errors
/// There is none with the name that is asked for, with a list of those there are.
fn name_of_function(file: &ModelFile, draft: &Draft, asked: Option<&str>) -> Result<String, Failure> {
    let mut names: Vec<&str> = draft.functions.iter().map(|f| &*f.name).collect();
    names.sort_unstable();
    let there = |name: &&str| names.contains(name);
    if let Some(asked) = asked {
        if there(&asked) {
            return Ok(asked.to_owned());
        }
        let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("{} has no function `{asked}`", file.path().display());
        return Err(Problem::new("function", message).hint(format!("it has {}", known.join(", "))).into());
    }
    let named = file.description().default_function.as_deref().filter(there);
    Ok(named.or(Some("main").filter(there)).or(names.first().copied()).unwrap_or("main").to_owned())
}

/// Opens a model in any form.
///
/// # Errors
/// It is not there, cannot be read, or is a model of another kind; or its grammar is wrong, which is given as it is.
pub(crate) fn open(path: &Path) -> Result<ModelFile, Result<ParseError, Failure>> {
    let there = std::fs::metadata(path).map_err(|e| Err(Problem::io("read", path, &e).into()))?;
    if let Some(problem) = other_kind(path) {
        return Err(Err(problem.into()));
    }
    if !there.is_dir() && !there.is_file() {
        let message = format!("{} is not a regular file", path.display());
        return Err(Err(Problem::new("io", message).into()));
    }
    let _progress = Progress::stage(&format!("opening {}", path.display()));
    ModelFile::open(path).map_err(|error| match error {
        LoadError::Parse(e) => Ok(e),
        LoadError::Model { path, message, hint } => {
            let problem = Problem::new("model-kind", format!("{}: {message}", path.display()));
            Err(Problem { hint, ..problem }.into())
        }
        other => Err(Problem::new("io", other.to_string()).hint(MODELS).into()),
    })
}

/// What can be opened.
const MODELS: &str = "MODEL is a .mlpackage, a .mlmodelc, a .mlmodel, or a .mil file of MIL text";

/// The same, with what is wrong with the grammar shown.
///
/// # Errors
/// As [`open`].
pub(crate) fn load(path: &Path, cx: &Context) -> Result<ModelFile, Failure> {
    open(path).map_err(|error| match error {
        Ok(text) => wrong(&text, cx),
        Err(failure) => failure,
    })
}

/// Kinds of models that are known, and not read.
fn other_kind(path: &Path) -> Option<Problem> {
    let kind = path.extension()?.to_str()?.to_ascii_lowercase();
    let (what, hint) = match kind.as_str() {
        "onnx" => {
            ("an ONNX model, which this version does not read yet", "convert it to Core ML: a .mlpackage can be read")
        }
        "safetensors" | "gguf" | "pt" | "pth" | "bin" | "npy" | "npz" => ("not a model of MIL", MODELS),
        _ => return None,
    };
    Some(Problem::new("model-kind", format!("{} is {what}", path.display())).hint(hint))
}

/// The failure that a wrong text is.
fn wrong(error: &ParseError, cx: &Context) -> Failure {
    let (source, diagnostics) = (error.source(), error.diagnostics());
    let problem = Problem::new("model", format!("{} has {}", source.name(), counts(diagnostics)));
    found(source, diagnostics, problem, cx)
}

/// The failure that a program is which a Neural Engine does not take.
pub(crate) fn refused(source: &Source, diagnostics: &[Diagnostic], generation: Generation, cx: &Context) -> Failure {
    let message = format!("{} has {} for a Neural Engine of {generation}", source.name(), counts(diagnostics));
    found(source, diagnostics, Problem::new("target", message), cx)
}

fn found(source: &Source, diagnostics: &[Diagnostic], problem: Problem, cx: &Context) -> Failure {
    Failure {
        findings: Finding::all(diagnostics, source.text()),
        rendered: render(source, diagnostics, cx),
        problems: vec![problem],
        ..Failure::default()
    }
}

/// Diagnostics as people read them: several lines each, and an empty one after it. Nobody reads more than [`SHOWN`].
pub(crate) fn render(source: &Source, diagnostics: &[Diagnostic], cx: &Context) -> String {
    let shown = diagnostics.iter().take(SHOWN);
    let mut out: String = shown.map(|d| source.render(d, cx.err.is_coloured()) + "\n\n").collect();
    if diagnostics.len() > SHOWN {
        let more = plural(diagnostics.len() - SHOWN, "more finding");
        out += &format!("{} {more}; `anemone check --json` gives all of them\n\n", cx.err.hint("note:"));
    }
    out
}

/// How many errors and warnings there are, in words.
pub(crate) fn counts(diagnostics: &[Diagnostic]) -> String {
    let of = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => "no errors and no warnings".to_owned(),
        (0, warnings) => format!("no errors, {}", plural(warnings, "warning")),
        (errors, 0) => plural(errors, "error"),
        (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}
