//! What holds for every verb.

use crate::support::{Folder, ran};
use std::io::Read;
use std::process::Stdio;

const VERBS: [&str; 9] = ["run", "check", "emit", "convert", "compare", "bench", "inspect", "info", "doctor"];

#[test]
fn help_teaches() {
    let folder = Folder::new();
    let short = folder.anemone("--help").ok();
    assert_eq!(short.err, "");
    for verb in VERBS {
        assert!(short.out.contains(&format!("\n  {verb} ")), "{}", short.out);
        assert!(!short.out.contains("worker"), "{}", short.out);
        for args in [format!("help {verb}"), format!("{verb} --help")] {
            let help = folder.anemone(&args).ok().out;
            assert!(help.contains("\nExamples:\n") && help.contains(&format!("  anemone {verb}")), "{help}");
            // Lines that are laid out must not be broken where a terminal has a hundred columns.
            assert!(help.lines().all(|l| l.chars().count() <= 100), "{help}");
        }
    }
    for text in ["Exit codes:", "ANEMONE_THREADS", "--json", "not the hardware", "private"] {
        assert!(short.out.contains(text), "{text}");
    }
    insta::assert_snapshot!("help", short.out);
    insta::assert_snapshot!("help_run", folder.anemone("help run").out);
}

/// Results are the same on every machine, so what README shows can be compared with what comes out.
#[test]
fn the_readme_shows_what_happens() {
    let folder = Folder::new();
    let readme = include_str!("../../../../README.md");
    folder.write("examples/attention.mil", include_str!("../../../../examples/attention.mil"));
    let line = readme.lines().find_map(|l| l.strip_prefix("$ anemone run ")).unwrap();
    let out = folder.anemone(&format!("run {line}")).ok().out;
    let table: String = out.lines().take(3).map(|l| format!("{l}\n")).collect();
    assert!(readme.contains(&table), "{out}");
    folder.anemone("check examples/attention.mil --deny warnings").ok();
}

