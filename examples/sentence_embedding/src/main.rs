//! Sentence embeddings: how alike sentences are, by all-MiniLM-L6-v2.

mod table;

use anemone::mil::{self, Dialect};
use anemone::{CompileOptions, Profile};
use clap::{Parser, ValueEnum};
use sentence_embedding::{Encoder, Error, Model, Tokens, flops, programs};
use serde_json::json;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// The lengths of sequences to choose from.
const SEQUENCES: [usize; 3] = [64, 128, 256];
/// Above this the table is of no use.
const MOST_SENTENCES: usize = 1000;
const EXAMPLES: [&str; 4] = [
    "A cat sits on the mat.",
    "A small feline is resting on a rug.",
    "The central bank raised interest rates on Thursday.",
    "Borrowing money has become more expensive this week.",
];

/// Tells how alike sentences are: prints the cosine of every pair of their embeddings by all-MiniLM-L6-v2.
///
/// 1 is the same meaning, 0 none in common. The weights come with `just fetch-minilm`, or with
/// `python3 examples/sentence_embedding/fetch.py`.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The sentences. Without any, the lines of standard input; at a terminal, a few examples
    sentences: Vec<String>,
    /// Tokens the network takes at once: 64, 128 or 256. Longer sentences are cut. The shortest that fits, unless given
    #[arg(long, value_name = "N", value_parser = sequence)]
    seq: Option<usize>,
    /// Numbers as the Neural Engine has them, or with fewer roundings, to compare
    #[arg(long, value_enum, default_value_t)]
    profile: Numbers,
    /// Threads of the CPU engine
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Layers in each program, 1 to 6; the Neural Engine is known to fail at 3
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=6))]
    layers_each: u8,
    /// Where model.safetensors and vocab.txt are
    #[arg(long, value_name = "DIR", default_value = "data/minilm")]
    model: PathBuf,
    /// Print embeddings and cosines as JSON
    #[arg(long)]
    json: bool,
    /// Measure the latency of one sentence
    #[arg(long)]
    bench: bool,
    /// Only write the programs as MIL text, for 128 tokens unless --seq says otherwise: into DIR/part_1, and so on, each a
    /// model.mil with its weights
    #[arg(long, value_name = "DIR")]
    emit: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum, Default)]
enum Numbers {
    #[default]
    Fp16,
    F32,
}

impl From<Numbers> for Profile {
    fn from(numbers: Numbers) -> Profile {
        match numbers {
            Numbers::Fp16 => Profile::Fp16,
            Numbers::F32 => Profile::F32,
        }
    }
}

fn sequence(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| SEQUENCES.contains(n));
    number.ok_or_else(|| "64, 128 and 256 are offered".to_owned())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            // If even this cannot be written, there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Error> {
    let model = Model::load(&options.model)?;
    if let Some(directory) = &options.emit {
        return emit(&model, &options, directory);
    }
    let sentences = sentences(options.sentences)?;
    let longest = SEQUENCES[SEQUENCES.len() - 1];
    let limit = options.seq.unwrap_or(longest);
    let tokens: Vec<Tokens> = sentences.iter().map(|s| model.tokenizer.encode(s, limit)).collect();
    for (tokens, number) in tokens.iter().zip(1..).filter(|(t, _)| t.dropped > 0) {
        writeln!(io::stderr(), "warning: sentence {number} is cut by {} tokens to {limit}", tokens.dropped)?;
    }
    let needed = tokens.iter().map(|t| t.ids.len()).max().unwrap_or_default();
    let sequence = options.seq.or(SEQUENCES.into_iter().find(|s| *s >= needed)).unwrap_or(longest);

    let mut compile = CompileOptions::new().profile(options.profile.into());
    compile.threads = options.threads;
    let mut encoder = Encoder::new(&model, sequence, options.layers_each.into(), &compile)?;
    let embeddings =
        tokens.iter().map(|t| encoder.embed(&model, &t.ids)).collect::<Result<Vec<Box<[f32]>>, Error>>()?;
    let cosines: Vec<Vec<f32>> = embeddings.iter().map(|a| embeddings.iter().map(|b| cosine(a, b)).collect()).collect();
    let latency = options.bench.then(|| latency(&mut encoder, &model, &tokens[0].ids)).transpose()?;

    let mut out = String::new();
    if options.json {
        let report = json!({
            "sequence": sequence,
            "profile": Profile::from(options.profile).name(),
            "sentences": sentences,
            "tokens": tokens.iter().map(|t| t.ids.len()).collect::<Vec<_>>(),
            "embeddings": embeddings,
            "cosines": cosines,
            "latency_ms": latency,
        });
        writeln!(out, "{report}")?;
    } else {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        out = table::render(&sentences, &cosines, colours);
        if let Some(ms) = latency {
            let (profile, speed) = (Profile::from(options.profile).name(), flops(sequence) / ms / 1e6);
            writeln!(out, "\n{sequence} tokens, profile {profile}: {ms:.3} ms (median), {speed:.0} GFLOP/s")?;
        }
    }
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// Writes the programs as MIL text, in the order in which they run.
fn emit(model: &Model, options: &Options, directory: &Path) -> Result<(), Error> {
    let graphs = programs(model, options.layers_each.into(), options.seq.unwrap_or(128));
    for (graph, number) in graphs.zip(1..) {
        mil::print(&graph?.program()?, Dialect::default()).save(&directory.join(format!("part_{number}")))?;
    }
    Ok(())
}

/// The sentences to compare: given, or read, or made up.
fn sentences(given: Vec<String>) -> Result<Vec<String>, Error> {
    let mut sentences = given;
    if sentences.is_empty() && io::stdin().is_terminal() {
        sentences = EXAMPLES.map(str::to_owned).into();
    } else if sentences.is_empty() {
        let lines = io::stdin().lines().filter(|line| !matches!(line, Ok(line) if line.trim().is_empty()));
        sentences = lines.take(MOST_SENTENCES + 1).collect::<Result<_, _>>()?;
    }
    match sentences.len() {
        0 => Err("standard input has no lines; give sentences as arguments, or one to a line".into()),
        n if n > MOST_SENTENCES => Err(format!("more than {MOST_SENTENCES} sentences").into()),
        _ => Ok(sentences),
    }
}

/// Embeddings have length 1, but for rounding to `fp16`; so a sentence would not be quite like itself without dividing.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The median time of one sentence in milliseconds, look-up and reading included: over a second, or ten runs.
fn latency(encoder: &mut Encoder, model: &Model, ids: &[u32]) -> Result<f64, Error> {
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < 10 || start.elapsed().as_secs_f64() < 1.0 {
        let begin = Instant::now();
        encoder.embed(model, ids)?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
