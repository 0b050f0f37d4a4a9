//! A program as text and back: nothing is lost, and canonical text is a fixed point.

#![allow(clippy::unwrap_used)]

#[path = "round_trip/fixed_point.rs"]
mod fixed_point;

use anemone_ir::draft::{DraftFunction, DraftNode, DraftValue};
use anemone_ir::literal::Bytes;
use anemone_ir::{
    Arg, Builder, DType, Dims, Draft, Literal, Location, Opset, Program, TensorType, ValueId, args, check,
};
use anemone_mil::{Dialect, InMemory, NoWeights, parse, print};
use arbitrary::{Result, Unstructured};
use fixed_point::fixed_point;
use half::f16;

fn ty(dtype: DType, dims: &[usize]) -> TensorType {
    TensorType::new(dtype, Dims::new(dims).unwrap())
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
        assert_eq!(printed.weight_bytes(), 128 + 48, "equal data is stored once");
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
    assert_eq!(printed.files, []);
    assert_eq!(program.functions()[0].attributes.len(), 1);
    // Through the other dialect and back.
    let old = fixed_point(&program, Dialect::V1_0);
    let program = parse(&old.text, &NoWeights).unwrap();
    assert_eq!(print(&program, Dialect::V1_3).text, text);
}

#[test]
fn constants_are_in_the_file_by_coremltools_rule() {
    for dtype in DType::ALL.into_iter().filter(|d| *d != DType::String) {
        let old = matches!(dtype, DType::Fp16 | DType::Fp32 | DType::Int8 | DType::UInt8);
        let new = old || dtype != DType::Bool;
        for (count, large) in [(9, false), (10, true)] {
            let numbers: Vec<f64> = (0..count).map(f64::from).collect();
            let mut b = Builder::function("main", Opset::Ios17);
            let c = b.constant(Literal::from_f64(ty(dtype, &[count as usize]), &numbers).unwrap());
            // Only constants have types below a byte: then something else is the output.
            let output = if dtype.is_packed() { b.constant(1) } else { c };
            b.output(output);
            let program = check(b.finish()).unwrap();
            for (dialect, filed) in [(Dialect::V1_0, old), (Dialect::V1_3, new)] {
                let printed = fixed_point(&program, dialect);
                assert_eq!(printed.text.contains("BLOBFILE"), large && filed, "{dtype} {count} {dialect:?}");
                assert_eq!(printed.files.is_empty(), !(large && filed));
            }
        }
    }
}

#[test]
fn immediates_follow_the_same_rule() {
    let text = r#"program(1.3)
{
    func main<ios17>(tensor<fp16, [10]> x) {
            tensor<fp16, [10]> y = add(x = x, y = tensor<fp16, [10]>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))[name = string("y")];
        } -> (y);
}"#;
    let program = parse(text, &NoWeights).unwrap();
    let printed = fixed_point(&program, Dialect::V1_3);
    let blob =
        r#"y = tensor<fp16, [10]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64))))"#;
    assert!(printed.text.contains(blob), "{}", printed.text);
}

#[test]
fn every_half_is_written_and_read() {
    let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    // Rows of nine, to stay in the text.
    for chunk in halves.chunks(9 * 512) {
        let mut b = Builder::new();
        for row in chunk.chunks(9) {
            let c = b.constant(Literal::fp16(&[row.len()], row.to_vec()).unwrap());
            b.output(c);
        }
        let printed = print(&check(b.finish()).unwrap(), Dialect::V1_3);
        assert_eq!(printed.files, []);
        let back = parse(&printed.text, &NoWeights).unwrap();
        let read = back.main().outputs.iter().map(|o| back.main().value(*o).literal.as_ref().unwrap());
        let read: Vec<f16> = read.flat_map(|l| l.as_f16().unwrap().into_owned()).collect();
        for (a, b) in chunk.iter().zip(read) {
            // Text has one NaN.
            assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{a:?} {b:?}");
        }
    }
}

#[test]
fn equal_programs_give_equal_bytes() {
    let (a, b) = (print(&network(), Dialect::V1_3), print(&network(), Dialect::V1_3));
    assert!(a == b);
    // Facts and attributes have no order.
    let text = |attributes: &str| {
        let text = format!(
            "program(1.3)[{attributes}] {{ func main<ios16>(tensor<fp16, [1]> x) [{attributes}] {{ }} -> (x); }}"
        );
        print(&parse(&text, &NoWeights).unwrap(), Dialect::V1_3).text
    };
    let sorted = r#"a = int32(1), buildInfo = dict<string, string>({{"k", "1"}, {"l", "0"}}), c = int32(2)"#;
    let other = r#"c = int32(2), buildInfo = dict<string, string>({{"l", "0"}, {"k", "1"}}), a = int32(1)"#;
    let of_program = text(sorted);
    assert!(of_program.contains(&format!("\n[{sorted}]\n")), "{of_program}");
    let head = |text: String| text.lines().nth(1).map(str::to_owned);
    assert_eq!(head(text(other)), head(of_program));
}

