//! The command line as a whole.

use clap::Parser;
use clap::builder::styling::{AnsiColor, Styles};

const ABOUT: &str = "Runs, checks, prints and measures neural networks in MIL, the language inside Core ML models";

const LONG_ABOUT: &str = "\
Runs, checks, prints and measures neural networks in MIL, the language inside Core ML models.

MODEL is a Core ML model with an ML program, as .mlpackage, .mlmodelc or .mlmodel, or a file of MIL text (.mil). Its weights are \
read from the files that it names, inside of the package or beside the text.

`run` and `doctor` use the Neural Engine where there is one, through a private framework of Apple's. `bench`, `compare` and \
`inspect` are about the CPU engine, which models what is published of the Neural Engine's numbers; it is not the hardware, and \
does not claim equal bits.";

const AFTER_HELP: &str = "\
`anemone help VERB` explains a verb, with examples.";

const AFTER_LONG_HELP: &str = "\
`anemone help VERB` explains a verb, with examples.

Results go to stdout; errors, warnings, logs and progress to stderr. With --json a result is one JSON object on one line with \
the fields `schema` (1), `verb` and `ok`, followed by the verb's own; a failure is one with `errors` and `diagnostics`. \
Fields may be added within a version of the schema; none is taken away or changed.

Exit codes:
  0  it worked
  1  it failed, or something is wrong with the model; `compare --tolerance`: outputs are too far apart
  2  the command line is wrong
  3  `doctor --compare`: something is worse than before

Variables:
  ANEMONE_SIMD         vector instructions: scalar, avx2 or avx512; by default the best
  ANEMONE_THREADS      threads, if --threads is not given; by default one for each core
  ANEMONE_LOG          what is logged, such as `debug` or `anemone_cpu=trace`
  RUST_LOG             the same, if ANEMONE_LOG is not set
  ANEMONE_NO_PROGRESS  if set, there are no progress bars
  NO_COLOR             if set, there are no colours";

/// The command line.
#[derive(Parser, Debug)]
#[command(name = "anemone", version, about = ABOUT, long_about = LONG_ABOUT)]
#[command(after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
#[command(styles = styles(), arg_required_else_help = true, max_term_width = 100, subcommand_value_name = "VERB")]
#[command(subcommand_help_heading = "Verbs", disable_help_subcommand = false)]
pub(crate) struct Command {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Give the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Verb {
    Run(crate::run::Args),
    Check(crate::check::Args),
    Emit(crate::emit::Args),
    Convert(crate::convert::Args),
    Compare(crate::compare::Args),
    Bench(crate::bench::Args),
    Inspect(crate::inspect::Args),
    Info(crate::info::Args),
    Doctor(crate::doctor::Args),
    #[command(name = crate::doctor::worker::VERB, hide = true)]
    DoctorWorker(crate::doctor::worker::Args),
}

fn styles() -> Styles {
    let heading = AnsiColor::Green.on_default().bold();
    Styles::styled().header(heading).usage(heading).literal(AnsiColor::Cyan.on_default().bold())
}

#[cfg(test)]
mod tests {
    use super::Command;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }
}
