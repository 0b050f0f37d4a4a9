use super::*;
use half::f16;
use std::ffi::{CStr, CString, c_char};
use std::path::PathBuf;
use tempfile::TempDir;

/// Two functions; `main` reads its inputs in another order than the alphabet's, and one of them not at all.
const TEXT: &str = r#"program(1.3)
{
    func double<ios16>(tensor<fp32, [3]> v) {
        tensor<fp32, [3]> twice = add(x = v, y = v);
    } -> (twice);
    func main<ios16>(tensor<fp16, [2, 2, 3]> x, tensor<fp16, [1]> unread, tensor<fp16, [3]> a) {
        tensor<fp16, [2, 2, 3]> y = sub(x = x, y = a);
    } -> (y);
}"#;

fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("model.mil"), text).unwrap();
    folder
}

fn halves(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(|v| f16::from_f32(v).to_le_bytes()).collect()
}

/// The half at a byte.
fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

#[test]
fn functions_and_ports_are_those_of_the_text() {
    let program = Program::load(folder(TEXT).path(), "h16g").unwrap();
    assert_eq!(program.functions().iter().map(Function::name).collect::<Vec<_>>(), ["double", "main"]);
    let main = &program.functions()[1];
    let inputs: Vec<_> = main.inputs().iter().map(|p| (&*p.name, p.ty.to_string(), p.is_read)).collect();
    let expected = [("x", "fp16[2, 2, 3]", true), ("unread", "fp16[1]", false), ("a", "fp16[3]", true)];
    assert_eq!(inputs, expected.map(|(name, ty, read)| (name, ty.to_owned(), read)));
    assert_eq!(main.outputs().iter().map(|p| &*p.name).collect::<Vec<_>>(), ["y"]);
}

