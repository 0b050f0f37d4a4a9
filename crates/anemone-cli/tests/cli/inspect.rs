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
