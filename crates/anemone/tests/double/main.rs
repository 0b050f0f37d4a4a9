//! What can only be seen where the Neural Engine does as it is told: on the test double.
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

mod switches;

use anemone::ane::{FrameworkError, Session, Stage};
use anemone::{
    Backend, CompileOptions, ErrorKind, Executable, Graph, Limits, NSQualityOfService, Profile, RunOptions, RunPath,
    Shape, TensorData, Transfer, mil,
};
use std::error::Error as _;
use switches::{DOMAIN, TEXT, calls, fail_next, get, live, set, set_text, turn};

const NARROW: Shape = Shape { batch: 2, channels: 3, height: 2, width: 40 };
const COMPILE: &str = "compileWithQoS:options:error:";
const LOAD: &str = "loadWithQoS:options:error:";
const REQUEST: &str = "requestWithInputs:inputIndices:outputs:outputIndices:weightsBuffer:perfStats:procedureIndex:";

/// Weights in a file, so that there is one.
fn graph(shape: Shape) -> Graph {
    let mut g = Graph::new();
    let x = g.placeholder(shape);
    let c = g.constant(&vec![0.5; shape.width], Shape::spatial(1, 1, shape.width));
    let y = g.multiplication(x, c);
    g.linear(y, 4.0, 1.0);
    g
}

fn options() -> CompileOptions {
    CompileOptions::new().backend(Backend::Ane).limits(Limits::none())
}

fn compile(shape: Shape) -> Executable {
    graph(shape).compile_with(&options()).unwrap()
}

fn tensors(shape: Shape) -> (TensorData, TensorData) {
    let numbers: Vec<f32> = (0..shape.total_elements()).map(|i| i as f32).collect();
    (TensorData::with_f32(&numbers, shape), TensorData::with_f32(&vec![-7.0; numbers.len()], shape))
}

fn assert_right(x: &TensorData, y: &TensorData) {
    let expected: Vec<f32> = x.read_f32().iter().map(|x| 2.0 * x + 1.0).collect();
    assert_eq!(*y.read_f32(), expected);
}

#[test]
fn planes_with_gaps_between_them_are_copied_and_others_used_in_place() {
    let _turn = turn();
    for (padding, transfer) in [(0, Transfer::InPlace), (64, Transfer::Copied)] {
        set("plane_padding", padding);
        for width in [1, 40, 64] {
            let shape = Shape { width, ..NARROW };
            let executable = compile(shape);
            let (x, y) = tensors(shape);
            for cached in [false, true, true] {
                y.as_f32_slice_mut().fill(-7.0);
                let report = executable.run_with(&[&x], &[&y], &RunOptions::new().cached(cached)).unwrap();
                assert_right(&x, &y);
                assert_eq!((report.inputs, report.outputs), (vec![transfer], vec![transfer]), "width {width}");
            }
            y.as_f32_slice_mut().fill(-7.0);
            assert_eq!(executable.submit(&[&x], &[&y]).unwrap().wait().unwrap().outputs, [transfer]);
            assert_right(&x, &y);
            drop(executable);
            empty_cache();
        }
    }
}

/// The cache holds programs with the gaps that they were compiled with.
fn empty_cache() {
    let padding = get("plane_padding");
    switches::reset();
    set("plane_padding", padding);
}

#[test]
fn tensors_are_locked_while_a_run_is_under_way() {
    let _turn = turn();
    for padding in [0, 64] {
        set("plane_padding", padding);
        let executable = compile(NARROW);
        let (x, y) = tensors(NARROW);
        set("completion_delay", 50);
        let submission = executable.submit(&[&x], &[&y]).unwrap();
        assert!(!submission.is_finished());
        assert_eq!(y.try_as_f32_slice().unwrap_err().kind(), ErrorKind::Locked, "padding {padding}");
        assert_eq!(y.try_copy_from_f32(&[0.0; 480]).unwrap_err().kind(), ErrorKind::Locked);
        assert!(x.try_as_f32_slice().is_ok(), "what is read may be read");
        // A copied input is free as soon as it has been copied.
        assert_eq!(x.try_as_f32_slice_mut().is_ok(), padding != 0);
        let e = executable.run(&[&x], &[&y]).unwrap_err();
        assert!(e.kind() == ErrorKind::Locked && e.to_string().contains("output"), "{e}");
        submission.wait().unwrap();
        assert_right(&x, &y);
        // Dropped, it is waited for, and has written all the same.
        y.as_f32_slice_mut().fill(-7.0);
        drop(executable.submit(&[&x], &[&y]).unwrap());
        assert_right(&x, &y);
        drop(executable);
        empty_cache();
    }
}

