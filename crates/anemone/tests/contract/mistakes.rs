//! Every method of the builder, misused: no panic, one error, at the line of the call.

use anemone::{
    Convolution2dDescriptor, ConvolutionTranspose2dDescriptor, Diagnostic, ErrorKind, Graph, Location,
    NSQualityOfService, PadFillMode, PadMode, Severity, Shape, Tensor, args,
};

/// What the cases are about.
struct Given {
    /// `[1, 4, 2, 64]`
    x: Tensor,
    /// `[1, 3, 2, 64]`, which goes with `x` in nothing.
    y: Tensor,
    /// Of another graph.
    foreign: Tensor,
    /// Constant weights for `x`: five outputs, 1 by 1.
    weights: Tensor,
}

/// Makes one mistake; returns its result and its line.
type Mistake = fn(&mut Graph, &Given) -> (Tensor, u32);

const SAME: PadMode = PadMode::Same;
const VALID: PadMode = PadMode::Valid;
const CONV: Convolution2dDescriptor = Convolution2dDescriptor { groups: 1, pad_mode: VALID };
const TRANSPOSED: ConvolutionTranspose2dDescriptor =
    ConvolutionTranspose2dDescriptor { groups: 1, stride_height: 1, stride_width: 1, pad_mode: VALID };
const ONE: Shape = Shape::channels(1);
const WIDE: Shape = Shape::spatial(1, 1, 64);
const NONE: Shape = Shape::channels(0);
const HUGE: usize = 1 << 40;

