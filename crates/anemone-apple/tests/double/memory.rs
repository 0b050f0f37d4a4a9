//! Nothing leaks and nothing is freed twice, says valgrind; and it would say so if it were otherwise: faults are planted.

use crate::bed::{NO_POOL, apart, both, child, sibling, surface};
use crate::{double, programs};
use anemone_apple::{Framework, Model, Options, Path, Source};
use objc2::msg_send;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{AnyClass, AnyObject};
use objc2_foundation::{NSData, NSDictionary, NSString};
use std::process::{Command, Output};

/// Runs an ignored test of this program under valgrind.
fn valgrind(test: &str) -> Output {
    let itself = sibling(test);
    let mut command = Command::new("valgrind");
    let suppressions = concat!(env!("CARGO_MANIFEST_DIR"), "/double/gnustep.valgrind");
    command.arg(format!("--suppressions={suppressions}"));
    command.args(["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]);
    command.args(["--error-exitcode=9", "--num-callers=40"]);
    // Fewer instructions to emulate; results do not depend on them.
    command.env("ANEMONE_SIMD", "scalar");
    command.arg(itself.get_program()).args(itself.get_args());
    apart(&mut command)
}

#[test]
fn a_whole_life_is_clean() {
    let output = valgrind("memory::whole_life");
    let text = both(&output);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert!(text.contains("ERROR SUMMARY: 0 errors"), "{text}");
    assert!(!text.contains(NO_POOL), "{text}");
}

#[test]
fn a_planted_leak_is_found() {
    let output = valgrind("memory::leak");
    let text = both(&output);
    assert_eq!(output.status.code(), Some(9), "{text}");
    assert!(text.contains("are definitely lost") && text.contains("memory::leak"), "{text}");
}

#[test]
fn a_planted_release_too_many_is_found() {
    let output = valgrind("memory::released_twice");
    let text = both(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("Invalid read") && text.contains("memory::released_twice"), "{text}");
}

#[test]
fn a_planted_message_without_a_pool_is_found() {
    let text = both(&child("memory::without_pool", &[]));
    assert!(text.contains(NO_POOL), "{text}");
}

/// All that a program can go through, with success and without.
#[test]
#[ignore = "run under valgrind"]
fn whole_life() {
    let framework = Framework::get().unwrap();
    let text = programs::difference(&[1, 3]);
    let source = Source { text: text.as_bytes(), weights: &[] };
    let mut options = Options::default();
    options.statistics = true;
    let load = || Model::new(framework, &source, options.clone());
    for selector in ["inMemoryModelWithDescriptor:", "compileWithQoS:options:error:", "loadWithQoS:options:error:"] {
        double::How::ALL.into_iter().for_each(|how| {
            double::fail_next(selector, how);
            load().unwrap_err();
            double::reset();
        });
    }
    let model = load().unwrap();
    double::set("stale", 1);
    drop(load().unwrap());
    let ports = &model.procedures()[0];
    let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 0));
    for path in Path::ALL {
        model.evaluate(0, &[&a, &x], &[&y], path).unwrap();
        model.evaluate_kept(0, &[&a, &x], &[&y], path).unwrap();
    }
    double::How::ALL.into_iter().for_each(|how| {
        double::fail_next("doEvaluateDirectWithModel:options:request:qos:error:", how);
        model.evaluate(0, &[&a, &x], &[&y], Path::Direct).unwrap_err();
    });
    double::set("gate", 1);
    model.evaluate_with_statistics(0, &[&a, &x], &[&y]).unwrap();
    model.submit(0, &[&a, &x], &[&y]).unwrap().wait().unwrap();
    double::fail_next("completion", double::How::Error);
    model.submit(0, &[&a, &x], &[&y]).unwrap().wait().unwrap_err();
    model.purge().unwrap();
    framework.device().unwrap();
    drop(model);
    assert!(crate::bed::soon(|| double::live() == 0));
    assert_eq!(double::get("faults"), 0);
}

fn descriptor() -> *mut AnyObject {
    Framework::get().unwrap();
    let class = AnyClass::get(c"_ANEInMemoryModelDescriptor").unwrap();
    let (text, weights) = (NSData::with_bytes(&[9; 5_000]), NSDictionary::<NSString, AnyObject>::new());
    // SAFETY: a text and weights.
    unsafe { msg_send![class, modelWithMILText: &*text, weights: &*weights, optionsPlist: None::<&NSData>] }
}

#[test]
#[ignore = "a planted fault"]
fn leak() {
    autoreleasepool(|_| {
        // SAFETY: an object, retained and never released: the fault.
        let object = unsafe { Retained::retain(descriptor()) };
        let _ = Retained::into_raw(object.unwrap());
    });
}

#[test]
#[ignore = "a planted fault"]
fn released_twice() {
    autoreleasepool(|_| {
        // SAFETY: none; an object that is not ours is taken as if it were: the fault.
        drop(unsafe { Retained::from_raw(descriptor()) });
    });
}

#[test]
#[ignore = "a planted fault"]
fn without_pool() {
    descriptor();
}