#[test]
fn as_many_runs_are_under_way_as_is_wished() {
    let _turn = turn();
    for (options, most) in [(options(), 2), (options().in_flight(3), 3)] {
        let executable = graph(NARROW).compile_with(&options).unwrap();
        switches::reset();
        set("completion_delay", 30);
        let pairs: Vec<_> = (0..5).map(|_| tensors(NARROW)).collect();
        let submissions: Vec<_> = pairs.iter().map(|(x, y)| executable.submit(&[x], &[y]).unwrap()).collect();
        submissions.into_iter().for_each(|s| drop(s.wait().unwrap()));
        assert_eq!(get("most_in_flight"), most);
        pairs.iter().for_each(|(x, y)| assert_right(x, y));
    }
}

#[test]
fn the_time_on_the_hardware_is_told_if_the_system_tells_it() {
    let _turn = turn();
    let executable = compile(NARROW);
    let (x, y) = tensors(NARROW);
    let report = executable.run_with(&[&x], &[&y], &RunOptions::new().statistics(true)).unwrap();
    assert_eq!(report.hardware, None);
    assert_eq!(executable.run_cached_with_stats(&[&x], &[&y]).unwrap(), 0);
    assert_eq!(get("loaded"), 1, "what was loaded to measure nothing is not kept");
    set("gate", 1);
    let executable = compile(NARROW);
    let report = executable.run_with(&[&x], &[&y], &RunOptions::new().statistics(true)).unwrap();
    assert!(report.hardware.is_some_and(|time| !time.is_zero() && time <= report.wall), "{report:?}");
    assert!(executable.run_cached_with_stats(&[&x], &[&y]).unwrap() > 0);
    assert_right(&x, &y);
    // Runs that are not measured carry no counters.
    assert_eq!(executable.run_with(&[&x], &[&y], &RunOptions::new()).unwrap().hardware, None);
    assert_eq!(get("evaluate_mask"), 0);
}

#[test]
fn a_run_that_cannot_be_measured_is_run_all_the_same() {
    let _turn = turn();
    let executable = compile(NARROW);
    let (x, y) = tensors(NARROW);
    fail_next("evaluateWithModel:options:request:qos:error:", 8);
    assert_eq!(executable.run_cached_with_stats(&[&x], &[&y]).unwrap(), 0);
    assert_right(&x, &y);
    assert_eq!(get("loaded"), 1, "nothing is measured from then on");
}

#[test]
fn a_refused_program_is_reported_whole_or_runs_on_the_cpu() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    for (selector, kind, stage, code) in
        [(COMPILE, ErrorKind::Compile, Stage::Compile, 4), (LOAD, ErrorKind::Load, Stage::Load, 6)]
    {
        fail_next(selector, code);
        let options = options().reproduction(folder.path().join("left"));
        let e = graph(NARROW).compile_with(&options).unwrap_err();
        assert_eq!(e.kind(), kind, "{e}");
        for part in ["options forbid the CPU", DOMAIN, TEXT, &code.to_string(), "the reason below", "-14"] {
            assert!(e.to_string().contains(part), "{part}: {e}");
        }
        let below = e.source().unwrap().downcast_ref::<FrameworkError>().unwrap();
        let ns = below.ns_error().unwrap();
        assert_eq!((below.stage(), ns.code, &*ns.domain), (Some(stage), code as isize, DOMAIN));
        assert_eq!(ns.underlying[0].code, -14);
    }
    for number in [1, 2] {
        let left = folder.path().join(format!("left/failure-{number}"));
        assert!(std::fs::read_to_string(left.join("model.mil")).unwrap().contains("mul("));
        assert!(left.join("weights/weight.bin").is_file() && left.join("README.txt").is_file());
        let report = std::fs::read_to_string(left.join("report.txt")).unwrap();
        assert!(report.contains(TEXT) && report.contains("architecture: h16g"), "{report}");
    }

    // The program that could not be loaded is compiled all the same.
    switches::reset();
    fail_next(COMPILE, 4);
    let executable = graph(NARROW).compile_with(&options().backend(Backend::Auto)).unwrap();
    assert_eq!(executable.backend(), Backend::Cpu);
    assert!(executable.why().contains(TEXT), "{}", executable.why());
    let (x, y) = tensors(NARROW);
    executable.run(&[&x], &[&y]).unwrap();
    assert_right(&x, &y);
    // The next one is not harmed.
    assert_eq!(compile(NARROW).backend(), Backend::Ane);
}

