//! Models from files, by their names.

use anemone::mil::{Dialect, Form, ModelFile};
use anemone::{Array, Backend, CompileOptions, ErrorKind, Executable, Model, TensorData};
use std::fs;
use std::path::PathBuf;

/// A model as MIL text in a folder of its own.
fn text(name: &str, program: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("{name}.mil"));
    fs::write(&path, program).expect("the folder is there");
    (folder, path)
}

const FLEXIBLE: &str = r#"program(1.3)
{
    func main<ios18>(tensor<int32, [1, ?]> ids, tensor<fp16, [3]> bias)
        [FlexibleShapeInformation = tuple<tuple<string, dict<string, tensor<int32, [?]>>>, tuple<string, dict<string, list<tensor<int32, [2]>, ?>>>>((("DefaultShapes", {{"ids", [1, 4]}}), ("RangeDims", {{"ids", [[1, 1], [1, 128]]}})))] {
        tensor<fp16, [1, ?]> x = cast(dtype = string("fp16"), x = ids);
        tensor<fp16, [1, ?, 1]> column = expand_dims(axes = tensor<int32, [1]>([2]), x = x);
        tensor<fp16, [1, ?, 3]> y = add(x = column, y = bias);
        tensor<bool, [1, ?]> even = equal(x = ids, y = int32(2));
    } -> (y, even);
}
"#;

#[test]
fn open_dimensions_are_those_of_what_is_given() {
    let (_folder, path) = text("flexible", FLEXIBLE);
    let model = Model::load(&path).unwrap();
    assert_eq!(model.functions().collect::<Vec<_>>(), ["main"]);
    assert_eq!(model.inputs("main").unwrap()[0].ty.to_string(), "int32[1, ?]");
    let bias = Array::f32(&[3], vec![0.5, 1.5, -1.0]).unwrap();
    for n in [1usize, 5, 2, 5] {
        let ids = Array::i32(&[1, n], (0..n as i32).collect()).unwrap();
        let out = model.predict(&[("bias", (&bias).into()), ("ids", (&ids).into())]).unwrap();
        assert_eq!(out["y"].shape(), [1, n, 3]);
        let expected: Vec<f32> = (0..n).flat_map(|i| [0.5, 1.5, -1.0].map(|b| i as f32 + b)).collect();
        assert_eq!(out["y"].to_f32(), expected);
        let even: Vec<u8> = (0..n).map(|i| u8::from(i == 2)).collect();
        assert_eq!(out["even"].as_bools(), Some(&*even));
        assert_eq!(out.backend, Backend::Cpu);
    }
    let default = model.program("main", &[]).unwrap();
    assert_eq!(*default.main().ty(default.main().outputs[0]).dims, [1, 4, 3], "the default shape of the file");
}