#[test]
fn strides_are_whatever_the_caller_says() {
    let program = Program::load(folder(TEXT).path(), "h16g").unwrap();
    // Elements of `x` lie 4 bytes apart, rows 64, planes 256; those of `y` lie backwards nested: rows outermost.
    let mut x = vec![0xff; 512];
    for (plane, row, at) in (0..12).map(|i| (i / 6, i / 3 % 2, i % 3)) {
        let value = (100 * plane + 10 * row + at) as f32;
        x[plane * 256 + row * 64 + at * 4..][..2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
    }
    let a = halves([1.0, 2.0, 3.0]);
    let mut y = vec![0xee; 256];
    let x = Tensor { bytes: &x, strides: &[256, 64, 4] };
    let a = Tensor { bytes: &a, strides: &[2] };
    let to = TensorMut { bytes: &mut y, strides: &[16, 128, 2] };
    program.functions()[1].evaluate(&[Some(x), None, Some(a)], vec![to]).unwrap();
    let mut written = vec![false; y.len()];
    for (plane, row, at) in (0..12).map(|i| (i / 6, i / 3 % 2, i % 3)) {
        let place = plane * 16 + row * 128 + at * 2;
        assert_eq!(half_at(&y, place), (100 * plane + 10 * row + at) as f32 - (at + 1) as f32);
        written[place..place + 2].fill(true);
    }
    let untouched = y.iter().zip(&written).all(|(byte, written)| *written || *byte == 0xee);
    assert!(untouched, "bytes between the elements were written");
}

#[test]
fn what_does_not_fit_is_said_and_nothing_is_written() {
    let program = Program::load(folder(TEXT).path(), "h16g").unwrap();
    let double = &program.functions()[0];
    let (v, mut out) = (vec![0; 12], vec![7; 12]);
    let input = Some(Tensor { bytes: &v, strides: &[4] });
    let message = |inputs: &[Option<Tensor<'_>>], outputs: Vec<TensorMut<'_>>| {
        double.evaluate(inputs, outputs).unwrap_err().to_string()
    };
    assert_eq!(message(&[], vec![]), "0 inputs are given, the function has 1");
    assert_eq!(message(&[input], vec![]), "0 outputs are given, the function has 1");
    let to = || TensorMut { bytes: &mut [], strides: &[4] };
    assert_eq!(message(&[input], vec![to()]), "output `twice`: the tensor takes 12 bytes, 0 are given");
    let wide = Some(Tensor { bytes: &v, strides: &[8] });
    let to = TensorMut { bytes: &mut out, strides: &[4] };
    assert_eq!(message(&[wide], vec![to]), "input `v`: the tensor takes 20 bytes, 12 are given");
    let to = TensorMut { bytes: &mut out, strides: &[4, 4] };
    assert_eq!(message(&[input], vec![to]), "output `twice`: 2 strides are given for 1 dimensions");
    assert_eq!(out, [7; 12]);
}

#[test]
fn weights_come_from_the_path_in_the_text() {
    let text = |file: &str| {
        format!(
            r#"program(1.3)
{{
    func main<ios16>(tensor<fp16, [1, 16]> x) {{
        tensor<fp16, [1, 16]> w = const()[name = string("w"),
            val = tensor<fp16, [1, 16]>(BLOBFILE(path = string("@model_path/weights/{file}"), offset = uint64(64)))];
        tensor<fp16, [1, 16]> y = mul(x = x, y = w);
    }} -> (y);
}}"#
        )
    };
    let folder = folder(&text("second.bin"));
    let data = halves((0..16).map(|i| i as f32));
    let mut blob = anemone_mil::blob::Writer::new();
    assert_eq!(blob.push(anemone_mil::Element::Fp16, 16, &data), Some(64));
    std::fs::create_dir(folder.path().join("weights")).unwrap();
    std::fs::write(folder.path().join("weights/second.bin"), blob.finish()).unwrap();
    let program = Program::load(folder.path(), "h16g").unwrap();
    let (x, mut y) = (halves([2.0; 16]), vec![0; 32]);
    let x = Tensor { bytes: &x, strides: &[32, 2] };
    program.functions()[0].evaluate(&[Some(x)], vec![TensorMut { bytes: &mut y, strides: &[32, 2] }]).unwrap();
    assert_eq!(y, halves((0..16).map(|i| 2.0 * i as f32)));

    std::fs::write(folder.path().join("model.mil"), text("third.bin")).unwrap();
    let missing = Program::load(folder.path(), "h16g").err().map(|e| e.to_string());
    assert!(missing.is_some_and(|m| m.contains("third.bin")));
}

/// A string that a C function gave.
fn text(string: *const c_char) -> String {
    // SAFETY: it is a string that lives as long as the program, which the callers keep.
    unsafe { CStr::from_ptr(string) }.to_str().unwrap().to_owned()
}

#[test]
fn c_functions_do_the_same() {
    use crate::ffi::*;
    let folder = folder(TEXT);
    let path = |path: &Path| CString::new(path.to_str().unwrap()).unwrap();
    let mut error = vec![1_u8; 64];
    let room = error.len();
    let error_at = error.as_mut_ptr().cast::<c_char>();
    // SAFETY: strings are strings, the handle is a program until it is freed, functions and ports exist, memory is as large
    // as is said and nobody else's.
    unsafe {
        let nowhere = path(&PathBuf::from("/nowhere"));
        assert!(anemone_double_load(nowhere.as_ptr(), c"h16g".as_ptr(), error_at, room).is_null());
        assert!(text(error_at).starts_with("cannot read /nowhere/model.mil"));

        let program = anemone_double_load(path(folder.path()).as_ptr(), c"h16g".as_ptr(), error_at, room);
        assert_eq!(anemone_double_functions(program), 2);
        assert_eq!(text(anemone_double_function_name(program, 1)), "main");
        assert_eq!((anemone_double_ports(program, 1, false), anemone_double_ports(program, 1, true)), (3, 1));
        let port = anemone_double_port(program, 1, false, 0);
        assert_eq!((text(port.name), text(port.dtype)), ("x".to_owned(), "fp16".to_owned()));
        assert_eq!((port.size, port.rank, port.dims, port.is_read), (2, 3, [2, 2, 3, 0, 0], true));

        let mut v: Vec<u8> = [1.5_f32, -2.0, 4.0].into_iter().flat_map(f32::to_le_bytes).collect();
        let mut out = vec![0_u8; 12];
        let memory =
            |bytes: &mut Vec<u8>, len| Memory { base: bytes.as_mut_ptr(), bytes: len, strides: [4, 0, 0, 0, 0] };
        let (from, to) = (memory(&mut v, 12), memory(&mut out, 12));
        assert!(anemone_double_evaluate(program, 0, &from, &to, error_at, room));
        assert_eq!(out, [3.0_f32, -4.0, 8.0].into_iter().flat_map(f32::to_le_bytes).collect::<Vec<_>>());
        let short = memory(&mut out, 11);
        assert!(!anemone_double_evaluate(program, 0, &from, &short, error_at, 20));
        assert_eq!(text(error_at), "output `twice`: the", "cut off where the caller's memory ends");
        anemone_double_free(program);
    }
}
