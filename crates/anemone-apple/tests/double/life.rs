//! From text to unloading.

use crate::bed::{Bed, bed, floats, left_behind, ns_error, surface, surface_of};
use crate::double::{self, How};
use crate::programs;
use anemone_apple::{Model, Options, Path, Qos, Source, Stage};

/// Calls of a program's life: exists, purge, compile, load, unload.
fn life() -> [i64; 5] {
    [
        "compiledModelExists",
        "purgeCompiledModel",
        "compileWithQoS:options:error:",
        "loadWithQoS:options:error:",
        "unloadWithQoS:error:",
    ]
    .map(double::calls)
}

#[test]
fn a_program_is_compiled_once_and_then_comes_from_the_cache() {
    let bed = bed();
    let text = programs::difference(&[1, 2, 1, 3]);
    let first = bed.load(&text);
    assert!(!first.was_cached());
    assert_eq!(life(), [1, 0, 1, 1, 0]);
    let second = bed.load(&text);
    assert!(second.was_cached());
    assert_eq!(life(), [2, 0, 1, 2, 0]);
    drop(first);
    assert_eq!((life()[4], double::get("loaded")), (1, 1), "each is unloaded by itself");
    drop(second);
    assert!(bed.load(&text).was_cached(), "unloading leaves the cache alone");
}

#[test]
fn files_are_there_while_compiling_and_at_no_other_time() {
    let bed = bed();
    // The double fails to compile if a file is missing or is not what was handed over.
    let text = programs::difference(&[1, 3]);
    let model = bed.load(&text);
    assert_eq!(left_behind(), [""; 0], "loaded");
    drop(model);
    assert!(bed.load(&text).was_cached());
    assert_eq!(left_behind(), [""; 0], "from the cache");
}

#[test]
fn a_stale_cache_is_mended_once() {
    let bed = bed();
    let text = programs::difference(&[1, 3]);
    drop(bed.load(&text));
    double::set("stale", 1);
    let model = bed.load(&text);
    assert!(!model.was_cached());
    assert_eq!(life(), [2, 1, 2, 3, 1], "purged, compiled again, loaded");
    drop(model);
    // What is compiled anew and does not load either is given up.
    double::set("stale", 1);
    double::fail_next("loadWithQoS:options:error:", How::Nil);
    double::fail_next("loadWithQoS:options:error:", How::Error);
    let error = bed.try_load(&text, Options::default()).unwrap_err();
    assert_eq!((error.stage(), ns_error(&error).code), (Some(Stage::Load), double::CODE));
    assert_eq!(life(), [3, 2, 3, 5, 2]);
}

#[test]
fn a_purged_program_goes_on_running_and_is_compiled_again() {
    let bed = bed();
    let text = programs::difference(&[1, 3]);
    let model = bed.load(&text);
    assert_eq!(double::get("cached"), 1);
    model.purge().unwrap();
    assert_eq!(double::get("cached"), 0);
    let ports = &model.procedures()[0];
    let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 9));
    model.evaluate(0, &[&a, &x], &[&y], Path::InMemory).unwrap();
    assert_eq!(floats(&ports.outputs[0], &y), [0.0; 3]);
    assert!(!bed.load(&text).was_cached());
}

#[test]
fn urgency_is_the_frameworks_number() {
    let bed = bed();
    let text = programs::difference(&[1, 3]);
    let all = [Qos::UserInteractive, Qos::UserInitiated, Qos::Default, Qos::Utility, Qos::Background];
    for (qos, number) in all.into_iter().zip([33, 25, 21, 17, 9]) {
        let mut options = Options::default();
        options.qos = qos;
        let model = bed.try_load(&text, options).unwrap();
        assert_eq!(double::get("qos"), number, "loading with {qos:?}");
        let ports = &model.procedures()[0];
        let (a, x, y) = (surface(&ports.inputs[0], 0), surface(&ports.inputs[1], 0), surface(&ports.outputs[0], 0));
        for path in [Path::InMemory, Path::Client, Path::Direct] {
            double::set("qos", -1);
            model.evaluate(0, &[&a, &x], &[&y], path).unwrap();
            assert_eq!(double::get("qos"), number, "running with {qos:?} on the {} path", path.name());
        }
        model.evaluate(0, &[&a, &x], &[&y], Path::RealTime).unwrap();
        assert_eq!(double::get("qos"), 0, "the real-time path has an urgency of its own");
        drop(model);
        assert_eq!(double::get("qos"), number, "unloading with {qos:?}");
    }
}

