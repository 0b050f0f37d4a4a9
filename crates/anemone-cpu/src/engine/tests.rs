use super::*;
use crate::views::{Slice, SliceMut};
use anemone_ir::reference;
use anemone_ir::{Builder, Dims, Literal, Opset, Program, Var, args, check};
use half::f16;

fn fp16(dims: &[usize]) -> TensorType {
    TensorType::new(DType::Fp16, Dims::new(dims).unwrap())
}

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 4001) as f32 / 2000.0 - 1.0;
    (0..count).map(|i| f16::from_f32(number(i)).to_f32()).collect()
}

fn weights(dims: &[usize], seed: usize) -> Result<Literal, anemone_ir::LiteralError> {
    let count: usize = dims.iter().product();
    Literal::fp16(dims, numbers(count, seed).iter().map(|x| f16::from_f32(x / 4.0)).collect())
}

/// All ways to run a program give the same bytes; they are returned as numbers, with those of the reference.
fn run_all(program: &Program, profile: Profile) -> Vec<(Vec<f32>, Vec<f64>)> {
    let f = program.main();
    let inputs: Vec<Vec<f32>> =
        f.params.iter().enumerate().map(|(i, id)| numbers(f.ty(*id).dims.elements(), i)).collect();
    let wide: Vec<Vec<f64>> = inputs.iter().map(|v| v.iter().map(|x| f64::from(*x)).collect()).collect();
    let expected = reference::run(f, &wide, profile);
    let mut first: Option<Vec<Vec<f32>>> = None;
    for level in Level::available() {
        for (threads, fuse) in [(1, true), (1, false), (3, true), (2, false)] {
            let options = Options { profile, threads: Some(threads), level: Some(level), fuse };
            let engine = Engine::new(f, &options).unwrap();
            for _ in 0..2 {
                let mut outputs: Vec<Vec<f32>> = expected.iter().map(|a| vec![f32::NAN; a.data.len()]).collect();
                let last = |id: anemone_ir::ValueId| f.ty(id).dims.last().copied().unwrap_or(1);
                let ins: Vec<Input<'_>> = f
                    .params
                    .iter()
                    .zip(&inputs)
                    .map(|(id, v)| Input { data: Slice::F32(v), row_stride: last(*id) })
                    .collect();
                let mut outs: Vec<Output<'_>> = f
                    .outputs
                    .iter()
                    .zip(&mut outputs)
                    .map(|(id, v)| Output { data: SliceMut::F32(v), row_stride: last(*id) })
                    .collect();
                engine.run(&ins, &mut outs).unwrap();
                let bits = |v: &[Vec<f32>]| v.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
                let first = first.get_or_insert_with(|| outputs.clone());
                assert_eq!(bits(first), bits(&outputs), "{level:?} {threads} {fuse}");
            }
        }
    }
    first.unwrap().into_iter().zip(expected.into_iter().map(|a| a.data)).collect()
}

fn assert_near(program: &Program, tolerance: f64) {
    for profile in [Profile::Fp16, Profile::F32] {
        for (at, (found, expected)) in run_all(program, profile).into_iter().enumerate() {
            for (i, (x, y)) in found.iter().zip(&expected).enumerate() {
                let near = (f64::from(*x) - y).abs() <= tolerance * (1.0 + y.abs());
                assert!(near, "{profile:?} output {at}, element {i}: {x}, reference {y}");
            }
        }
    }
}

/// GELU by tanh, of primitives.
fn gelu(b: &mut Builder, x: Var) -> Var {
    let square = b.mul(args! { x: x, y: x });
    let cube = b.mul(args! { x: square, y: x });
    let scaled = b.mul(args! { x: cube, y: 0.044715 });
    let inner = b.add(args! { x: x, y: scaled });
    let inner = b.mul(args! { x: inner, y: 0.7978846 });
    let tanh = b.tanh(args! { x: inner });
    let one = b.add(args! { x: tanh, y: 1.0 });
    let half = b.mul(args! { x: x, y: 0.5 });
    b.mul(args! { x: half, y: one })
}

