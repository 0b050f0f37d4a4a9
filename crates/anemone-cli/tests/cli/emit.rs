use crate::support::{Folder, SMALL, with_weights};

#[test]
fn text_on_stdout_is_canonical() {
    let folder = Folder::with_models();
    let first = folder.anemone("emit small.mil").ok();
    assert_eq!(first.err, "");
    assert!(first.out.starts_with("program(1.3)\n"), "{}", first.out);
    folder.write("again.mil", &first.out);
    assert_eq!(folder.anemone("emit again.mil").ok().out, first.out);
    let (_, json) = folder.json("emit small.mil");
    assert_eq!((&json["text"], &json["dialect"]), (&first.out.into(), &"1.3".into()));

    let old = folder.anemone("emit small.mil --dialect 1.0").ok().out;
    assert!(old.starts_with("program(1.0)\n"), "{old}");
    folder.write("old.mil", &old);
    assert_eq!(folder.anemone("emit old.mil").ok().out, old, "the file's own dialect");
}

#[test]
fn weights_are_written_with_the_text() {
    let folder = Folder::new();
    folder.write_model("m/a.mil", &with_weights(1.0));
    let text = folder.anemone("emit m/a.mil").ok();
    assert!(text.out.contains("@model_path/weights/weight.bin"), "{}", text.out);
    assert!(
        text.err.contains("note: the text refers to weights/weight.bin") && text.err.contains("-o FILE"),
        "{}",
        text.err
    );

    let written = folder.anemone("emit m/a.mil -o new/copy/a.mil").ok();
    assert_eq!(written.err, "");
    assert_eq!(folder.read("new/copy/a.mil"), text.out.as_bytes());
    assert_eq!(folder.read("new/copy/weights/weight.bin"), folder.read("m/weights/weight.bin"));
    let entries = ["new/", "new/copy/", "new/copy/a.mil", "new/copy/weights/", "new/copy/weights/weight.bin"];
    assert_eq!(folder.entries()[4..], entries);
    folder.anemone("check new/copy/a.mil").ok();

    let (_, json) = folder.json("emit m/a.mil -o new/copy/a.mil");
    assert_eq!(json["files"][1]["unchanged"], true);
}

#[test]
fn a_model_can_be_written_onto_itself() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    let canonical = folder.read("a.mil");
    // Written differently, with a name that a canonical file would not have for its weights.
    let text = String::from_utf8(canonical.clone()).unwrap();
    folder.write("weights/own.bin", folder.read("weights/weight.bin"));
    folder.write("weights/weight.bin", "something else");
    folder.write("a.mil", text.replace("weight.bin", "own.bin").replace("    ", " "));
    folder.anemone("emit a.mil -o a.mil").ok();
    assert_eq!(folder.read("a.mil"), canonical);
    folder.anemone("check a.mil").ok();
    assert_eq!(folder.entries(), ["a.mil", "weights/", "weights/own.bin", "weights/weight.bin"]);
}

#[test]
fn what_others_need_is_not_replaced() {
    let folder = Folder::new();
    folder.write_model("one/a.mil", &with_weights(1.0));
    folder.write_model("two/b.mil", &with_weights(2.0));
    folder.write("notes.txt", "do not lose me");
    let before: Vec<_> = folder.entries();
    let weights = folder.read("one/weights/weight.bin");
    // Weights that another model reads: beside a new text, beside its own text, below a pipeline's folder.
    folder
        .anemone("emit two/b.mil -o one/b.mil")
        .fails(1, &["weights/weight.bin is there", "one/a.mil may read it", "--force"]);
    folder.write("one/b.mil", SMALL);
    folder.anemone("emit two/b.mil -o one/b.mil").fails(1, &["one/a.mil may read it"]);
    std::fs::remove_file(folder.path("one/b.mil")).unwrap();
    // Files that are no MIL text.
    folder.anemone("emit two/b.mil -o notes.txt").fails(1, &["notes.txt is there, and is no MIL text"]);
    folder.anemone("emit one/a.mil -o one/weights/weight.bin").fails(1, &["is no MIL text"]);
    folder.anemone("emit one/a.mil -o one").fails(1, &["one", "not a regular file"]);
    folder.anemone("emit one/a.mil -o /dev/null").fails(1, &["/dev/null", "not a regular file"]);
    assert_eq!((folder.entries(), folder.read("one/weights/weight.bin")), (before, weights.clone()));
    // The same weights are no trouble, nor is another model that takes the place of the only one; nor force.
    folder.anemone("emit one/a.mil -o one/copy.mil").ok();
    std::fs::remove_file(folder.path("one/copy.mil")).unwrap();
    folder.anemone("emit two/b.mil -o one/a.mil").ok();
    assert_ne!(folder.read("one/weights/weight.bin"), weights);
    folder.anemone("check one/a.mil").ok();
    folder.anemone("emit two/b.mil -o notes.txt --force").ok();
}

