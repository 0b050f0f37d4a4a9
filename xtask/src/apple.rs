//! Checks everything for Apple's machines, and links it, where there is none of them.

mod compiler;
mod macho;
mod signature;
mod stubs;
#[cfg(test)]
mod tests;

use crate::Error;
use clap::Args;
use compiler::Compiler;
use macho::{Image, Version};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use stubs::LIBRARIES;

/// Checks, lints, documents and links everything for a Mac.
///
/// The crates, the command line, the examples and all tests are linted and linked for aarch64-apple-darwin, and checked for
/// x86_64-apple-darwin, aarch64-apple-ios and aarch64-unknown-linux-gnu. Nothing is run.
///
/// A program is linked with lists of the names that Apple's libraries have (xtask/apple), so a name that is misspelt, or newer
/// than macOS 11, does not link. Then what each program loads and imports is compared with the lists, and its signature with
/// its bytes. Both are shown to find what is wrong, too.
///
/// Needs Debian's packages rustc-web, cargo-web, rust-web-src, rust-web-clippy and clang-19, which .ci/run installs.
#[derive(Args)]
pub(crate) struct Options {}

/// The target that programs are linked for.
const MAC: &str = "aarch64-apple-darwin";

/// Targets that everything is checked for, and no more. The last is not Apple's: nothing else sees the code for Arm on Linux.
const OTHERS: [&str; 3] = ["x86_64-apple-darwin", "aarch64-apple-ios", "aarch64-unknown-linux-gnu"];

/// All crates but those that only ever run on the machine that anemone is developed on.
const PACKAGES: [&str; 5] = ["--workspace", "--exclude", "xtask", "--exclude", "anemone-double"];

/// What must not be in the crates for a Mac. Not all warnings: Debian's compiler is newer than the pinned one, and goes on
/// changing. A new lint should not fail until somebody has chosen it; a new finding of these is a mistake.
const DENIED: [&str; 5] = ["unused", "missing_docs", "unreachable_pub", "clippy::correctness", "clippy::suspicious"];

/// The platform macOS in `LC_BUILD_VERSION`, and the oldest version that Rust supports there.
const BUILD: (u32, Version) = (1, Version::new(11, 0));

/// Does all of it, and tells how long each part took.
pub(crate) fn run(_: &Options) -> Result<ExitCode, Error> {
    let compiler = Compiler::find()?;
    stubs::write(compiler.sdk())?;

    timed(&format!("clippy for {MAC}"), || {
        let denied = DENIED.iter().flat_map(|lint| ["-D", lint]);
        compiler.run(compiler.clippy(MAC).args(PACKAGES).arg("--all-targets").arg("--").args(denied))
    })?;
    timed(&format!("documentation for {MAC}"), || {
        let mut doc = compiler.cargo("doc", &[MAC]);
        compiler.run(doc.args(PACKAGES).args(["--no-deps", "--lib"]).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    let programs = timed(&format!("build and link for {MAC}"), || {
        compiler.programs(compiler.cargo("build", &[MAC]).args(PACKAGES).arg("--all-targets"))
    })?;
    timed("what was linked", || check_programs(&programs))?;
    timed("a misspelt name does not link", || misspelt(&compiler))?;
    for target in OTHERS {
        timed(&format!("check for {target}"), || compiler.run(compiler.cargo("check", &[target]).args(PACKAGES)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn timed<T>(what: &str, part: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    let done = part().map_err(|e| format!("{what}: {e}"))?;
    writeln!(io::stdout(), "{what}: {:.0} s", start.elapsed().as_secs_f64())?;
    Ok(done)
}

/// Checks every program, and that the lists of names have none that no program needs.
fn check_programs(programs: &[PathBuf]) -> Result<(), Error> {
    if programs.is_empty() {
        return Err("nothing was linked".into());
    }
    let mut used = BTreeSet::new();
    let mut pages = 0;
    for path in programs {
        pages += check_program(&fs::read(path)?, &mut used).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    for library in LIBRARIES.iter().filter(|library| library.exact) {
        if let Some(name) = library.names().find(|&name| !used.contains(&(library.install_name, name.to_owned()))) {
            return Err(format!("no program imports {name} from {}: xtask/apple", library.install_name).into());
        }
    }
    let (programs, names) = (programs.len(), used.len());
    writeln!(
        io::stdout(),
        "{programs} programs import {names} names, all as listed; {pages} pages are as they were signed"
    )?;
    Ok(())
}

/// Checks one program, and adds the names that it imports; the number of its pages.
fn check_program(file: &[u8], used: &mut BTreeSet<(&'static str, String)>) -> Result<usize, Error> {
    let image = Image::read(file)?;
    if image.build != BUILD {
        let ((platform, oldest), (mac, eleven)) = (image.build, BUILD);
        return Err(format!("made for version {oldest} of platform {platform}, not {eleven} of {mac}").into());
    }
    let mut loaded = Vec::new();
    for (name, version) in &image.dylibs {
        let library = LIBRARIES.iter().find(|l| l.install_name == name).ok_or_else(|| format!("it loads {name}"))?;
        if *version != library.compatibility {
            return Err(format!("it wants {name} {version}; the oldest is {}", library.compatibility).into());
        }
        loaded.push(library);
    }
    for import in &image.imports {
        let library = usize::from(import.ordinal).checked_sub(1).and_then(|i| loaded.get(i));
        let library = library
            .ok_or_else(|| format!("{} is bound to no library that is loaded: {}", import.name, import.ordinal))?;
        if !library.names().any(|name| name == import.name) {
            return Err(format!("{} is not listed for {}", import.name, library.install_name).into());
        }
        used.insert((library.install_name, import.name.clone()));
    }
    signature::verify(file, &image)
}

/// Links the command line with a name that no library has, which must fail, and say so.
fn misspelt(compiler: &Compiler) -> Result<(), Error> {
    const NAME: &str = "_IOSurfaceGetBaseAddres";
    let mut link = compiler.cargo("rustc", &[MAC]);
    link.args(["--package", "anemone-cli", "--bin", "anemone", "--", "-Clink-arg=-u", &format!("-Clink-arg={NAME}")]);
    let output = link.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains(&format!("undefined symbol: {NAME}")) {
        return Err(format!("{NAME} should not have linked for that reason: {}\n{said}", output.status).into());
    }
    Ok(())
}
