//! A report, for people.

use super::changes::{Change, Changes};
use super::report::{Examination, Method, NeuralEngine, PathRow, ProgramRow};
use crate::style::Style;
use crate::table::{self, Align, Table, grouped, plural, seconds};
use anemone_conformance::{Outcome, Status, Summary};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// What is shown of a long list unless all is wanted.
const MOST: usize = 20;

/// How to show a report.
pub(crate) struct Text {
    pub(crate) style: Style,
    /// Whether long lists are shown whole.
    pub(crate) full: bool,
}

impl Text {
    /// All but the end: whole lines, with an empty one after each part.
    pub(crate) fn parts(&self, examination: &Examination, changes: Option<&Changes>) -> String {
        let Examination { neural_engine, paths, operations, programs, .. } = examination;
        let mut parts = vec![head(examination, self.style)];
        if !neural_engine.methods.is_empty() {
            parts.push(self.methods(&neural_engine.methods));
        }
        parts.push(ways(paths, self.style));
        parts.push(conformance(operations, self.style));
        parts.extend(self.untried(programs));
        parts.extend(self.wrong(programs));
        parts.extend(changes.map(|changes| self.changes(changes)));
        parts.join("\n") + "\n"
    }

    /// The methods of the framework by class, and those that cannot be used, or all.
    fn methods(&self, methods: &[Method]) -> String {
        let usable = methods.iter().filter(|m| m.usable).count();
        let of = plural(methods.len(), "method");
        let mut out = heading(self.style, &format!("Framework: {usable} of {of} are as expected"));
        let mut classes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for m in methods {
            let (usable, all) = classes.entry(class(&m.name)).or_default();
            *usable += usize::from(m.usable);
            *all += 1;
        }
        let mut table = Table::new(&[("class", Align::Left), ("methods", Align::Right), ("as expected", Align::Right)]);
        for (class, (usable, all)) in classes {
            table.row(vec![class.to_owned(), all.to_string(), usable.to_string()]);
        }
        out += &table.text("  ", self.style);
        for m in methods.iter().filter(|m| self.full || !m.usable) {
            let Method { name, expected, found, since, source, required, .. } = m;
            let needed = if *required { "needed" } else { "not needed" };
            let mark = if m.usable { String::new() } else { format!("{} ", self.style.warning("differs:")) };
            let found = found.as_deref().unwrap_or("not there");
            let _ = writeln!(out, "  {mark}{name}\n      {found}");
            if !m.usable {
                let _ = writeln!(out, "      expected: {expected}");
            }
            let _ = writeln!(out, "      {needed}; since {since}; source: {source}");
        }
        out
    }

    /// Why programs were not tried: each kind of reason with an example. All of them are in the JSON.
    fn untried(&self, programs: &[ProgramRow]) -> Option<String> {
        let mut kinds: BTreeMap<&str, Vec<&ProgramRow>> = BTreeMap::new();
        for row in programs.iter().filter(|row| row.outcome.status == Status::Unsuitable) {
            kinds.entry(first_reason(row).split(':').next().unwrap_or_default()).or_default().push(row);
        }
        let mut kinds: Vec<_> = kinds.into_values().collect();
        kinds.sort_by_key(|rows| Reverse(rows.len()));
        let mut out = heading(self.style, "Not tried");
        for rows in &kinds {
            let shown = if self.full { rows.as_slice() } else { &rows[..1] };
            let _ = writeln!(out, "  {}, such as", plural(rows.len(), "program"));
            for row in shown {
                let _ = writeln!(out, "      {}: {}", row.id(), first_reason(row));
            }
        }
        (!kinds.is_empty()).then_some(out)
    }

