use crate::support::{Folder, ran};

#[test]
fn the_machine_is_described() {
    let folder = Folder::new();
    let text = folder.anemone("info").ok();
    assert_eq!(text.err, "");
    for expected in ["version        0.1.0", "Neural Engine  no: ", "SIMD ", "scalar", "ANEMONE_SIMD         -"] {
        assert!(text.out.contains(expected), "{}", text.out);
    }
    let (_, json) = folder.json("info");
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["machine"]["arch"], std::env::consts::ARCH);
    assert_eq!(json["neural_engine"]["available"], false);
    assert_eq!(json["engine"]["profile"], "fp16");
    assert_eq!(json["simd_available"][0], "scalar");
}

#[test]
fn variables_are_heard_and_shown() {
    let folder = Folder::new();
    let mut command = folder.command("info --json");
    command.env("ANEMONE_SIMD", "scalar").env("ANEMONE_THREADS", "3");
    let json: serde_json::Value = serde_json::from_str(&ran(command).ok().out).unwrap();
    assert_eq!((&json["engine"]["simd"], &json["engine"]["threads"]), (&"scalar".into(), &3.into()));
    let shown = json["variables"].as_array().unwrap().iter().find(|v| v["name"] == "ANEMONE_THREADS").unwrap();
    assert_eq!(shown["value"], "3");
    for (name, value) in [("ANEMONE_SIMD", "sse9"), ("ANEMONE_THREADS", "many")] {
        let mut command = folder.command("info");
        command.env(name, value);
        let ran = ran(command);
        assert_eq!(ran.code, 1);
        let why = ran.out.lines().find(|l| l.contains("cannot run: ")).unwrap();
        assert!(why.contains(name) && why.contains(value), "{why}");
    }
}