/// The method, what is wrong, the mistake.
const MISTAKES: &[(&str, &str, Mistake)] = &[
    ("placeholder", "dims", |g, _| (g.placeholder(NONE), line!())),
    ("placeholder", "dims", |g, _| (g.placeholder(Shape::spatial(HUGE, HUGE, 64)), line!())),
    ("named_placeholder", "name", |g, _| (g.named_placeholder("fp16", WIDE), line!())),
    ("named_placeholder", "name", |g, _| (g.named_placeholder("a b", WIDE), line!())),
    ("named_placeholder", "name", |g, _| (g.named_placeholder("", WIDE), line!())),
    ("named_placeholder", "duplicate-name", |g, _| (g.named_placeholder("taken", WIDE), line!())),
    ("constant", "length", |g, _| (g.constant(&[1.0, 2.0], Shape::channels(3)), line!())),
    ("constant", "length", |g, _| (g.constant(&[1.0; 5], Shape::channels(2)), line!())),
    ("constant", "dims", |g, _| (g.constant(&[], NONE), line!())),
    ("constant_with_scalar", "dims", |g, _| (g.constant_with_scalar(1.0, NONE), line!())),
    ("constant_with_scalar", "dims", |g, _| (g.constant_with_scalar(1.0, Shape::spatial(HUGE, 1, 1)), line!())),
    ("constant_with_f16_bytes", "length", |g, _| (g.constant_with_f16_bytes(&[0; 3], ONE), line!())),
    ("constant_with_f16_bytes", "length", |g, _| (g.constant_with_f16_bytes(&[], ONE), line!())),
    ("inner_product", "length", |g, t| (g.inner_product(t.x, &[1.0; 7], 4, 2), line!())),
    ("inner_product", "length", |g, t| (g.inner_product(t.x, &[], 4, 0), line!())),
    ("inner_product", "length", |g, t| (g.inner_product(t.x, &[1.0; 4], 4, usize::MAX), line!())),
    ("inner_product", "shape", |g, t| (g.inner_product(t.x, &[1.0; 6], 3, 2), line!())),
    ("matrix_multiplication", "shape", |g, t| (g.matrix_multiplication(t.x, t.x, false, false), line!())),
    ("addition", "broadcast", |g, t| (g.addition(t.x, t.y), line!())),
    ("subtraction", "broadcast", |g, t| (g.subtraction(t.x, t.y), line!())),
    ("multiplication", "broadcast", |g, t| (g.multiplication(t.x, t.y), line!())),
    ("division", "broadcast", |g, t| (g.division(t.x, t.y), line!())),
    ("power", "broadcast", |g, t| (g.power(t.x, t.y), line!())),
    ("maximum", "broadcast", |g, t| (g.maximum(t.x, t.y), line!())),
    ("minimum", "broadcast", |g, t| (g.minimum(t.x, t.y), line!())),
    ("absolute", "foreign-tensor", |g, t| (g.absolute(t.foreign), line!())),
    ("square_root", "foreign-tensor", |g, t| (g.square_root(t.foreign), line!())),
    ("reciprocal_square_root", "foreign-tensor", |g, t| (g.reciprocal_square_root(t.foreign), line!())),
    ("exponent", "foreign-tensor", |g, t| (g.exponent(t.foreign), line!())),
    ("logarithm", "foreign-tensor", |g, t| (g.logarithm(t.foreign), line!())),
    ("reciprocal", "foreign-tensor", |g, t| (g.reciprocal(t.foreign), line!())),
    ("relu", "foreign-tensor", |g, t| (g.relu(t.foreign), line!())),
    ("sigmoid", "foreign-tensor", |g, t| (g.sigmoid(t.foreign), line!())),
    ("tanh", "foreign-tensor", |g, t| (g.tanh(t.foreign), line!())),
    ("leaky_relu", "foreign-tensor", |g, t| (g.leaky_relu(t.foreign, 0.1), line!())),
    ("elu", "foreign-tensor", |g, t| (g.elu(t.foreign, 1.0), line!())),
    ("hard_sigmoid", "foreign-tensor", |g, t| (g.hard_sigmoid(t.foreign, 0.2, 0.5), line!())),
    ("linear", "foreign-tensor", |g, t| (g.linear(t.foreign, 1.0, 0.0), line!())),
    ("softplus", "foreign-tensor", |g, t| (g.softplus(t.foreign), line!())),
    ("softsign", "foreign-tensor", |g, t| (g.softsign(t.foreign), line!())),
    ("reshape", "reshape", |g, t| (g.reshape(t.x, Shape::channels(7)), line!())),
    ("reshape", "dims", |g, t| (g.reshape(t.x, Shape { batch: 0, ..t.x.shape }), line!())),
    ("transpose", "perm", |g, t| (g.transpose(t.x, [0, 1, 2, 2]), line!())),
    ("transpose", "perm", |g, t| (g.transpose(t.x, [0, 1, 2, 4]), line!())),
    ("transpose", "range", |g, t| (g.transpose(t.x, [0, 1, 2, HUGE]), line!())),
    ("slice", "slice", |g, t| (g.slice(t.x, [0, 2, 0, 0], [1, 3, 2, 64]), line!())),
    ("slice", "slice", |g, t| (g.slice(t.x, [0; 4], [1, 0, 1, 1]), line!())),
    ("slice", "range", |g, t| (g.slice(t.x, [HUGE, 0, 0, 0], [1; 4]), line!())),
    ("concat", "shape", |g, t| (g.concat(&[t.x, t.y], 2), line!())),
    ("concat", "axis", |g, t| (g.concat(&[t.x, t.x], 4), line!())),
    ("concat", "values", |g, _| (g.concat(&[], 1), line!())),
    ("flatten_2d", "foreign-tensor", |g, t| (g.flatten_2d(t.foreign), line!())),
    ("reduce_sum", "axis", |g, t| (g.reduce_sum(t.x, 4), line!())),
    ("reduce_mean", "axis", |g, t| (g.reduce_mean(t.x, -5), line!())),
    ("reduce_min", "axis", |g, t| (g.reduce_min(t.x, i64::MAX), line!())),
    ("reduce_max", "axis", |g, t| (g.reduce_max(t.x, i64::MIN), line!())),
    ("soft_max", "axis", |g, t| (g.soft_max(t.x, 4), line!())),
    ("instance_norm", "not-constant", |g, t| (g.instance_norm(t.x, t.x, 1e-5), line!())),
    ("instance_norm", "length", |g, t| (g.instance_norm(t.x, t.weights, 1e-5), line!())),
    ("convolution_2d", "not-constant", |g, t| (g.convolution_2d(t.x, t.x, None, &CONV), line!())),
    ("convolution_2d", "not-constant", |g, t| (g.convolution_2d(t.x, t.weights, Some(t.x), &CONV), line!())),
    ("convolution_2d", "length", |g, t| (g.convolution_2d(t.x, t.weights, Some(t.weights), &CONV), line!())),
    ("convolution_2d", "weights", |g, t| (g.convolution_2d(t.y, t.weights, None, &CONV), line!())),
    ("convolution_2d", "groups", |g, t| {
        let groups = Convolution2dDescriptor { groups: 3, ..CONV };
        (g.convolution_2d(t.x, t.weights, None, &groups), line!())
    }),
    ("convolution_2d", "groups", |g, t| {
        let groups = Convolution2dDescriptor { groups: 0, ..CONV };
        (g.convolution_2d(t.x, t.weights, None, &groups), line!())
    }),
    ("convolution_2d", "window", |g, t| {
        let tall = g.constant(&[0.0; 4 * 3], Shape { batch: 1, channels: 4, height: 3, width: 1 });
        (g.convolution_2d(t.x, tall, None, &CONV), line!())
    }),
    ("convolution_2d_1x1", "not-constant", |g, t| (g.convolution_2d_1x1(t.x, t.y, None), line!())),
    ("convolution_2d_1x1", "weights", |g, t| (g.convolution_2d_1x1(t.y, t.weights, None), line!())),
    ("convolution_2d_1x1_dynamic", "shape", |g, t| (g.convolution_2d_1x1_dynamic(t.x, t.y), line!())),
    ("convolution_transpose_2d", "not-constant", |g, t| {
        (g.convolution_transpose_2d(t.x, t.x, None, &TRANSPOSED), line!())
    }),
    ("convolution_transpose_2d", "weights", |g, t| {
        (g.convolution_transpose_2d(t.y, t.weights, None, &TRANSPOSED), line!())
    }),
    ("convolution_transpose_2d", "range", |g, t| {
        let still = ConvolutionTranspose2dDescriptor { stride_width: 0, ..TRANSPOSED };
        let weights = g.constant(&[0.5; 4 * 5], Shape::channels(5));
        (g.convolution_transpose_2d(t.x, weights, None, &still), line!())
    }),
    ("max_pool", "window", |g, t| (g.max_pool(t.x, 3, 1, 1, 1, VALID), line!())),
    ("max_pool", "range", |g, t| (g.max_pool(t.x, 1, 1, 0, 1, VALID), line!())),
    ("max_pool", "range", |g, t| (g.max_pool(t.x, HUGE, 1, 1, 1, SAME), line!())),
    ("avg_pool", "range", |g, t| (g.avg_pool(t.x, 0, 1, 1, 1, SAME), line!())),
    ("global_avg_pool", "foreign-tensor", |g, t| (g.global_avg_pool(t.foreign), line!())),
    ("pad", "pad", |g, t| (g.pad(t.x, 2, 0, 0, 0, PadFillMode::Reflect, 0.0), line!())),
    ("pad", "range", |g, t| (g.pad(t.x, 0, 0, HUGE, 0, PadFillMode::Constant, 0.0), line!())),
];

