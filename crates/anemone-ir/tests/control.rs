//! Control flow, states, lists, open shapes, and what is known before a run.

use anemone_ir::reference::{run, run_stateful, states};
use anemone_ir::{Builder, DType, Dims, Literal, Opset, Profile, TensorType, args, check};

fn ty(dtype: DType, dims: &[usize]) -> TensorType {
    TensorType::new(dtype, Dims::new(dims).expect("small"))
}

#[test]
fn a_loop_runs_until_its_condition_is_false() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp32, &[2]));
    let n = b.input("n", ty(DType::Int32, &[]));
    let zero = b.constant(0);
    let out = b.while_loop(
        &[zero, x],
        |b, vars| b.less(args! { x: vars[0], y: n }),
        |b, vars| {
            let next = b.add(args! { x: vars[0], y: 1 });
            // The loop reads the function's own input too.
            vec![next, b.add(args! { x: vars[1], y: x })]
        },
    );
    b.output(out[1]);
    let program = check(b.finish()).unwrap();
    for n in 0..4 {
        let out = run(program.main(), &[vec![1.0, -2.0], vec![f64::from(n)]], Profile::Fp16);
        assert_eq!(out[0].data, [f64::from(n + 1), f64::from(n + 1) * -2.0]);
    }
}

#[test]
fn a_choice_runs_one_of_two_blocks() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp16, &[3]));
    let p = b.input("p", ty(DType::Bool, &[]));
    let out = b.cond(p, |b| vec![b.relu(args! { x: x })], |_| vec![x]);
    b.output(out[0]);
    let program = check(b.finish()).unwrap();
    let of = |p: f64| run(program.main(), &[vec![-1.0, 0.0, 2.0], vec![p]], Profile::Fp16)[0].data.clone();
    assert_eq!(of(1.0), [0.0, 0.0, 2.0]);
    assert_eq!(of(0.0), [-1.0, 0.0, 2.0]);
}

#[test]
fn a_state_lives_from_run_to_run() {
    let mut b = Builder::function("main", Opset::Ios18);
    let x = b.input("x", ty(DType::Fp16, &[2]));
    let s = b.state("s", ty(DType::Fp16, &[2]));
    let old = b.read_state(args! { input: s });
    let new = b.add(args! { x: old, y: x });
    b.write_state(s, new);
    let again = b.read_state(args! { input: s });
    b.output(old);
    b.output(again);
    let program = check(b.finish()).unwrap();
    let f = program.main();
    let mut state = states(f);
    let first = run_stateful(f, &[vec![1.0, 2.0]], &mut state, Profile::Fp16);
    assert_eq!((&*first[0].data, &*first[1].data), (&[0.0, 0.0][..], &[1.0, 2.0][..]));
    let second = run_stateful(f, &[vec![10.0, 20.0]], &mut state, Profile::Fp16);
    assert_eq!((&*second[0].data, &*second[1].data), (&[1.0, 2.0][..], &[11.0, 22.0][..]));
    assert_eq!(state[0].data, [11.0, 22.0]);
}

#[test]
fn lists_hold_tensors_of_one_type() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp32, &[2]));
    let two = b.constant(2);
    let list = b.make_list(args! { init_length: 3, dynamic_length: false, elem_shape: [two] });
    let list = b.list_write(args! { ls: list, index: 1, value: x });
    let read = b.list_read(args! { ls: list, index: 1 });
    let all = b.list_gather(args! { ls: list, indices: [1, 0, 7] });
    let length = b.list_length(args! { ls: list });
    b.output(read);
    b.output(all);
    assert_eq!(b.literal(length).and_then(Literal::to_i64), Some(vec![3]), "known before a run");
    let program = check(b.finish()).unwrap();
    let out = run(program.main(), &[vec![5.0, 6.0]], Profile::Fp16);
    assert_eq!(out[0].data, [5.0, 6.0]);
    assert_eq!(out[1].data, [5.0, 6.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn what_does_not_fit_is_said() {
    let found = |write: &dyn Fn(&mut Builder)| {
        let mut b = Builder::function("main", Opset::Ios18);
        let x = b.input("x", ty(DType::Fp32, &[2]));
        write(&mut b);
        let y = b.relu(args! { x: x });
        b.output(y);
        check(b.finish()).unwrap_err().to_string()
    };
    let has = |text: &str, part: &str| assert!(text.contains(part), "{text}");
    let growing = found(&|b| {
        b.make_list(args! { elem_shape: Vec::new() });
    });
    has(&growing, "a list that grows is not supported");
    let state = found(&|b| {
        let s = b.state("s", ty(DType::Fp32, &[2]));
        b.relu(args! { x: s });
    });
    has(&state, "`x` is a state, a tensor is wanted");
    let shape = found(&|b| {
        let s = b.state("s", ty(DType::Fp32, &[2]));
        let c = b.constant(Literal::fp32(&[1], vec![1.0]).unwrap());
        b.write_state(s, c);
    });
    has(&shape, "the state is fp32[2], `data` is fp32[1]");
    let inside = found(&|b| {
        let s = b.state("s", ty(DType::Fp32, &[2]));
        let p = b.input("p", ty(DType::Bool, &[]));
        b.cond(p, |b| vec![b.read_state(args! { input: s })], |b| vec![b.read_state(args! { input: s })]);
    });
    has(&inside, "inside of a block");
    let differ = found(&|b| {
        let p = b.input("p", ty(DType::Bool, &[]));
        b.cond(p, |b| vec![b.constant(1)], |b| vec![b.constant(true)]);
    });
    has(&differ, "value 0 is int32[] on one side, bool[] on the other");
    let types = found(&|b| {
        let n = b.constant(1);
        b.while_loop(
            &[n],
            |b, v| b.less(args! { x: v[0], y: 3 }),
            |b, v| vec![b.cast(args! { x: v[0], dtype: "fp32" })],
        );
    });
    has(&types, "do not keep their types");
}

#[test]
fn what_follows_from_constants_is_known() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp32, &[4, 6]));
    let two = b.constant([2, 12]);
    let shape = b.mul(args! { x: two, y: [2, 1] });
    let shape = b.floor_div(args! { x: shape, y: [1, 2] });
    let y = b.reshape(args! { x: x, shape: shape });
    b.output(y);
    let program = check(b.finish()).unwrap();
    assert_eq!(*program.main().ty(program.main().outputs[0]).dims, [4, 6]);
}