fn transformer_like(rows: usize) -> Program {
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[1, rows, 40]));
    let mask = b.input("mask", fp16(&[rows]));
    let w = b.constant(weights(&[70, 40], 5).unwrap());
    let bias = b.constant(weights(&[70], 6).unwrap());
    let up = b.linear(args! { x: x, weight: w, bias: bias });
    let up = gelu(&mut b, up);
    let down = b.constant(weights(&[40, 70], 7).unwrap());
    let down = b.linear(args! { x: up, weight: down });
    let y = b.add(args! { x: down, y: x });
    let scores = b.matmul(args! { x: y, y: x, transpose_y: true });
    let scores = b.mul(args! { x: scores, y: 0.158 });
    let scores = b.add(args! { x: scores, y: mask });
    let p = b.softmax(args! { x: scores, axis: -1 });
    let z = b.matmul(args! { x: p, y: y });
    let z = b.reshape(args! { x: z, shape: [rows as i32, 40] });
    let flat = b.reshape(args! { x: y, shape: [rows as i32, 40] });
    let z = b.sub(args! { x: z, y: flat });
    b.output(z);
    b.output(scores);
    check(b.finish()).unwrap()
}

#[test]
fn a_transformer_is_the_same_every_way_and_near_the_reference() {
    for rows in [1, 3, 17] {
        assert_near(&transformer_like(rows), 6e-3);
    }
}

#[test]
fn fusion_joins_what_it_may() {
    let program = transformer_like(17);
    let engine = |fuse| Engine::new(program.main(), &Options { fuse, ..Options::default() }).unwrap().report();
    let steps: Vec<String> = engine(true).steps.iter().map(|s| s.operations.join(" ")).collect();
    let expected =
        ["linear mul mul mul add mul tanh add mul mul", "linear add", "matmul mul add", "softmax", "matmul sub"];
    assert_eq!(steps, expected);
    assert_eq!(engine(false).steps.len(), 18);
}

#[test]
fn a_value_that_depends_on_the_group_keeps_its_reader_out() {
    // `sum` is made of `y`, so the last addition cannot run where `y` is made.
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[4, 64]));
    let y = b.exp(args! { x: x });
    let sum = b.reduce_sum(args! { x: y, axes: [1], keep_dims: true });
    let z = b.real_div(args! { x: y, y: sum });
    let column = b.slice_by_size(args! { x: y, begin: [0, 0], size: [4, 1] });
    let z = b.add(args! { x: z, y: column });
    b.output(z);
    assert_near(&check(b.finish()).unwrap(), 2e-3);
}

#[test]
fn outputs_may_be_inputs_constants_views_and_second_names() {
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[2, 3]));
    let unused = b.input("unused", fp16(&[5]));
    let c = b.constant(weights(&[2, 3], 9).unwrap());
    let folded = b.add(args! { x: c, y: c });
    let seen = b.reshape(args! { x: x, shape: [3, 2] });
    let y = b.relu(args! { x: x });
    let again = b.expand_dims(args! { x: y, axes: [0] });
    let scalar = b.reduce_max(args! { x: x });
    [unused, c, folded, seen, y, again, scalar].into_iter().for_each(|v| b.output(v));
    assert_near(&check(b.finish()).unwrap(), 1e-6);
}

#[test]
fn dead_code_and_constants_cost_no_step() {
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[2, 3]));
    let c = b.constant(weights(&[2, 3], 9).unwrap());
    let folded = b.exp(args! { x: c });
    b.tanh(args! { x: x });
    let y = b.mul(args! { x: x, y: folded });
    b.output(y);
    let program = check(b.finish()).unwrap();
    let report = Engine::new(program.main(), &Options::default()).unwrap().report();
    let names: Vec<_> = report.steps.iter().map(|s| s.operations.join(" ")).collect();
    assert_eq!((names, report.arena_bytes), (vec!["mul".to_owned()], 0));
}

