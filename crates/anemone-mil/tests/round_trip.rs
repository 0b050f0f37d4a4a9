//! A program as text and back: nothing is lost, and canonical text is a fixed point.

#![allow(clippy::unwrap_used)]

use anemone_ir::{Builder, DType, Dims, Literal, Opset, Program, TensorType, args, check};
use anemone_mil::{Dialect, InMemory, NoWeights, Printed, parse, print, syntax};
use half::f16;

fn ty(dtype: DType, dims: &[usize]) -> TensorType {
    TensorType::new(dtype, Dims::new(dims).unwrap())
}

/// Prints, parses and prints again; both texts and both weight files must be the same bytes.
fn fixed_point(program: &Program, dialect: Dialect) -> Printed {
    let first = print(program, dialect);
    let back = parse(&first.text, &InMemory::new(first.weights.clone())).unwrap();
    let second = print(&back, dialect);
    assert_eq!(first.text, second.text);
    assert!(first.weights == second.weights, "the weights differ");
    let tree = syntax::parse(&first.text).unwrap();
    assert_eq!(syntax::print(&tree), first.text, "the tree prints as the program did");
    first
}

fn network() -> Program {
    let mut b = Builder::function("main", Opset::Ios17);
    // Not sorted by name: the order of binding is kept.
    let x = b.input("x", ty(DType::Fp16, &[1, 4, 1, 64]));
    let a = b.input("a", ty(DType::Fp16, &[1, 4, 1, 64]));
    let weight = Literal::fp16(&[6, 4, 1, 1], (0..24).map(|i| f16::from_f32(i as f32 / 8.0)).collect()).unwrap();
    let y = b.conv(args! { x: x, weight: weight.clone(), strides: [1, 1], pad_type: "valid" });
    let z = b.conv(args! { x: a, weight: weight });
    let y = b.concat(args! { values: [y, z], axis: 1, interleave: false });
    let parts = b.call_many("split", args! { x: y, axis: 1, num_splits: 2 });
    let y = b.add(args! { x: parts[0], y: parts[1] });
    let y = b.layer_norm(args! { x: y, axes: [1], epsilon: 1e-5 });
    b.name(y, "normed");
    b.output(y);
    b.output(parts[1]);
    check(b.finish()).unwrap()
}

#[test]
fn a_network_comes_back() {
    let program = network();
    for dialect in Dialect::ALL {
        let printed = fixed_point(&program, dialect);
        assert_eq!(printed.weights.len(), 128 + 48, "equal data is stored once");
        assert!(printed.text.contains("(tensor<fp16, [1, 4, 1, 64]> x, tensor<fp16, [1, 4, 1, 64]> a)"));
    }
}

#[test]
fn what_a_text_says_is_kept() {
    let text = r#"program(1.3)
[buildInfo = dict<string, string>({{"coremlc-version", "1.2"}, {"tool", "a \"b\"\\\n"}}), other = int32(1)]
{
    func main<ios16>(tensor<fp16, [1, 3]> x) [FlexibleShapeInformation = tuple<tuple<string, dict<string, tensor<int32, [?]>>>>((("DefaultShapes", {{"x", [1, 3]}})))] {
            tensor<fp16, [1, 3]> big = const()[name = string("another"), val = tensor<fp16, [1, 3]>([[0x1p+0, -0x0p+0, inf]])];
            tensor<fp16, [1, 3]> y = add(x = x, y = big)[name = string("op_y")];
            tensor<fp16, [1, 3]> z = mul(x = y, y = fp16(0x1.8p+0))[name = string("z")];
            tensor<fp16, [2, 3]> c = concat(axis = int32(0), interleave = bool(false), values = (z, y))[name = string("c")];
        } -> (c, y);
    func other<ios15>(tensor<fp16, [2]> x) {
            tensor<fp16, [2]> y = relu(x = x)[name = string("y")];
        } -> (y);
}"#;
    let program = parse(text, &NoWeights).unwrap();
    let printed = print(&program, Dialect::V1_3);
    assert_eq!(printed.text, text);
    assert_eq!(printed.weights, []);
    assert_eq!(program.functions()[0].attributes.len(), 1);
    // Through the other dialect and back.
    let old = fixed_point(&program, Dialect::V1_0);
    let program = parse(&old.text, &NoWeights).unwrap();
    assert_eq!(print(&program, Dialect::V1_3).text, text);
}
