//! A thousand programs, one after another.

use crate::bed::{bed, child, left_behind, said, surface};
use crate::{double, programs};
use anemone_apple::Path;

/// Bytes of memory that are in use, and open files.
fn in_use() -> (usize, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap();
    (pages * 4096, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

#[test]
fn a_thousand_programs_leave_memory_files_and_descriptors_as_they_were() {
    // In a process in which nothing else happens.
    print!("{}", said(&child("soak::thousand", &[])));
}

#[test]
#[ignore = "run in a process of its own"]
fn thousand() {
    let bed = bed();
    let text = programs::difference(&[1, 64, 4, 33]);
    let cycle = || {
        let model = bed.load(&text);
        assert!(!model.was_cached());
        let ports = &model.procedures()[0];
        let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 0));
        model.evaluate(0, &[&a, &x], &[&y], Path::Client).unwrap();
        model.evaluate_kept(0, &[&a, &x], &[&y], Path::Direct).unwrap();
        model.submit(0, &[&a, &x], &[&y]).unwrap().wait().unwrap();
        model.purge().unwrap();
    };
    // What is made once is made, and the allocator has what it needs.
    (0..100).for_each(|_| cycle());
    let live = double::live();
    let (memory, files) = in_use();
    (0..1_000).for_each(|_| cycle());
    let (memory_after, files_after) = in_use();
    println!("memory {memory} -> {memory_after}, descriptors {files} -> {files_after}");
    assert!(memory_after < memory + (1 << 20), "{} bytes more", memory_after - memory);
    assert_eq!(files_after, files);
    assert_eq!(left_behind(), [""; 0]);
    assert!(crate::bed::soon(|| double::live() == live));
    assert_eq!(double::calls("compileWithQoS:options:error:"), 1_100);
}
