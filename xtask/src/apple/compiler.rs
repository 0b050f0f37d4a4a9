//! Debian's Rust compiler, which can compile for Apple's machines, with the pinned toolchain's linker.
//!
//! The pinned toolchain comes with a standard library for this machine alone, compiled. Debian's `rustc-web` comes with the
//! source of one, and so can make it for any machine. Its version is Debian's choice.

use crate::{Error, root};
use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian's programs are. Those of rustup are often before them in the path.
const BIN: &str = "/usr/bin";

/// The C compiler for the few lines of Objective-C in objc2 that catch exceptions.
const CLANG: &str = "clang-19";

/// What is compiled goes here, apart from what other compilers made.
const FOLDER: &str = "target/apple";

/// Settings that are the same in all steps, since with others the standard library would be compiled again. Nothing is run, so
/// nothing needs to be fast.
const SETTINGS: [&str; 5] = [
    r#"profile.dev.package."*".opt-level = 0"#,
    "profile.dev.opt-level = 0",
    "profile.test.opt-level = 0",
    "profile.dev.debug = false",
    // Cargo would have the symbols of a program without them stripped, which takes another tool.
    "profile.dev.strip = false",
];

pub(super) struct Compiler {
    folder: PathBuf,
    sdk: PathBuf,
    linker: PathBuf,
    path: OsString,
}

impl Compiler {
    /// Looks for the programs it takes.
    ///
    /// # Errors
    ///
    /// If one is missing, with the packages that have it.
    pub(super) fn find() -> Result<Self, Error> {
        for needed in ["rustc", "cargo", "cargo-clippy", CLANG].map(|name| Path::new(BIN).join(name)) {
            if !needed.exists() {
                let why = "apt-get install rustc-web cargo-web rust-web-src rust-web-clippy clang-19, on Debian 12";
                return Err(format!("no {}: {why}", needed.display()).into());
            }
        }
        let others = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([BIN.into()].into_iter().chain(env::split_paths(&others)))?;
        let folder = root().join(FOLDER);
        Ok(Self { sdk: folder.join("sdk"), folder, linker: linker()?, path })
    }

    /// The folder for the linker's lists of names.
    pub(super) fn sdk(&self) -> &Path {
        &self.sdk
    }

    /// `cargo COMMAND` for these targets.
    pub(super) fn cargo(&self, command: &str, targets: &[&str]) -> Command {
        self.command("cargo", command, targets)
    }

    /// `cargo clippy` for this target. Cargo would look for it in rustup's folder first.
    pub(super) fn clippy(&self, target: &str) -> Command {
        self.command("cargo-clippy", "clippy", &[target])
    }

    fn command(&self, program: &str, command: &str, targets: &[&str]) -> Command {
        let mut cargo = Command::new(Path::new(BIN).join(program));
        cargo.current_dir(root()).arg(command).args(["--quiet", "--locked", "-Zbuild-std"]);
        cargo.args(targets.iter().flat_map(|target| ["--target", target]));
        cargo.args(SETTINGS.iter().flat_map(|setting| ["--config", setting]));
        // What cargo and rustup have told this program is about another compiler.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let ours = ["CARGO", "RUST"].iter().any(|start| text.starts_with(start)) && !text.ends_with("_HOME");
            if ours || text == "LD_LIBRARY_PATH" {
                cargo.env_remove(name);
            }
        }
        cargo.env("CARGO", Path::new(BIN).join("cargo"));
        cargo.env("PATH", &self.path);
        cargo.env("CARGO_TARGET_DIR", &self.folder);
        // -Zbuild-std wants a nightly compiler, or to be told that this one will do.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env("CARGO_TARGET_AARCH64_APPLE_DARWIN_LINKER", &self.linker);
        cargo.env("CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS", "-Clinker-flavor=ld64.lld");
        cargo.env("SDKROOT", &self.sdk);
        for target in targets.iter().filter(|target| target.contains("-apple-")) {
            cargo.env(format!("CC_{}", target.replace('-', "_")), CLANG);
        }
        cargo
    }

    /// Runs it, for its exit code.
    pub(super) fn run(&self, command: &mut Command) -> Result<(), Error> {
        let code = command.status()?;
        if code.success() { Ok(()) } else { Err(code.to_string().into()) }
    }

    /// The programs that a `cargo build` makes.
    pub(super) fn programs(&self, build: &mut Command) -> Result<Vec<PathBuf>, Error> {
        let messages = output(build.arg("--message-format=json-render-diagnostics"))?;
        let mut programs = Vec::new();
        for message in messages.lines() {
            let message: Value = serde_json::from_str(message)?;
            programs.extend(message["executable"].as_str().map(PathBuf::from));
        }
        programs.sort();
        programs.dedup();
        Ok(programs)
    }
}

/// The linker for Apple's machines that comes with the pinned toolchain.
pub(super) fn linker() -> Result<PathBuf, Error> {
    let sysroot = output(Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]))?;
    let about = output(Command::new("rustc").current_dir(root()).arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
    if !linker.exists() {
        return Err(format!("no {}: the toolchain should be rustup's", linker.display()).into());
    }
    Ok(linker)
}

/// What a program prints, if it succeeds. What it says besides is for the reader.
fn output(command: &mut Command) -> Result<String, Error> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(output.status.to_string().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
