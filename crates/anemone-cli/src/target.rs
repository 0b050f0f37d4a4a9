//! A generation of the Neural Engine that a program is written for.

use crate::context::Context;
use crate::failure::Failure;
use crate::model::{self, Model};
use crate::style::Style;
use crate::table::plural;
use anemone_ir::ane::{self, Change, Generation, Legal};
use serde::Serialize;

/// What `--for` takes: `m1`, `h13`, `h13g`.
pub(crate) fn parse(name: &str) -> Result<Generation, String> {
    Generation::from_name(name).ok_or_else(|| {
        let chips: Vec<_> = Generation::ALL.iter().map(|g| g.chip().to_lowercase()).collect();
        format!("the chips are {}; architectures such as h15g are understood too", chips.join(", "))
    })
}

/// Something that was changed.
#[derive(Serialize)]
struct Changed {
    /// The operation, by its mnemonic and the name of its first result; the mnemonic is empty for ports.
    operation: &'static str,
    name: String,
    what: String,
    /// The row of the table that asks for it.
    row: &'static str,
    source: &'static str,
    confidence: String,
    /// Whether results may be rounded differently.
    rounding: bool,
}

impl Changed {
    fn new(change: &Change) -> Changed {
        let row = change.row;
        Changed {
            operation: change.mnemonic,
            name: change.name.to_string(),
            what: change.what.clone(),
            row: row.id,
            source: row.source,
            confidence: row.confidence.to_string(),
            rounding: change.rounding,
        }
    }
}

/// What was done for a generation.
#[derive(Serialize)]
pub(crate) struct Target {
    chip: &'static str,
    architecture: &'static str,
    changes: Vec<Changed>,
}

impl Target {
    /// The changes, each row of the table once, with what it was done to.
    fn text(&self, style: Style) -> String {
        let mut rows: Vec<(&Changed, usize)> = Vec::new();
        for change in &self.changes {
            match rows.iter_mut().find(|(first, _)| first.row == change.row && first.what == change.what) {
                Some((_, more)) => *more += 1,
                None => rows.push((change, 0)),
            }
        }
        let head = format!("for {} ({}): {}", self.chip, self.architecture, plural(self.changes.len(), "change"));
        let mut out = format!("{} {head}\n", style.hint("note:"));
        for (change, more) in rows {
            let Changed { operation, name, what, row, source, .. } = change;
            let of = if operation.is_empty() { format!("`{name}`") } else { format!("{operation} `{name}`") };
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let rounding = if change.rounding { "; rounds differently" } else { "" };
            out += &format!("  {of}{more}: {what}{rounding} ({row}; source: {source})\n");
        }
        out
    }
}

/// Writes a model anew for a generation. What may not work is shown.
///
/// # Errors
/// Everything in it that the engine is known not to take.
pub(crate) fn legalise(model: &Model, generation: Generation, cx: &Context) -> Result<(Legal, Target), Failure> {
    let legal = ane::legalise(&model.program, generation);
    let legal = legal.map_err(|found| model::refused(model.source(), &found.0, generation, cx))?;
    let target = Target {
        chip: generation.chip(),
        architecture: generation.architecture(),
        changes: legal.changes.iter().map(Changed::new).collect(),
    };
    if !cx.json {
        cx.say(&model::render(model.source(), &legal.warnings, cx));
        cx.say(&target.text(cx.err));
    }
    Ok((legal, target))
}
