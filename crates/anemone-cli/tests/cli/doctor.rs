use crate::support::Folder;
use serde_json::Value;

/// Operations with few programs, among them one that the engine does not compute to the bit.
const FEW: &str = "--only erf,relu,concat";

fn report(folder: &Folder, name: &str) -> Value {
    serde_json::from_slice(&folder.read(name)).unwrap()
}

fn program<'a>(report: &'a mut Value, operation: &str) -> &'a mut Value {
    let programs = report["programs"].as_array_mut().unwrap();
    programs.iter_mut().find(|row| row["operation"] == operation).unwrap()
}

/// A report with something changed in it.
fn write_changed(folder: &Folder, name: &str, change: impl FnOnce(&mut Value)) {
    let mut changed = report(folder, "a.json");
    change(&mut changed);
    folder.write(name, changed.to_string());
}

#[test]
fn the_machine_is_examined() {
    let folder = Folder::new();
    let text = folder.anemone(&format!("doctor {FEW}")).ok();
    for expected in [
        "Neural Engine  no: ",
        "examined       the CPU engine",
        "A tiny program\n",
        "\n  run  ",
        "Operations, against the reference\n",
        "\n  concat ",
        "the CPU engine computes all ",
    ] {
        assert!(text.out.contains(expected), "{expected}\n{}", text.out);
    }
    assert!(text.out.lines().all(|l| l.chars().count() <= 80 || l.starts_with("system")), "{}", text.out);
    assert_eq!(text.err, "");

    let (_, json) = folder.json(&format!("doctor {FEW}"));
    assert_eq!((&json["doctor_schema"], &json["backend"]), (&1.into(), &"cpu".into()));
    assert_eq!(json["neural_engine"]["available"], false);
    assert_eq!(json["operations"].as_object().unwrap().keys().collect::<Vec<_>>(), ["concat", "erf", "relu"]);
    assert_eq!(json["operations"]["relu"]["right"], json["operations"]["relu"]["programs"]);
    assert_eq!(json["operations"]["erf"]["error"]["ulp"], 1);
    let programs = json["programs"].as_array().unwrap();
    let places: Vec<_> = programs.iter().map(|p| (p["operation"].as_str(), p["line"].as_u64())).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(programs.iter().all(|p| ["equal", "near"].contains(&p["status"].as_str().unwrap())));
    assert_eq!(json["paths"][0]["path"], "run");
    assert!(json["paths"][0]["run_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(json["date"].as_str().unwrap().len(), "2026-11-25T04:20:00Z".len());
}

#[test]
fn all_operations_are_right_on_the_cpu() {
    let folder = Folder::new();
    folder.anemone("doctor --save all.json --backend cpu").ok();
    let report = report(&folder, "all.json");
    let operations = report["operations"].as_object().unwrap();
    assert_eq!(operations.len(), anemone_ir::op::SCHEMAS.len());
    let right: u64 = operations.values().map(|o| o["right"].as_u64().unwrap()).sum();
    assert_eq!(right as usize, report["programs"].as_array().unwrap().len());
    assert!(right > 500, "{right}");
    assert_eq!(report["verdict"]["healthy"], true);
    assert_eq!(folder.entries(), ["all.json"]);
}

#[test]
fn what_changed_is_told() {
    let folder = Folder::new();
    let saved = folder.anemone(&format!("doctor {FEW} --save a.json")).ok();
    assert!(saved.out.contains("saved to a.json"), "{}", saved.out);

    let same = folder.anemone(&format!("doctor {FEW} --compare a.json")).ok();
    assert!(same.out.contains("nothing got worse, and nothing better"), "{}", same.out);
    let fewer = folder.anemone("doctor --only erf --compare a.json").ok();
    assert!(fewer.out.contains("only before, 0 only now"), "{}", fewer.out);

    write_changed(&folder, "failed.json", |report| {
        let row = program(report, "relu");
        row["status"] = "compile-fails".into();
        row["error"] = Value::Null;
    });
    let passing = folder.anemone("doctor --show a.json --compare failed.json").ok();
    assert!(passing.out.contains("newly passing: relu:"), "{}", passing.out);
    let failing = folder.anemone("doctor --show failed.json --compare a.json");
    assert_eq!(failing.code, 3, "{}{}", failing.out, failing.err);
    assert!(failing.out.contains("newly failing: relu:4: does not compile; before: equal, 0 ulp"), "{}", failing.out);

    write_changed(&folder, "grown.json", |report| {
        let row = program(report, "erf");
        row["status"] = "near".into();
        row["error"] = serde_json::json!({ "ulp": 17, "abs": 0.5 });
        report["machine"]["os_build"] = "26A1".into();
        report["paths"][0]["run_seconds"] = 60.0.into();
    });
    let (code, json) = folder.json("doctor --show grown.json --compare a.json");
    assert_eq!(code, 3);
    let changes = &json["changes"];
    assert_eq!((&changes["worse"], &changes["changes"][0]["kind"]), (&true.into(), &"error-grew".into()));
    assert_eq!(changes["circumstances"][0]["what"], "system");
    assert_eq!(changes["latencies"][0]["now_seconds"], 60.0);
    let (code, json) = folder.json("doctor --show a.json --compare grown.json");
    assert_eq!((code, &json["changes"]["changes"][0]["kind"]), (0, &"error-shrank".into()));
}

#[test]
fn a_report_with_something_wrong_is_shown() {
    let folder = Folder::new();
    folder.anemone(&format!("doctor {FEW} --save a.json")).ok();
    write_changed(&folder, "ane.json", |report| {
        report["backend"] = "ane".into();
        report["verdict"] = serde_json::json!({ "healthy": false, "text": "some are wrong" });
        let row = program(report, "relu");
        row["status"] = "departs".into();
        row["departure"] = serde_json::json!({
            "line": 4, "output": "y", "index": 3, "wanted": "1.0", "got": "NaN", "count": 1, "of": 11,
        });
        let row = program(report, "erf");
        row["status"] = "unsuitable".into();
        row["message"] = "the generation has no erf".into();
        report["neural_engine"]["methods"] = serde_json::json!([{
            "name": "-[_ANEClient echo:]", "expected": "B@:@", "found": "c@:@", "usable": false, "required": true,
            "since": "macOS 13", "source": "somebody",
        }]);
        report["paths"][0]["error"] = "status 0x1d".into();
    });
    let shown = folder.anemone("doctor --show ane.json");
    assert_eq!(shown.code, 1);
    for expected in [
        "the Neural Engine\n",
        "0 of 1 method are as expected",
        "differs: -[_ANEClient echo:]\n      c@:@\n      expected: B@:@\n      needed; since macOS 13; source: somebody",
        "fails: run:\n      status 0x1d",
        "Not tried\n  1 program, such as\n      erf:",
        "the generation has no erf",
        "relu:4            departs\n      line 4: y[3] is NaN, wanted is 1.0 (1 of 11)",
        "some are wrong",
    ] {
        assert!(shown.out.contains(expected), "{expected}\n{}", shown.out);
    }
}

#[test]
fn files_that_are_no_reports() {
    let folder = Folder::new();
    folder.anemone(&format!("doctor {FEW} --save a.json")).ok();
    write_changed(&folder, "newer.json", |report| report["doctor_schema"] = 99.into());
    write_changed(&folder, "less.json", |report| {
        report.as_object_mut().unwrap().remove("programs");
    });
    let whole = folder.read("a.json");
    folder.write("half.json", &whole[..whole.len() / 2]);
    folder.write("other.json", "{\"schema\": 1}");
    folder.write("binary.json", [0xff, 0xfe]);
    for (file, expected) in [
        ("missing.json", &["cannot read missing.json"][..]),
        ("newer.json", &["newer.json is a report of version 99", "reads version 1", "= help:"]),
        ("less.json", &["less.json is no report", "missing field `programs`"]),
        ("half.json", &["half.json is no report", "= help:"]),
        ("other.json", &["no field `doctor_schema`"]),
        ("binary.json", &["binary.json"]),
    ] {
        folder.anemone(&format!("doctor --only relu --compare {file}")).fails(1, expected);
        folder.anemone(&format!("doctor --show {file}")).fails(1, expected);
    }
    // What cannot be written leaves nothing behind.
    let before = folder.entries();
    folder.anemone("doctor --only relu --save a.json/b").fails(1, &["a.json"]);
    assert_eq!(folder.entries(), before);
}

/// Without a framework there is nothing to examine; with the test double there is.
#[cfg(not(any(feature = "double", target_vendor = "apple")))]
#[test]
fn no_neural_engine_is_no_report() {
    let folder = Folder::new();
    folder.anemone("doctor --backend ane").fails(1, &["the Neural Engine cannot be examined", "= help:"]);
}

#[test]
fn a_worker_answers_what_it_is_asked() {
    let folder = Folder::new();
    let ask = |lines: &str| {
        folder.write("questions", lines);
        let mut command = folder.command("doctor-worker --backend cpu");
        command.stdin(std::fs::File::open(folder.path("questions")).unwrap());
        let out = crate::support::ran(command).ok().out;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let answers = ask("\"paths\"\n{\"program\":\"relu:4\"}\n{\"program\":\"relu:3\"}\n{\"program\":\"x\"}\nnonsense\n");
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["paths"][0], "run");
    assert_eq!(answers[1]["program"]["status"], "equal");
    assert!(answers[2..].iter().all(|answer| answer["wrong"].is_string()), "{answers:?}");
    assert_eq!(ask(""), Vec::<Value>::new());
}

/// On the test double of Apple's framework; the suite of `anemone-double` runs it.
#[cfg(feature = "double")]
#[test]
#[ignore = "needs the double; its suite runs it"]
fn the_double_is_examined() {
    let folder = Folder::new();
    let text = folder.anemone(&format!("doctor {FEW},equal --save a.json")).ok();
    for expected in ["nothing below is about hardware", "private framework of Apple's"] {
        assert!(text.err.contains(expected), "{}", text.err);
    }
    for expected in ["(the test double)", "examined       the Neural Engine", "\nNot tried\n", "ane-port: "] {
        assert!(text.out.contains(expected), "{expected}\n{}", text.out);
    }
    let report = report(&folder, "a.json");
    assert_eq!((&report["backend"], &report["neural_engine"]["double"]), (&"ane".into(), &true.into()));
    let methods = report["neural_engine"]["methods"].as_array().unwrap();
    assert!(methods.len() > 20 && methods.iter().all(|m| m["usable"] == true && m["found"].is_string()));
    let paths = report["paths"].as_array().unwrap();
    assert_eq!(paths.len(), 7);
    for row in paths {
        assert!(row["error"].is_null() && row["run_seconds"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert!(report["operations"]["relu"]["right"].as_u64().unwrap() > 0);
    assert_eq!(report["operations"]["equal"]["programs"], report["operations"]["equal"]["unsuitable"]);
    folder.anemone(&format!("doctor {FEW} --compare a.json")).ok();

    // A framework that is not there is a row, and the CPU engine is examined.
    let mut command = folder.command("doctor --only relu");
    command.env("ANEMONE_DOUBLE", "/does/not/exist.so");
    let without = crate::support::ran(command).ok();
    assert!(without.out.contains("examined       the CPU engine"), "{}", without.out);
    assert!(without.out.contains("/does/not/exist.so"), "{}", without.out);
}
