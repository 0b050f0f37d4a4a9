//! The command line of anemone: one file for each verb, and what they share.

#![forbid(unsafe_code)]

mod bench;
mod check;
mod command;
mod compare;
mod context;
mod convert;
mod doctor;
mod elements;
mod emit;
mod engine;
mod failure;
mod files;
mod finding;
mod info;
mod inputs;
mod inspect;
mod machine;
mod model;
mod neural;
mod npy;
mod progress;
mod run;
mod style;
mod table;
mod target;

use clap::Parser;
use command::{Command, Verb};
use context::Context;
use failure::{Failure, Problem};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let command = Command::parse();
    let cx = Context::new(command.json);
    if let Err(failure) = start_log(&cx) {
        cx.say(&failure.text(cx.err));
        return ExitCode::from(2);
    }
    match &command.verb {
        Verb::Run(args) => cx.finish("run", run::run(args, &cx)),
        Verb::Check(args) => cx.finish("check", check::run(args, &cx)),
        Verb::Emit(args) => cx.finish("emit", emit::run(args, &cx)),
        Verb::Convert(args) => cx.finish("convert", convert::run(args, &cx)),
        Verb::Compare(args) => cx.finish("compare", compare::run(args, &cx)),
        Verb::Bench(args) => cx.finish("bench", bench::run(args, &cx)),
        Verb::Inspect(args) => cx.finish("inspect", inspect::run(args, &cx)),
        Verb::Info(args) => cx.finish("info", info::run(args)),
        Verb::Doctor(args) => cx.finish("doctor", doctor::run(args, &cx)),
        Verb::DoctorWorker(args) => doctor::worker::run(args),
    }
}

/// Logs go to stderr, as `ANEMONE_LOG` says, or else `RUST_LOG`; by default there are none below errors.
fn start_log(cx: &Context) -> Result<(), Failure> {
    let wanted = ["ANEMONE_LOG", "RUST_LOG"].into_iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let filter = match wanted {
        None => EnvFilter::new("error"),
        Some((name, wanted)) => EnvFilter::try_new(&wanted).map_err(|e| {
            let problem = Problem::new("usage", format!("the variable {name} holds `{wanted}`: {e}"));
            problem.hint("a level, as `debug`, or levels of parts, as `anemone_cpu=trace,warn`")
        })?,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(cx.err.is_coloured());
    log.with_writer(std::io::stderr).init();
    Ok(())
}
