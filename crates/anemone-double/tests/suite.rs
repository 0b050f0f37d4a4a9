//! Runs anemone's Apple back end on the test double, where the double can be built: on Linux, x86-64, with Debian's
//! packages for Objective-C. Elsewhere it says loudly that nothing was tested.
//!
//! Cargo is called for it, with a folder of its own for what it builds, since the double is a feature that nothing else in
//! the workspace is built with.
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// What GNUstep says when an object is handed out where nothing will ever release it.
const NO_POOL: &str = "autorelease called without pool";

/// What the double says when it is misused in a way that the framework may bear.
const MISUSE: &str = "the double found a fault";

/// How `timeout` ends when it had to.
const OUT_OF_TIME: i32 = 124;

/// What the double and its tests need, and how to see that it is there.
const TOOLS: &[(&str, &[&str])] = &[
    ("gobjc", &["sh", "-c", "test -x \"$(gcc -print-prog-name=cc1obj)\""]),
    ("libgnustep-base-dev", &["gnustep-config", "--objc-flags"]),
    ("libblocksruntime-dev", &["sh", "-c", "test -f \"$(gcc -print-file-name=libBlocksRuntime.so)\""]),
    ("valgrind", &["valgrind", "--version"]),
];

#[test]
fn the_back_end_runs_on_the_double() {
    // Its tests misuse the double on purpose, and see to it themselves that nobody else does.
    test("h16g", &["-p", "anemone-apple", "--features", "anemone-apple/double"], &[NO_POOL]);
}

#[test]
fn programs_run_on_the_double_as_on_the_cpu() {
    test("h16g", &["-p", "anemone", "--features", "anemone/double"], &[NO_POOL, MISUSE]);
}

#[test]
fn programs_run_on_the_oldest_generation_too() {
    // Its compiler takes another dialect, and each constant in a file of its own; the double sees to that.
    let contract = ["-p", "anemone", "--features", "anemone/double", "--test", "contract", "--test", "old_program"];
    test("h13g", &contract, &[NO_POOL, MISUSE]);
}

#[test]
fn every_filetest_runs_on_the_double_of_each_generation() {
    let conformance =
        ["-p", "anemone", "-p", "anemone-double", "--features", "anemone/double", "--test", "conformance"];
    for architecture in ["h13g", "h14g", "h15g", "h16g", "h17g"] {
        test(architecture, &[&conformance[..], &["--", "--ignored"]].concat(), &[NO_POOL, MISUSE]);
    }
}

#[test]
fn the_doctor_examines_the_double() {
    let doctor = ["-p", "anemone-cli", "--features", "anemone-cli/double", "--test", "cli", "--", "--ignored"];
    test("h16g", &doctor, &[NO_POOL, MISUSE]);
}

/// Runs tests on the double of a Neural Engine, which must not say what is forbidden. Their count is printed, whatever the test harness does
/// with the output of tests that pass.
fn test(architecture: &str, arguments: &[&str], forbidden: &[&str]) {
    // One after another: some of them measure time and memory.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(engine) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut cargo = cargo("test");
    // GNUstep takes the place of temporary files from `TEMP`.
    cargo.args(arguments).env("ANEMONE_DOUBLE_ENGINE", engine).env("TEMP", folder.path());
    cargo.env("ANEMONE_DOUBLE_ARCHITECTURE", architecture);
    let output = cargo.output().unwrap();
    assert_ne!(output.status.code(), Some(OUT_OF_TIME), "the tests did not end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    forbidden.iter().for_each(|words| assert!(!text.contains(words), "{words}\n{text}"));
    let passed = passed(&text);
    assert!(passed > 0, "no test has run\n{text}");
    text.lines().filter(|line| line.starts_with("filetests on")).for_each(|line| say(&format!("{line}\n")));
    say(&format!("on the double of {architecture}: cargo test {}: {passed} passed\n", arguments.join(" ")));
}

/// How many tests have passed, says the output of `cargo test`.
fn passed(text: &str) -> usize {
    let results = text.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok()).sum()
}

/// The library that computes, built; `None` where the double cannot be.
fn engine() -> Option<&'static Path> {
    static ENGINE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = ENGINE.get_or_init(|| {
        if let Some(missing) = missing() {
            say(&format!("SKIPPED: nothing was tested on the double of Apple's framework; it needs {missing}\n"));
            return None;
        }
        let output = cargo("build").args(["-p", "anemone-double", "--lib", "--profile", "test"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(target().join("debug/libanemone_double.so"))
    });
    built.as_deref()
}

/// What is missing for the double, for people.
fn missing() -> Option<String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("Linux on x86-64".to_owned());
    }
    let is_missing = |(_, command): &&(&str, &[&str])| {
        !Command::new(command[0]).args(&command[1..]).output().is_ok_and(|output| output.status.success())
    };
    let packages: Vec<_> = TOOLS.iter().filter(is_missing).map(|(package, _)| *package).collect();
    (!packages.is_empty()).then(|| format!("apt-get install {}", packages.join(" ")))
}

/// Cargo, in the workspace, with the compiler that objc2 needs and a folder of its own.
fn cargo(verb: &str) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    // A run that nobody ends would be waited for.
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=10", "1200"])
        .arg(cargo)
        .arg(verb)
        .args(["--locked", "--target-dir"])
        .arg(target())
        .current_dir(root());
    command.env("CC_x86_64_unknown_linux_gnu", root().join("crates/anemone-apple/double/gcc"));
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn target() -> PathBuf {
    root().join("target/double")
}

/// Says something in spite of the test harness, which keeps what the macros print.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