#[test]
fn attributes_that_are_no_text_are_printed_as_strings() {
    let mut b = Builder::new();
    let x = b.input("x", ty(DType::Fp16, &[1]));
    b.output(x);
    let mut draft = b.finish();
    let attribute = |name: &str, value: &str| anemone_ir::Attribute { name: name.into(), value: value.into() };
    draft.attributes = vec![attribute("b", "int32(1"), attribute("a", "int32(7)")];
    draft.functions[0].attributes = vec![attribute("c", "\"")];
    let text = print(&check(draft).unwrap(), Dialect::V1_0).text;
    assert!(text.contains("\n[a = tensor<int32, []>(7), b = tensor<string, []>(\"int32(1\")]\n"), "{text}");
    assert!(text.contains(" [c = tensor<string, []>(\"\\\"\")] {"), "{text}");
    fixed_point(&parse(&text, &NoWeights).unwrap(), Dialect::V1_3);
}

/// A function under construction, and its values of type `fp16[4]`.
struct Random<'a, 'b> {
    u: &'a mut Unstructured<'b>,
    f: DraftFunction,
    vectors: Vec<ValueId>,
}

impl Random<'_, '_> {
    fn value(&mut self, prefix: &str, declared: Option<TensorType>) -> ValueId {
        let name = format!("{prefix}_{}", self.f.values.len()).into();
        let declared = declared.map(Into::into);
        self.f.value(DraftValue { name, declared, literal: None, location: Location::Unknown })
    }

    fn literal(&mut self, dtype: DType, dims: &[usize]) -> Result<Literal> {
        let ty = ty(dtype, dims);
        if dtype == DType::String {
            let strings = (0..ty.dims.elements()).map(|_| self.u.arbitrary()).collect::<Result<Vec<String>>>()?;
            return Ok(Literal::strings(dims, strings).unwrap());
        }
        let mut bytes = vec![0; ty.bytes()];
        self.u.fill_buffer(&mut bytes)?;
        if dtype == DType::Bool {
            bytes.iter_mut().for_each(|b| *b &= 1);
        }
        let literal = Literal::from_bytes(ty, Bytes::from(bytes)).unwrap();
        // Text has one NaN.
        let canonical: Vec<f64> =
            literal.to_f64().unwrap().iter().map(|x| if x.is_nan() { f64::NAN } else { *x }).collect();
        Ok(Literal::from_f64(ty, &canonical).unwrap())
    }

    /// A value of type `fp16[4]`, by name or in place.
    fn vector(&mut self) -> Result<ValueId> {
        if self.u.ratio(1, 3)? {
            let literal = self.literal(DType::Fp16, &[4])?;
            return Ok(self.f.immediate(literal, Location::Unknown));
        }
        self.u.choose(&self.vectors).copied()
    }

    fn node(
        &mut self,
        mnemonic: &str,
        args: Vec<(&str, Arg)>,
        data: Option<Literal>,
        results: Vec<ValueId>,
    ) -> Result<()> {
        let name = self.u.arbitrary::<bool>()?.then(|| format!("\u{e9} \"{mnemonic}\"").into());
        self.f.nodes.push(DraftNode {
            mnemonic: mnemonic.into(),
            args: args.into_iter().map(|(n, a)| (n.into(), a)).collect(),
            attributes: data.into_iter().map(|l| ("val".into(), l)).collect(),
            // A printed operation has a name; so has this, to compare them.
            name: name.or_else(|| results.first().map(|id| self.f.values[id.index()].name.clone())),
            results,
            blocks: Vec::new(),
            location: Location::Unknown,
        });
        Ok(())
    }

