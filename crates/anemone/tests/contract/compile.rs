//! Compiling: outputs and inputs, names, limits, back ends, warnings, and the same program for the same graph.

use crate::{default_backend, evaluate, executable, ramp};
use anemone::{
    Backend, CompileOptions, ErrorKind, Executable, Fallback, Graph, Level, Limit, Limits, Location, MIN_SPATIAL_WIDTH,
    NSQualityOfService, Profile, Severity, Shape, Tensor, TensorData,
};

const WIDE: Shape = Shape::spatial(1, 1, 64);

fn names(ports: &[anemone::Port]) -> Vec<&str> {
    ports.iter().map(|p| &*p.name).collect()
}

/// What was found that does not depend on where the program runs.
fn slugs(executable: &Executable) -> Vec<&str> {
    executable.warnings().iter().map(|w| w.slug).filter(|slug| !slug.starts_with("ane-")).collect()
}

#[test]
fn inputs_bind_in_the_order_of_their_calls_also_if_unread_or_read_otherwise() {
    let mut g = Graph::new();
    let a = g.placeholder(WIDE);
    let unread = g.placeholder(Shape::spatial(2, 1, 64));
    let b = g.placeholder(WIDE);
    g.subtraction(b, a);
    let out = evaluate(&g, &[&[1.0; 64], &[7.0; 128], &[5.0; 64]]);
    assert_eq!(*out[0], [4.0; 64]);
    let executable = executable(&g);
    assert_eq!(executable.inputs()[1].shape, unread.shape);
    assert_eq!(slugs(&executable), ["unread-input"]);
}

#[test]
fn outputs_are_what_nothing_reads_in_the_order_of_making() {
    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let twice = g.addition(x, x);
    let negated = g.linear(twice, -1.0, 0.0);
    let shifted = g.linear(twice, 1.0, 1.0);
    let out = evaluate(&g, &[&[1.0; 64]]);
    assert_eq!(out.iter().map(|o| o[0]).collect::<Vec<_>>(), [-2.0, 3.0]);
    assert_eq!((negated.shape, shifted.shape), (WIDE, WIDE));
}

#[test]
fn marked_outputs_replace_the_guess_and_bind_in_the_order_of_the_marks() {
    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let middle = g.addition(x, x);
    let last = g.linear(middle, 10.0, 0.0);
    let dead = g.linear(x, 100.0, 0.0);
    g.named_output(last, "last");
    g.output(middle);
    let executable = executable(&g);
    assert_eq!((executable.outputs().len(), names(executable.outputs())[0]), (2, "last"));
    let out = evaluate(&g, &[&[1.0; 64]]);
    assert_eq!(out.iter().map(|o| o[0]).collect::<Vec<_>>(), [20.0, 2.0]);
    assert_eq!(dead.shape, WIDE);
}

#[test]
fn an_input_or_a_constant_can_be_an_output() {
    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let c = g.constant_with_scalar(3.0, Shape::channels(2));
    g.output(x);
    g.output(c);
    let out = evaluate(&g, &[&ramp(64)]);
    assert_eq!((&*out[0], &*out[1]), (&ramp(64)[..], &[3.0, 3.0][..]));
}

#[test]
fn unnamed_inputs_step_aside_for_chosen_names() {
    let mut g = Graph::new();
    let a = g.named_placeholder("input_1", WIDE);
    let b = g.placeholder(WIDE);
    let c = g.addition(a, b);
    g.named_output(c, "add_0");
    let executable = executable(&g);
    let all = [names(executable.inputs()), names(executable.outputs())].concat();
    assert!(all[0] == "input_1" && all[2] == "add_0" && all[1] != "input_1", "{all:?}");
}

#[test]
fn names_are_kept_or_refused_never_mended() {
    let named = |name: &str| {
        let mut g = Graph::new();
        let x = g.placeholder(WIDE);
        let y = g.relu(x);
        g.named_output(y, name);
        g.compile(NSQualityOfService::Default).map(|e| names(e.outputs()) == [name]).map_err(|e| e.kind())
    };
    for good in ["y", "_", "Layer_1", "a@b", "relu", "x".repeat(300).as_str()] {
        assert_eq!(named(good), Ok(true), "{good}");
    }
    for bad in ["", "1x", "a-b", "a b", "é", "fp16", "tensor", "true", "a\"b", "a\0", "@a", "BLOBFILE"] {
        assert_eq!(named(bad), Err(ErrorKind::Graph), "{bad:?}");
    }
}

fn narrow(width: usize) -> Graph {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(4, 1, width));
    g.relu(x);
    g
}

