use crate::support::{Folder, singles, with_weights};
use serde_json::json;

/// `y = tanh(relu(x) * by)`
fn text(by: &str, last: &str) -> String {
    format!(
        "program(1.3) {{ func main<ios17>(tensor<fp16, [4]> x) {{
        tensor<fp16, [4]> r = relu(x = x);
        tensor<fp16, [4]> m = mul(x = r, y = fp16({by}));
        tensor<fp16, [4]> y = {last}(x = m); }} -> (y); }}"
    )
}

#[test]
fn equal_models_are_equal() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    folder.write_model("b/b.mil", &with_weights(1.0));
    let ran = folder.anemone("compare a.mil b/b.mil").ok();
    let expected = "\
A  a.mil, function main, profile fp16
B  b/b.mil, function main, profile fp16

output  shape          max abs  max ulp    cosine    SNR   top-1
y       [1, 4, 1, 64]        0        0  1.000000  equal  4 of 4
";
    assert_eq!(ran.out, expected);
    let (_, json) = folder.json("compare a.mil b/b.mil");
    assert_eq!((&json["values"], &json["within"]), (&json!(null), &json!(null)));
    assert_eq!(json["outputs"][0]["different"], 0);
}

#[test]
fn the_first_value_that_parts_is_named() {
    let folder = Folder::new();
    folder.write("a.mil", text("2.0", "tanh"));
    folder.write("b.mil", text("2.002", "tanh"));
    folder.write("c.mil", text("2.0", "exp"));
    folder.write("x.npy", singles("(4,)", &[1.0, -1.0, 0.5, 0.25]));
    let ran = folder.anemone("compare a.mil b.mil -i x=x.npy").ok();
    assert!(ran.out.contains("first to differ  `m` (mul): max abs 0.00") && ran.out.contains("SNR 6"), "{}", ran.out);
    assert!(ran.out.contains("first to part    none is below 40 dB"), "{}", ran.out);
    let (_, json) = folder.json("compare a.mil c.mil -i x=x.npy");
    assert_eq!((&json["values"]["first_different"]["name"], &json["values"]["compared"]), (&json!("y"), &json!(3)));
    assert_eq!(json["values"]["first_parted"]["operation"], "tanh");
    let (_, json) = folder.json("compare a.mil b.mil -i x=x.npy --parted 80");
    assert_eq!(json["values"]["first_parted"]["name"], "m");
    let ran = folder.anemone("compare a.mil b.mil -i x=x.npy --trace-values").ok();
    let table = "\nr      relu               0        0  1.000000    equal\nm      mul ";
    assert!(ran.out.contains(table), "{}", ran.out);
}

#[test]
fn profiles_are_compared() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    let (_, json) = folder.json("compare a.mil --profile-b f32");
    assert_eq!((&json["a"]["profile"], &json["b"]["profile"]), (&json!("fp16"), &json!("f32")));
    let y = &json["outputs"][0];
    assert!(y["max_ulp"] == 0 && y["snr"].as_f64().unwrap() > 60.0, "the same halves, but not the same singles: {y}");
    folder.anemone("compare a.mil").fails(2, &["there is nothing to compare with"]);
}

#[test]
fn tolerances_decide() {
    let folder = Folder::new();
    folder.write("a.mil", text("2.0", "tanh"));
    folder.write("b.mil", text("2.002", "tanh"));
    folder.write("x.npy", singles("(4,)", &[1.0, -1.0, 0.5, 0.25]));
    folder.anemone("run b.mil -i x=x.npy -o golden").ok();
    folder.write("wide.toml", "[\"*\"]\nabs = 1e-2\ntop1 = 1.0");
    folder.write("narrow.json", r#"{"y": {"ulp": 0}}"#);
    folder.write("wrong.toml", "[y]\nsigma = 1");
    for b in ["b.mil", "golden"] {
        let compare = format!("compare a.mil {b} -i x=x.npy --tolerance");
        let ran = folder.anemone(&format!("{compare} wide.toml")).ok();
        assert!(ran.out.contains("kept, as wide.toml asks for it"), "{}", ran.out);
        let ran = folder.anemone(&format!("{compare} narrow.json"));
        assert!(ran.code == 1 && ran.out.contains("ulp beyond 0"), "{}{}", ran.out, ran.err);
        let (code, json) = folder.json(&format!("{compare} narrow.json"));
        assert_eq!((code, &json["within"]), (1, &json!(false)));
        folder.anemone(&format!("{compare} wrong.toml")).fails(1, &["wrong.toml", "unknown field `sigma`", "= help:"]);
        folder.anemone(&format!("{compare} none.toml")).fails(1, &["cannot read none.toml"]);
    }
    folder.anemone("compare b.mil golden -i x=x.npy --tolerance narrow.json").ok();
    folder.write("empty/other.npy", "");
    folder.anemone("compare a.mil empty").fails(1, &["read output `y` from empty/y.npy"]);
    folder.anemone("compare a.mil golden --trace-values").fails(2, &["B is a folder of arrays"]);
}

#[test]
fn models_that_cannot_be_compared() {
    let folder = Folder::with_models();
    folder.write("a.mil", text("2.0", "tanh"));
    folder.write("other.mil", text("2.0", "tanh").replace(" y = tanh", " w = tanh").replace("(y)", "(w)"));
    folder.write("large.mil", text("2.0", "tanh").replace("[4]", "[5]"));
    folder.anemone("compare a.mil other.mil").fails(1, &["no output has the same name: A has y, and B w"]);
    folder.anemone("compare a.mil large.mil").fails(1, &["output `y` is fp16[4] of A and fp16[5] of B"]);
    folder.anemone("compare a.mil bad.mil").fails(1, &["bad.mil has 2 errors"]);
}
