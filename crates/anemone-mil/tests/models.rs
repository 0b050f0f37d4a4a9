//! Models in all their forms: written, read again, refused.

#![allow(clippy::unwrap_used)]

#[path = "models/fuzz.rs"]
mod fuzz;
#[path = "models/hostile.rs"]
mod hostile;
#[path = "models/messages.rs"]
mod messages;
#[path = "models/packages.rs"]
mod packages;
#[path = "models/saving.rs"]
mod saving;

use anemone_mil::description::{Feature, FeatureType, Flexibility};
use anemone_mil::{Dialect, Element, Form, InMemory, ModelFile, Source, print};
use std::fs;
use std::path::{Path, PathBuf};

/// Every kind of value and place: immediates of several types, a list of names, several results, weights in arguments and
/// attributes, two of them equal.
const PLAIN: &str = r#"program(1.3)
[buildInfo = dict<string, string>({{"coremltools-version", "9.0"}, {"tool", "a \"test\""}})]
{
    func main<ios16>(tensor<fp16, [1, 4]> b, tensor<fp32, [2, 3]> x) {
            tensor<fp16, [12]> w = const()[name = string("w"), val = tensor<fp16, [12]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(64)))];
            tensor<fp16, [12]> same = const()[name = string("same"), val = tensor<fp16, [12]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(192)))];
            tensor<fp16, [12]> sum = add(x = w, y = tensor<fp16, [12]>(BLOBFILE(path = string("@model_path/weights/weight.bin"), offset = uint64(192))))[name = string("sum")];
            tensor<fp16, [12]> both = mul(x = sum, y = same)[name = string("both")];
            string dtype = const()[name = string("dtype"), val = string("fp16")];
            tensor<fp16, [2, 3]> half = cast(dtype = dtype, x = x)[name = string("half")];
            tensor<int32, [2]> perm = const()[name = string("perm"), val = tensor<int32, [2]>([1, 0])];
            tensor<fp16, [3, 2]> turned = transpose(perm = perm, x = half)[name = string("turned")];
            tensor<fp16, [1, 4]> c = mul(x = b, y = tensor<fp16, [1, 4]>([[0x1p+0, -0x1.8p-3, 0x1p-24, inf]]))[name = string("c")];
            tensor<fp16, [1, 2]> left, tensor<fp16, [1, 2]> right = split(axis = int32(1), num_splits = int32(2), x = c)[name = string("split")];
            tensor<fp16, [1, 4]> back = concat(axis = int32(-1), interleave = bool(false), values = (right, left))[name = string("back")];
        } -> (back, turned, both);
}"#;

/// What text has and this version's checks may not: only trees are compared.
const WIDE: &str = r#"program(1.3)
{
    func flexible<ios17>(tensor<fp32, [1, ?]> x) [FlexibleShapeInformation = tuple<tuple<string, dict<string, tensor<int32, [?]>>>, tuple<string, dict<string, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"x", [1, 4]}}), ("RangeDims", {{"x", [[1, 1], [1, -1]]}})))] {
            tensor<fp32, [1, ?]> y = relu(x = x)[name = string("y")];
        } -> (y);
    func main<ios18>(state<tensor<fp16, [2, 3]>> cache, int32 flag, tensor<fp16, [2, 3]> x) {
            bool chosen = cast(dtype = string("bool"), x = flag)[name = string("chosen")];
            tensor<fp16, [2, 3]> old = read_state(input = cache)[name = string("old")];
            tensor<fp16, [2, 3]> y = cond(pred = chosen)[name = string("y")]
                () {
                    tensor<fp16, [2, 3]> yes = add(x = old, y = x)[name = string("yes")];
                } -> (yes)
                () {
                    tensor<fp16, [2, 3]> no = sub(x = old, y = x)[name = string("no")];
                } -> (no);
            write_state(data = y, input = cache)[name = string("write")];
            tensor<uint4, [2, 3]> narrow = const()[name = string("narrow"), val = tensor<uint4, [2, 3]>([[1, 2, 15], [0, 7, 8]])];
            tensor<int4, [3]> signed = const()[name = string("signed"), val = tensor<int4, [3]>([-8, 7, -1])];
            tensor<uint3, [9]> three = const()[name = string("three"), val = tensor<uint3, [9]>([1, 2, 3, 4, 5, 6, 7, 0, 7])];
            list<tensor<fp32, [2]>, 2> items = const()[name = string("items"), val = list<tensor<fp32, [2]>, 2>([[0x1p+0, 0x1p-149], [-inf, nan]])];
            tensor<bool, [3]> bits = const()[name = string("bits"), val = tensor<bool, [3]>([true, false, true])];
            tensor<string, [2]> names = const()[name = string("names"), val = tensor<string, [2]>(["a", "b"])];
            tensor<uint64, [1]> large = const()[name = string("large"), val = tensor<uint64, [1]>([18446744073709551615])];
            tensor<fp64, [1]> double = const()[name = string("double"), val = tensor<fp64, [1]>([0x1.999999999999ap-4])];
            tensor<int8, [0]> none = const()[name = string("none"), val = tensor<int8, [0]>([])];
            tensor<uint16, [2]> sixteen = const()[name = string("sixteen"), val = tensor<uint16, [2]>([0, 65535])];
            tensor<uint32, [1]> unsigned = const()[name = string("unsigned"), val = tensor<uint32, [1]>([4294967295])];
        } -> (y);
}"#;