#[test]
fn the_command_line_itself_may_be_wrong() {
    let folder = Folder::with_models();
    for args in [
        "",
        "fly",
        "run",
        "run small.mil --input",
        "run small.mil --input x",
        "run small.mil --input =x.npy",
        "run small.mil --input x=random:-1",
        "run small.mil --profile fp8",
        "run small.mil --threads 0",
        "run small.mil --threads many",
        "run small.mil --input x=ones --input x=zeros",
        "check",
        "check small.mil --deny gravity",
        "emit small.mil --dialect 2.0",
        "emit small.mil --force",
        "bench small.mil --seconds 0",
        "bench small.mil --seconds 1 --iterations 5",
        "compare small.mil",
        "convert small.mil",
        "convert small.mil out.onnx",
        "convert small.mil out.mil --dtype fp8",
        "compare small.mil small.mil --parted loud",
        "run small.mil --shape x",
        "run small.mil --shape x=1,0",
        "run small.mil --steps 0",
        "run small.mil --dump =y.npy",
        "inspect",
        "info extra",
        "doctor --only fly",
        "doctor --backend gpu",
        "doctor --show a.json --backend cpu",
        "doctor --timeout 0",
    ] {
        let ran = folder.anemone(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args}: {}", ran.err);
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn models_that_cannot_be_read() {
    let folder = Folder::new();
    folder.write("package.mlpackage/Manifest.json", "{}");
    folder.write("network.onnx", "x");
    folder.write("weights.safetensors", "x");
    folder.write("folder/other", "x");
    folder.write("binary.mil", [0xff, 0xfe]);
    for verb in ["run", "check", "emit", "bench", "inspect"] {
        for (model, expected) in [
            ("missing.mil", &["cannot read missing.mil"][..]),
            ("package.mlpackage", &["package.mlpackage/Manifest.json: it has no `fileFormatVersion`"]),
            ("network.onnx", &["an ONNX model, which this version does not read yet", "= help:"]),
            ("weights.safetensors", &["not a model of MIL", "= help:"]),
            ("folder", &["folder: it is a folder, but not of a model", "= help:"]),
            ("binary.mil", &["binary.mil", "UTF-8"]),
            ("/dev/null", &["/dev/null is not a regular file"]),
        ] {
            folder.anemone(&format!("{verb} {model}")).fails(1, expected);
        }
    }
    let (code, json) = folder.json("run network.onnx");
    assert_eq!((code, &json["errors"][0]["kind"]), (1, &"model-kind".into()));
}

#[test]
fn a_folder_of_a_compiled_model_is_a_model() {
    let folder = Folder::new();
    folder.write("m.mlmodelc/model.mil", crate::support::SMALL);
    let checked = folder.anemone("check m.mlmodelc").ok();
    assert_eq!(checked.out, "m.mlmodelc: no errors and no warnings (2 operations)\n");
}

#[test]
fn wrong_models_fail_with_the_report_and_without_output() {
    let folder = Folder::with_models();
    for args in ["run bad.mil --output out", "emit bad.mil -o out/m.mil", "bench bad.mil", "inspect bad.mil"] {
        let expected =
            ["error[unknown-operation]", "--> bad.mil:4:41", "^^^^^", "is `relu` meant?", "error[broadcast]"];
        folder.anemone(args).fails(1, &expected);
        let (_, json) = folder.json(args);
        assert_eq!(json["errors"][0]["message"], "bad.mil has 2 errors");
        assert_eq!(json["diagnostics"][1]["slug"], "broadcast");
    }
    assert_eq!(folder.entries(), ["bad.mil", "small.mil"]);
}

#[test]
fn logs_go_to_stderr_as_asked() {
    let folder = Folder::with_models();
    let given = |verb: &str, name: &str, value: &str| {
        let mut command = folder.command(&format!("{verb} small.mil"));
        command.env(name, value);
        ran(command)
    };
    let with = |name: &str, value: &str| given("check", name, value);
    let wrong = with("ANEMONE_LOG", "anemone=shout").fails(2, &["ANEMONE_LOG holds `anemone=shout`", "= help:"]);
    assert!(!wrong.err.contains("small.mil"));
    with("RUST_LOG", "a=b=c").fails(2, &["RUST_LOG"]);
    let traced = with("ANEMONE_LOG", "trace").ok();
    assert_eq!(traced.out, "small.mil: no errors and no warnings (2 operations)\n");

    assert_eq!(given("inspect", "ANEMONE_LOG", "warn").ok().err, "");
    let planned = given("inspect", "ANEMONE_LOG", "debug").ok();
    assert!(planned.err.contains("planned") && !planned.out.contains("planned"), "{}", planned.err);
    let steps = given("inspect", "RUST_LOG", "anemone_cpu=trace").ok();
    assert!(steps.err.contains("bytes_read"), "{}", steps.err);
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let folder = Folder::new();
    let body: String = (0..20_000)
        .map(|i| {
            format!(
                "tensor<fp16, [64]> v{i} = relu(x = {});\n",
                if i == 0 { "x".into() } else { format!("v{}", i - 1) }
            )
        })
        .collect();
    folder.write(
        "long.mil",
        format!("program(1.3) {{ func main<ios16>(tensor<fp16, [64]> x) {{\n{body}}} -> (v19999); }}"),
    );
    for args in ["emit long.mil", "emit long.mil --json", "inspect long.mil --plan"] {
        let mut child = folder.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // More than a pipe holds is written; ten bytes are read, and the pipe is closed.
        let mut few = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut few).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args}");
        assert_eq!(output.status.code(), Some(0), "{args}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::with_models();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in ["emit small.mil", "info --json"] {
        let output = folder.command(args).stdout(full()).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && err.contains("cannot write to stdout"), "{args}: {err}");
    }
}
