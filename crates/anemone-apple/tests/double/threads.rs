//! Many threads, in one process and in several.

use crate::bed::{bed, floats, root, said, sibling, soon, surface, surface_of};
use crate::{double, programs};
use anemone_apple::{Framework, Model, Options, Path, Source, Surface};
use std::process::Stdio;

const THREADS: usize = 8;

/// Runs `x - 1` many times on surfaces of its own.
fn run(model: &Model, value: f32, times: usize) {
    let ports = &model.procedures()[0];
    let a = surface_of(&ports.inputs[0], &[1.0; 3], f32::to_le_bytes);
    let x = surface_of(&ports.inputs[1], &[value; 3], f32::to_le_bytes);
    let y = surface(&ports.outputs[0], 0);
    for i in 0..times {
        y.write().unwrap().fill(0);
        let surfaces: (&[&Surface], &[&Surface]) = (&[&a, &x], &[&y]);
        match i % 3 {
            0 => drop(model.evaluate(0, surfaces.0, surfaces.1, Path::ALL[i % 4]).unwrap()),
            1 => drop(model.evaluate_kept(0, surfaces.0, surfaces.1, Path::Direct).unwrap()),
            _ => model.submit(0, surfaces.0, surfaces.1).unwrap().wait().unwrap(),
        }
        assert_eq!(floats(&ports.outputs[0], &y), [value - 1.0; 3]);
    }
}

#[test]
fn one_program_runs_on_many_threads() {
    let bed = bed();
    let model = bed.load(&programs::difference(&[1, 3]));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let model = &model;
            scope.spawn(move || run(model, thread as f32 * 10.0, 60));
        }
    });
    let most = double::get("most_in_flight");
    assert!((1..=2).contains(&most), "{most} under way at once");
}

/// Each thread loads, runs and drops programs that the others load too.
fn load_and_run(framework: &'static Framework, rounds: usize) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for round in 0..rounds {
                    let text = programs::difference(if (thread + round) % 2 == 0 { &[1, 3] } else { &[3] });
                    let source = Source { text: text.as_bytes(), weights: &[] };
                    let model = Model::new(framework, &source, Options::default()).unwrap();
                    run(&model, (thread * rounds + round) as f32, 3);
                    model.purge().unwrap();
                }
            });
        }
    });
}

#[test]
fn many_threads_load_the_same_programs() {
    let bed = bed();
    load_and_run(bed.framework, 10);
    // That each purges what others use is borne; that the cache was used and missed shows that they met.
    assert!(double::calls("compileWithQoS:options:error:") > 2);
}

#[test]
fn two_processes_load_the_same_programs() {
    let _bed = bed();
    let start = || sibling("threads::process").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let running = [start(), start()];
    for process in running {
        said(&process.wait_with_output().unwrap());
    }
    // The test bed looks for what they left.
    assert!(root().is_dir());
}

#[test]
#[ignore = "run in a process of its own"]
fn process() {
    load_and_run(Framework::get().unwrap(), 10);
    assert!(soon(|| double::get("loaded") == 0));
    assert_eq!(double::get("faults"), 0);
}
