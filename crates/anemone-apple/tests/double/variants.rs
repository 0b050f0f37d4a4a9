//! Systems that are another than is known. The framework is loaded once for a process, so each has one of its own.

use crate::bed::{child, said};
use crate::{double, programs};
use anemone_apple::{Error, Framework, Model, Options, Path, Source, Status, Surface};

/// The double's library of a variant.
fn library(variant: &str) -> String {
    env!("ANEMONE_DOUBLE").replace("libAppleNeuralEngine", &format!("libAppleNeuralEngine{variant}"))
}

fn run(test: &str, library: &str) {
    said(&child(test, &[("ANEMONE_DOUBLE", library)]));
}

#[test]
fn a_changed_method_is_named_before_anything_is_sent() {
    run("variants::changed", &library("Changed"));
}

#[test]
#[ignore = "run in a process of its own"]
fn changed() {
    let Err(Error::Changed(finding)) = Framework::get() else { panic!("it is not seen") };
    assert_eq!((finding.class, finding.selector), ("_ANEInMemoryModel", "compileWithQoS:options:error:"));
    assert_eq!((finding.expected, finding.found.as_deref()), ("B36@0:8I16@20^@28", Some("C40@0:8Q16@24^@32")));
    let text = Error::Changed(finding).to_string();
    let parts =
        ["-[_ANEInMemoryModel compileWithQoS:options:error:]", "B36@0:8I16@20^@28", "C40@0:8Q16@24^@32", "doctor"];
    parts.iter().for_each(|part| assert!(text.contains(part), "{text}"));
    let others = Framework::preflight().iter().filter(|f| f.selector != "compileWithQoS:options:error:");
    assert!(others.clone().count() >= 30 && others.into_iter().all(|f| f.usable()), "the others are as expected");
    assert_eq!(double::calls("sharedConnection"), 0);
}

#[test]
fn a_missing_class_is_named_before_anything_is_sent() {
    run("variants::without_class", &library("WithoutClass"));
}

#[test]
#[ignore = "run in a process of its own"]
fn without_class() {
    let Err(Error::Changed(finding)) = Framework::get() else { panic!("it is not seen") };
    assert_eq!((finding.class, &finding.status), ("_ANEIOSurfaceObject", &Status::NoClass));
    assert!(Error::Changed(finding).to_string().contains("no class _ANEIOSurfaceObject"));
    assert_eq!(double::calls("sharedConnection"), 0);
}

#[test]
fn an_old_system_runs_what_it_can() {
    run("variants::of_macos_12", &library("OfMacOS12"));
}

#[test]
#[ignore = "run in a process of its own"]
fn of_macos_12() {
    let framework = Framework::get().unwrap();
    let missing: Vec<_> = Framework::preflight().iter().filter(|f| !f.usable()).map(|f| f.selector).collect();
    let expected = ["model", "evaluateRealTimeWithModel:options:request:error:", "setCompletionHandler:"];
    assert_eq!(missing, expected);
    let text = programs::difference(&[1, 3]);
    let source = Source { text: text.as_bytes(), weights: &[] };
    let model = Model::new(framework, &source, Options::default()).unwrap();
    assert_eq!(Path::ALL.map(|path| model.can(path)), [true, false, false, false]);
    let surfaces: Vec<_> = (0..3).map(|_| Surface::new(64).unwrap()).collect();
    let (inputs, outputs) = ([&surfaces[0], &surfaces[1]], [&surfaces[2]]);
    model.evaluate(0, &inputs, &outputs, Path::InMemory).unwrap();
    assert!(!model.evaluate_kept(0, &inputs, &outputs, Path::InMemory).unwrap().mapped);
    for path in [Path::Client, Path::Direct, Path::RealTime] {
        let error = model.evaluate(0, &inputs, &outputs, path).unwrap_err().to_string();
        assert!(error.contains(&format!("no {} path", path.name())), "{error}");
    }
    assert!(matches!(model.submit(0, &inputs, &outputs), Err(Error::Binding(_))));
    drop(model);
    assert_eq!((double::live(), double::get("faults")), (0, 0));
}

#[test]
fn no_framework_is_said_with_the_loaders_reason() {
    run("variants::nowhere", "/nowhere/AppleNeuralEngine");
}

#[test]
#[ignore = "run in a process of its own"]
fn nowhere() {
    let Err(Error::NoFramework { path, reason }) = Framework::get() else { panic!("it is not seen") };
    assert_eq!(path, "/nowhere/AppleNeuralEngine");
    assert!(reason.contains("No such file"), "{reason}");
    assert!(Framework::preflight().is_empty());
}

#[test]
fn a_client_that_is_not_there_leaves_the_path_of_the_model() {
    run("variants::without_client", env!("ANEMONE_DOUBLE"));
}

#[test]
#[ignore = "run in a process of its own"]
fn without_client() {
    double::fail_next("sharedConnection", double::How::Nil);
    let framework = Framework::get().unwrap();
    let text = programs::difference(&[1, 3]);
    let source = Source { text: text.as_bytes(), weights: &[] };
    let model = Model::new(framework, &source, Options::default()).unwrap();
    assert_eq!(Path::ALL.map(|path| model.can(path)), [true, false, false, false]);
    // Runs that are submitted take the model's path too.
    let surfaces: Vec<_> = (0..3).map(|_| Surface::new(64).unwrap()).collect();
    model.submit(0, &[&surfaces[0], &surfaces[1]], &[&surfaces[2]]).unwrap().wait().unwrap();
    assert_eq!(double::calls("evaluateWithQoS:options:request:error:"), 1);
}