/// A graph with what the cases are about, and nothing wrong.
fn given() -> (Graph, Given) {
    let mut g = Graph::new();
    let x = g.named_placeholder("taken", Shape::spatial(4, 2, 64));
    let y = g.placeholder(Shape::spatial(3, 2, 64));
    let weights = g.constant(&[0.5; 20], Shape { batch: 5, ..Shape::channels(4) });
    let foreign = Graph::new().placeholder(x.shape);
    (g, Given { x, y, foreign, weights })
}

fn errors(g: &Graph) -> Vec<Diagnostic> {
    let error = g.compile(NSQualityOfService::Default).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Graph);
    error.diagnostics().iter().filter(|d| d.severity == Severity::Error).cloned().collect()
}

fn place(location: &Location) -> (&str, u32) {
    match location {
        Location::Rust(at) => (at.file(), at.line()),
        _ => panic!("{location} is no line of Rust"),
    }
}

#[test]
fn each_mistake_is_one_error_at_the_line_of_the_call() {
    for (method, slug, mistake) in MISTAKES {
        let (mut g, given) = given();
        let (result, line) = mistake(&mut g, &given);
        // What comes of it is no mistake of its own.
        let sum = g.addition(result, result);
        let twice = g.relu(sum);
        g.output(twice);
        let found = errors(&g);
        let case = format!("{method} at line {line}: {found:#?}");
        assert_eq!(found.len(), 1, "{case}");
        assert_eq!(place(&found[0].location), (file!(), line), "{case}");
        assert_eq!(found[0].slug, *slug, "{case}");
    }
}