#[test]
fn weights_that_belong_to_nobody_known_are_kept() {
    let folder = Folder::new();
    folder.write_model("m/a.mil", &with_weights(1.0));
    folder.write("to/weights/weight.bin", "whose?");
    folder.anemone("emit m/a.mil -o to/a.mil").fails(1, &["it does not belong to to/a.mil"]);
    assert_eq!(folder.read("to/weights/weight.bin"), b"whose?");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_where_nothing_may_be() {
    let folder = Folder::new();
    folder.write_model("m/a.mil", &with_weights(1.0));
    // `weights` cannot become a folder, so the text does not appear either.
    folder.write("to/weights", "a file");
    let before = folder.entries();
    folder.anemone("emit m/a.mil -o to/a.mil").fails(1, &["cannot make the folder to/weights"]);
    assert_eq!(folder.entries(), before);
}

/// Two constants that go into files, an operation that older engines do not have, and one whose argument is left out.
const NETWORK: &str = r#"program(1.3)
{
    func main<ios17>(tensor<fp16, [1, 4, 1, 64]> x) {
        tensor<fp16, [4, 4, 1, 1]> w = const()[val = tensor<fp16, [4, 4, 1, 1]>([[[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[8]]], [[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[8]]]])];
        tensor<fp16, [1, 4, 1, 64]> y = conv(weight = w, x = x);
        tensor<fp16, [4, 4, 1, 1]> v = const()[val = tensor<fp16, [4, 4, 1, 1]>([[[[2]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[8]]], [[[1]], [[2]], [[3]], [[4]]], [[[5]], [[6]], [[7]], [[8]]]])];
        tensor<fp16, [1, 4, 1, 64]> z = conv(weight = v, x = y);
        tensor<fp16, [1, 4, 1, 64]> s = rsqrt(x = z);
    } -> (s);
}
"#;

#[test]
fn a_program_is_written_for_a_neural_engine() {
    let folder = Folder::new();
    folder.write("net.mil", NETWORK);
    let written = folder.anemone("emit net.mil --for m1 -o m1/model.mil").ok();
    let weights: Vec<_> = folder.entries().into_iter().filter(|e| e.ends_with(".bin")).collect();
    assert_eq!(weights.len(), 2, "an M1 has a file for each constant: {weights:?}");
    let text = String::from_utf8(folder.read("m1/model.mil")).unwrap();
    assert!(text.starts_with("program(1.0)") && text.contains("i000") && text.contains("-> (o000)"), "{text}");
    for argument in ["strides", "pad_type", "pad", "dilations", "groups", "epsilon"] {
        assert!(text.contains(&format!("{argument} =")), "{argument}: {text}");
    }
    assert!(
        written.err.contains("for M1 (h13): ") && written.err.contains("`x`: called i000 (ports"),
        "{}",
        written.err
    );
    folder.anemone("check m1/model.mil --for m1").ok();

    let (_, json) = folder.json("emit net.mil --for h16g");
    assert_eq!((&json["target"]["chip"], &json["dialect"]), (&"M4".into(), &"1.3".into()));
    let changes = json["target"]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|c| c["operation"] == "rsqrt" && c["row"] == "arguments"), "{changes:?}");
}

#[test]
fn what_a_neural_engine_does_not_take_is_an_error_of_emit_and_a_finding_of_check() {
    let folder = Folder::new();
    folder.write("net.mil", NETWORK.replace("rsqrt", "sin"));
    let expected = ["in `sin`", "ANEForge", "net.mil has 1 error for a Neural Engine of M1 (h13)"];
    folder.anemone("emit net.mil --for m1 -o m1/model.mil").fails(1, &expected);
    assert_eq!(folder.entries(), ["net.mil"]);
    let check = folder.anemone("check net.mil --for m2");
    assert!(check.code == 1 && check.err.contains("in `sin`"), "{}", check.err);
    let newer = folder.anemone("check net.mil --for m4").ok();
    assert!(newer.err.contains("warning[") && newer.err.contains("may be refused"), "{}", newer.err);
    folder.anemone("check net.mil").ok();
    // An operation that is refused is none that only moves data.
    folder.write("fp32.mil", NETWORK.replace("fp16", "fp32").replace("rsqrt", "relu"));
    let refused = folder.anemone("check fp32.mil --for m1");
    assert!(refused.code == 1 && !refused.err.contains("only moves data"), "{}", refused.err);
    folder.anemone("emit net.mil --for m9").fails(2, &["the chips are m1, m2, m3, m4, m5"]);
}
