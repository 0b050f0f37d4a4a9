//! Running the program in a folder of its own, and models for it.

use anemone_ir::{Builder, DType, Dims, Literal, Program, TensorType, args, check};
use anemone_mil::{Dialect, Printed};
use half::f16;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// `y = relu(x) + z`.
pub(crate) const SMALL: &str = "\
program(1.3)
{
    func main<ios16>(tensor<fp16, [1, 2, 1, 64]> x, tensor<fp16, [1, 2, 1, 64]> z) {
        tensor<fp16, [1, 2, 1, 64]> r = relu(x = x);
        tensor<fp16, [1, 2, 1, 64]> y = add(x = r, y = z);
    } -> (y);
}
";

/// Two independent errors in lines 4 and 5, and a narrow input in line 3.
pub(crate) const BAD: &str = "\
program(1.3)
{
    func main<ios16>(tensor<fp16, [1, 4, 1, 64]> x, tensor<fp16, [1, 3, 1, 32]> z) {
        tensor<fp16, [1, 4, 1, 64]> y = rellu(x = x);
        tensor<fp16, [1, 4, 1, 64]> s = add(x = x, y = z);
    } -> (s);
}
";

/// A folder that is gone at the end of the test.
pub(crate) struct Folder(tempfile::TempDir);

/// What a run of the program came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// With `small.mil` and `bad.mil`.
    pub(crate) fn with_models() -> Folder {
        let folder = Folder::new();
        folder.write("small.mil", SMALL);
        folder.write("bad.mil", BAD);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// A program with its weights.
    pub(crate) fn write_model(&self, name: &str, program: &Program) {
        let Printed { text, files } = anemone_mil::print(program, Dialect::V1_3);
        self.write(name, text);
        for file in files {
            let folder = Path::new(name).parent().unwrap();
            self.write(folder.join(file.path).to_str().unwrap(), file.bytes);
        }
    }

    /// Everything in it, folders with a slash at the end; sorted.
    pub(crate) fn entries(&self) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, out: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    out.push(name + "/");
                    walk(root, &path, out);
                } else {
                    out.push(name);
                }
            }
        }
        let mut out = Vec::new();
        walk(self.0.path(), self.0.path(), &mut out);
        out.sort();
        out
    }

    pub(crate) fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anemone"));
        command.current_dir(self.0.path()).args(args.split_whitespace()).stdin(Stdio::null());
        // Of the caller's environment, nothing that changes what is said.
        for name in ["ANEMONE_SIMD", "ANEMONE_THREADS", "ANEMONE_LOG", "RUST_LOG", "NO_COLOR"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs `anemone ARGS` here.
    pub(crate) fn anemone(&self, args: &str) -> Ran {
        ran(self.command(args))
    }

    /// Runs `anemone ARGS --json`, and gives the exit code and the one object on stdout.
    pub(crate) fn json(&self, args: &str) -> (i32, Value) {
        let ran = self.anemone(&format!("{args} --json"));
        assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
        let value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.out));
        assert_eq!(value["schema"], 1);
        assert_eq!(value["verb"], args.split_whitespace().next().unwrap());
        assert_eq!(value["ok"], ran.code == 0);
        (ran.code, value)
    }
}

pub(crate) fn ran(mut command: Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(!err.contains("panicked"), "{err}");
    assert!(!out.contains('\x1b') && !err.contains('\x1b'), "colours where no terminal is:\n{out}\n{err}");
    Ran { code: status.code().expect("no signal ends it"), out, err }
}

impl Ran {
    /// Exit code 0.
    #[track_caller]
    pub(crate) fn ok(self) -> Ran {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// This exit code, nothing on stdout, and each text on stderr.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, expected: &[&str]) -> Ran {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        for text in expected {
            assert!(self.err.contains(text), "`{text}` is not in:\n{}", self.err);
        }
        self
    }
}

/// `y = conv(x)`: 1 by 1, with weights in a file; `scale` makes different ones.
pub(crate) fn with_weights(scale: f32) -> Program {
    let mut b = Builder::new();
    let dims = |d: &[usize]| Dims::new(d).unwrap();
    let x = b.input("x", TensorType::new(DType::Fp16, dims(&[1, 4, 1, 64])));
    let numbers = (0..16).map(|i| f16::from_f32(scale * (i as f32 - 8.0) / 16.0)).collect();
    let weight = Literal::fp16(&[4, 4, 1, 1], numbers).unwrap();
    let y = b.conv(args! { x: x, weight: weight });
    b.name(y, "y");
    b.output(y);
    check(b.finish()).unwrap()
}

/// A `.npy` file.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// The same of 128 `float16` elements for `x` and `z` of [`SMALL`].
pub(crate) fn halves(numbers: impl Fn(usize) -> f32) -> Vec<u8> {
    let data: Vec<u8> = (0..128).flat_map(|i| f16::from_f32(numbers(i)).to_le_bytes()).collect();
    npy("<f2", false, "(1, 2, 1, 64)", &data)
}

/// A `.npy` file of `float32` elements.
pub(crate) fn singles(shape: &str, numbers: &[f32]) -> Vec<u8> {
    npy("<f4", false, shape, bytemuck::cast_slice(numbers))
}

/// The elements of a file of `float16` or `float32` that the program wrote, which has a header of 128 bytes, and its shape.
pub(crate) fn read_npy(file: &[u8]) -> (String, Vec<f32>) {
    let header = String::from_utf8_lossy(&file[10..128]).into_owned();
    let (_, shape) = header.split_once("'shape': ").unwrap();
    let shape = shape[..=shape.find(')').unwrap()].to_owned();
    let data = &file[128..];
    let half = |b: &[u8]| f16::from_le_bytes([b[0], b[1]]).to_f32();
    let single = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let halves = header.contains("<f2");
    (shape, if halves { data.chunks_exact(2).map(half).collect() } else { data.chunks_exact(4).map(single).collect() })
}
