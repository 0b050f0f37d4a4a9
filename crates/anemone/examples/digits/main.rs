//! A trained network reads handwritten digits it has never seen, and says how well.
//!
//! `network.rs` is the part to copy from: a network built call by call from weights in a file. `classify.rs` runs it,
//! 64 images side by side. `train.py` has made the weights.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program with output")]

mod classify;
mod dataset;
mod network;
mod report;

use anemone::mil::{self, Dialect};
use dataset::Dataset;
use report::Report;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
A trained network reads handwritten digits it has never seen, and says how well.

Usage: cargo run --release --example digits -- [OPTIONS]

Options:
      --json      Print the figures as JSON
      --emit DIR  Only write the network as MIL text: DIR/model.mil, with its weights in DIR/weights
  -h, --help      Print this

Exit codes: 0, 1 if fewer than 97 % of the answers are right or something fails, 2 for a wrong option.
";

/// The least share of right answers: below it, something is broken.
const PASS: f64 = 0.97;

#[derive(Default)]
struct Options {
    json: bool,
    emit: Option<PathBuf>,
    help: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Options, String> {
        let mut options = Options::default();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--json") => options.json = true,
                Some("--emit") => options.emit = Some(args.next().ok_or("--emit wants a directory")?.into()),
                Some("-h" | "--help") => options.help = true,
                _ => return Err(format!("unknown option {arg:?}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(e) => {
            eprintln!("error: {e}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if options.help {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if let Some(directory) = &options.emit {
        return match emit(directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("error: {e}");
                ExitCode::FAILURE
            }
        };
    }
    match run(&options) {
        Ok(accuracy) if accuracy >= PASS => ExitCode::SUCCESS,
        Ok(accuracy) => {
            eprintln!("error: {:.2} % of the answers are right, at least {} % must be", accuracy * 100.0, PASS * 100.0);
            ExitCode::FAILURE
        }
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the network as MIL text, for other programs to read.
fn emit(directory: &Path) -> Result<(), Box<dyn Error>> {
    let graph = network::graph(&Dataset::load()?.layers);
    Ok(mil::print(&graph.program()?, Dialect::default()).save(directory)?)
}

/// Does it all; returns the share of right answers.
fn run(options: &Options) -> Result<f64, Box<dyn Error>> {
    let dataset = Dataset::load()?;
    let graph = network::graph(&dataset.layers);
    let executable = network::compile(&graph)?;
    let answers = classify::classify(&executable, &dataset.images)?;
    let latency = classify::measure(&executable, &dataset.images)?;
    let report = Report::new(&dataset, &executable, &answers, latency);
    let text = if options.json { format!("{}\n", report.json()) } else { report.text() };
    io::stdout().write_all(text.as_bytes())?;
    Ok(report.accuracy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_every_held_out_digit_is_read() {
        let dataset = Dataset::load().unwrap();
        let executable = network::compile(&network::graph(&dataset.layers)).unwrap();
        let answers = classify::classify(&executable, &dataset.images).unwrap();
        assert_eq!(answers.len(), 540);
        let right = answers.iter().zip(&dataset.images).filter(|(a, i)| a.digit == i.truth).count();
        assert!(right as f64 >= PASS * 540.0, "{right} of 540");
    }

    /// The last batch is not full; its answers do not depend on what else a batch holds.
    #[test]
    fn an_image_alone_gets_the_same_answer_as_in_a_batch() {
        let dataset = Dataset::load().unwrap();
        let executable = network::compile(&network::graph(&dataset.layers)).unwrap();
        let batch = classify::classify(&executable, &dataset.images[..65]).unwrap();
        for at in [0, 63, 64] {
            let alone = classify::classify(&executable, &dataset.images[at..=at]).unwrap();
            assert_eq!(alone, [batch[at]]);
        }
    }

    #[test]
    fn options_are_read() {
        let parse = |args: &[&str]| Options::parse(args.iter().map(OsString::from));
        assert!(parse(&["--json"]).is_ok_and(|o| o.json));
        assert!(parse(&["--emit", "a b"]).is_ok_and(|o| o.emit == Some("a b".into())));
        assert!(parse(&["--emit"]).is_err());
        assert!(parse(&["--jsno"]).is_err());
    }
}
