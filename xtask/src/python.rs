//! The Python side of tasks: a virtual environment for each, and running it.

use crate::{Error, root};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// An interpreter with the requirements of a package under `xtask` installed.
pub(crate) struct Python {
    package: &'static str,
    interpreter: PathBuf,
}

impl Python {
    /// Makes the virtual environment of the package, unless it is there with the very requirements. `what` says, for people,
    /// what is installed.
    pub(crate) fn prepare(system: &Path, package: &'static str, what: &str) -> Result<Python, Error> {
        let venv = root().join("target/venv").join(package);
        let interpreter = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        let requirements = root().join("xtask").join(package).join("requirements.txt");
        // Written last: what it says is installed.
        let installed = venv.join("requirements.txt");
        let wanted = fs::read(&requirements).map_err(|e| format!("{}: {e}", requirements.display()))?;
        if fs::read(&installed).is_ok_and(|found| found == wanted) && works(&interpreter) {
            return Ok(Python { package, interpreter });
        }
        writeln!(io::stderr(), "making target/venv/{package} with {what}")?;
        if !works(&interpreter) {
            let hint = "Python 3.10 to 3.13 with venv and pip is needed; --python PATH names another one";
            succeed(Command::new(system).args(["-m", "venv", "--clear"]).arg(&venv), hint)?;
        }
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements);
        succeed(&mut pip, "coremltools has wheels for Python up to 3.13; --python PATH names another Python")?;
        fs::write(installed, wanted)?;
        Ok(Python { package, interpreter })
    }

    /// Runs the package with these arguments; the exit code is its own.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<ExitCode, Error> {
        // -B: no __pycache__ in the source tree.
        let mut command = Command::new(&self.interpreter);
        command.args(["-B", "-m", self.package]).args(arguments).env("PYTHONPATH", root().join("xtask"));
        let status = command.status().map_err(|e| format!("{}: {e}", self.interpreter.display()))?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn works(interpreter: &Path) -> bool {
    let status = Command::new(interpreter).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Runs a command that has to succeed. Its standard output goes to standard error, as this task's is for results.
pub(crate) fn succeed(command: &mut Command, hint: &str) -> Result<(), Error> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| format!("{name}: {e}\n{hint}"))?;
    io::stderr().write_all(&output.stdout)?;
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {}\n{hint}", output.status).into()) }
}