/// Two equal blobs of twelve halves.
fn weights() -> Vec<u8> {
    let data: Vec<u8> = (0..12u16).flat_map(|i| (0x3c00 + i).to_le_bytes()).collect();
    let mut file = vec![0; 64];
    file[0] = 2;
    file[4] = 2;
    for at in [64u64, 192] {
        let mut blob = 0xDEAD_BEEFu32.to_le_bytes().to_vec();
        blob.extend(1u32.to_le_bytes());
        blob.extend(24u64.to_le_bytes());
        blob.extend((at + 64).to_le_bytes());
        blob.resize(64, 0);
        blob.extend(&data);
        file.resize(at as usize, 0);
        file.extend(blob);
    }
    file
}

/// A text with its weights in a folder.
fn written(folder: &Path, text: &str) -> PathBuf {
    fs::create_dir_all(folder.join("weights")).unwrap();
    fs::write(folder.join("weights/weight.bin"), weights()).unwrap();
    let path = folder.join("model.mil");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_program_is_the_same_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let original = ModelFile::open(&written(&folder.path().join("in"), PLAIN)).unwrap();
    let program = original.program().unwrap();
    for text in [PLAIN.to_owned(), PLAIN.replace("program(1.3)", "program(1.0)")] {
        let tree = ModelFile::open(&written(&folder.path().join("again"), &text)).unwrap();
        for form in Form::ALL {
            // Each form is made of each other.
            for second in Form::ALL {
                let place = tempfile::tempdir().unwrap();
                let path = place.path().join(format!("a.{}", form.extension()));
                tree.save(&path, form).unwrap();
                let first = ModelFile::open(&path).unwrap();
                assert_eq!(first.form(), form);
                let path = place.path().join(format!("b/b.{}", second.extension()));
                first.save(&path, second).unwrap();
                let model = ModelFile::open(&path).unwrap();
                assert_eq!(model.form(), second);
                let specification = if text.contains("1.3") { 9 } else { 7 };
                assert_eq!(model.specification(), (second != Form::Text).then_some(specification));
                assert_eq!(model.tree().version, tree.tree().version);
                let again = model.program().unwrap_or_else(|e| panic!("{form}, {second}: {e}"));
                assert_eq!(print(&again, Dialect::V1_3), print(&program, Dialect::V1_3), "{form}, {second}");
                assert_eq!(model.description(), tree.description(), "{form}, {second}");
            }
        }
    }
}

#[test]
fn the_whole_grammar_goes_through_protobuf() {
    let folder = tempfile::tempdir().unwrap();
    let text = ModelFile::open(&written(folder.path(), WIDE)).unwrap();
    for form in [Form::Model, Form::Package] {
        let path = folder.path().join(form.extension()).join("m");
        text.save(&path, form).unwrap();
        let model = ModelFile::open(&path).unwrap();
        assert_eq!(model.source().text(), WIDE);
        assert_eq!(model.tree(), text.tree());
    }
}

