//! What goes beyond the older crate's runs: reports, the paths to the engine, runs that are not waited for, functions.

use crate::{default_backend, ramp};
use anemone::{
    Backend, CompileOptions, ErrorKind, Executable, Graph, Limits, RunOptions, RunPath, Shape, Submission, TensorData,
    Transfer, mil,
};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

const WIDE: Shape = Shape::spatial(2, 3, 64);

/// Compiles for where programs run here, and nowhere else.
fn executable(g: &Graph) -> Executable {
    g.compile_with(&CompileOptions::new().backend(default_backend()).limits(Limits::none())).unwrap()
}

/// Twice the input, plus one.
fn affine(shape: Shape) -> Executable {
    let mut g = Graph::new();
    let x = g.placeholder(shape);
    g.linear(x, 2.0, 1.0);
    executable(&g)
}

fn tensors(shape: Shape) -> (TensorData, TensorData) {
    (TensorData::with_f32(&ramp(shape.total_elements()), shape), TensorData::new(shape))
}

fn assert_affine(x: &TensorData, y: &TensorData) {
    let expected: Vec<f32> = x.read_f32().iter().map(|x| 2.0 * x + 1.0).collect();
    assert_eq!(*y.read_f32(), expected);
}

#[test]
fn every_path_gives_the_same_and_says_what_it_was() {
    let executable = affine(WIDE);
    for path in RunPath::ALL {
        assert!(executable.can_run(path), "{path}");
        for (cached, statistics) in [(false, false), (true, false), (true, true)] {
            let (x, y) = tensors(WIDE);
            let options = RunOptions::new().path(path).cached(cached).statistics(statistics);
            let report = executable.run_with(&[&x], &[&y], &options).unwrap();
            assert_affine(&x, &y);
            assert_eq!(report.backend, default_backend());
            assert_eq!((report.inputs, report.outputs), (vec![Transfer::InPlace], vec![Transfer::InPlace]));
            match report.backend {
                Backend::Ane => assert!(statistics || report.path == Some(path), "{path}: {:?}", report.path),
                _ => assert_eq!(report.path, None),
            }
            assert!(
                report.hardware.is_none_or(|time| time <= report.wall),
                "{:?} of {:?}",
                report.hardware,
                report.wall
            );
            assert!(!report.wall.is_zero());
        }
    }
    let (x, y) = tensors(WIDE);
    executable.run_real_time(&[&x], &[&y]).unwrap();
    assert_affine(&x, &y);
}

/// Rows of every width, padded and not, give the right elements, and leave the padding of the output alone.
#[test]
fn tensors_of_every_width_come_through() {
    for width in [1, 31, 32, 33, 64, 100] {
        let shape = Shape { batch: 2, channels: 3, height: 2, width };
        let executable = affine(shape);
        let (x, y) = tensors(shape);
        for _ in 0..2 {
            executable.run_cached(&[&x], &[&y]).unwrap();
            assert_affine(&x, &y);
            y.copy_from_f32(&vec![0.0; shape.total_elements()]);
        }
    }
}

#[test]
fn an_input_that_nothing_reads_is_given_all_the_same() {
    let mut g = Graph::new();
    let (unread, x) = (g.placeholder(Shape::spatial(1, 1, 64)), g.placeholder(WIDE));
    g.linear(x, 2.0, 1.0);
    let executable = executable(&g);
    let (unread, (x, y)) = (TensorData::new(unread.shape), tensors(WIDE));
    let report = executable.run_with(&[&unread, &x], &[&y], &RunOptions::new()).unwrap();
    assert_affine(&x, &y);
    let expected = if default_backend() == Backend::Ane { Transfer::Unused } else { Transfer::InPlace };
    assert_eq!(report.inputs, [expected, Transfer::InPlace]);
    // Nobody touches it, so nobody minds that it is being written.
    let guard = unread.as_f32_slice_mut();
    let run = executable.run(&[&unread, &x], &[&y]);
    assert_eq!(run.err().map(|e| e.kind()), (default_backend() != Backend::Ane).then_some(ErrorKind::Locked));
    drop(guard);
}