#[test]
fn a_tensor_of_another_graph_is_refused_as_every_operand() {
    let calls: &[Mistake] = &[
        |g, t| (g.addition(t.foreign, t.x), line!()),
        |g, t| (g.addition(t.x, t.foreign), line!()),
        |g, t| (g.matrix_multiplication(t.foreign, t.x, false, true), line!()),
        |g, t| (g.matrix_multiplication(t.x, t.foreign, false, true), line!()),
        |g, t| (g.inner_product(t.foreign, &[0.0; 8], 4, 2), line!()),
        |g, t| (g.concat(&[t.x, t.foreign], 1), line!()),
        |g, t| (g.reshape(t.foreign, t.x.shape), line!()),
        |g, t| (g.transpose(t.foreign, [0, 1, 2, 3]), line!()),
        |g, t| (g.slice(t.foreign, [0; 4], [1; 4]), line!()),
        |g, t| (g.reduce_sum(t.foreign, 1), line!()),
        |g, t| (g.reduce_mean(t.foreign, 1), line!()),
        |g, t| (g.reduce_min(t.foreign, 1), line!()),
        |g, t| (g.reduce_max(t.foreign, 1), line!()),
        |g, t| (g.soft_max(t.foreign, 1), line!()),
        |g, t| (g.instance_norm(t.foreign, t.weights, 0.1), line!()),
        |g, t| (g.instance_norm(t.x, t.foreign, 0.1), line!()),
        |g, t| (g.convolution_2d(t.foreign, t.weights, None, &CONV), line!()),
        |g, t| (g.convolution_2d(t.x, t.foreign, None, &CONV), line!()),
        |g, t| (g.convolution_2d(t.x, t.weights, Some(t.foreign), &CONV), line!()),
        |g, t| (g.convolution_2d_1x1(t.foreign, t.weights, None), line!()),
        |g, t| (g.convolution_2d_1x1_dynamic(t.foreign, t.weights), line!()),
        |g, t| (g.convolution_2d_1x1_dynamic(t.x, t.foreign), line!()),
        |g, t| (g.convolution_transpose_2d(t.foreign, t.weights, None, &TRANSPOSED), line!()),
        |g, t| (g.max_pool(t.foreign, 1, 1, 1, 1, SAME), line!()),
        |g, t| (g.avg_pool(t.foreign, 1, 1, 1, 1, SAME), line!()),
        |g, t| (g.pad(t.foreign, 1, 1, 1, 1, PadFillMode::Constant, 0.0), line!()),
    ];
    for call in calls {
        let (mut g, given) = given();
        let (result, line) = call(&mut g, &given);
        g.output(result);
        let found = errors(&g);
        assert_eq!(found.len(), 1, "line {line}: {found:#?}");
        assert_eq!((found[0].slug, place(&found[0].location)), ("foreign-tensor", (file!(), line)));
    }
}

#[test]
fn outputs_are_checked_too() {
    let (mut g, given) = given();
    let y = g.relu(given.x);
    g.output(given.foreign);
    let foreign = line!() - 1;
    g.named_output(y, "9");
    let name = line!() - 1;
    let found = errors(&g);
    let found: Vec<_> = found.iter().map(|d| (d.slug, place(&d.location).1)).collect();
    assert_eq!(found, [("foreign-tensor", foreign), ("name", name)]);
}