#[test]
fn rows_may_be_padded_and_types_converted() {
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[2, 3]));
    let y = b.mul(args! { x: x, y: 2.0 });
    b.output(y);
    let t = b.greater(args! { x: x, y: 0.0 });
    b.output(t);
    let program = check(b.finish()).unwrap();
    for profile in [Profile::Fp16, Profile::F32] {
        let engine = Engine::new(program.main(), &Options { profile, ..Options::default() }).unwrap();
        let halves: Vec<f16> = [1.0, 2.0, 3.0, 9.0, -4.0, -5.0, 6.0, 9.0].map(f16::from_f32).to_vec();
        let (mut out, mut truth) = ([7.0f32; 8], [7u8; 6]);
        let mut outputs = [
            Output { data: SliceMut::F32(&mut out), row_stride: 5 },
            Output { data: SliceMut::Bool(&mut truth), row_stride: 3 },
        ];
        engine.run(&[Input { data: Slice::F16(&halves), row_stride: 4 }], &mut outputs).unwrap();
        assert_eq!(out, [2.0, 4.0, 6.0, 7.0, 7.0, -8.0, -10.0, 12.0]);
        assert_eq!(truth, [1, 1, 1, 0, 0, 1]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut b = Builder::new();
    let x = b.input("x", fp16(&[2, 3]));
    let y = b.relu(args! { x: x });
    b.output(y);
    let program = check(b.finish()).unwrap();
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let (five, six, ints) = ([0.0; 5], [0.0; 6], [0; 6]);
    let run = |inputs: &[Input<'_>]| {
        let mut out = [0.0; 6];
        engine.run(inputs, &mut [Output { data: SliceMut::F32(&mut out), row_stride: 3 }]).unwrap_err().to_string()
    };
    let input = |data, row_stride| Input { data, row_stride };
    assert_eq!(run(&[]), "0 inputs are given, the function has 1");
    assert_eq!(run(&[input(Slice::I32(&ints), 3)]), "input `x` is fp16, but int32 is given");
    for bad in [input(Slice::F32(&five), 3), input(Slice::F32(&six), 4), input(Slice::F32(&six), 2)] {
        assert!(run(&[bad]).starts_with("input `x` has 6 elements in rows of 3;"), "{}", run(&[bad]));
    }
    let options = Options { threads: Some(MAX_THREADS + 1), ..Options::default() };
    assert!(Engine::new(program.main(), &options).is_err());
}

#[test]
fn one_engine_runs_on_several_threads_at_once() {
    let program = transformer_like(5);
    let engine = Engine::new(program.main(), &Options { threads: Some(2), ..Options::default() }).unwrap();
    let (x, mask) = (numbers(200, 0), numbers(5, 1));
    let run = || {
        let (mut z, mut scores) = (vec![0.0; 200], vec![0.0; 25]);
        let inputs = [Input { data: Slice::F32(&x), row_stride: 40 }, Input { data: Slice::F32(&mask), row_stride: 5 }];
        let mut outputs = [
            Output { data: SliceMut::F32(&mut z), row_stride: 40 },
            Output { data: SliceMut::F32(&mut scores), row_stride: 5 },
        ];
        engine.run(&inputs, &mut outputs).unwrap();
        (z, scores)
    };
    let expected = run();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(run(), expected)));
        }
    });
}

/// Two chains that a third node would make one stay two if that node also waits, by a way around, for one of them.
#[test]
fn groups_that_wait_for_each_other_are_not_merged() {
    let mut b = Builder::new();
    let (x, y) = (b.input("x", fp16(&[3, 8])), b.input("y", fp16(&[3, 8])));
    let (first, second) = (b.relu(args! { x: x }), b.abs(args! { x: y }));
    let sums = b.reduce_sum(args! { x: second, axes: [-1], keep_dims: true });
    let cond = b.greater(args! { x: sums, y: 4.0 });
    let chosen = b.select(args! { a: first, b: second, cond: cond });
    b.output(chosen);
    assert_near(&check(b.finish()).unwrap(), 0.0);
}