/// More inputs and outputs than digits sort well: `t10` comes before `t2`.
#[test]
fn many_ports_bind_in_their_order() {
    let mut g = Graph::new();
    let inputs: Vec<_> = (0..13).map(|i| g.placeholder(Shape::spatial(1 + i % 3, 1, 64))).collect();
    let outputs: Vec<_> = inputs.iter().rev().map(|x| g.linear(*x, 2.0, 1.0)).collect();
    outputs.iter().for_each(|y| g.output(*y));
    let executable = executable(&g);
    let fill =
        |(i, x): (usize, &anemone::Tensor)| TensorData::with_f32(&vec![i as f32; x.shape.total_elements()], x.shape);
    let xs: Vec<_> = inputs.iter().enumerate().map(fill).collect();
    let ys: Vec<_> = outputs.iter().map(|y| TensorData::new(y.shape)).collect();
    executable.run(&xs.iter().collect::<Vec<_>>(), &ys.iter().collect::<Vec<_>>()).unwrap();
    xs.iter().rev().zip(&ys).for_each(|(x, y)| assert_affine(x, y));
}

/// Wakes a thread.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_submitted_run_can_be_waited_for_awaited_or_dropped() {
    fn can_move<T: Send>() {}
    can_move::<Submission<'_>>();
    // One whose tensors are used in place, and one whose are copied where the engine's rows differ.
    for shape in [WIDE, Shape::spatial(2, 3, 40)] {
        let executable = affine(shape);
        let pairs = [tensors(shape), tensors(shape), tensors(shape)];
        let submit = |i: usize| {
            let (x, y) = &pairs[i];
            executable.submit(&[x], &[y]).unwrap()
        };
        let first = submit(0);
        let second = submit(1);
        let report = first.wait().unwrap();
        assert_eq!(report.backend, default_backend());
        assert_eq!(block_on(second).unwrap().backend, default_backend());
        drop(submit(2));
        pairs.iter().for_each(|(x, y)| assert_affine(x, y));
        let submission = submit(0);
        while !submission.is_finished() {
            std::thread::yield_now();
        }
        assert!(format!("{submission:?}").contains("true"));
        submission.wait().unwrap();
    }
}

#[test]
fn a_submission_checks_what_a_run_checks() {
    let executable = affine(WIDE);
    let (x, y) = tensors(WIDE);
    let kind = |inputs: &[&TensorData], outputs: &[&TensorData]| {
        executable.submit(inputs, outputs).map(drop).map_err(|e| e.kind())
    };
    assert_eq!(kind(&[], &[&y]), Err(ErrorKind::Binding));
    assert_eq!(kind(&[&x], &[&x]), Err(ErrorKind::Locked));
    let guard = y.as_f32_slice();
    let e = executable.submit(&[&x], &[&y]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Locked);
    assert!(e.to_string().contains("output"), "{e}");
    drop(guard);
    assert_eq!(kind(&[&x], &[&y]), Ok(()));
}

/// Two functions of one program, and one for each way that a program from a file may be unlike a graph.
const TEXT: &str = r#"
    program(1.3) {
        func main<ios18>(tensor<fp16, [1, 2, 3, 64]> x) {
            tensor<fp16, [1, 2, 3, 64]> y = add(x = x, y = fp16(0x1p+0));
        } -> (y);
        func thrice<ios18>(tensor<fp16, [1, 1, 1, 64]> b, tensor<fp16, [1, 1, 1, 64]> a) {
            tensor<fp16, [1, 1, 1, 64]> c = mul(x = a, y = fp16(0x1.8p+1));
            tensor<fp16, [1, 1, 1, 64]> d = sub(x = c, y = b);
        } -> (d);
        func vector<ios18>(tensor<fp16, [3]> x) {
            tensor<fp16, [3]> y = add(x = x, y = fp16(0x1p+0));
        } -> (y);
    }"#;