#[test]
fn weights_are_laid_out_once_for_all_who_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let original = ModelFile::open(&written(folder.path(), PLAIN)).unwrap();
    let package = folder.path().join("p.mlpackage");
    original.save(&package, Form::Package).unwrap();
    let file = fs::read(package.join("Data/com.apple.CoreML/weights/weight.bin")).unwrap();
    assert_eq!(file.len(), 64 + 64 + 24, "one of two equal blobs");
    // Each function of a program, and each draft of it, holds parts of the same pages.
    let model = ModelFile::open(&package).unwrap();
    let program = model.program().unwrap();
    let f = program.main();
    let data = |name: &str| {
        let (_, value) = f.values.iter().enumerate().find(|(_, v)| &*v.name == name).unwrap();
        value.literal.as_ref().unwrap().bytes().unwrap().as_ptr()
    };
    assert_eq!(data("w"), data("same"));
}

#[test]
fn a_program_in_memory_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let program = Source::new("model.mil", PLAIN).parse(&InMemory::new(weights())).unwrap().program;
    for dialect in Dialect::ALL {
        let model = ModelFile::of_program(&program, dialect, None);
        for form in Form::ALL {
            let path = folder.path().join(dialect.name()).join(format!("{}/m", form.extension()));
            model.save(&path, form).unwrap();
            let again = ModelFile::open(&path).unwrap().program().unwrap();
            assert_eq!(print(&again, Dialect::V1_3), print(&program, Dialect::V1_3));
        }
    }
}

#[test]
fn what_a_model_tells_of_itself_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let original = ModelFile::open(&written(folder.path(), PLAIN)).unwrap();
    let mut description = original.description().clone();
    description.metadata.author = "somebody".to_owned();
    description.metadata.user_defined.insert("key".to_owned(), "value".to_owned());
    let f = &mut description.functions[0];
    f.inputs[0].description = "what goes in".to_owned();
    f.inputs[1].optional = true;
    description.inputs = f.inputs.clone();
    let model = original.with_description(description.clone());
    let package = folder.path().join("p.mlpackage");
    model.save(&package, Form::Package).unwrap();
    let compiled = folder.path().join("c.mlmodelc");
    ModelFile::open(&package).unwrap().save(&compiled, Form::Compiled).unwrap();
    assert_eq!(ModelFile::open(&compiled).unwrap().description(), &description);
    let metadata: serde_json::Value =
        serde_json::from_slice(&fs::read(compiled.join("metadata.json")).unwrap()).unwrap();
    assert_eq!(metadata[0]["author"], "somebody");
    assert_eq!(metadata[0]["userDefinedMetadata"]["key"], "value");
    assert_eq!(metadata[0]["specificationVersion"], 9);
    assert_eq!(metadata[0]["inputSchema"][0]["shortDescription"], "what goes in");
    assert_eq!(metadata[0]["inputSchema"][1]["isOptional"], "1");
    assert_eq!(metadata[0]["functions"][0]["outputSchema"][0]["formattedType"], "MultiArray (Float16 1 × 4)");
}

#[test]
fn open_shapes_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let model = ModelFile::open(&written(folder.path(), WIDE)).unwrap();
    let described = |m: &ModelFile| m.description().function("flexible").unwrap().inputs.clone();
    let range = Flexibility::Range(vec![(1, Some(1)), (1, None)]);
    let ty = FeatureType::MultiArray { element: Some(Element::Fp32), shape: vec![1, 4], flexibility: range.clone() };
    let expected = vec![Feature { name: "x".to_owned(), description: String::new(), optional: false, ty }];
    assert_eq!(described(&model), expected);
    assert!(range.takes(&[1, 1_000_000]) && !range.takes(&[2, 1]) && !range.takes(&[1]));
    let path = folder.path().join("p.mlpackage");
    model.save(&path, Form::Package).unwrap();
    assert_eq!(described(&ModelFile::open(&path).unwrap()), expected);
}
