//! What programs may rely on: the public interface, its conventions, and what it does about mistakes.
#![allow(clippy::unwrap_used, reason = "in a test that is how to fail")]

mod compile;
mod hostile;
mod mistakes;
mod paths;
mod run;
mod tensor_data;
mod values;

use anemone::{Backend, CompileOptions, Executable, Graph, Limits, TensorData};

/// Where programs run that do not ask for a place: on the Neural Engine where there is one. With the feature `double` there
/// must be.
fn default_backend() -> Backend {
    match anemone::neural_engine() {
        Ok(()) => Backend::Ane,
        Err(e) if cfg!(feature = "double") => panic!("the double is not there: {e}"),
        Err(_) => Backend::Cpu,
    }
}

/// Compiles; the limits of the Neural Engine are not what is being tested. It runs on the Neural Engine where there is one.
fn executable(g: &Graph) -> Executable {
    let executable = compiled(g);
    assert_eq!(executable.backend(), default_backend(), "{}", executable.why());
    executable
}

fn compiled(g: &Graph) -> Executable {
    g.compile_with(&CompileOptions::new().limits(Limits::none())).unwrap()
}

/// Compiles and runs once; gives the elements of every output.
fn evaluate(g: &Graph, inputs: &[&[f32]]) -> Vec<Box<[f32]>> {
    run(&executable(g), inputs)
}

fn run(executable: &Executable, inputs: &[&[f32]]) -> Vec<Box<[f32]>> {
    let ports = executable.inputs().iter().zip(inputs);
    let inputs: Vec<_> = ports.map(|(port, data)| TensorData::with_f32(data, port.shape)).collect();
    let outputs: Vec<_> = executable.outputs().iter().map(|port| TensorData::new(port.shape)).collect();
    executable.run(&inputs.iter().collect::<Vec<_>>(), &outputs.iter().collect::<Vec<_>>()).unwrap();
    outputs.iter().map(TensorData::read_f32).collect()
}

/// `len` numbers that repeat no simple pattern: multiples of 1/8 from -2 to 2, so that small sums and products of them are
/// exact in `fp16`.
fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7 + i / 5 * 3) % 33) as f32 / 8.0 - 2.0).collect()
}
