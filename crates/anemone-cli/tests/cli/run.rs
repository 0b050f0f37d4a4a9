use crate::support::{Folder, halves, npy, with_weights};
use half::f16;

/// The elements of a file that the program wrote, which has a header of 128 bytes.
fn written(folder: &Folder, name: &str) -> Vec<f32> {
    let file = folder.read(name);
    let header = String::from_utf8_lossy(&file[10..128]).into_owned();
    assert!(header.contains("'shape': (1, 2, 1, 64)") && header.contains("'fortran_order': False"), "{header}");
    let data = &file[128..];
    if header.contains("<f2") {
        data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
    } else {
        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

#[test]
fn files_go_in_and_come_out() {
    let folder = Folder::with_models();
    folder.write("x.npy", halves(|i| i as f32 - 64.0));
    folder.write("z.npy", halves(|i| (i % 2) as f32));
    let ran = folder.anemone("run small.mil --input z=z.npy --input x=x.npy --output out").ok();
    let expected: Vec<f32> = (0..128).map(|i| (i as f32 - 64.0).max(0.0) + (i % 2) as f32).collect();
    assert_eq!(written(&folder, "out/y.npy"), expected);
    assert_eq!(folder.entries(), ["bad.mil", "out/", "out/y.npy", "small.mil", "x.npy", "z.npy"]);
    assert_eq!(ran.err, "");
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines[0], "output  shape          dtype  min  max    mean  file");
    assert_eq!(lines[1], "y       [1, 2, 1, 64]  fp16     0   64  16.250  out/y.npy");
    assert!(lines[3].starts_with("ran on   CPU (") && lines[3].contains("Neural Engine"), "{}", lines[3]);
    assert!(lines[4].starts_with("profile  fp16: models published behaviour"), "{}", lines[4]);
    assert!(lines[5].starts_with("time     "), "{}", lines[5]);

    let (_, json) = folder.json("run small.mil -i z=z.npy -i x=x.npy -o out");
    let y = &json["outputs"][0];
    assert_eq!((&y["name"], &y["min"], &y["max"], &y["mean"]), (&"y".into(), &0.0.into(), &64.0.into(), &16.25.into()));
    assert_eq!((&y["shape"], &y["file"]), (&serde_json::json!([1, 2, 1, 64]), &"out/y.npy".into()));
    assert_eq!((&json["function"], &json["ran_on"]["backend"]), (&"main".into(), &"cpu".into()));
    assert!(json["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn inputs_can_be_made_up() {
    let folder = Folder::with_models();
    let mean =
        |x: &str| folder.json(&format!("run small.mil -i x={x} -i z=ones")).1["outputs"][0]["mean"].as_f64().unwrap();
    assert_eq!((mean("zeros"), mean("ones")), (1.0, 2.0));
    assert_eq!(mean("random"), mean("random:0"));
    assert_ne!(mean("random"), mean("random:1"));
    assert!((1.0..1.5).contains(&mean("random:99")));
}

#[test]
fn threads_and_levels_do_not_change_a_byte() {
    let folder = Folder::new();
    folder.write_model("a.mil", &with_weights(1.0));
    folder.anemone("run a.mil -i x=random -o one --threads 1").ok();
    folder.anemone("run a.mil -i x=random -o four --threads 4").ok();
    let mut scalar = folder.command("run a.mil -i x=random -o scalar");
    scalar.env("ANEMONE_SIMD", "scalar");
    crate::support::ran(scalar).ok();
    assert_eq!(folder.read("one/y.npy"), folder.read("four/y.npy"));
    assert_eq!(folder.read("one/y.npy"), folder.read("scalar/y.npy"));
}

#[test]
fn singles_are_rounded_for_halves() {
    let folder = Folder::with_models();
    let data: Vec<u8> = (0..128).flat_map(|i| if i == 5 { 1e6f32 } else { 1.0 + 1.0 / 4096.0 }.to_le_bytes()).collect();
    folder.write("x.npy", npy("<f4", false, "(1, 2, 1, 64)", &data));
    let ran = folder.anemone("run small.mil -i x=x.npy -i z=zeros -o out").ok();
    let y = written(&folder, "out/y.npy");
    assert_eq!((y[0], y[5]), (1.0, f32::INFINITY));
    assert_eq!(
        ran.err,
        "warning: input `x`: 1 of 128 elements are beyond fp16, which ends at 65504, and become infinite\n"
    );
    // Infinities are counted, and left out of the other numbers.
    assert!(ran.out.starts_with("output  shape          dtype  min  max  mean  nan  inf  file\n"), "{}", ran.out);
    assert!(ran.out.contains("fp16     1    1     1    0    1  out/y.npy\n"), "{}", ran.out);
    // The profile f32 keeps them, and writes what it keeps.
    folder.anemone("run small.mil -i x=x.npy -i z=zeros -o wide --profile f32").ok();
    let y = written(&folder, "wide/y.npy");
    assert_eq!((y[0], y[5]), (1.0 + 1.0 / 4096.0, 1e6));
}

#[test]
fn every_mistake_in_the_inputs_is_reported_at_once() {
    let folder = Folder::with_models();
    let ran = folder.anemone("run small.mil --input x=nowhere.npy --input q=ones").fails(1, &[]);
    let expected = "\
error: the function `main` has no input `q`
error: cannot read input `x` from nowhere.npy: No such file or directory (os error 2)
error: the input `z` (fp16[1, 2, 1, 64]) is not given
  = help: add --input z=FILE.npy, or z=random, z=zeros, z=ones
note: the function `main` has 2 inputs:
  x  fp16  [1, 2, 1, 64]
  z  fp16  [1, 2, 1, 64]
";
    assert_eq!(ran.err, expected);
    let (_, json) = folder.json("run small.mil --input x=nowhere.npy --input q=ones");
    let kinds: Vec<_> = json["errors"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["input-unknown", "io", "input-missing"]);
    folder.anemone("run small.mil --function f").fails(1, &["has no function `f`", "it has `main`"]);
}

#[test]
fn files_that_do_not_fit_are_refused_and_nothing_is_written() {
    let folder = Folder::with_models();
    let shape = "(1, 2, 1, 64)";
    let cases: &[(&[u8], &[&str])] = &[
        (
            &npy("<f8", false, shape, &[0; 1024]),
            &["x.npy is float64[1, 2, 1, 64], and the input is fp16", "astype(\"float16\")"],
        ),
        (&npy("<i4", false, shape, &[0; 512]), &["is int32[1, 2, 1, 64], and the input is fp16[1, 2, 1, 64]"]),
        (
            &npy("<f2", false, "(2, 64)", &[0; 256]),
            &["is float16[2, 64], and the input is", "x.reshape([1, 2, 1, 64])"],
        ),
        (
            &npy("<f2", false, "(1, 3, 1, 64)", &[0; 384]),
            &["is float16[1, 3, 1, 64], and the input is fp16[1, 2, 1, 64]"],
        ),
        (&npy(">f2", false, shape, &[0; 256]), &["big-endian", "astype(\"<f2\")"]),
        (&npy("<f2", true, shape, &[0; 256]), &["Fortran order", "ascontiguousarray"]),
        (&npy("|O", false, shape, &[0; 256]), &["Python objects"]),
        (&npy("<U8", false, shape, &[0; 256]), &["elements of type `<U8`"]),
        (&npy("<f2", false, shape, &[0; 255]), &["is cut short", "takes 256 bytes, and 255 are there"]),
        (&npy("<f2", false, shape, &[0; 257]), &["goes on after the 256 bytes"]),
        (&npy("<f2", false, "(99999999999, 2, 1, 64)", &[0; 16]), &["is float16[99999999999, 2, 1, 64]"]),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", &["says that its header has 4294967295 bytes"]),
        (b"PK\x03\x04", &["is not a .npy file", "numpy.save"]),
        (b"", &["is not a .npy file"]),
    ];
    for (file, expected) in cases {
        folder.write("x.npy", file);
        let ran = folder.anemone("run small.mil --input x=x.npy --input z=ones --output out").fails(1, expected);
        assert!(ran.err.starts_with("error: input `x`: x.npy ") && ran.err.contains("has 2 inputs"), "{}", ran.err);
        assert!(!folder.path("out").exists());
    }
    folder.anemone("run small.mil --input x=. --input z=ones").fails(1, &["input `x`: . is a folder"]);
}

#[cfg(target_os = "linux")]
#[test]
fn files_without_end_are_not_read_to_it() {
    let folder = Folder::with_models();
    folder.anemone("run small.mil -i x=/dev/zero -i z=ones").fails(1, &["/dev/zero is not a .npy file"]);
}

#[test]
fn other_types_go_in_and_come_out() {
    let folder = Folder::new();
    let text = "program(1.3) { func main<ios17>(tensor<int32, [3]> i, tensor<bool, [3]> b, tensor<int8, [3]> n) {\n\
                tensor<int32, [3]> j = add(x = i, y = i);\n\
                tensor<bool, [3]> c = logical_not(x = b);\n\
                tensor<int8, [3]> m = identity(x = n); } -> (j, c, m); }";
    folder.write("types.mil", text);
    let ints: Vec<u8> = [7i32, -8, 1 << 29].iter().flat_map(|i| i.to_le_bytes()).collect();
    folder.write("i.npy", npy("<i4", false, "(3,)", &ints));
    folder.write("b.npy", npy("|b1", false, "(3,)", &[1, 0, 1]));
    folder.write("n.npy", npy("|i1", false, "(3,)", &[1, 0xff, 0x80]));
    let ran = folder.anemone("run types.mil -i i=i.npy -i b=b.npy -i n=n.npy -o out").ok();
    assert!(ran.out.contains("j       [3]    int32"), "{}", ran.out);
    let doubled: Vec<u8> = [14i32, -16, 1 << 30].iter().flat_map(|i| i.to_le_bytes()).collect();
    assert_eq!(folder.read("out/j.npy")[128..], doubled);
    assert_eq!(folder.read("out/c.npy")[128..], [0, 1, 0]);
    assert_eq!(folder.read("out/m.npy")[128..], [1, 0xff, 0x80]);
    folder.write("b.npy", npy("|b1", false, "(3,)", &[1, 2, 0]));
    folder.anemone("run types.mil -i i=i.npy -i b=b.npy -i n=n.npy").fails(1, &["has the byte 2 for element 1"]);
    folder.write("i.npy", npy("<i8", false, "(3,)", &[0; 24]));
    folder.anemone("run types.mil -i i=i.npy -i b=ones -i n=ones").fails(1, &["is int64[3]", "astype(\"int32\")"]);
}

#[test]
fn outputs_appear_all_or_none() {
    let folder = Folder::with_models();
    folder.write("two.mil", crate::support::SMALL.replace("-> (y)", "-> (r, y)"));
    folder.write("out/r.npy", "before");
    // The second file cannot be written: a folder is in its place.
    folder.write("out/y.npy/in-the-way", "");
    let before = folder.entries();
    folder.anemone("run two.mil -i x=ones -i z=ones -o out").fails(1, &["out/y.npy", "not a regular file"]);
    assert_eq!((folder.entries(), folder.read("out/r.npy")), (before, b"before".to_vec()));
    // A file where the folder should be.
    folder.anemone("run two.mil -i x=ones -i z=ones -o small.mil").fails(1, &["cannot make the folder small.mil"]);
    assert_eq!(folder.read("small.mil"), crate::support::SMALL.as_bytes());
    folder.anemone("run two.mil -i x=ones -i z=ones -o new").ok();
    assert!(folder.path("new/r.npy").is_file() && folder.path("new/y.npy").is_file());
}

#[test]
fn tensors_that_fit_no_memory_are_an_error() {
    let folder = Folder::new();
    let text = "program(1.3) { func main<ios16>(tensor<fp16, [1048576, 1048576]> x) {\n\
                tensor<fp16, [1048576, 1048576]> y = relu(x = x); } -> (y); }";
    folder.write("huge.mil", text);
    folder.anemone("run huge.mil -i x=ones").fails(1, &["no memory for a tensor of 2.00 TiB"]);
}

#[test]
fn the_place_can_be_asked_for() {
    let folder = Folder::with_models();
    let run = "run small.mil -i x=ones -i z=ones";
    let cpu = folder.anemone(&format!("{run} --backend cpu")).ok();
    assert!(cpu.out.contains("ran on   CPU (") && cpu.out.contains("): that was asked for\n"), "{}", cpu.out);
    folder
        .anemone(&format!("{run} --backend ane --profile f32 -o out"))
        .fails(2, &["the profile f32 is the CPU's: the Neural Engine rounds to half precision"]);
    assert_eq!(folder.entries(), ["bad.mil", "small.mil"]);
}

/// Where there is no Neural Engine, asking for it is an error that says why, and not asking names the reason.
#[cfg(not(any(feature = "double", target_vendor = "apple")))]
#[test]
fn a_neural_engine_that_is_not_there_is_no_engine() {
    let folder = Folder::with_models();
    let run = "run small.mil -i x=ones -i z=ones";
    folder.anemone(&format!("{run} --backend ane")).fails(1, &["error", "has no Neural Engine"]);
    let (_, json) = folder.json(run);
    assert_eq!(json["ran_on"]["backend"], "cpu");
    assert!(json["ran_on"]["why"].as_str().unwrap().contains("has no Neural Engine"), "{json}");
}

/// On the test double of Apple's framework; the suite of `anemone-double` runs it.
#[cfg(feature = "double")]
#[test]
#[ignore = "needs the double; its suite runs it"]
fn a_model_runs_on_the_double() {
    let folder = Folder::with_models();
    let run = "run small.mil -i x=ones -i z=ones";
    for path in ["in-memory", "client", "direct", "real-time"] {
        let (_, json) = folder.json(&format!("{run} --backend ane --path {path}"));
        let ran_on = &json["ran_on"];
        assert_eq!((&ran_on["backend"], &ran_on["path"]), (&"ane".into(), &path.into()));
        assert_eq!(ran_on["transfers"], serde_json::json!({"inputs": ["copied", "copied"], "outputs": ["copied"]}));
        assert_eq!(json["outputs"][0]["mean"], 2.0);
    }
    let text = folder.anemone(run).ok();
    assert!(text.out.contains("ran on   Neural Engine (in-memory path; compiled now)"), "{}", text.out);
    // What the engine is known not to take runs on the CPU, which says so.
    folder.write("fp32.mil", "program(1.3)\n{\n    func main<ios17>(tensor<fp32, [4]> x) {\n        tensor<fp32, [4]> y = relu(x = x);\n    } -> (y);\n}\n");
    let fell_back = folder.anemone("run fp32.mil -i x=ones").ok();
    assert!(
        fell_back.out.contains("ran on   CPU (") && fell_back.err.contains("ane-"),
        "{}{}",
        fell_back.out,
        fell_back.err
    );
    folder.anemone("run fp32.mil -i x=ones --backend ane --reproduction left").fails(1, &["does not take the program"]);
}
