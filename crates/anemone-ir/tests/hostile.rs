//! Short programs with absurd numbers: an error or a type, never a panic or memory out of proportion to the program.

use anemone_ir::{Builder, DType, Dims, Draft, TensorType, args, check};

fn program(dims: &[usize], build: impl Fn(&mut Builder, anemone_ir::Var) -> anemone_ir::Var) -> Draft {
    let mut b = Builder::new();
    let x = b.input("x", TensorType::new(DType::Fp16, Dims::new(dims).expect("few dimensions")));
    let y = build(&mut b, x);
    b.output(y);
    b.finish()
}

fn slug(draft: Draft) -> &'static str {
    check(draft).map_or_else(|e| e.0[0].slug, |_| "none")
}

#[test]
fn a_split_has_a_bounded_number_of_pieces() {
    let split = |n: i32| program(&[1 << 31], move |b, x| b.split(args! { x: x, axis: 0, num_splits: n }));
    assert_eq!(slug(split(1 << 30)), "range");
    assert_eq!(slug(split(3)), "split");
    assert_eq!(slug(split(1 << 16)), "none");
}

#[test]
fn a_kernel_is_bounded_as_a_tensor_is() {
    let most = i32::MAX;
    let pool = |kernel: [i32; 3]| {
        let pad = [most; 6];
        program(&[1, 1, 1, 1, 1], move |b, x| {
            b.avg_pool(args! { x: x, kernel_sizes: kernel, pad: pad, pad_type: "custom", strides: [most; 3] })
        })
    };
    assert_eq!(slug(pool([most; 3])), "window");
    assert_eq!(slug(pool([most, 1, 1])), "none");
}

#[test]
fn work_is_counted_without_overflow() {
    let draft = program(&[1 << 10, 1 << 30], |b, x| {
        let y = b.matmul(args! { x: x, y: x, transpose_x: true });
        let z = b.slice_by_size(args! { x: y, begin: [0, 0], size: [1 << 10, 1 << 30] });
        b.matmul(args! { x: z, y: x, transpose_y: true })
    });
    assert_eq!(slug(draft), "dims");
    let draft = program(&[1 << 20, 1 << 20], |b, x| {
        let y = b.matmul(args! { x: x, y: x });
        let z = b.matmul(args! { x: y, y: x });
        (0..20).fold(z, |z, _| b.matmul(args! { x: z, y: x }))
    });
    let program = check(draft).unwrap();
    assert_eq!(program.main().macs(), u64::MAX, "22 times 2^60");
}

#[test]
fn constants_without_elements_are_no_operands() {
    let empty = |dims: &[usize]| anemone_ir::Literal::fp16(dims, Vec::new()).expect("no elements for no elements");
    let cases: [fn(&mut Builder, anemone_ir::Literal, anemone_ir::Var) -> anemone_ir::Var; 4] = [
        |b, none, x| b.conv(args! { x: x, weight: none }),
        |b, none, x| b.conv_transpose(args! { x: x, weight: none }),
        |b, none, _| b.matmul(args! { x: none.clone(), y: none, transpose_y: true }),
        |b, none, _| b.avg_pool(args! { x: none, kernel_sizes: [1, 1], pad_type: "same" }),
    ];
    for (at, case) in cases.into_iter().enumerate() {
        assert_eq!(slug(program(&[1, 2, 3, 3], |b, x| case(b, empty(&[2, 2, 0, 3]), x))), "empty", "case {at}");
    }
    // Lists of settings may be empty.
    assert_eq!(slug(program(&[1], |b, x| b.reshape(args! { x: x, shape: [0i32; 0] }))), "none");
}

#[test]
fn a_broadcast_is_bounded_and_says_so() {
    let draft = program(&[1 << 20, 1], |b, x| {
        let y = b.reshape(args! { x: x, shape: [1, 1 << 20] });
        b.add(args! { x: x, y: y })
    });
    assert_eq!(slug(draft), "none");
    let draft = program(&[1 << 21, 1], |b, x| {
        let y = b.reshape(args! { x: x, shape: [1, 1 << 21] });
        b.add(args! { x: x, y: y })
    });
    let message = check(draft).expect_err("2^42 elements").to_string();
    assert!(message.contains("[2097152, 1] and [1, 2097152] broadcast to more than 2^40 elements"), "{message}");
}

#[test]
fn drafts_made_by_hand_define_every_value_once() {
    let of = |change: fn(&mut anemone_ir::draft::DraftFunction)| {
        let mut draft = program(&[2], |b, x| b.relu(args! { x: x }));
        change(&mut draft.functions[0]);
        check(draft).map_or_else(|e| e.to_string(), |_| "none".into())
    };
    assert_eq!(of(|_| ()), "none");
    let twice = of(|f| f.params.push(f.params[0]));
    assert!(twice.contains("error[definition]: `x` is defined 2 times, once is right"), "{twice}");
    let twice = of(|f| f.nodes[0].results = vec![f.params[0]]);
    assert!(twice.contains("error[definition]: `x` is defined 2 times, once is right"), "{twice}");
    let never = of(|f| drop(f.nodes.pop()));
    assert!(never.contains("error[definition]: `relu_0` is defined 0 times, once is right"), "{never}");
    let immediate = of(|f| {
        let id = f.immediate(1.into(), f.location);
        f.outputs.push((id, f.location));
    });
    assert!(immediate.contains("error[name]: an output has a name; an immediate constant has none"), "{immediate}");
}
