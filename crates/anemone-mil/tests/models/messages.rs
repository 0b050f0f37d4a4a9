//! Protobuf messages by hand, as little as a test needs of them.

/// A field with a number.
pub(crate) fn number(field: u32, n: u64) -> Vec<u8> {
    [varint(u64::from(field) << 3), varint(n)].concat()
}

/// A field with bytes, a string, or a message.
pub(crate) fn bytes(field: u32, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&varint(u64::from(field) << 3 | 2)[..], &varint(content.len() as u64), content].concat()
}

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// An entry of a map.
pub(crate) fn entry(field: u32, key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    bytes(field, [bytes(1, key), bytes(2, value)].concat())
}

/// A `ValueType`: a tensor.
pub(crate) fn tensor(data_type: u64, dims: &[u64]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|n| bytes(3, bytes(1, number(1, *n))));
    bytes(1, [number(1, data_type), number(2, dims.clone().count() as u64 / 6), dims.collect()].concat())
}

/// A `NamedValueType`.
pub(crate) fn named(name: &str, ty: impl AsRef<[u8]>) -> Vec<u8> {
    [bytes(1, name), bytes(2, ty)].concat()
}

/// An operation with one argument and one result.
pub(crate) fn operation(mnemonic: &str, argument: (&str, Vec<u8>), result: Vec<u8>) -> Vec<u8> {
    [bytes(1, mnemonic), entry(2, argument.0, bytes(1, argument.1)), bytes(3, result)].concat()
}

/// A `Program` with one function of the operation set of specification 7.
pub(crate) fn program(inputs: &[Vec<u8>], operations: &[Vec<u8>], output: &str) -> Vec<u8> {
    let block = [operations.iter().flat_map(|o| bytes(3, o)).collect(), bytes(2, output)].concat();
    let inputs: Vec<u8> = inputs.iter().flat_map(|i| bytes(1, i)).collect();
    let function = [inputs, bytes(2, "CoreML6"), entry(3, "CoreML6", block)].concat();
    [number(1, 1), entry(2, "main", function)].concat()
}

/// A `Model` of specification 7 with a program.
pub(crate) fn model(program: &[u8]) -> Vec<u8> {
    [number(1, 7), bytes(502, program)].concat()
}
