use crate::support::{Folder, with_weights};

#[test]
fn a_model_is_described() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    let text = folder.anemone("inspect a.mil").ok();
    assert_eq!(text.err, "");
    assert!(!text.out.contains("step     reads"), "{}", text.out);
    let expected =
        ["parameters  16 (32 B)", "work        1,024 multiply-accumulates", "input   x     fp16   [1, 4, 1, 64]"];
    for line in expected {
        assert!(text.out.contains(line), "{line}\n{}", text.out);
    }
    let plan = folder.anemone("inspect a.mil --plan").ok().out;
    assert!(plan.starts_with(&text.out) && plan.contains("  y       conv\n"), "{plan}");

    let (_, json) = folder.json("inspect a.mil");
    assert_eq!(json["operations"], serde_json::json!([{ "mnemonic": "conv", "count": 1, "macs": 1024 }]));
    assert_eq!(json["outputs"], serde_json::json!([{ "name": "y", "dtype": "fp16", "shape": [1, 4, 1, 64] }]));
    assert_eq!((&json["macs"], &json["parameters"], &json["parameter_bytes"]), (&1024.into(), &16.into(), &32.into()));
    assert_eq!(json["plan"]["steps"].as_array().unwrap().len(), 1);
    assert_eq!(json["plan"]["steps"][0]["macs"], 1024);
}

#[test]
fn functions_are_named() {
    let folder = Folder::new();
    let function = |name: &str, op: &str| {
        format!("func {name}<ios16>(tensor<fp16, [64]> x) {{ tensor<fp16, [64]> y = {op}(x = x); }} -> (y);")
    };
    folder.write("two.mil", format!("program(1.3) {{ {} {} }}", function("main", "relu"), function("other", "tanh")));
    let main = folder.json("inspect two.mil").1;
    assert_eq!(main["functions"], serde_json::json!(["main", "other"]));
    assert_eq!(main["operations"][0]["mnemonic"], "relu");
    assert_eq!(folder.json("inspect two.mil --function other").1["operations"][0]["mnemonic"], "tanh");
    folder.anemone("inspect two.mil --function none").fails(1, &["no function `none`", "it has `main`, `other`"]);
}

#[test]
fn what_a_model_tells_of_itself_is_shown() {
    use anemone_mil::description::{ColorSpace, FeatureType, Flexibility};
    use anemone_mil::{Dialect, Form, ModelFile};
    let folder = Folder::new();
    let file = ModelFile::of_program(&with_weights(1.0), Dialect::V1_0, None);
    let mut description = file.description().clone();
    description.metadata.description = "Finds\n\u{1b}[31mcats".to_owned();
    description.metadata.user_defined.insert("converter".to_owned(), "by hand".to_owned());
    description.outputs[0].description = "Where they are".to_owned();
    file.with_description(description).save(&folder.path("m.mlpackage"), Form::Package).unwrap();
    let text = folder.anemone("inspect m.mlpackage").ok().out;
    for line in ["form        package, specification 7", "about       Finds [31mcats", "metadata    converter: by hand"]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("y          array          Where they are"), "{text}");
    assert!(text.contains("weights  tensors  elements  size\nfp16           1        16  32 B"), "{text}");
    let (_, json) = folder.json("inspect m.mlpackage");
    assert_eq!(json["about"]["description"], "Finds\n\u{1b}[31mcats");
    assert_eq!(json["weights"], serde_json::json!([{ "kept": "fp16", "tensors": 1, "elements": 16, "bytes": 32 }]));

    let mut image = file_description(&folder);
    let flexibility = Flexibility::Enumerated(vec![vec![8, 8], vec![16, 8]]);
    image.inputs[0].ty = FeatureType::Image { width: 8, height: 8, color: ColorSpace::Bgr, flexibility };
    let open = "program(1.0) { func main<ios17>(tensor<fp32, [1, 3, ?, ?]> x) { tensor<fp32, [1, 3, ?, ?]> y = relu(x = x); } -> (y); }";
    folder.write("open.mil", open);
    let file = ModelFile::open(&folder.path("open.mil")).unwrap().with_description(image);
    file.save(&folder.path("image.mlpackage"), Form::Package).unwrap();
    let text = folder.anemone("inspect image.mlpackage").ok().out;
    assert!(text.contains("x          image in BGR  [1, 3, 8, 8] or [1, 3, 16, 8]"), "{text}");
    assert!(text.contains("shape       x [1, 3, 8, 8] (default)"), "{text}");
    let ran = folder.anemone("run image.mlpackage -i x=ones --shape x=1,3,16,16").ok();
    assert!(ran.err.contains("which is [1, 3, 8, 8] or [1, 3, 16, 8]"), "{}", ran.err);
}

/// A description of one input `x` and one output `y`.
fn file_description(folder: &Folder) -> anemone_mil::description::Description {
    folder.write("fixed.mil", "program(1.0) { func main<ios17>(tensor<fp32, [1, 3, 8, 8]> x) { tensor<fp32, [1, 3, 8, 8]> y = relu(x = x); } -> (y); }");
    anemone_mil::ModelFile::open(&folder.path("fixed.mil")).unwrap().description().clone()
}
