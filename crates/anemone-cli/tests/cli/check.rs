use crate::support::{Folder, SMALL};

#[test]
fn everything_is_reported_with_its_line() {
    let folder = Folder::with_models();
    let ran = folder.anemone("check bad.mil");
    assert_eq!((ran.code, ran.out.as_str()), (1, "bad.mil: 3 errors (1 operation)\n"));
    for expected in [
        "error[placeholder-width]: input `z`",
        "--> bad.mil:3:81\n",
        "error[unknown-operation]",
        " 4 |         tensor<fp16, [1, 4, 1, 64]> y = rellu(x = x);\n   |                                         ^^^^^\n",
        "= help: is `relu` meant?",
        "error[broadcast]",
        "= y is fp16[1, 3, 1, 32], made at bad.mil:3:81",
    ] {
        assert!(ran.err.contains(expected), "{expected}\n{}", ran.err);
    }

    let (_, json) = folder.json("check bad.mil");
    assert_eq!((&json["error_count"], &json["warning_count"]), (&3.into(), &0.into()));
    let found = json["diagnostics"].as_array().unwrap();
    let slugs: Vec<_> = found.iter().map(|d| d["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["placeholder-width", "unknown-operation", "broadcast"]);
    let expected = serde_json::json!({
        "severity": "error",
        "slug": "broadcast",
        "message": "[1, 4, 1, 64] and [1, 3, 1, 32] do not broadcast: pairs of dimensions must be equal, or one of them 1",
        "operation": "add",
        "name": "s",
        "line": 5,
        "column": 41,
        "operands": [
            { "parameter": "x", "dtype": "fp16", "shape": [1, 4, 1, 64], "line": 3, "column": 50 },
            { "parameter": "y", "dtype": "fp16", "shape": [1, 3, 1, 32], "line": 3, "column": 81 }
        ],
        "hint": null
    });
    assert_eq!(found[2], expected);
    assert_eq!(folder.anemone("check bad.mil --json").err, "", "all of it is on stdout");
}

#[test]
fn text_that_is_no_mil_has_a_place() {
    let folder = Folder::new();
    folder.write("cut.mil", &SMALL[..SMALL.len() / 2]);
    let (code, json) = folder.json("check cut.mil");
    assert_eq!((code, &json["error_count"]), (1, &1.into()));
    assert!(json["diagnostics"][0]["line"].is_u64(), "{json}");
}

#[test]
fn limits_have_levels() {
    let folder = Folder::new();
    folder.write("narrow.mil", SMALL.replace("64]", "32]"));
    for (options, code, summary) in [
        ("", 1, "2 errors (2 operations)"),
        ("--warn placeholder-width", 0, "no errors, 2 warnings (2 operations)"),
        ("--allow placeholder-width", 0, "no errors and no warnings (2 operations)"),
        ("--allow all", 0, "no errors and no warnings (2 operations)"),
        ("--allow operations", 1, "2 errors (2 operations)"),
        ("--warn all --deny warnings", 1, "2 errors (2 operations)"),
        ("--allow all --deny placeholder-width", 1, "2 errors (2 operations)"),
    ] {
        let ran = folder.anemone(&format!("check narrow.mil {options}"));
        assert_eq!((ran.code, ran.out), (code, format!("narrow.mil: {summary}\n")), "{options}");
    }
}

#[test]
fn a_model_of_many_operations_is_warned_of() {
    let folder = Folder::new();
    let relus: String = (1..=61).map(|i| format!("tensor<fp16, [64]> v{i} = relu(x = v{});\n", i - 1)).collect();
    folder.write(
        "long.mil",
        format!("program(1.3) {{ func main<ios16>(tensor<fp16, [64]> v0) {{\n{relus}}} -> (v61); }}"),
    );
    let ran = folder.anemone("check long.mil").ok();
    assert_eq!(ran.out, "long.mil: no errors, 1 warning (61 operations)\n");
    assert!(ran.err.starts_with("warning[operations]: "), "{}", ran.err);
    assert_eq!(folder.anemone("check long.mil --deny warnings").code, 1);
}

#[test]
fn a_hundred_findings_are_shown_and_all_are_given() {
    let folder = Folder::new();
    let wrong: String = (0..300).map(|i| format!("tensor<fp16, [64]> v{i} = rellu(x = x);\n")).collect();
    folder
        .write("wrong.mil", format!("program(1.3) {{ func main<ios16>(tensor<fp16, [64]> x) {{\n{wrong}}} -> (x); }}"));
    let ran = folder.anemone("check wrong.mil");
    assert_eq!(ran.out, "wrong.mil: 300 errors (0 operations)\n");
    assert_eq!(ran.err.matches("error[unknown-operation]").count(), 100);
    assert!(ran.err.ends_with("note: 200 more findings; `anemone check --json` gives all of them\n\n"), "{}", ran.err);
    let (_, json) = folder.json("check wrong.mil");
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 300);
    assert_eq!(json["diagnostics"][299]["line"], 301);
}
