//! `anemone check`

use crate::context::{Context, Report};
use crate::failure::Failure;
use crate::finding::Finding;
use crate::model::{self, ModelArgs};
use crate::style::Style;
use crate::table::plural;
use crate::target;
use anemone_ir::ane::{self, Generation};
use anemone_ir::limits::{Level, Limits, ROWS, lint_draft};
use anemone_ir::op::schema;
use anemone_ir::{Diagnostic, Draft, Location, Severity};
use anemone_mil::ModelFile;
use clap::builder::PossibleValuesParser;
use serde::Serialize;
use std::path::PathBuf;

const LONG_ABOUT: &str = "\
Checks a model without running it: its text, its types and shapes, its weights, and the limits of the Neural Engine that are \
known.

Everything that is wrong is reported, not the first thing only, each with its line, the operands with their shapes, and how \
to mend it. The report goes to stderr and one line of summary to stdout; with --json, all of it goes to stdout. The exit code \
is 1 if there is an error.";

/// Check a model without running it: text, types, weights, and limits of the Neural Engine
#[derive(clap::Args, Debug)]
#[command(long_about = LONG_ABOUT, after_long_help = after_help())]
pub(crate) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Also say what the Neural Engine of this chip or architecture does not take, or may not
    #[arg(long = "for", value_name = "CHIP", value_parser = target::parse)]
    target: Option<Generation>,
    /// Do not report a limit
    #[arg(long, value_name = "LIMIT", value_parser = limits_and(&["all"]))]
    allow: Vec<String>,
    /// Report a limit as a warning
    #[arg(long, value_name = "LIMIT", value_parser = limits_and(&["all"]))]
    warn: Vec<String>,
    /// Report a limit, or every warning there is, as an error
    #[arg(long, value_name = "LIMIT", value_parser = limits_and(&["all", "warnings"]))]
    deny: Vec<String>,
}

/// What an option takes: the limits' names, and more.
fn limits_and(more: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(ROWS.iter().map(|row| row.id).chain(more.iter().copied()))
}

fn after_help() -> String {
    let mut out =
        "Limits, which are claims about the hardware that nobody has proved, each with its source:\n".to_owned();
    for row in ROWS {
        let level = format!("{:?}", row.level).to_lowercase();
        let about = format!("source: {}; confidence: {}; by default: {level}", row.source, row.confidence);
        out += &format!("  {}\n      {}\n      {about}\n", row.id, row.claim);
    }
    out + "
Where options disagree, --deny wins over --warn, and --warn over --allow.

Examples:
  anemone check model.mil
  anemone check model.mlpackage --deny warnings       as a gate in CI
  anemone check model.mil --allow placeholder-width
  anemone check model.mil --for m1                    what the Neural Engine of an M1 does not take
  anemone check model.mil --json | jq '.diagnostics[] | {line, slug, message}'"
}

#[derive(Serialize)]
struct Checked {
    name: String,
    /// Operations that compute.
    operations: usize,
}

/// The result.
#[derive(Serialize)]
pub(crate) struct Check {
    model: PathBuf,
    error_count: usize,
    warning_count: usize,
    functions: Vec<Checked>,
    diagnostics: Vec<Finding>,
    #[serde(skip)]
    summary: String,
}

pub(crate) fn run(args: &Args, cx: &Context) -> Result<Check, Failure> {
    let path = &args.model.model;
    let (source, mut found, functions) = match model::open(path) {
        Err(Err(failure)) => return Err(failure),
        Err(Ok(e)) => (e.source().clone(), e.diagnostics().to_vec(), Vec::new()),
        Ok(file) => {
            let (found, functions) = args.found(&file, cx)?;
            (file.source().clone(), found, functions)
        }
    };
    if args.deny.iter().any(|what| what == "warnings") {
        found.iter_mut().for_each(|d| d.severity = Severity::Error);
    }
    found.sort_by_key(|d| match d.location {
        Location::Text { start, .. } => start,
        Location::Unknown | Location::Rust(_) => 0,
    });
    if !cx.json {
        cx.say(&model::render(&source, &found, cx));
    }
    let of = |severity| found.iter().filter(|d: &&Diagnostic| d.severity == severity).count();
    let summary = format!("{}: {}{}", path.display(), model::counts(&found), size(&functions));
    Ok(Check {
        error_count: of(Severity::Error),
        warning_count: of(Severity::Warning),
        functions,
        diagnostics: Finding::all(&found, source.text()),
        summary,
        model: path.clone(),
    })
}

impl Args {
    /// What there is to say about a model whose grammar is right.
    fn found(&self, file: &ModelFile, cx: &Context) -> Result<(Vec<Diagnostic>, Vec<Checked>), Failure> {
        let part = &self.model.part;
        let (draft, _, _, problems) = model::drafted(file, part, part.function.is_some(), cx)?;
        // Dimensions that nothing says are found again, with their lines.
        let problems: Vec<_> = problems.into_iter().filter(|p| p.kind != "open-shape").collect();
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let functions = functions(&draft);
        let limits = self.limits();
        let mut found: Vec<_> = draft.functions.iter().flat_map(|f| lint_draft(f, &limits)).collect();
        match anemone_ir::check(draft) {
            Ok(program) => {
                found.extend_from_slice(program.warnings());
                match self.target.map(|generation| ane::legalise(&program, generation)) {
                    None => {}
                    Some(Ok(legal)) => found.extend(legal.warnings),
                    Some(Err(refused)) => found.extend(refused.0),
                }
            }
            Err(diagnostics) => found.extend(diagnostics.0),
        }
        Ok((found, functions))
    }

    fn limits(&self) -> Limits {
        let levels = [(Level::Allow, &self.allow), (Level::Warn, &self.warn), (Level::Deny, &self.deny)];
        let set = |limits: Limits, (level, names): (Level, &Vec<String>)| {
            let meant = ROWS.iter().filter(|row| names.iter().any(|name| name == row.id || name == "all"));
            meant.fold(limits, |limits, row| limits.set(row.limit, level))
        };
        levels.into_iter().fold(Limits::default(), set)
    }
}

fn functions(draft: &Draft) -> Vec<Checked> {
    let computes = |mnemonic: &str| schema(mnemonic).is_some_and(|s| s.computes);
    let checked = |f: &anemone_ir::draft::DraftFunction| Checked {
        name: f.name.to_string(),
        operations: f.nodes.iter().filter(|n| computes(&n.mnemonic)).count(),
    };
    draft.functions.iter().map(checked).collect()
}

fn size(functions: &[Checked]) -> String {
    match functions {
        [] => String::new(),
        [one] => format!(" ({})", plural(one.operations, "operation")),
        many => {
            let operations = many.iter().map(|f| f.operations).sum();
            format!(" ({}, {})", plural(many.len(), "function"), plural(operations, "operation"))
        }
    }
}

impl Report for Check {
    fn text(&self, _: Style) -> String {
        format!("{}\n", self.summary)
    }

    fn code(&self) -> u8 {
        u8::from(self.error_count > 0)
    }
}