#[test]
fn what_the_engine_is_known_not_to_take_is_told_before_it_is_asked() {
    let _turn = turn();
    let mut g = Graph::new();
    let c = g.constant_with_scalar(1.0, Shape::channels(4));
    g.relu(c);
    let e = g.compile_with(&options()).unwrap_err();
    assert_eq!((e.kind(), e.diagnostics().len()), (ErrorKind::Compile, 1), "{e}");
    assert!(e.diagnostics()[0].slug.starts_with("ane-") && e.to_string().contains("source:"), "{e}");
    assert_eq!(calls(COMPILE), 0);
    let executable = g.compile_with(&options().backend(Backend::Auto)).unwrap();
    assert!(executable.why().contains(&e.diagnostics()[0].message), "{}", executable.why());
}

#[test]
fn a_run_that_fails_is_an_error_of_that_run() {
    let _turn = turn();
    let executable = compile(NARROW);
    let (x, y) = tensors(NARROW);
    let selectors = [
        "evaluateWithQoS:options:request:error:",
        "evaluateWithModel:options:request:qos:error:",
        "doEvaluateDirectWithModel:options:request:qos:error:",
        "evaluateRealTimeWithModel:options:request:error:",
    ];
    for (path, selector) in RunPath::ALL.into_iter().zip(selectors) {
        fail_next(selector, 8);
        let options = RunOptions::new().path(path).cached(true);
        let e = executable.run_with(&[&x], &[&y], &options).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Evaluate, "{path}: {e}");
        assert!(e.to_string().contains("the run failed"), "code 8 has a meaning: {e}");
        executable.run_with(&[&x], &[&y], &options).unwrap();
    }
    fail_next("completion", 5);
    assert_eq!(executable.submit(&[&x], &[&y]).unwrap().wait().unwrap_err().kind(), ErrorKind::Evaluate);
    assert_right(&x, &y);
}

#[test]
fn a_quality_of_service_is_one_that_the_framework_knows() {
    let _turn = turn();
    let wanted = [
        (NSQualityOfService::UserInteractive, 33),
        (NSQualityOfService::UserInitiated, 25),
        (NSQualityOfService::Default, 21),
        (NSQualityOfService::Utility, 17),
        (NSQualityOfService::Background, 9),
    ];
    for (qos, value) in wanted {
        let executable = graph(NARROW).compile_with(&options().quality_of_service(qos)).unwrap();
        assert_eq!(get("qos"), value);
        let (x, y) = tensors(NARROW);
        executable.run(&[&x], &[&y]).unwrap();
        assert_eq!(get("qos"), value);
    }
}

#[test]
fn requests_are_kept_by_their_tensors_and_not_forever() {
    let _turn = turn();
    let executable = compile(NARROW);
    let pairs: Vec<_> = (0..20).map(|_| tensors(NARROW)).collect();
    let made = |run: &dyn Fn(&Executable)| {
        let before = calls(REQUEST);
        run(&executable);
        calls(REQUEST) - before
    };
    let (x, y) = &pairs[0];
    assert_eq!(made(&|e| (0..3).for_each(|_| e.run(&[x], &[y]).unwrap())), 3);
    assert_eq!(made(&|e| (0..3).for_each(|_| e.run_cached(&[x], &[y]).unwrap())), 1);
    assert_eq!(made(&|e| e.run_cached_direct(&[x], &[y]).unwrap()), 0, "of one kind, whatever the path");
    assert_eq!(made(&|e| pairs.iter().for_each(|(x, y)| e.run_cached(&[x], &[y]).unwrap())), 19);
    assert!(get("mapped") <= 16, "{} are kept", get("mapped"));
    pairs.iter().for_each(|(x, y)| assert_right(x, y));
    assert_eq!(live("IOSurface"), 40);
    drop(pairs);
    assert_eq!(live("IOSurface"), 2 * 16, "those of the bindings that are kept");
    drop(executable);
    assert_eq!((get("mapped"), get("loaded"), get("faults"), live("IOSurface")), (0, 0, 0, 0));
}