/// `y = x * u + v`, each constant in a file of its own.
fn with_weights(bed: &Bed, second: f32) -> (Model, Vec<f32>) {
    let blob = |value: f32| {
        let data: Vec<u8> = [value; 16].iter().flat_map(|v| v.to_le_bytes()).collect();
        // A weight file of one fp32 blob: facts of the format are tested in anemone-mil.
        let mut file = vec![0; 128];
        file[..8].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        file[64..72].copy_from_slice(&[0xef, 0xbe, 0xad, 0xde, 2, 0, 0, 0]);
        file[72..80].copy_from_slice(&64_u64.to_le_bytes());
        file[80..88].copy_from_slice(&128_u64.to_le_bytes());
        file.extend(data);
        file
    };
    let constant = |name: &str| {
        format!(
            "tensor<fp32, [1, 16]> {name} = const()[name = string(\"{name}\"), val = tensor<fp32, [1, 16]>(BLOBFILE(path = \
             string(\"@model_path/weights/{name}.bin\"), offset = uint64(64)))];"
        )
    };
    let text = format!(
        "program(1.3) {{ func main<ios16>(tensor<fp32, [1, 16]> x) {{ {} {} tensor<fp32, [1, 16]> m = mul(x = x, y = u);
         tensor<fp32, [1, 16]> y = add(x = m, y = v); }} -> (y); }}",
        constant("u"),
        constant("v")
    );
    let file = |name: &str, value| (format!("@model_path/weights/{name}.bin"), blob(value));
    let weights = [file("u", 3.0), file("v", second)];
    let model =
        Model::new(bed.framework, &Source { text: text.as_bytes(), weights: &weights }, Options::default()).unwrap();
    let ports = &model.procedures()[0];
    let x = surface_of(&ports.inputs[0], &[2.0; 16], f32::to_le_bytes);
    let y = surface(&ports.outputs[0], 0);
    model.evaluate(0, &[&x], &[&y], Path::Client).unwrap();
    let result = floats(&ports.outputs[0], &y);
    (model, result)
}

#[test]
fn weight_files_are_found_by_the_paths_in_the_text() {
    let bed = bed();
    let (first, result) = with_weights(&bed, 0.5);
    assert_eq!(result, [6.5; 16]);
    let (second, result) = with_weights(&bed, -1.0);
    assert_eq!(result, [5.0; 16], "other weights under the same text are another program");
    assert!(!first.was_cached() && !second.was_cached());
    assert!(with_weights(&bed, 0.5).0.was_cached());
}

#[test]
fn what_the_compiler_says_is_in_the_error_and_in_the_folder() {
    let bed = bed();
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.reproduction = Some(folder.path().to_owned());
    let error = bed.try_load(programs::WRONG, options).unwrap_err();
    let ns = ns_error(&error);
    assert_eq!((error.stage(), &*ns.domain, ns.code), (Some(Stage::Compile), "com.apple.appleneuralengine", 4));
    let below = &ns.underlying[0];
    assert_eq!(below.reason.as_deref(), Some("InvalidMILProgram"));
    assert!(below.description.contains("no_such_operation"), "{error}");
    let kept = folder.path().join("failure-1");
    assert_eq!(std::fs::read_to_string(kept.join("model.mil")).unwrap(), programs::WRONG);
    let report = std::fs::read_to_string(kept.join("report.txt")).unwrap();
    ["h16g", "macOS 25A000", "no_such_operation"].iter().for_each(|part| assert!(report.contains(part), "{report}"));
}

#[test]
fn a_program_whose_attributes_are_not_understood_is_in_the_folder_too() {
    let bed = bed();
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.reproduction = Some(folder.path().to_owned());
    let text = programs::difference(&[1, 3]);
    double::fail_next("modelAttributes", How::Nil);
    let error = bed.try_load(&text, options).unwrap_err();
    assert_eq!(error.stage(), Some(Stage::Attributes));
    assert_eq!(std::fs::read_to_string(folder.path().join("failure-1/model.mil")).unwrap(), text);
}