fn program() -> anemone::Program {
    mil::parse(TEXT, &mil::NoWeights).unwrap()
}

#[test]
fn functions_of_one_program_run_apart() {
    let options = CompileOptions::new().backend(default_backend()).limits(Limits::none());
    let main = Executable::from_program(program(), &options).unwrap();
    assert_eq!(&*main.function().name, "main");
    let (x, y) = tensors(WIDE);
    main.run(&[&x], &[&y]).unwrap();
    assert_eq!(y.read_f32()[0], x.read_f32()[0] + 1.0);

    let thrice = main.for_function("thrice").unwrap();
    drop(main);
    let names: Vec<_> = thrice.inputs().iter().map(|p| &*p.name).collect();
    assert_eq!((names, thrice.backend()), (vec!["b", "a"], default_backend()));
    let fill = |value: f32| TensorData::with_f32(&[value; 64], Shape::spatial(1, 1, 64));
    let (a, b, d) = (fill(5.0), fill(2.0), fill(0.0));
    thrice.run_cached(&[&b, &a], &[&d]).unwrap();
    assert_eq!(*d.read_f32(), [13.0; 64]);

    let e = thrice.for_function("twice").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Binding);
    assert!(e.to_string().contains("main, thrice, vector"), "{e}");
    let e = thrice.for_function("vector").unwrap_err();
    assert!(e.to_string().contains("`x` is fp16[3]"), "{e}");
}

#[test]
fn a_program_is_checked_against_the_limits() {
    let e = Executable::from_program(program(), &CompileOptions::new()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Limit, "`vector` is narrow: {e}");
}

#[test]
fn sessions_take_any_rank_or_say_that_there_is_no_engine() {
    use anemone::ane::{Session, device, preflight};
    let session = Session::new(&program(), &CompileOptions::new());
    if default_backend() == Backend::Cpu {
        for kind in [session.unwrap_err().kind(), device().unwrap_err().kind()] {
            assert_eq!(kind, ErrorKind::Unavailable);
        }
        assert!(preflight().is_empty());
        return;
    }
    let session = session.unwrap();
    assert!(device().unwrap().architecture.is_some() && preflight().iter().all(|f| f.usable()));
    for path in RunPath::ALL.into_iter().filter(|path| session.can_run(*path)) {
        let inputs = [vec![1.0, 0.1, f64::INFINITY]];
        let (outputs, report) = session.run("vector", &inputs, &RunOptions::new().path(path)).unwrap();
        assert_eq!(outputs[0].data, [2.0, 1.099_609_375, f64::INFINITY], "halves");
        assert_eq!((report.path, report.inputs), (Some(path), vec![Transfer::Copied]));
    }
    let bad = |function, inputs: &[Vec<f64>]| session.run(function, inputs, &RunOptions::new()).unwrap_err().kind();
    assert_eq!(bad("vector", &[]), ErrorKind::Binding);
    assert_eq!(bad("vector", &[vec![1.0]]), ErrorKind::Binding);
    assert_eq!(bad("matrix", &[vec![1.0]]), ErrorKind::Binding);
}

#[test]
fn other_floats_than_halves_are_converted() {
    let text = r#"
        program(1.3) {
            func main<ios18>(tensor<fp32, [1, 2, 3, 40]> x) {
                tensor<fp32, [1, 2, 3, 40]> y = add(x = x, y = fp32(0x1p+0));
            } -> (y);
        }"#;
    let program = mil::parse(text, &mil::NoWeights).unwrap();
    let executable = Executable::from_program(program, &CompileOptions::new().limits(Limits::none())).unwrap();
    let shape = Shape::spatial(2, 3, 40);
    let (x, y) = tensors(shape);
    let report = executable.run_with(&[&x], &[&y], &RunOptions::new()).unwrap();
    let expected: Vec<f32> = x.read_f32().iter().map(|x| x + 1.0).collect();
    assert_eq!(*y.read_f32(), expected, "{}", executable.why());
    assert_eq!(report.outputs, [Transfer::Copied]);
}