#[test]
fn a_program_is_loaded_once_for_all_its_functions() {
    let _turn = turn();
    let text = r#"
        program(1.3) {
            func main<ios18>(tensor<fp16, [1, 1, 1, 64]> x) {
                tensor<fp16, [1, 1, 1, 64]> y = add(x = x, y = fp16(0x1p+0));
            } -> (y);
            func other<ios18>(tensor<fp16, [1, 1, 1, 64]> x) {
                tensor<fp16, [1, 1, 1, 64]> y = mul(x = x, y = fp16(0x1p+1));
            } -> (y);
        }"#;
    let program = mil::parse(text, &mil::NoWeights).unwrap();
    let main = Executable::from_program(program.clone(), &options()).unwrap();
    let other = main.for_function("other").unwrap();
    assert_eq!(get("loaded"), 1);
    drop(main);
    assert_eq!(get("loaded"), 1);
    let (x, y) = tensors(Shape::spatial(1, 1, 64));
    other.run(&[&x], &[&y]).unwrap();
    assert_eq!(y.read_f32()[3], 6.0);
    drop(other);
    assert_eq!(get("loaded"), 0);
    let session = Session::new(&program, &options()).unwrap();
    assert!(session.was_cached());
    drop(session);
    assert_eq!((get("loaded"), get("faults")), (0, 0));
}

/// Many times over, with copies and without, on several threads at once.
#[test]
fn nothing_is_left_of_programs_that_come_and_go() {
    let _turn = turn();
    let objects = live("_ANEInMemoryModel");
    for round in 0..50 {
        set("plane_padding", 64 * (round % 2));
        let executable = compile(Shape { width: 33 + round as usize, ..NARROW });
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let executable = &executable;
                scope.spawn(move || {
                    let (x, y) = tensors(executable.inputs()[0].shape);
                    executable.run(&[&x], &[&y]).unwrap();
                    executable.run_cached_direct(&[&x], &[&y]).unwrap();
                    let submission = executable.submit(&[&x], &[&y]).unwrap();
                    // Dropping it waits as well.
                    if thread % 2 == 0 {
                        submission.wait().unwrap();
                    } else {
                        drop(submission);
                    }
                    assert_right(&x, &y);
                });
            }
        });
    }
    let left = [get("loaded"), get("mapped"), get("faults"), live("IOSurface"), live("_ANEInMemoryModel") - objects];
    assert_eq!(left, [0; 5], "loaded, mapped, faults, surfaces, models");
}

#[test]
fn the_profile_f32_is_for_the_cpu() {
    let _turn = turn();
    let with = |backend| graph(NARROW).compile_with(&options().backend(backend).profile(Profile::F32));
    let executable = with(Backend::Auto).unwrap();
    assert_eq!(executable.backend(), Backend::Cpu);
    assert!(executable.why().contains("profile f32"), "{}", executable.why());
    assert_eq!(with(Backend::Ane).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn the_machine_decides_where_and_how() {
    let _turn = turn();
    set("has_ane", 0);
    set("virtual_machine", 1);
    let e = anemone::neural_engine().unwrap_err();
    assert!(e.kind() == ErrorKind::Unavailable && e.to_string().contains("virtual"), "{e}");
    let executable = graph(NARROW).compile_with(&options().backend(Backend::Auto)).unwrap();
    assert_eq!(executable.backend(), Backend::Cpu);
    switches::reset();

    set_text("architecture", "h12");
    assert!(anemone::neural_engine().unwrap_err().to_string().contains("h12"));

    // An M1 takes the verbose dialect, and a file for each constant.
    let folder = tempfile::tempdir().unwrap();
    set_text("architecture", "h13g");
    fail_next(COMPILE, 4);
    graph(NARROW).compile_with(&options().reproduction(folder.path())).unwrap_err();
    let text = std::fs::read_to_string(folder.path().join("failure-1/model.mil")).unwrap();
    assert!(text.starts_with("program(1.0)") && text.contains("weight_000.bin"), "{text}");
    let executable = compile(NARROW);
    assert!(executable.why().contains("h13g, 16 cores"), "{}", executable.why());
    let (x, y) = tensors(NARROW);
    executable.run(&[&x], &[&y]).unwrap();
    assert_right(&x, &y);
}