/// Tensors that are only declared cost no memory before a run.
#[test]
fn planning_takes_no_memory_for_what_is_declared() {
    const MANY: usize = 1 << 39;
    let plan = |dims: [&[usize]; 2], call: fn(&mut Builder, [Var; 2]) -> Var| {
        let mut b = Builder::new();
        let operands = [b.input("x", fp16(dims[0])), b.input("y", fp16(dims[1]))];
        let result = call(&mut b, operands);
        b.output(result);
        let program = check(b.finish()).unwrap();
        Engine::new(program.main(), &Options { threads: Some(1), ..Options::default() }).unwrap();
    };
    plan([&[1, MANY], &[1]], |b, [x, _]| b.layer_norm(args! { x: x, axes: [-1] }));
    plan([&[1, MANY, 1], &[1]], |b, [x, _]| b.instance_norm(args! { x: x }));
    plan([&[MANY, 1, 1], &[1]], |b, [x, _]| b.matmul(args! { x: x, y: x }));
    plan([&[MANY, 1, 1], &[1, 1, 1]], |b, [x, y]| b.conv(args! { x: x, weight: y }));
    plan([&[1, 1, MANY], &[1]], |b, [x, _]| b.conv(args! { x: x, weight: x }));
    plan([&[1, 1, MANY], &[1]], |b, [x, _]| {
        b.avg_pool(args! { x: x, kernel_sizes: [2], strides: [1], pad_type: "valid" })
    });
}

/// What is computed while planning takes a multiple of the memory that the program's constants take.
#[test]
fn folding_is_bounded() {
    let mut b = Builder::new();
    let one = b.constant([f16::ONE]);
    let mut sum = b.input("x", fp16(&[1]));
    for _ in 0..64 {
        let many = b.tile(args! { x: one, reps: [1 << 20] });
        let max = b.reduce_max(args! { x: many, axes: [0], keep_dims: true });
        sum = b.add(args! { x: sum, y: max });
    }
    b.output(sum);
    let program = check(b.finish()).unwrap();
    let settings = Settings { profile: Profile::Fp16, level: Level::best(), threads: 1, fuse: true };
    let plan = plan::build(program.main(), settings).unwrap();
    let tiles = plan.steps.iter().flat_map(|s| &s.nodes).filter(|n| program.main().nodes[**n].mnemonic() == "tile");
    assert!(tiles.count() > 32);
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let mut out = [0.0];
    let input = Input { data: Slice::F32(&[0.5]), row_stride: 1 };
    engine.run(&[input], &mut [Output { data: SliceMut::F32(&mut out), row_stride: 1 }]).unwrap();
    assert_eq!(out, [64.5]);
}

/// Since iOS 17 the weights of integers may be floats.
#[test]
fn integers_under_floating_weights_are_the_references() {
    let mut b = Builder::function("main", Opset::Ios17);
    let x = b.input("x", TensorType::new(DType::Int32, Dims::new(&[2, 2]).unwrap()));
    let y = b.linear(args! { x: x, weight: weights(&[3, 2], 0).unwrap() });
    b.output(y);
    let program = check(b.finish()).unwrap();
    let expected = reference::run(program.main(), &[vec![4.0, 800.0, -30.0, 7.0]], Profile::Fp16);
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let mut out = [0; 6];
    let input = Input { data: Slice::I32(&[4, 800, -30, 7]), row_stride: 2 };
    engine.run(&[input], &mut [Output { data: SliceMut::I32(&mut out), row_stride: 3 }]).unwrap();
    assert_eq!(out.map(f64::from), expected[0].data[..]);
    assert!(out.iter().any(|x| x.abs() > 10), "{out:?}");
}

/// In a long function the search for what waits for what is given up at some distance: less is fused, nothing wrongly.
#[test]
fn what_is_too_far_to_see_is_not_fused() {
    let steps = |depth: usize| {
        let mut b = Builder::new();
        let x = b.input("x", fp16(&[2, 2]));
        let (near, mut y) = (b.softmax(args! { x: x }), x);
        for _ in 0..depth {
            y = b.softmax(args! { x: y });
        }
        let far = b.transpose(args! { x: y, perm: [1, 0] });
        let sum = b.add(args! { x: near, y: far });
        b.output(sum);
        let program = check(b.finish()).unwrap();
        let settings = Settings { profile: Profile::Fp16, level: Level::best(), threads: 1, fuse: true };
        let plan = plan::build(program.main(), settings).unwrap();
        assert_eq!(verify(&plan), Ok(()));
        plan.steps.len()
    };
    // The sum joins what makes `near`, if that is seen not to be wanted for `far`.
    assert_eq!((steps(100), steps(5000)), (102, 5003));
}

