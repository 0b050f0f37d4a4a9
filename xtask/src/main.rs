//! Tasks with logic, for `just` and CI. A file for each task; `cargo xtask --help` lists them.

mod apple;
mod models;
mod python;
mod validate;

use clap::{Parser, Subcommand};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// What goes wrong in a task: told as it is, and the exit code is 1.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// Tasks with logic. `just` has short names for them.
///
/// Exit codes: 0, 1 if something fails, 2 for wrong arguments.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Apple(apple::Options),
    Models(models::Options),
    Validate(validate::Options),
}

fn main() -> ExitCode {
    let Cli { task } = Cli::parse();
    let done = match task {
        Task::Apple(options) => apple::run(&options),
        Task::Models(options) => models::run(&options),
        Task::Validate(options) => validate::run(&options),
    };
    done.unwrap_or_else(|e| {
        // If even this cannot be written, there is nobody to tell.
        let _ = writeln!(io::stderr(), "error: {e}");
        ExitCode::FAILURE
    })
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a directory of the repository")
}
