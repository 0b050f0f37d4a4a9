//! Processes that are killed.

use crate::bed::{bed, left_behind, root, said, sibling, soon};
use crate::{double, programs};
use anemone_apple::{Framework, Model, Options, Source};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

fn load() -> Model {
    let text = programs::difference(&[1, 77]);
    let source = Source { text: text.as_bytes(), weights: &[] };
    Model::new(Framework::get().unwrap(), &source, Options::default()).unwrap()
}

#[test]
fn what_a_killed_compile_leaves_goes_with_the_next_start() {
    let _bed = bed();
    let mut process =
        sibling("processes::compile_for_ever").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The framework writes `net.plist` when it compiles.
    let compiling = || left_behind().iter().any(|name| root().join(name).join("net.plist").exists());
    let compiled = soon(compiling);
    process.kill().unwrap();
    assert_eq!((compiled, process.wait().unwrap().signal()), (true, Some(9)));
    let left = left_behind();
    assert_eq!(left.len(), 2, "the program's folder, and the one of locks: {left:?}");

    let output = sibling("processes::start").output().unwrap();
    said(&output);
    // The test bed would find it too.
    assert_eq!(left_behind(), [""; 0]);
}

#[test]
#[ignore = "run in a process of its own, and killed"]
fn compile_for_ever() {
    Framework::get().unwrap();
    double::set("compile_delay", 600_000);
    load();
}

#[test]
#[ignore = "run in a process of its own"]
fn start() {
    Framework::get().unwrap();
    assert_eq!(left_behind(), [""; 0], "the start itself cleans up");
    load();
}

#[test]
fn a_killed_process_does_not_keep_others_waiting() {
    let _bed = bed();
    let mut process =
        sibling("processes::compile_for_ever").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let compiling = || left_behind().iter().any(|name| root().join(name).join("net.plist").exists());
    assert!(soon(compiling));
    // The same program: this waits for the lock.
    let waiting = std::thread::spawn(load);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!waiting.is_finished());
    process.kill().unwrap();
    process.wait().unwrap();
    drop(waiting.join().unwrap());
}