fn ty(dtype: DType, dims: &[usize]) -> TensorType {
    TensorType::new(dtype, Dims::new(dims).unwrap())
}

/// Blocks read inputs, constants and values from outside, and are run in loops and choices inside of each other.
#[test]
fn control_flow_is_as_the_reference_has_it() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp16, &[3, 40]));
    let n = b.input("n", ty(DType::Int32, &[]));
    let w = b.constant(Literal::fp16(&[40], (0..40).map(|i| f16::from_f32(i as f32 / 64.0)).collect()).unwrap());
    let twice = b.add(args! { x: x, y: x });
    let zero = b.constant(0);
    let out = b.while_loop(
        &[zero, x],
        |b, v| b.less(args! { x: v[0], y: n }),
        |b, v| {
            let odd = b.floor_div(args! { x: v[0], y: 2 });
            let even = b.mul(args! { x: odd, y: 2 });
            let even = b.equal(args! { x: even, y: v[0] });
            let next = b.cond(
                even,
                |b| {
                    let y = b.mul(args! { x: v[1], y: w });
                    vec![b.sub(args! { x: twice, y: y })]
                },
                |b| vec![b.tanh(args! { x: v[1] })],
            );
            vec![b.add(args! { x: v[0], y: 1 }), next[0]]
        },
    );
    b.output(out[1]);
    b.output(out[0]);
    let program = check(b.finish()).unwrap();
    let input: Vec<f32> = (0..120).map(|i| (i as f32 - 50.0) / 16.0).collect();
    for profile in [Profile::Fp16, Profile::F32] {
        let options = Options { profile, threads: Some(2), ..Options::default() };
        let engine = Engine::new(program.main(), &options).unwrap();
        for n in [0, 1, 2, 5] {
            let wide: Vec<f64> = input.iter().map(|x| f64::from(*x)).collect();
            let expected = reference::run(program.main(), &[wide, vec![f64::from(n)]], profile);
            let (mut y, mut count) = (vec![0f32; 120], [0i32]);
            let inputs =
                [Input { data: Slice::F32(&input), row_stride: 40 }, Input { data: Slice::I32(&[n]), row_stride: 1 }];
            let outputs = &mut [
                Output { data: SliceMut::F32(&mut y), row_stride: 40 },
                Output { data: SliceMut::I32(&mut count), row_stride: 1 },
            ];
            engine.run(&inputs, outputs).unwrap();
            let close = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() <= 2e-3 * b.abs().max(1.0);
            assert!(y.iter().zip(&expected[0].data).all(close), "{n} turns by {profile:?}");
            assert_eq!(count, [n]);
        }
    }
}

