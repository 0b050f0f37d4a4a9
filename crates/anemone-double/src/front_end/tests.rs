use crate::Program;

/// What is said about a program of one function; its body makes `y` of `x` and `k`.
fn said(architecture: &str, version: &str, body: &str) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let params = "tensor<fp16, [1, 4, 1, 8]> x, tensor<fp16, [4, 4, 1, 1]> k";
    let text = format!("program({version}) {{ func main<ios16>({params}) {{ {body} }} -> (y); }}");
    std::fs::write(folder.path().join("model.mil"), text).unwrap();
    Program::load(folder.path(), architecture).err().map_or(String::new(), |e| e.to_string())
}

/// An operation on `x` whose result is of its type.
fn one(operation: &str) -> String {
    format!("tensor<fp16, [1, 4, 1, 8]> y = {operation};")
}

#[test]
fn arguments_with_a_default_must_be_written() {
    for (with, without) in [
        ("rsqrt(epsilon = fp16(0x1p-10), x = x)", "rsqrt(x = x)"),
        ("gelu(mode = string(\"EXACT\"), x = x)", "gelu(x = x)"),
        ("softmax(axis = int32(1), x = x)", "softmax(x = x)"),
        ("instance_norm(epsilon = fp16(0x1p-10), x = x)", "instance_norm(x = x)"),
    ] {
        assert_eq!(said("h16g", "1.3", &one(with)), "");
        let text = said("h16g", "1.3", &one(without));
        assert!(text.contains("known to refuse") && text.contains("is not written"), "{without}: {text}");
    }
    let text = said("h16g", "1.3", &one("conv(weight = k, x = x)"));
    assert!(text.contains("`y`, a conv: `dilations` is not written"), "{text}");
}

#[test]
fn weights_of_a_convolution_are_constants() {
    let pairs = "dilations = tensor<int32, [2]>([1, 1]), groups = int32(1), pad = tensor<int32, [4]>([0, 0, 0, 0]), \
                 pad_type = string(\"valid\"), strides = tensor<int32, [2]>([1, 1])";
    let text = said("h16g", "1.3", &one(&format!("conv({pairs}, weight = k, x = x)")));
    assert!(text.contains("its weights are no constant"), "{text}");
}

#[test]
fn old_compilers_take_the_old_dialect_and_no_cast_between_floats() {
    let relu = one("relu(x = x)");
    for architecture in ["h13g", "h14g"] {
        assert!(said(architecture, "1.3", &relu).contains("scalars are not written as tensors"));
        assert_eq!(said(architecture, "1.0", &relu), "");
        let cast = "tensor<fp32, [1, 4, 1, 8]> y = cast(dtype = tensor<string, []>(\"fp32\"), x = x);";
        assert!(said(architecture, "1.0", cast).contains("M1 and M2 do not make fp32 of fp16"));
        assert_eq!(said("h15g", "1.0", cast), "");
    }
}

#[test]
fn the_oldest_compiler_takes_one_constant_for_each_file() {
    let blob = |file: &str, offset: u32| {
        format!("BLOBFILE(path = tensor<string, []>(\"{file}\"), offset = tensor<uint64, []>({offset}))")
    };
    let check = |architecture, text: &str| super::check_text(anemone_mil::Dialect::V1_0, text, architecture);
    let each = blob("a", 64) + &blob("b", 64) + &blob("a", 64);
    let both = blob("a", 64) + &blob("a", 192);
    assert_eq!(check("h13g", &each), Ok(()));
    assert!(check("h13g", &both).is_err_and(|why| why.contains("several constants")));
    assert_eq!(check("h14g", &both), Ok(()));
}