    fn step(&mut self) -> Result<()> {
        let vector = ty(DType::Fp16, &[4]);
        let int = |f: &mut DraftFunction, n: i32| Arg::One(f.immediate(n.into(), Location::Unknown));
        match self.u.int_in_range(0..=3)? {
            0 => {
                let dtype = *self.u.choose(&DType::ALL)?;
                let dims =
                    (0..self.u.int_in_range(0..=5)?).map(|_| self.u.int_in_range(0..=3)).collect::<Result<Vec<_>>>()?;
                let literal = self.literal(dtype, &dims)?;
                let id = self.value("c", Some(*literal.ty()));
                self.node("const", vec![], Some(literal), vec![id])?;
                if dtype != DType::String && !dtype.is_packed() && !dims.contains(&0) {
                    self.f.outputs.push((id, Location::Unknown));
                }
            }
            1 => {
                let args = vec![("y", Arg::One(self.vector()?)), ("x", Arg::One(self.vector()?))];
                let id = self.value("sum", Some(vector));
                self.node("add", args, None, vec![id])?;
                self.vectors.push(id);
            }
            2 => {
                let count = self.u.int_in_range(1..=3)?;
                let values = (0..count).map(|_| self.vector()).collect::<Result<Vec<_>>>()?;
                let axis = int(&mut self.f, 0);
                let id = self.value("all", Some(ty(DType::Fp16, &[4 * count])));
                self.node("concat", vec![("values", Arg::Many(values)), ("axis", axis)], None, vec![id])?;
                self.f.outputs.push((id, Location::Unknown));
            }
            _ => {
                let args = vec![
                    ("x", Arg::One(self.vector()?)),
                    ("axis", int(&mut self.f, 0)),
                    ("num_splits", int(&mut self.f, 2)),
                ];
                let ids: Vec<_> = (0..2).map(|_| self.value("half", Some(ty(DType::Fp16, &[2])))).collect();
                self.node("split", args, None, ids.clone())?;
                self.f.outputs.extend(ids.into_iter().map(|id| (id, Location::Unknown)));
            }
        }
        Ok(())
    }
}

fn random_program(u: &mut Unstructured<'_>) -> Result<Program> {
    let mut draft = Draft::default();
    for name in ["main", "aux"].into_iter().take(u.int_in_range(1..=2)?) {
        let f = DraftFunction::new(name, *u.choose(&Opset::ALL)?, Location::Unknown);
        let mut random = Random { u, f, vectors: Vec::new() };
        for name in ["z", "a"] {
            let id = random.value(name, Some(ty(DType::Fp16, &[4])));
            random.f.params.push(id);
            random.vectors.push(id);
        }
        random.f.outputs.push((random.vectors[0], Location::Unknown));
        for _ in 0..random.u.int_in_range(0..=12)? {
            random.step()?;
        }
        draft.functions.push(random.f);
    }
    for _ in 0..u.int_in_range(0..=2)? {
        draft.build_info.push((u.arbitrary::<&str>()?.into(), u.arbitrary::<&str>()?.into()));
    }
    draft.build_info.sort();
    Ok(check(draft).unwrap())
}

#[test]
fn random_programs_come_back() {
    arbtest::arbtest(|u| {
        let program = random_program(u)?;
        for dialect in Dialect::ALL {
            fixed_point(&program, dialect);
        }
        Ok(())
    })
    .budget_ms(2000);
}

/// Numbers and words that a mutation puts into a text.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1",
    "64",
    "65536",
    "9223372036854775807",
    "x",
    "a",
    "fp16",
    "fp32",
    "int32",
    "bool",
    "?",
    "true",
    "nan",
    "\"valid\"",
    "\"custom\"",
    "const",
    "split",
    "relu",
    "axis",
    "weight",
    "ios15",
    "[]",
    "[1, 1]",
    "(",
    ")",
    ",",
];

#[test]
fn mutations_of_a_program_and_its_weights_do_no_harm() {
    let printed = print(&network(), Dialect::V1_3);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<&str> = printed.text.split_inclusive(|c| !is_word(c)).collect();
    let programs = std::cell::Cell::new(0);
    arbtest::arbtest(|u| {
        let mut words = words.clone();
        for _ in 0..u.int_in_range(0..=2)? {
            let at = u.choose_index(words.len())?;
            words[at] = if u.arbitrary()? { *u.choose(WORDS)? } else { words[u.choose_index(words.len())?] };
        }
        let mut weights = printed.files[0].bytes.clone();
        if u.ratio(1, 4)? {
            let at = u.choose_index(weights.len())?;
            weights[at] = u.arbitrary()?;
        }
        match parse(&words.concat(), &InMemory::new(weights)) {
            Ok(program) => {
                programs.set(programs.get() + 1);
                fixed_point(&program, Dialect::V1_3);
            }
            Err(e) => assert!(!e.to_string().is_empty()),
        }
        Ok(())
    })
    .budget_ms(2000);
    assert!(programs.get() > 0);
}