    /// The programs that are not right, worst first; those of which the same is said, together.
    fn wrong(&self, programs: &[ProgramRow]) -> Option<String> {
        let mut alike: BTreeMap<(Reverse<Status>, String), Vec<&ProgramRow>> = BTreeMap::new();
        for row in programs.iter().filter(|row| row.outcome.status > Status::Unsuitable) {
            alike.entry((Reverse(row.outcome.status), detail(&row.outcome))).or_default().push(row);
        }
        let mut out = heading(self.style, "Where they depart");
        for ((Reverse(status), detail), rows) in alike.iter().take(self.most()) {
            let words =
                if status.is_right() { self.style.warning(status.words()) } else { self.style.error(status.words()) };
            let more = if rows.len() > 1 { format!(", as do {} more", rows.len() - 1) } else { String::new() };
            let _ = writeln!(out, "  {:<16}  {words}{more}\n      {detail}", rows[0].id());
        }
        out += &self.rest(alike.len(), "such line");
        (!alike.is_empty()).then_some(out)
    }

    fn changes(&self, changes: &Changes) -> String {
        let Changes { since, date, circumstances, changes, latencies, compared, only_before, only_now, .. } = changes;
        let mut out = heading(self.style, &format!("Since {}, {date}", since.display()));
        for c in circumstances {
            let _ = writeln!(out, "  {}: {}, before {}", c.what, c.now, c.before);
        }
        let _ =
            writeln!(out, "  {} in both; {only_before} only before, {only_now} only now", plural(*compared, "program"));
        for Change { kind, what, before, now } in changes.iter().take(self.most()) {
            let words = if kind.is_worse() { self.style.error(kind.words()) } else { kind.words().to_owned() };
            let _ = writeln!(out, "  {words}: {what}: {now}; before: {before}");
        }
        out += &self.rest(changes.len(), "change");
        for l in latencies {
            let (now, before) = (seconds(l.now_seconds), seconds(l.before_seconds));
            let _ = writeln!(out, "  a run on {} takes {now}, before {before}", l.path);
        }
        if changes.is_empty() {
            out += "  nothing got worse, and nothing better\n";
        }
        out
    }

    fn rest(&self, count: usize, of: &str) -> String {
        match count.saturating_sub(self.most()) {
            0 => String::new(),
            more => format!("  and {}: see --full\n", plural(more, &format!("more {of}"))),
        }
    }

    fn most(&self) -> usize {
        if self.full { usize::MAX } else { MOST }
    }
}

fn heading(style: Style, text: &str) -> String {
    format!("{}\n", style.heading(text))
}

fn head(examination: &Examination, style: Style) -> String {
    let Examination { version, date, machine, backend, neural_engine, .. } = examination;
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "of unknown name".to_owned());
    let guest = match neural_engine.virtual_machine.or(machine.virtual_machine) {
        Some(true) => ", a virtual machine",
        _ => "",
    };
    table::facts(
        &[
            ("anemone", format!("{version}, {date}")),
            ("machine", format!("{}{guest}", known(&machine.model))),
            ("processor", format!("{}, {}", known(&machine.cpu), plural(machine.cores, "core"))),
            ("system", format!("{} on {}", machine.system(), machine.arch)),
            ("Neural Engine", engine(neural_engine)),
            ("examined", backend.words().to_owned()),
        ],
        style,
    )
}

fn engine(found: &NeuralEngine) -> String {
    let why = || found.why.clone().unwrap_or_else(|| "no reason is known".to_owned());
    if !found.available {
        return format!("no: {}", why());
    }
    let mut text = found.architecture.clone().unwrap_or_else(|| "of unknown architecture".to_owned());
    if let Some(cores) = found.cores {
        text += &format!(", {}", plural(cores as usize, "core"));
    }
    if let Some(engines) = found.engines.filter(|n| *n > 1) {
        text += &format!(" in {}", plural(engines as usize, "engine"));
    }
    if let Some(board) = found.board {
        text += &format!(", board {board}");
    }
    if found.double { text + " (the test double)" } else { text }
}

