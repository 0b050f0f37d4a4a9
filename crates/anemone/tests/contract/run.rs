//! `Executable`: what a run checks, what it leaves alone, and running from several threads.

use crate::{default_backend, executable, ramp};
use anemone::{Backend, Error, ErrorKind, Executable, Graph, NSQualityOfService, Shape, TensorData};
use std::thread;

const WIDE: Shape = Shape::spatial(2, 1, 64);

/// Two inputs, two outputs: the sum and the product.
fn sum_and_product() -> Executable {
    let mut g = Graph::new();
    let (a, b) = (g.named_placeholder("a", WIDE), g.named_placeholder("b", WIDE));
    let (sum, product) = (g.addition(a, b), g.multiplication(a, b));
    g.named_output(sum, "sum");
    g.named_output(product, "product");
    g.compile(NSQualityOfService::Default).unwrap()
}

type Run = fn(&Executable, &[&TensorData], &[&TensorData]) -> Result<(), Error>;

/// Every way to run.
const RUNS: &[(&str, Run)] = &[
    ("run", Executable::run),
    ("run_cached", Executable::run_cached),
    ("run_cached_with_stats", |e, i, o| e.run_cached_with_stats(i, o).map(drop)),
    ("run_cached_direct", Executable::run_cached_direct),
];

fn tensors() -> [TensorData; 4] {
    let numbers = ramp(128);
    let reversed: Vec<f32> = numbers.iter().rev().copied().collect();
    [
        TensorData::with_f32(&numbers, WIDE),
        TensorData::with_f32(&reversed, WIDE),
        TensorData::new(WIDE),
        TensorData::new(WIDE),
    ]
}

#[test]
fn every_way_to_run_gives_the_same() {
    let executable = sum_and_product();
    for (name, run) in RUNS {
        let [a, b, sum, product] = tensors();
        run(&executable, &[&a, &b], &[&sum, &product]).unwrap();
        let numbers = ramp(128);
        for (i, (s, p)) in sum.read_f32().iter().zip(&product.read_f32()).enumerate() {
            let (x, y) = (numbers[i], numbers[127 - i]);
            assert_eq!((*s, *p), (x + y, x * y), "{name}, element {i}");
        }
    }
}

#[test]
fn contents_and_tensors_may_change_between_cached_runs() {
    let executable = sum_and_product();
    let [a, b, sum, product] = tensors();
    executable.run_cached(&[&a, &b], &[&sum, &product]).unwrap();
    a.copy_from_f32(&[3.0; 128]);
    b.copy_from_f32(&[0.5; 128]);
    executable.run_cached(&[&a, &b], &[&sum, &product]).unwrap();
    assert_eq!((sum.read_f32()[7], product.read_f32()[7]), (3.5, 1.5));
    let (c, other) = (TensorData::with_f32(&[2.0; 128], WIDE), TensorData::new(WIDE));
    executable.run_cached(&[&c, &b], &[&other, &product]).unwrap();
    assert_eq!((other.read_f32()[7], product.read_f32()[7], sum.read_f32()[7]), (2.5, 1.0, 3.5));
    // One tensor may be several inputs.
    executable.run_cached(&[&c, &c], &[&sum, &product]).unwrap();
    assert_eq!((sum.read_f32()[0], product.read_f32()[0]), (4.0, 4.0));
}

#[test]
fn the_statistics_are_the_engines_own_time() {
    let executable = sum_and_product();
    let [a, b, sum, product] = tensors();
    let start = std::time::Instant::now();
    let engine = executable.run_cached_with_stats(&[&a, &b], &[&sum, &product]).unwrap();
    let call = start.elapsed();
    assert!(u128::from(engine) <= call.as_nanos(), "{engine} ns of {call:?}");
    // Most systems keep the Neural Engine's own time to themselves.
    assert!(engine > 0 || executable.backend() == Backend::Ane);
}

