//! Open dimensions, and functions that models name.

use crate::support::Folder;

fn text(attribute: &str) -> String {
    format!(
        "program(1.3) {{ func main<ios18>(tensor<fp16, [1, ?, 64]> x){attribute} {{
        tensor<fp16, [1, ?, 64]> y = relu(x = x); }} -> (y); }}"
    )
}

const DEFAULT: &str = r#" [FlexibleShapeInformation = tuple<tuple<string, dict<string, tensor<int32, [?]>>>, tuple<string, dict<string, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"x", [1, 2, 64]}}), ("RangeDims", {{"x", [[1, 1], [1, 8], [64, 64]]}})))]"#;

#[test]
fn open_dimensions_are_given() {
    let folder = Folder::new();
    folder.write("open.mil", text(""));
    for verb in ["run", "bench", "inspect", "emit"] {
        let expected = ["input `x` is fp16[1, ?, 64], and the model does not say", "add --shape x=1,N,64"];
        folder.anemone(&format!("{verb} open.mil")).fails(1, &expected);
    }
    let ran = folder.anemone("check open.mil");
    assert!(ran.code == 1 && ran.err.contains("error[open-shape]") && ran.err.contains("--shape"), "{}", ran.err);
    folder.anemone("check open.mil --shape x=1,5,64").ok();
    let (_, json) = folder.json("run open.mil -i x=ones --shape x=1,5,64");
    assert_eq!(json["outputs"][0]["shape"], serde_json::json!([1, 5, 64]));
    let chosen = serde_json::json!([{ "function": "main", "input": "x", "shape": [1, 5, 64], "from": "--shape" }]);
    assert_eq!(json["shapes"], chosen);
    let run = "run open.mil -i x=ones --shape";
    folder
        .anemone(&format!("{run} x=1,5,63"))
        .fails(1, &["input `x` is fp16[1, ?, 64], which [1, 5, 63] does not fit"]);
    folder.anemone(&format!("{run} q=1,5,64")).fails(1, &["there is no input `q`", "the inputs are `x`"]);
    folder.anemone(&format!("{run} x=1,5,64 --shape x=1,6,64")).fails(1, &["gives `x` more than once"]);
    let emitted = folder.anemone("emit open.mil --shape x=1,5,64").ok();
    assert!(emitted.out.contains("tensor<fp16, [1, 5, 64]> y = relu"), "{}", emitted.out);
    assert!(emitted.err.contains("note: the text is for `x` [1, 5, 64]; `anemone convert`"), "{}", emitted.err);
}

#[test]
fn a_model_names_its_dimensions() {
    let folder = Folder::new();
    folder.write("named.mil", text(DEFAULT));
    let ran = folder.anemone("run named.mil -i x=ones").ok();
    assert!(
        ran.out.contains("y       [1, 2, 64]") && ran.out.contains("shape    x [1, 2, 64] (default)"),
        "{}",
        ran.out
    );
    assert_eq!(ran.err, "");
    assert_eq!(folder.anemone("run named.mil -i x=ones --shape x=1,8,64").ok().err, "");
    let ran = folder.anemone("run named.mil -i x=ones --shape x=1,9,64").ok();
    let expected =
        "warning: input `x`: [1, 9, 64] is outside of what the model says that it takes, which is [1, 1 to 8, 64]\n";
    assert_eq!(ran.err, expected);
}