fn ways(paths: &[PathRow], style: Style) -> String {
    let mut out = heading(style, "A tiny program");
    let time = |t: Option<f64>| t.map_or_else(|| "-".to_owned(), seconds);
    let mut table = Table::new(&[
        ("path", Align::Left),
        ("compile", Align::Right),
        ("again", Align::Right),
        ("run, p50", Align::Right),
        ("hardware", Align::Right),
        ("result", Align::Left),
    ]);
    for row in paths {
        let result = match (&row.error, &row.note) {
            (Some(_), _) => "fails: see below".to_owned(),
            (None, Some(note)) => format!("right; {note}"),
            (None, None) => "right".to_owned(),
        };
        table.row(vec![
            row.path.clone(),
            time(row.compile_seconds),
            time(row.cached_compile_seconds),
            time(row.run_seconds),
            time(row.hardware_seconds),
            result,
        ]);
    }
    out += &table.text("  ", style);
    let mut errors: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in paths {
        errors.entry(row.error.as_deref().unwrap_or_default()).or_default().push(&row.path);
    }
    for (error, paths) in errors.iter().filter(|(error, _)| !error.is_empty()) {
        let error = error.replace('\n', "\n      ");
        let _ = writeln!(out, "  {} {}:\n      {error}", style.error("fails:"), paths.join("; "));
    }
    out
}

fn conformance(operations: &BTreeMap<String, Summary>, style: Style) -> String {
    let mut out = heading(style, "Operations, against the reference");
    // Eighty columns must do.
    let headings = ["all", "skip", "compile", "run", "right", "error", "ulp", "special"];
    let columns: Vec<_> =
        [("", Align::Left)].into_iter().chain(headings.map(|heading| (heading, Align::Right))).collect();
    let mut table = Table::new(&columns);
    let some = |n: usize| if n == 0 { "-".to_owned() } else { n.to_string() };
    for (name, of) in operations {
        let Summary { programs, unsuitable, compile, run, right, error, special } = *of;
        let (error, ulp) = error.map_or_else(|| ("-".to_owned(), "-".to_owned()), |e| (size(e.abs), ulp(e.ulp)));
        let mut row = vec![name.clone(), programs.to_string(), some(unsuitable)];
        row.extend([compile, run, right].map(|n| n.to_string()));
        row.extend([error, ulp, some(special)]);
        table.row(row);
    }
    out += &table.text("  ", style);
    let all = |count: fn(&Summary) -> usize| operations.values().map(count).sum::<usize>();
    if all(|of| of.unsuitable) > 0 {
        out += "  skip: programs that are known not to be for this engine\n";
    }
    if all(|of| of.special) > 0 {
        out += "  special: programs that differ in values that have to do with NaN, infinities or\n  subnormal numbers alone\n";
    }
    out
}

fn size(abs: f64) -> String {
    if abs == 0.0 { "0".to_owned() } else { format!("{abs:.1e}") }
}

/// Units in the last place. Of numbers near 0 that are differences of large ones there are very many, and it does not matter
/// how many.
fn ulp(ulp: u64) -> String {
    const MANY: u64 = 9999;
    if ulp > MANY { format!(">{}", grouped(MANY)) } else { grouped(ulp) }
}

fn detail(outcome: &Outcome) -> String {
    match (&outcome.message, &outcome.departure) {
        // Whole messages are in the JSON.
        (Some(message), _) => message.lines().collect::<Vec<_>>().join("\n      "),
        (None, Some(d)) => {
            let count = format!("{} of {}", grouped(d.count as u64), grouped(d.of as u64));
            format!("line {}: {}[{}] is {}, wanted is {} ({count})", d.line, d.output, d.index, d.got, d.wanted)
        }
        (None, None) => "nothing more is known".to_owned(),
    }
}

/// Why a program was not tried; the first reason, if there are several.
fn first_reason(row: &ProgramRow) -> &str {
    let message = row.outcome.message.as_deref().unwrap_or("no reason is given");
    message.split("; ").next().unwrap_or(message)
}

/// The class in `-[_ANEClient echo:]`.
fn class(name: &str) -> &str {
    let inner = name.trim_start_matches(['+', '-', '[']);
    inner.split(' ').next().unwrap_or(inner)
}

/// The last lines.
pub(crate) fn end(examination: &Examination, saved: Option<&Path>, style: Style) -> String {
    let verdict = &examination.verdict;
    let text = if verdict.healthy { style.heading(&verdict.text) } else { style.error(&verdict.text) };
    match saved {
        Some(path) => {
            format!("{text}\nsaved to {}, to be sent with a report of a bug\n", path.display())
        }
        None => format!("{text}\n"),
    }
}