#[test]
fn what_is_wrong_with_a_call_is_said() {
    let (_folder, path) = text("flexible", FLEXIBLE);
    let model = Model::load(&path).unwrap();
    let bias = Array::f32(&[3], vec![0.0; 3]).unwrap();
    let ids = Array::i32(&[1, 2], vec![0, 1]).unwrap();
    let message = |inputs: &[(&str, anemone::ArrayView<'_>)]| {
        let error = model.predict(inputs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Binding);
        error.to_string()
    };
    let has = |text: String, part: &str| assert!(text.contains(part), "{text}");
    has(message(&[("ids", (&ids).into())]), "input `bias` is missing; `main` has ids, bias");
    let all = |name, array| message(&[("ids", (&ids).into()), ("bias", (&bias).into()), (name, array)]);
    has(all("x", (&ids).into()), "`main` has no input `x`");
    has(
        message(&[("ids", (&ids).into()), ("bias", (&ids).into())]),
        "input `bias` is fp16[3], which [1, 2] does not fit",
    );
    has(message(&[("ids", (&bias).into()), ("bias", (&bias).into())]), "input `ids` is int32[1, ?]");
    let floats = Array::f32(&[1, 2], vec![0.0; 2]).unwrap();
    has(message(&[("ids", (&floats).into()), ("bias", (&bias).into())]), "input `ids` is int32, but fp32 is given");
    assert_eq!(Model::load("/nowhere/model.mlpackage").unwrap_err().kind(), ErrorKind::Model);
    let (_folder, path) = text("wrong", &FLEXIBLE.replace("add(x = column", "add(x = colum"));
    let error = Model::load(&path).unwrap().program("main", &[]).unwrap_err();
    has(error.to_string(), "is `column` meant?");
}

const COUNTER: &str = r#"program(1.3)
{
    func main<ios18>(tensor<fp16, [2]> x, state<tensor<fp16, [2]>> total) {
        tensor<fp16, [2]> old = read_state(input = total);
        tensor<fp16, [2]> new = add(x = old, y = x);
        write_state(data = new, input = total);
        tensor<fp16, [2]> y = identity(x = new);
    } -> (y);
}
"#;

#[test]
fn states_live_as_long_as_they_are_held() {
    let (_folder, path) = text("counter", COUNTER);
    let model = Model::load(&path).unwrap();
    let x = Array::f32(&[2], vec![1.0, -2.0]).unwrap();
    let mut state = model.state("main").unwrap();
    for n in 1..4 {
        let y = model.predict_stateful(&mut state, &[("x", (&x).into())]).unwrap();
        assert_eq!(y["y"].to_f32(), [n as f32, -2.0 * n as f32]);
    }
    assert_eq!(model.predict(&[("x", (&x).into())]).unwrap()["y"].to_f32(), [1.0, -2.0]);
    assert_eq!(state.get("total").unwrap().to_f32(), [3.0, -6.0]);
    state.set("total", &Array::f32(&[2], vec![10.0, 20.0]).unwrap()).unwrap();
    let y = model.predict_stateful(&mut state, &[("x", (&x).into())]).unwrap();
    assert_eq!(y["y"].to_f32(), [11.0, 18.0]);
    let error = state.set("total", &Array::f32(&[1], vec![10.0]).unwrap()).unwrap_err();
    assert!(error.to_string().contains("state `total` is fp16[2]; [1] was given"), "{error}");
    assert!(state.set("sum", &x).is_err());
}

#[test]
fn a_function_at_bound_shapes_is_an_executable() {
    let program = r#"program(1.3)
{
    func main<ios18>(tensor<fp16, [1, 2, 1, ?]> x) {
        tensor<fp16, [1, 2, 1, ?]> y = relu(x = x);
    } -> (y);
    func twice<ios18>(tensor<fp16, [1, 2, 1, 64]> x) {
        tensor<fp16, [1, 2, 1, 64]> y = add(x = x, y = x);
    } -> (y);
}
"#;
    let (_folder, path) = text("functions", program);
    let model = Model::load_with(&path, &CompileOptions::new().backend(Backend::Cpu)).unwrap();
    let executable: Executable = model.executable("main", &[("x", &[1, 2, 1, 64])]).unwrap();
    let port = &executable.inputs()[0];
    let (x, y) = (TensorData::with_f32(&[-1.0; 128], port.shape), TensorData::new(port.shape));
    executable.run(&[&x], &[&y]).unwrap();
    assert_eq!(*y.read_f32(), [0.0; 128]);
    let least = model.program("main", &[]).unwrap();
    assert_eq!(*least.main().ty(least.main().params[0]).dims, [1, 2, 1, 1], "no default is said");
    let x = Array::f32(&[1, 2, 1, 64], vec![3.0; 128]).unwrap();
    assert_eq!(model.predict_function("twice", &[("x", (&x).into())]).unwrap()["y"].to_f32(), [6.0; 128]);
    assert!(model.predict_function("thrice", &[]).unwrap_err().to_string().contains("it has main, twice"));
}

#[test]
fn models_are_shared_among_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    let (_folder, path) = text("flexible", FLEXIBLE);
    let model = shared(Model::load(&path).unwrap());
    let bias = Array::f32(&[3], vec![0.0; 3]).unwrap();
    std::thread::scope(|scope| {
        for n in 1..5usize {
            let (model, bias) = (&model, &bias);
            scope.spawn(move || {
                let ids = Array::i32(&[1, n], vec![7; n]).unwrap();
                for _ in 0..50 {
                    let out = model.predict(&[("ids", (&ids).into()), ("bias", bias.into())]).unwrap();
                    assert_eq!(out["y"].to_f32(), vec![7.0; 3 * n]);
                }
            });
        }
    });
}

#[test]
fn a_program_becomes_a_model_and_back() {
    let program = anemone::mil::parse(COUNTER, &anemone::mil::NoWeights).unwrap();
    let file = ModelFile::of_program(&program, Dialect::V1_3, None);
    assert_eq!(file.form(), Form::Text);
    let model = Model::of_file(file, &CompileOptions::new()).unwrap();
    assert_eq!(model.description().states.len(), 1);
}