#[test]
fn an_input_narrower_than_64_is_refused_unless_the_limit_is_relaxed() {
    assert_eq!(MIN_SPATIAL_WIDTH, 64);
    narrow(64).compile(NSQualityOfService::Default).unwrap();
    let error = narrow(63).compile(NSQualityOfService::Default).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let [found] = error.diagnostics() else { panic!("{error}") };
    assert_eq!((found.slug, found.severity), ("placeholder-width", Severity::Error));
    assert!(matches!(found.location, Location::Rust(at) if at.file() == file!()), "{error}");
    assert!(error.to_string().contains("[1, 4, 1, 63]"), "{error}");

    let with = |level| {
        narrow(1).compile_with(&CompileOptions::new().limits(Limits::default().set(Limit::PlaceholderWidth, level)))
    };
    assert!(with(Level::Deny).is_err());
    assert_eq!(slugs(&with(Level::Warn).unwrap()), ["placeholder-width"]);
    assert!(slugs(&with(Level::Allow).unwrap()).is_empty());
}

#[test]
fn more_than_60_operations_are_a_warning_or_an_error_as_wished() {
    let chain = |operations: usize| {
        let mut g = Graph::new();
        let mut x = g.placeholder(WIDE);
        // Constants are no operations that compute.
        let c = g.constant_with_scalar(1.0, Shape::channels(1));
        (0..operations).for_each(|_| x = g.addition(x, c));
        g
    };
    let with = |operations, level| {
        let limits = Limits::default().set(Limit::Operations, level);
        chain(operations).compile_with(&CompileOptions::new().limits(limits))
    };
    assert!(slugs(&chain(60).compile(NSQualityOfService::Default).unwrap()).is_empty());
    assert_eq!(slugs(&chain(61).compile(NSQualityOfService::Default).unwrap()), ["operations"]);
    assert_eq!(with(61, Level::Deny).unwrap_err().kind(), ErrorKind::Limit);
    assert!(with(60, Level::Deny).is_ok());
    assert!(slugs(&with(61, Level::Allow).unwrap()).is_empty());
}

#[test]
fn limits_are_reported_beside_mistakes() {
    let mut g = narrow(8);
    let x = g.placeholder(Shape::spatial(3, 1, 64));
    g.reduce_sum(x, 7);
    let error = g.compile(NSQualityOfService::Default).unwrap_err();
    let slugs: Vec<_> = error.diagnostics().iter().map(|d| d.slug).collect();
    assert_eq!((error.kind(), slugs), (ErrorKind::Graph, vec!["placeholder-width", "axis"]));
}

#[test]
fn every_quality_of_service_compiles() {
    use NSQualityOfService::*;
    for quality in [UserInteractive, UserInitiated, Default, Utility, Background] {
        narrow(64).compile(quality).unwrap();
    }
}

#[test]
fn the_policy_on_back_ends_is_kept() {
    let with = |backend, fallback| {
        let options = CompileOptions::new().backend(backend).fallback(fallback);
        narrow(64).compile_with(&options).map(|e| e.backend()).map_err(|e| e.kind())
    };
    assert_eq!(with(Backend::Cpu, Fallback::Forbid), Ok(Backend::Cpu), "it was asked for: no fallback");
    if default_backend() == Backend::Ane {
        for backend in [Backend::Auto, Backend::Ane] {
            for fallback in [Fallback::ByBackend, Fallback::Allow, Fallback::Forbid] {
                assert_eq!(with(backend, fallback), Ok(Backend::Ane));
            }
        }
        return;
    }
    assert_eq!(with(Backend::Auto, Fallback::ByBackend), Ok(Backend::Cpu));
    assert_eq!(with(Backend::Auto, Fallback::Forbid), Err(ErrorKind::Unavailable));
    assert_eq!(with(Backend::Ane, Fallback::ByBackend), Err(ErrorKind::Unavailable));
    let why = anemone::neural_engine().unwrap_err();
    assert_eq!(why.kind(), ErrorKind::Unavailable);
    let executable = narrow(64).compile_with(&CompileOptions::new()).unwrap();
    assert!(executable.why().contains(&why.to_string()), "{} / {why}", executable.why());
    assert_eq!(with(Backend::Ane, Fallback::Allow), Ok(Backend::Cpu));
}