#[test]
fn what_does_not_fit_is_refused_and_writes_nothing() {
    let executable = sum_and_product();
    let [a, b, sum, product] = &tensors();
    let narrow = &TensorData::new(Shape::spatial(2, 1, 63));
    let turned = &TensorData::new(Shape::spatial(1, 2, 64));
    sum.copy_from_f32(&[9.0; 128]);
    type Case<'a> = (&'a [&'a TensorData], &'a [&'a TensorData], ErrorKind, &'a str);
    let cases: &[Case<'_>] = &[
        (&[a], &[sum, product], ErrorKind::Binding, "2 inputs, 1 given"),
        (&[a, b, a], &[sum, product], ErrorKind::Binding, "2 inputs, 3 given"),
        (&[a, b], &[sum], ErrorKind::Binding, "2 outputs, 1 given"),
        (&[], &[], ErrorKind::Binding, "2 inputs, 0 given"),
        (
            &[a, narrow],
            &[sum, product],
            ErrorKind::Binding,
            "input `b` is [1, 2, 1, 64], the tensor given is [1, 2, 1, 63]",
        ),
        (&[a, b], &[sum, turned], ErrorKind::Binding, "output `product` is [1, 2, 1, 64]"),
        (&[a, b], &[sum, sum], ErrorKind::Locked, "output `product` and output `sum` are the same tensor"),
        (&[a, b], &[sum, b], ErrorKind::Locked, "output `product` and input `b` are the same tensor"),
        (&[a, b], &[a, product], ErrorKind::Locked, "output `sum` and input `a` are the same tensor"),
    ];
    for (name, run) in RUNS {
        for (inputs, outputs, kind, message) in cases {
            let error = run(&executable, inputs, outputs).unwrap_err();
            assert_eq!(error.kind(), *kind, "{name}: {error}");
            assert!(error.to_string().contains(message), "{name}: {error}");
            assert!(error.diagnostics().is_empty());
        }
    }
    assert_eq!(*sum.read_f32(), [9.0; 128]);
}

#[test]
fn a_tensor_in_use_is_refused_and_named() {
    let executable = sum_and_product();
    let [a, b, sum, product] = tensors();
    for (name, run) in RUNS {
        let check = |who: &str| {
            let error = run(&executable, &[&a, &b], &[&sum, &product]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Locked, "{name}: {error}");
            assert!(error.to_string().contains(who), "{name}: {error}");
            let source = std::error::Error::source(&error).expect("which lock it is").to_string();
            assert!(source.contains("guard is alive"), "{source}");
        };
        let writer = b.as_f32_slice_mut();
        check("input `b`");
        drop(writer);
        let reader = product.as_f16();
        check("output `product`");
        drop(reader);
        let reader = a.as_f32_slice();
        run(&executable, &[&a, &b], &[&sum, &product]).expect("inputs are only read");
        drop(reader);
    }
}

#[test]
fn ports_have_their_names_and_shapes_in_order() {
    let executable = sum_and_product();
    let names = |ports: &[anemone::Port]| ports.iter().map(|p| p.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(executable.inputs()), ["a", "b"]);
    assert_eq!(names(executable.outputs()), ["sum", "product"]);
    assert!(executable.inputs().iter().all(|p| p.shape == WIDE));
    assert_eq!(executable.backend(), default_backend());
    let place = if default_backend() == Backend::Ane { "on the Neural Engine" } else { "on the CPU" };
    assert!(executable.why().starts_with(place), "{}", executable.why());
    assert!(format!("{executable:?}").contains("sum"));
}

#[test]
fn an_executable_runs_from_several_threads_at_once() {
    fn shareable<T: Send + Sync + 'static>() {}
    shareable::<Executable>();
    shareable::<TensorData>();
    shareable::<Error>();

    let mut g = Graph::new();
    let x = g.placeholder(WIDE);
    let y = g.inner_product(x, &ramp(6), 2, 3);
    let y = g.tanh(y);
    let executable = executable(&g);
    let input = |seed: usize| ramp(128 + seed)[seed..].to_vec();
    let run = |data: &[f32]| {
        let (input, output) = (TensorData::with_f32(data, x.shape), TensorData::new(y.shape));
        executable.run_cached(&[&input], &[&output]).unwrap();
        output.read_f32()
    };
    let expected: Vec<_> = (0..4).map(|seed| run(&input(seed))).collect();
    assert_ne!(expected[0], expected[1]);
    thread::scope(|scope| {
        for (seed, expected) in expected.iter().enumerate() {
            let (run, input) = (&run, input(seed));
            scope.spawn(move || (0..50).for_each(|_| assert_eq!(run(&input), *expected)));
        }
    });
}

#[test]
fn threads_that_share_an_output_get_an_error_or_a_whole_result() {
    let executable = sum_and_product();
    let [a, b, sum, product] = tensors();
    let lone = |data: f32| TensorData::with_f32(&[data; 128], WIDE);
    let (ones, twos) = (lone(1.0), lone(2.0));
    thread::scope(|scope| {
        for input in [&ones, &twos] {
            let (executable, sum, product) = (&executable, &sum, &product);
            scope.spawn(move || {
                for _ in 0..100 {
                    if let Err(e) = executable.run(&[input, input], &[sum, product]) {
                        assert_eq!(e.kind(), ErrorKind::Locked);
                    }
                }
            });
        }
    });
    let found = sum.read_f32();
    assert!(*found == [2.0; 128] || *found == [4.0; 128]);
    executable.run(&[&a, &b], &[&sum, &product]).unwrap();
}
