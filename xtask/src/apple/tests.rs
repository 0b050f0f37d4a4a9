//! What is checked of a program, on one of a few lines that the pinned toolchain can compile and link by itself.

use super::compiler::linker;
use super::macho::Image;
use super::{check_program, signature, stubs};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A program that calls one function of IOSurface. It does without the standard library, so it has to declare what the
/// language itself needs.
const SOURCE: &str = r#"
#![allow(internal_features)]
#![feature(no_core, lang_items)]
#![no_core]
#[lang = "pointee_sized"] trait PointeeSized {}
#[lang = "meta_sized"] trait MetaSized: PointeeSized {}
#[lang = "sized"] trait Sized: MetaSized {}
#[lang = "copy"] trait Copy {}
unsafe extern "C" { fn FUNCTION(surface: *mut u8) -> *mut u8; }
#[unsafe(no_mangle)] extern "C" fn main(_: i32, surface: *mut u8) -> i32 {
    unsafe { FUNCTION(surface) };
    0
}
"#;

/// Compiles the program with a call of `function`, and links it as `folder/program`.
fn link(folder: &Path, function: &str, options: &[&str]) -> Output {
    let [source, object, program, sdk] = ["main.rs", "main.o", "program", "sdk"].map(|name| folder.join(name));
    fs::write(&source, SOURCE.replace("FUNCTION", function)).unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=lib", "--target=aarch64-apple-darwin", "--emit=obj", "-o"]);
    // Its features are those of unfinished compilers, or of one that is told that it may.
    assert!(rustc.args([&object, &source]).env("RUSTC_BOOTSTRAP", "1").status().unwrap().success());
    stubs::write(&sdk).unwrap();
    let mut lld = Command::new(linker().unwrap());
    lld.args(["-flavor", "darwin", "-arch", "arm64", "-platform_version", "macos", "11.0", "11.0", "-syslibroot"]);
    lld.arg(&sdk).args(["-lSystem", "-framework", "IOSurface"]).args(options).arg(&object).arg("-o").arg(&program);
    lld.output().unwrap()
}

/// The program that calls a function there is.
fn linked() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let output = link(folder.path(), "IOSurfaceGetBaseAddress", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(folder.path().join("program")).unwrap()
}

#[test]
fn a_program_says_what_it_imports() {
    let mut used = BTreeSet::new();
    let file = linked();
    let pages = check_program(&file, &mut used).unwrap();
    assert_eq!(pages, Image::read(&file).unwrap().signature.start.div_ceil(4096));
    let names: Vec<&str> = used.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["_IOSurfaceGetBaseAddress", "dyld_stub_binder"]);
}

#[test]
fn a_misspelt_name_does_not_link() {
    let folder = tempfile::tempdir().unwrap();
    let output = link(folder.path(), "IOSurfaceGetBaseAddres", &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("undefined symbol: _IOSurfaceGetBaseAddres\n"), "{said}");
}

#[test]
fn a_name_that_any_library_may_have_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = link(folder.path(), "IOSurfaceGetBaseAddres", &["-undefined", "dynamic_lookup"]);
    assert!(output.status.success());
    let error = check_program(&fs::read(folder.path().join("program")).unwrap(), &mut BTreeSet::new()).unwrap_err();
    assert_eq!(error.to_string(), "_IOSurfaceGetBaseAddres is bound to no library that is loaded: 254");
}

#[test]
fn a_newer_system_than_the_oldest_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = link(folder.path(), "IOSurfaceGetBaseAddress", &["-platform_version", "macos", "12.0", "12.0"]);
    assert!(output.status.success());
    let error = check_program(&fs::read(folder.path().join("program")).unwrap(), &mut BTreeSet::new()).unwrap_err();
    assert_eq!(error.to_string(), "made for version 12.0 of platform 1, not 11.0 of 1");
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let file = linked();
    let image = Image::read(&file).unwrap();
    for at in (0..image.signature.start).step_by(61) {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        let error = signature::verify(&changed, &image).unwrap_err().to_string();
        assert!(error.starts_with(&format!("page {} of ", at / 4096)), "{at}: {error}");
    }
}

#[test]
fn what_is_cut_short_or_damaged_is_an_error() {
    let file = linked();
    for length in (0..file.len()).step_by(7) {
        assert!(check_program(&file[..length], &mut BTreeSet::new()).is_err(), "{length}");
    }
    // The header and the load commands.
    for at in 0..2048 {
        let mut changed = file.clone();
        changed[at] = !changed[at];
        assert!(check_program(&changed, &mut BTreeSet::new()).is_err(), "{at}");
    }
}
