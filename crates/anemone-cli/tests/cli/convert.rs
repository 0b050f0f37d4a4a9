use crate::support::{Folder, read_npy, singles, with_weights};
use anemone_ir::{Builder, DType, Dims, Literal, TensorType, args, check};
use anemone_mil::description::FeatureType;
use anemone_mil::{Dialect, Form, ModelFile};
use serde_json::json;

/// With open dimensions, and the ones that it has by default.
const OPEN: &str = r#"program(1.0)
{
    func main<ios17>(tensor<fp32, [1, ?]> x) [FlexibleShapeInformation = tuple<tuple<tensor<string, []>, dict<tensor<string, []>, tensor<int32, [?]>>>, tuple<tensor<string, []>, dict<tensor<string, []>, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"x", [1, 4]}}), ("RangeDims", {{"x", [[1, 1], [1, 8]]}})))] {
        tensor<fp32, [1, ?]> y = tanh(x = x)[name = tensor<string, []>("y")];
    } -> (y);
}
"#;

#[test]
fn a_model_goes_through_every_form() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    let ways = ["a.mil p.mlpackage", "p.mlpackage c.mlmodelc", "c.mlmodelc m/m.mlmodel", "m/m.mlmodel t/a.mil"];
    for way in ways {
        let ran = folder.anemone(&format!("convert {way}")).ok();
        assert_eq!(ran.err, "");
        assert!(ran.out.contains("weight.bin") && ran.out.contains(" read back and equal\n"), "{}", ran.out);
    }
    assert_eq!(folder.anemone("emit a.mil").out, folder.anemone("emit t/a.mil").out);
    for model in ["p.mlpackage", "c.mlmodelc", "m/m.mlmodel", "t/a.mil"] {
        let ran = folder.anemone(&format!("compare a.mil {model}")).ok();
        assert!(ran.out.contains("1.000000  equal  4 of 4"), "{}", ran.out);
        folder.anemone(&format!("check {model}")).ok();
        folder.anemone(&format!("inspect {model}")).ok();
    }
    let (_, json) = folder.json("convert p.mlpackage q.mlpackage");
    assert_eq!((&json["form"], &json["output_form"]), (&json!("package"), &json!("package")));
    let files: Vec<_> = json["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    let data = "q.mlpackage/Data/com.apple.CoreML";
    let expected =
        [format!("{data}/model.mlmodel"), format!("{data}/weights/weight.bin"), "q.mlpackage/Manifest.json".to_owned()];
    assert_eq!(files, expected);
    for file in json["files"].as_array().unwrap() {
        let read = folder.read(file["path"].as_str().unwrap());
        assert_eq!(file["bytes"].as_u64(), Some(read.len() as u64));
    }
}

#[test]
fn nothing_is_replaced_unasked() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    folder.write_model("b/b.mil", &with_weights(2.0));
    folder.write("notes/kept.txt", "mine");
    folder.anemone("convert a.mil p.mlpackage").ok();
    let before = folder.entries();
    folder.anemone("convert b/b.mil p.mlpackage").fails(1, &["p.mlpackage is there already", "--force replaces it"]);
    folder.anemone("convert p.mlpackage b/c.mil").fails(1, &["weight.bin is there already", "another folder"]);
    folder.anemone("convert p.mlpackage q").fails(2, &["q does not say in which form", ".mlpackage, .mlmodel"]);
    folder.anemone("convert none.mil q.mlpackage").fails(1, &["cannot read none.mil"]);
    std::fs::rename(folder.path("notes"), folder.path("notes.mlpackage")).unwrap();
    folder.anemone("convert a.mil notes.mlpackage --force").fails(1, &["is no model, so it is not replaced"]);
    std::fs::rename(folder.path("notes.mlpackage"), folder.path("notes")).unwrap();
    assert_eq!(folder.entries(), before);
    folder.anemone("convert b/b.mil p.mlpackage --force").ok();
    assert!(folder.anemone("compare b/b.mil p.mlpackage").ok().out.contains("equal"));
    // Also by itself.
    folder.anemone("convert p.mlpackage p.mlpackage --force").ok();
    assert!(folder.anemone("compare b/b.mil p.mlpackage").ok().out.contains("equal"));
}

#[test]
fn open_dimensions_stay_open() {
    let folder = Folder::new();
    folder.write("open.mil", OPEN);
    folder.anemone("convert open.mil p.mlpackage").ok();
    folder.anemone("convert p.mlpackage back/open.mil").ok();
    let back = String::from_utf8(folder.read("back/open.mil")).unwrap();
    assert!(back.contains("tensor<fp32, [1, ?]> x") && back.contains("RangeDims"), "{back}");
    for model in ["open.mil", "p.mlpackage", "back/open.mil"] {
        let (_, json) = folder.json(&format!("run {model} -i x=ones"));
        assert_eq!(json["outputs"][0]["shape"], json!([1, 4]));
        let ran = folder.anemone(&format!("run {model} -i x=ones --shape x=1,9")).ok();
        assert!(ran.err.contains("which is [1, 1 to 8]"), "{}", ran.err);
    }
    let ran = folder.anemone("convert p.mlpackage fixed.mlpackage --shape x=1,6").ok();
    assert_eq!(ran.err, "");
    let (_, json) = folder.json("run fixed.mlpackage -i x=ones");
    assert_eq!((&json["outputs"][0]["shape"], &json["shapes"]), (&json!([1, 6]), &json!([])));
    folder.anemone("run fixed.mlpackage -i x=ones --shape x=1,4").fails(1, &["input `x` is fp32[1, 6]"]);
}

#[test]
fn singles_become_halves() {
    let folder = Folder::new();
    let mut b = Builder::new();
    let dims = |d: &[usize]| Dims::new(d).unwrap();
    let x = b.input("x", TensorType::new(DType::Fp32, dims(&[2, 16])));
    let weight = Literal::fp32(&[16, 16], (0..256).map(|i| (i as f32).sin()).collect()).unwrap();
    let h = b.linear(args! { x: x, weight: weight });
    let y = b.tanh(args! { x: h });
    b.name(y, "y");
    b.output(y);
    let file = ModelFile::of_program(&check(b.finish()).unwrap(), Dialect::V1_0, None);
    file.save(&folder.path("single.mlpackage"), Form::Package).unwrap();
    folder.anemone("convert single.mlpackage half.mlpackage --dtype fp16").ok();
    let size = |name: &str| folder.read(&format!("{name}/Data/com.apple.CoreML/weights/weight.bin")).len();
    assert!(size("half.mlpackage") < size("single.mlpackage"));
    let emitted = folder.anemone("emit half.mlpackage").ok().out;
    assert!(emitted.contains("cast") && emitted.contains("tensor<fp16, [2, 16]>"), "{emitted}");
    let half = ModelFile::open(&folder.path("half.mlpackage")).unwrap();
    let FeatureType::MultiArray { element, .. } = half.description().inputs[0].ty else { panic!("an array") };
    assert_eq!(element, Some(anemone_mil::Element::Fp32));
    let (_, json) = folder.json("compare half.mlpackage single.mlpackage");
    let y = &json["outputs"][0];
    assert!(y["snr"].as_f64().unwrap() > 40.0 && y["different"] != 0, "{y}");
    folder.write("x.npy", singles("(2, 16)", &[0.25; 32]));
    folder.anemone("run half.mlpackage -i x=x.npy -o out").ok();
    assert_eq!(read_npy(&folder.read("out/y.npy")).0, "(2, 16)");
}
