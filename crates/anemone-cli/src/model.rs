//! The model that a verb works on.

use crate::context::Context;
use crate::failure::{Failure, Problem};
use crate::finding::Finding;
use crate::progress::Progress;
use crate::table::plural;
use anemone_ir::ane::Generation;
use anemone_ir::{Diagnostic, Function, Program, Severity};
use anemone_mil::{Dialect, Folder, ParseError, Parsed, Source};
use std::path::{Path, PathBuf};

/// How many diagnostics are shown to people.
const SHOWN: usize = 100;

/// A model that is as it should be.
pub(crate) struct Model {
    /// The file of the text.
    pub(crate) path: PathBuf,
    pub(crate) source: Source,
    pub(crate) program: Program,
    pub(crate) dialect: Dialect,
}

impl Model {
    /// Reads a model with its weights. Its warnings are shown.
    ///
    /// # Errors
    /// It cannot be read, or something about it is wrong.
    pub(crate) fn open(path: &Path, cx: &Context) -> Result<Model, Failure> {
        let (path, source) = read(path)?;
        let progress = Progress::stage(&format!("reading {}", path.display()));
        let parsed = source.parse(&Folder::of(&path));
        drop(progress);
        let Parsed { program, dialect } = parsed.map_err(|e| wrong(&e, cx))?;
        cx.say(&render(&source, program.warnings(), cx));
        Ok(Model { path, source, program, dialect })
    }

    /// The function with this name, or the one that runs if none is named.
    ///
    /// # Errors
    /// There is none, with a list of those there are.
    pub(crate) fn function(&self, name: Option<&str>) -> Result<&Function, Failure> {
        let Some(name) = name else { return Ok(self.program.main()) };
        self.program.function(name).ok_or_else(|| {
            let names: Vec<_> = self.program.functions().iter().map(|f| format!("`{}`", f.name)).collect();
            let message = format!("{} has no function `{name}`", self.path.display());
            Problem::new("function", message).hint(format!("it has {}", names.join(", "))).into()
        })
    }
}

/// The text of a model: of a file, or of the `model.mil` in a folder.
///
/// # Errors
/// It is not there, cannot be read, or is a model of another kind.
pub(crate) fn read(path: &Path) -> Result<(PathBuf, Source), Failure> {
    let there = std::fs::metadata(path).map_err(|e| Problem::io("read", path, &e))?;
    if let Some(problem) = other_kind(path) {
        return Err(problem.into());
    }
    let file = if there.is_dir() { path.join("model.mil") } else { path.to_owned() };
    match std::fs::metadata(&file) {
        Ok(there) if there.is_file() => {}
        Ok(_) => return Err(Problem::new("io", format!("{} is not a regular file", file.display())).into()),
        Err(_) if there.is_dir() => {
            let message = format!("{} is a folder without a file model.mil", path.display());
            let hint =
                "MODEL is a .mil file, or a compiled Core ML model (.mlmodelc), which is a folder with a model.mil";
            return Err(Problem::new("model-kind", message).hint(hint).into());
        }
        Err(e) => return Err(Problem::io("read", &file, &e).into()),
    }
    match Source::open(&file) {
        Ok(source) => Ok((file, source)),
        Err(e) => Err(Problem::new("io", e.to_string()).hint("a file of MIL text is wanted").into()),
    }
}

/// Kinds of models that are known, and not read.
fn other_kind(path: &Path) -> Option<Problem> {
    let kind = path.extension()?.to_str()?.to_ascii_lowercase();
    let (what, hint) = match kind.as_str() {
        "mlpackage" | "mlmodel" => (
            "a Core ML model that is not compiled",
            "on a Mac, `xcrun coremlcompiler compile MODEL FOLDER` makes a .mlmodelc of it, which can be read",
        ),
        "onnx" => ("an ONNX model", "convert it to Core ML, and compile that: a .mlmodelc can be read"),
        "safetensors" | "gguf" | "pt" | "pth" | "bin" | "npy" | "npz" => {
            ("not a model of MIL text", "MODEL is a .mil file, or a .mlmodelc folder")
        }
        _ => return None,
    };
    let later = if what.starts_with("not") { "" } else { ", which this version does not read yet" };
    Some(Problem::new("model-kind", format!("{} is {what}{later}", path.display())).hint(hint))
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