#[test]
fn numbers_that_fp16_cannot_hold_are_warned_of_at_their_line() {
    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let c = g.constant(&[1e6, 1.0, -7e4, f32::INFINITY, f32::NAN], Shape::channels(5));
    let first = line!() - 1;
    let y = g.multiplication(x, c);
    g.linear(y, 1e9, 1e-12);
    let second = line!() - 1;
    g.leaky_relu(y, f64::NAN);
    let third = line!() - 1;
    let executable = executable(&g);
    let found: Vec<_> = executable
        .warnings()
        .iter()
        .map(|w| match w.location {
            Location::Rust(at) => (w.slug, at.line()),
            _ => panic!("{w}"),
        })
        .collect();
    assert_eq!(found, [("overflow", first), ("overflow", second), ("underflow", second), ("nan", third)]);
    let line = executable.warnings()[3].to_string();
    assert!(line.starts_with("warning[nan] in `leaky_relu`: `negative_slope` is NaN at "), "{line}");
    let message = &executable.warnings()[0].message;
    assert!(message.contains("2 of 5") && message.contains("1e6"), "{message}");
}

#[test]
fn the_profile_f32_does_not_round() {
    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let tenth = g.constant_with_scalar(0.1, Shape::channels(1));
    let big = g.multiplication(x, x);
    let back = g.subtraction(big, x);
    g.multiplication(back, tenth);
    let run = |profile| {
        let limits = Limits::none();
        let executable =
            g.compile_with(&CompileOptions::new().backend(Backend::Cpu).profile(profile).limits(limits)).unwrap();
        let (input, output) = (TensorData::with_f32(&[300.0; 64], WIDE), TensorData::new(WIDE));
        executable.run(&[&input], &[&output]).unwrap();
        output.read_f32()[0]
    };
    assert_eq!(run(Profile::Fp16), f32::INFINITY, "300 * 300 overflows");
    assert!((run(Profile::F32) - 8970.0).abs() < 8.0);
}

/// Something with every kind of constant, written twice.
fn network() -> Graph {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(4, 2, 64));
    let shared = g.constant(&ramp(4), Shape::channels(4));
    let mut y: Tensor = g.inner_product(x, &ramp(16), 4, 4);
    for _ in 0..3 {
        y = g.addition(y, shared);
        y = g.multiplication(y, shared);
        y = g.instance_norm(y, shared, 1e-3);
    }
    let pooled = g.global_avg_pool(y);
    g.subtraction(y, pooled);
    g
}

#[test]
fn the_same_graph_gives_the_same_program_and_the_same_numbers() {
    let input = ramp(4 * 2 * 64);
    let first = network();
    for _ in 0..20 {
        let again = network();
        // Names, order and constants; the lines are the same as well.
        assert_eq!(format!("{:?}", again.program().unwrap()), format!("{:?}", first.program().unwrap()));
    }
    let bits = |out: Vec<Box<[f32]>>| out[0].iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let expected = bits(evaluate(&first, &[&input]));
    assert_eq!(bits(evaluate(&network(), &[&input])), expected);
    assert_eq!(bits(evaluate(&first, &[&input])), expected, "compiling changes nothing");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(48, 2, 96));
    let y = g.inner_product(x, &ramp(48 * 80), 48, 80);
    let y = g.tanh(y);
    let scores = g.matrix_multiplication(y, y, false, true);
    let scores = g.soft_max(scores, -1);
    let mixed = g.matrix_multiplication(scores, y, false, false);
    let z = g.reduce_sum(mixed, 1);
    let (input, output) = (TensorData::with_f32(&ramp(48 * 2 * 96), x.shape), TensorData::new(z.shape));
    let run = |threads| {
        let executable = g.compile_with(&CompileOptions::new().backend(Backend::Cpu).threads(threads)).unwrap();
        executable.run(&[&input], &[&output]).unwrap();
        output.read_f32().iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    let one = run(1);
    assert!(one.iter().any(|bits| *bits != one[0]), "nothing is compared");
    for threads in [0, 2, 3, 8] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn a_constant_is_stored_once_however_often_it_is_used_and_not_at_all_if_never() {
    let mut g = Graph::new();
    let x = g.placeholder(Shape::spatial(4, 1, 64));
    let used = g.constant(&ramp(4), Shape::channels(4));
    g.constant(&ramp(9), Shape::channels(9));
    let y = g.addition(x, used);
    let y = g.multiplication(used, y);
    g.maximum(y, used);
    let program = g.program().unwrap();
    let constants = program.main().nodes.iter().filter(|n| n.mnemonic() == "const");
    let types = constants.map(|n| program.main().value(n.results[0]).ty.to_string());
    assert_eq!(types.collect::<Vec<_>>(), ["fp16[1, 4, 1, 1]"]);
}