#[test]
fn operands_carry_the_lines_they_were_made_on() {
    let mut g = Graph::new();
    let a = g.placeholder(Shape::spatial(4, 1, 64));
    let at_a = line!() - 1;
    let b = g.constant(&[1.0, 2.0, 3.0], Shape::channels(3));
    let at_b = line!() - 1;
    let c = g.tanh(a);
    let at_c = line!() - 1;
    g.multiplication(c, b);
    let at_call = line!() - 1;
    let found = errors(&g);
    let [error] = &found[..] else { panic!("{found:?}") };
    assert_eq!(place(&error.location), (file!(), at_call));
    let operands: Vec<_> = error.operands.iter().map(|o| (o.ty.to_string(), place(&o.location))).collect();
    assert_eq!(
        operands,
        [("fp16[1, 4, 1, 64]".to_owned(), (file!(), at_c)), ("fp16[1, 3, 1, 1]".to_owned(), (file!(), at_b))]
    );

    let report = g.compile(NSQualityOfService::Default).unwrap_err().to_string();
    for part in [
        "the graph has 1 error".to_owned(),
        "error[broadcast]".to_owned(),
        format!("--> {}:{at_call}:", file!()),
        format!("[1, 4, 1, 64], made at {}:{at_c}:", file!()),
        format!("[1, 3, 1, 1], made at {}:{at_b}:", file!()),
    ] {
        assert!(report.contains(&part), "no {part:?} in\n{report}");
    }
    assert!(!report.contains(&format!("{}:{at_a}:", file!())), "the input is no operand\n{report}");
}

#[test]
fn all_independent_mistakes_are_reported_in_the_order_of_their_lines() {
    let (mut g, Given { x, y, foreign, .. }) = given();
    let a = g.addition(x, y);
    let b = g.reduce_sum(x, 9);
    let c = g.subtraction(a, b);
    let d = g.relu(foreign);
    g.concat(&[c, d], 1);
    g.placeholder(NONE);
    let last = line!() - 1;
    let found: Vec<_> = errors(&g).iter().map(|d| (d.slug, place(&d.location).1)).collect();
    assert_eq!(found, [("broadcast", last - 5), ("axis", last - 4), ("foreign-tensor", last - 2), ("dims", last)]);
}

#[test]
fn values_of_mil_that_are_no_tensors_of_the_graph_are_refused() {
    let (mut g, Given { x, foreign, .. }) = given();
    let value = g.value(x);
    let flat = g.mil().reduce_sum(args! { x: value, axes: [3], keep_dims: false });
    let at_flat = line!() - 1;
    let y = g.tensor(flat);
    g.relu(y);
    let foreign = g.value(foreign);
    g.mil().relu(args! { x: foreign });
    let mistaken = g.mil().relu(args! { x: value, alpha: 1.0 });
    let z = g.tensor(mistaken);
    g.output(z);
    let found = errors(&g);
    let lines: Vec<_> = found.iter().map(|d| place(&d.location).1 - at_flat).collect();
    assert_eq!(lines, [2, 4, 6], "{found:#?}");
    assert!(found[0].message.contains("fp16[1, 4, 2]"), "{}", found[0].message);
    assert!(found[2].message.contains("alpha"), "{}", found[2].message);
}

/// The field of a handle is the user's to change; it is no claim that anything believes.
#[test]
fn a_changed_shape_field_changes_nothing() {
    let mut g = Graph::new();
    let mut x = g.placeholder(Shape::spatial(4, 1, 64));
    x.shape = Shape::spatial(2, 1, 64);
    let y = g.inner_product(x, &[0.0; 8], 4, 2);
    let z = g.relu(x);
    assert_eq!((y.shape, z.shape), (Shape::spatial(2, 1, 64), Shape::spatial(4, 1, 64)));
    g.compile(NSQualityOfService::Default).unwrap();
}

#[test]
fn the_second_of_two_equal_names_says_where_the_first_is() {
    let mut g = Graph::new();
    let x = g.named_placeholder("x", Shape::spatial(1, 1, 64));
    let first = line!() - 1;
    let y = g.relu(x);
    g.named_output(y, "x");
    let found = errors(&g);
    assert_eq!((found.len(), found[0].slug), (1, "duplicate-name"));
    assert!(found[0].message.contains(&format!("{}:{first}:", file!())), "{}", found[0].message);
}

#[test]
fn a_graph_without_anything_is_refused() {
    let error = Graph::new().compile(NSQualityOfService::Default).unwrap_err();
    assert_eq!((error.kind(), error.diagnostics()[0].slug), (ErrorKind::Graph, "no-output"));
}
