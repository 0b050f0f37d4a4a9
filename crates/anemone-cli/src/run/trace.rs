//! `--trace`: how long each step took, in the format of Chrome's traces, which Perfetto opens.

use crate::failure::Problem;
use crate::files::Files;
use anemone_cpu::Engine;
use anemone_ir::Function;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// Steps and runs as they were.
pub(super) struct Trace {
    origin: Instant,
    /// Run and step, and when it was.
    steps: Vec<(usize, usize, Instant, Instant)>,
    runs: Vec<(Instant, Instant)>,
}

impl Trace {
    pub(super) fn new() -> Trace {
        Trace { origin: Instant::now(), steps: Vec::new(), runs: Vec::new() }
    }

    /// Takes down the steps of a run.
    pub(super) fn run<T>(&mut self, run: impl FnOnce(&mut anemone_cpu::Observer<'_>) -> T) -> T {
        let (at, steps) = (self.runs.len(), &mut self.steps);
        let begin = Instant::now();
        let result = run(&mut |step, begin, end| steps.push((at, step, begin, end)));
        self.runs.push((begin, Instant::now()));
        result
    }

    /// Adds the file.
    pub(super) fn add_to(
        &self,
        files: &mut Files,
        path: &Path,
        engine: &Engine,
        function: &Function,
        model: &Path,
    ) -> Result<(), Problem> {
        let text = serde_json::to_vec(&self.json(engine, function, model)).expect("strings and numbers");
        files.add(path, |to| std::io::Write::write_all(to, &text))
    }

    fn json(&self, engine: &Engine, function: &Function, model: &Path) -> Value {
        let planned = engine.report().steps;
        let threads = engine.threads();
        // Microseconds, as the format wants them; fractions are taken.
        let micros = |at: Instant| at.duration_since(self.origin).as_nanos() as f64 / 1000.0;
        let span = |name: String, cat: &str, begin: Instant, end: Instant, args: Value| {
            let (ts, dur) = (micros(begin), end.duration_since(begin).as_nanos() as f64 / 1000.0);
            json!({ "name": name, "cat": cat, "ph": "X", "ts": ts, "dur": dur, "pid": 1, "tid": 1, "args": args })
        };
        let name =
            |what: &str, name: String| json!({ "name": what, "ph": "M", "pid": 1, "tid": 1, "args": { "name": name } });
        let mut events = vec![
            name("process_name", format!("anemone: {}, function {}", model.display(), function.name)),
            name("thread_name", format!("engine, {threads} threads")),
        ];
        events.extend(self.runs.iter().enumerate().map(|(at, (begin, end))| {
            span(format!("run {at}"), "run", *begin, *end, json!({ "steps": planned.len() }))
        }));
        events.extend(self.steps.iter().map(|(run, step, begin, end)| {
            let report = &planned[*step];
            let operations = report.operations.join(" + ");
            let results = report.nodes.last().into_iter().flat_map(|node| &function.nodes[*node].results);
            let results: Vec<_> = results.map(|id| function.value(*id).name.to_string()).collect();
            let args = json!({
                "run": run,
                "step": step,
                "operations": report.operations,
                "results": results,
                "bytes_read": report.bytes_read,
                "bytes_written": report.bytes_written,
                "weight_bytes": report.weight_bytes,
                "macs": report.macs,
                "threads": threads,
            });
            let name = if operations.is_empty() { "copy".to_owned() } else { operations };
            span(name, "step", *begin, *end, args)
        }));
        let about = json!({
            "anemone": env!("CARGO_PKG_VERSION"),
            "simd": engine.level().name(),
            "profile": engine.profile().name(),
            "threads": threads,
        });
        json!({ "traceEvents": events, "displayTimeUnit": "ns", "otherData": about })
    }
}