/// A state is read before and after it is written, one is only read, and one becomes a constant.
#[test]
fn states_live_from_run_to_run() {
    let mut b = Builder::function("main", Opset::Ios18);
    let x = b.input("x", ty(DType::Fp16, &[2]));
    let (s, r, c) = (b.state("s", ty(DType::Fp16, &[2])), b.state("r", x_type()), b.state("c", x_type()));
    let old = b.read_state(args! { input: s });
    let new = b.add(args! { x: old, y: x });
    b.write_state(s, new);
    let again = b.read_state(args! { input: s });
    let doubled = b.add(args! { x: again, y: again });
    b.write_state(s, doubled);
    let kept = b.read_state(args! { input: r });
    let fixed = b.constant(Literal::fp16(&[2], vec![f16::ONE; 2]).unwrap());
    b.write_state(c, fixed);
    [old, again, kept].into_iter().for_each(|y| b.output(y));
    let program = check(b.finish()).unwrap();
    for profile in [Profile::Fp16, Profile::F32] {
        let engine = Engine::new(program.main(), &Options { profile, ..Options::default() }).unwrap();
        let run = |state: Option<&mut State>, x: f32| {
            let x = [x, -x];
            let mut y = [[0f32; 2]; 3];
            let inputs = [Input { data: Slice::F32(&x), row_stride: 2 }];
            let mut outputs = y.each_mut().map(|y| Output { data: SliceMut::F32(y), row_stride: 2 });
            match state {
                Some(state) => engine.run_stateful(&inputs, &mut outputs, state).unwrap(),
                None => engine.run(&inputs, &mut outputs).unwrap(),
            };
            y
        };
        let mut state = engine.state().unwrap();
        assert_eq!(run(Some(&mut state), 1.0), [[0.0, 0.0], [1.0, -1.0], [0.0, 0.0]]);
        assert_eq!(run(Some(&mut state), 1.0), [[2.0, -2.0], [3.0, -3.0], [0.0, 0.0]]);
        assert_eq!(run(None, 1.0)[0], [0.0, 0.0], "a run without states begins with zeros");
        assert_eq!(run(Some(&mut state), 0.0)[0], [6.0, -6.0]);
        let held: Vec<f32> = match state.get(2).unwrap() {
            Slice::F16(v) => v.iter().map(|x| x.to_f32()).collect(),
            Slice::F32(v) => v.to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(held, [1.0, 1.0]);
        state.reset();
        assert_eq!(run(Some(&mut state), 1.0)[1], [1.0, -1.0]);
    }
    let other = Engine::new(stateless().main(), &Options::default()).unwrap();
    let mut state = Engine::new(program.main(), &Options::default()).unwrap().state().unwrap();
    let mut y = [0f32; 2];
    let outputs = &mut [Output { data: SliceMut::F32(&mut y), row_stride: 2 }];
    let inputs = [Input { data: Slice::F32(&[1.0, 2.0]), row_stride: 2 }];
    assert_eq!(other.run_stateful(&inputs, outputs, &mut state), Err(EngineError::States));
}

/// An observer is told of every step once, in order; results are those of a run without one.
#[test]
fn runs_are_observed() {
    let program = stateless();
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let mut state = engine.state().unwrap();
    let mut seen = Vec::new();
    let mut last = Instant::now();
    let mut y = [0f32; 2];
    let outputs = &mut [Output { data: SliceMut::F32(&mut y), row_stride: 2 }];
    let inputs = [Input { data: Slice::F32(&[1.0, -2.0]), row_stride: 2 }];
    let mut observe = |step, begin, end| {
        assert!(last <= begin && begin <= end);
        last = end;
        seen.push(step);
    };
    engine.run_observed(&inputs, outputs, &mut state, &mut observe).unwrap();
    assert_eq!(seen, (0..engine.report().steps.len()).collect::<Vec<_>>());
    assert_eq!(y, [1.0, 0.0]);
}

fn x_type() -> TensorType {
    ty(DType::Fp16, &[2])
}

fn stateless() -> Program {
    let mut b = Builder::new();
    let x = b.input("x", x_type());
    let y = b.relu(args! { x: x });
    b.output(y);
    check(b.finish()).unwrap()
}

#[test]
fn parts_are_replaced_where_they_are() {
    let mut b = Builder::function("main", Opset::Ios18);
    let x = b.input("x", fp16(&[8, 6]));
    let update = b.input("update", fp16(&[1, 6]));
    let mut cache = b.relu(args! { x: x });
    let mut early = None;
    for row in 0..5i32 {
        cache = b.slice_update(args! { x: cache, update: update, begin: [row, 0], end: [row + 1, 6] });
        match row {
            1 => early = Some(b.slice_by_size(args! { x: cache, begin: [1, 0], size: [2, 6] })),
            // What is read later is not changed.
            2 => b.output(cache),
            _ => {}
        }
    }
    let last = b.exp(args! { x: cache });
    b.output(last);
    b.output(early.unwrap());
    let program = check(b.finish()).unwrap();
    assert_near(&program, 1e-3);
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let over = engine.plan.steps.iter().filter(|step| step.over).count();
    assert_eq!(over, 3, "all but the one that makes an output, and the one that reads it");
}
