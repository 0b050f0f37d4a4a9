//! Protobuf models that are none, or lie.

use super::messages::{bytes, entry, model, named, number, operation, program, tensor};
use anemone_mil::ModelFile;
use std::fs;

/// What is said when a model is opened and checked.
fn said(content: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.mlmodel");
    fs::write(&path, content).unwrap();
    let text = match ModelFile::open(&path) {
        Ok(m) => m.program().map_or_else(|e| e.to_string(), |_| "fine".to_owned()),
        Err(e) => e.to_string(),
    };
    text.replace(&format!("{}: ", path.display()), "").replace(&path.display().to_string(), "m.mlmodel")
}

const FP16: u64 = 10;
const FP32: u64 = 11;
const INT32: u64 = 23;
const UINT1: u64 = 37;

fn x() -> Vec<u8> {
    named("x", tensor(FP16, &[2]))
}

/// A reference to a value.
fn name(of: &str) -> Vec<u8> {
    bytes(1, of)
}

/// A value in place, as a binding: its type, and the `TensorValue`.
fn immediate(ty: Vec<u8>, value: Vec<u8>) -> Vec<u8> {
    bytes(2, [bytes(2, ty), bytes(3, bytes(1, value))].concat())
}

fn relu(argument: Vec<u8>) -> Vec<u8> {
    model(&program(&[x()], &[operation("relu", ("x", argument), named("y", tensor(FP16, &[2])))], "y"))
}

#[test]
fn a_right_one_is_fine() {
    assert_eq!(said(relu(name("x"))), "fine");
}

#[test]
fn what_is_no_program_is_named() {
    let of_type = |field: u32, content: &[u8]| said([number(1, 4), bytes(field, content)].concat());
    assert_eq!(
        of_type(500, b""),
        "it is a model of type `neuralNetwork`, and only ML programs are read\n   = help: convert the original network again \
         with coremltools, with `convert_to=\"mlprogram\"`"
    );
    assert!(of_type(403, b"").starts_with("it is a model of type `neuralNetworkClassifier`"));
    assert_eq!(
        of_type(302, b""),
        "it is a model of type `treeEnsembleRegressor`, and only ML programs are read\n   = help: models that are no neural \
         networks have no program; only Core ML itself runs them"
    );
    let pipeline = [bytes(2, "detector"), bytes(2, "suppression")].concat();
    let stages = "use its stages one by one, which are detector, suppression, each as an ML program";
    assert!(of_type(202, &pipeline).contains(stages));
    assert!(of_type(200, &bytes(1, &pipeline)).contains(stages));
    assert_eq!(said(number(1, 7)), "there is no model in it: it has no field of any type of model");
    assert_eq!(said(""), "there is no model in it: it has no field of any type of model");
    assert!(said("program(1.3) {}").starts_with("it is no protobuf model: "));
    assert!(said([0xff; 40]).starts_with("it is no protobuf model: "));
}

#[test]
fn versions_that_are_not_known_are_refused() {
    let program = program(&[x()], &[], "x");
    let of = |version: u64| said([number(1, version), bytes(502, &program)].concat());
    assert_eq!(of(7), "fine");
    assert_eq!(of(5), "specification version 5 is not known, 6 to 10 are");
    assert_eq!(of(11), "specification version 11 is not known, 6 to 10 are");
    assert!(said(model(&number(1, 2))).contains("version 2 of MIL programs is not known, 1 is"));
}

#[test]
fn errors_name_function_and_operation() {
    let message = said(relu(bytes(3, "")));
    assert_eq!(message, "error[argument] in `relu` (y): function `main`: an argument is neither a name nor a value");
    // Beyond the messages, the text that the model would be compiled to is shown.
    let message = said(relu(name("z")));
    assert!(message.starts_with("m.mlmodel, as MIL text has 1 error"), "{message}");
    assert!(message.contains("`z` is not defined"), "{message}");
    assert!(message.contains("tensor<fp16, [2]> y = relu(x = z);") && message.contains("^"), "{message}");
    let message = said(relu(name("y")));
    assert!(message.contains("it is defined only later"), "a cycle: {message}");
    // Terminals obey control characters, and a name may be long.
    let message = said(relu(name("\x1b[31m")));
    assert!(message.contains("\"\\u{1b}[31m\" is no name"), "{message:?}");
    assert!(said(relu(name(&"a-".repeat(1 << 20)))).len() < 1000);
}

#[test]
fn functions_have_a_block_for_their_operation_set() {
    let function = |blocks: &[(&str, &str)]| {
        let blocks = blocks.iter().flat_map(|(key, output)| entry(3, key, bytes(2, output)));
        let function = [bytes(1, x()), bytes(2, "CoreML6"), blocks.collect()].concat();
        said(model(&[number(1, 1), entry(2, "main", function)].concat()))
    };
    assert_eq!(function(&[("CoreML5", "nothing"), ("CoreML6", "x"), ("CoreML7", "nothing")]), "fine");
    let message = function(&[("CoreML5", "x"), ("CoreML7", "x")]);
    assert!(message.contains("no block for its operation set `CoreML6`, but one for CoreML5, CoreML7"), "{message}");
    assert!(function(&[]).contains("but none at all"));
    assert!(said(model(&number(1, 1))).contains("the program has no function"));
}

#[test]
fn values_are_of_their_type() {
    let two = || tensor(FP16, &[2]);
    let halves = |n: usize| bytes(7, bytes(1, vec![0; 2 * n]));
    let value = |ty: Vec<u8>, value: Vec<u8>| said(relu(immediate(ty, value)));
    assert_eq!(value(two(), halves(2)), "fine");
    assert!(value(two(), halves(3)).contains("function `main`: 2 elements are declared, 3 are given"));
    assert!(
        value(two(), bytes(7, bytes(1, [0; 3]))).contains("the elements of a value of type fp16 are of another kind")
    );
    assert!(
        value(two(), bytes(2, bytes(1, [0; 2]))).contains("the elements of a value of type fp16 are of another kind")
    );
    assert!(value(two(), Vec::new()).contains("a value of type fp16 has no elements"));
    assert!(value(tensor(99, &[2]), halves(2)).contains("99 is the number of no element type"));
    // More than there is memory for is declared, and nothing is taken for it.
    let much = value(tensor(FP16, &[1 << 40, 1 << 20]), halves(2));
    assert!(much.contains("1152921504606846976 elements are declared, 2 are given"), "{much}");
    let more = value(tensor(FP16, &[1 << 40, 1 << 40]), halves(2));
    assert!(more.contains("an unknown number of elements are declared"), "{more}");
    assert!(value(tensor(FP16, &[1; 60]), halves(1)).contains("a value of rank 60 stands in place, at most 8 is read"));
    // A byte of single bits would be eight values.
    let bits = value(tensor(UINT1, &[8 << 20]), bytes(7, bytes(1, vec![0xff; 1 << 20])));
    assert!(bits.contains("too many"), "{bits}");
    let list = bytes(2, [bytes(2, bytes(2, bytes(1, two()))), bytes(3, bytes(1, halves(2)))].concat());
    assert!(said(relu(list)).contains("a value is missing, or is not of its type"));
}

#[test]
fn types_are_whole() {
    let with = |ty: Vec<u8>| said(model(&program(&[named("x", ty)], &[], "x")));
    assert!(with(Vec::new()).contains("a type is missing"));
    let rank = bytes(1, [number(1, FP32), number(2, 3), bytes(3, bytes(1, number(1, 2)))].concat());
    assert!(with(rank).contains("a tensor of rank 3 has 1 dimensions"));
    let open = bytes(1, [number(1, INT32), number(2, 1), bytes(3, "")].concat());
    assert!(with(open).contains("a dimension is neither a number nor unknown"));
}

#[test]
fn a_million_nested_messages_do_no_harm() {
    const DEEP: usize = 1_000_000;
    // Written from the inside, all lengths in front are longer and longer; so each is put together backwards.
    let nest = |fields: &[u32], inner: Vec<u8>| {
        let mut reversed: Vec<u8> = inner.into_iter().rev().collect();
        for field in fields.iter().cycle().take(DEEP / fields.len() * fields.len()) {
            let head = bytes(*field, "");
            let mut length = Vec::new();
            let mut n = reversed.len();
            while n >= 0x80 {
                length.push(n as u8 | 0x80);
                n >>= 7;
            }
            length.push(n as u8);
            reversed.extend(length.into_iter().rev());
            reversed.extend(head[..head.len() - 1].iter().rev());
        }
        reversed.reverse();
        reversed
    };
    let deep = "blocks, types or values are nested deeper than a reader of protobuf goes, which is 100 messages";
    let function = |block: Vec<u8>| {
        let function = [bytes(2, "CoreML6"), entry(3, "CoreML6", block)].concat();
        model(&[number(1, 1), entry(2, "main", function)].concat())
    };
    // Operations with blocks of operations.
    assert_eq!(said(function(nest(&[4, 3], Vec::new()))), deep);
    // Lists of lists; tuples of tuples of values.
    let ty = nest(&[1, 2], tensor(FP16, &[]));
    assert_eq!(said(model(&program(&[named("x", ty)], &[], "x"))), deep);
    let value = nest(&[1, 2, 3], Vec::new());
    assert_eq!(said(relu(bytes(2, [bytes(2, tensor(FP16, &[])), value].concat()))), deep);
    // What is no message for a program is not looked into.
    let other = nest(&[1000], Vec::new());
    assert_eq!(said([relu(name("x")), other].concat()), "fine");
}

#[test]
fn memory_stays_in_proportion() {
    let message = |operation: &[u8]| {
        let block = operation.repeat(3_000_000 / operation.len());
        let function = [bytes(2, "CoreML6"), entry(3, "CoreML6", block)].concat();
        said(model(&[number(1, 1), entry(2, "main", function)].concat()))
    };
    // Empty operations, and operations with an empty entry in each of their maps.
    for operation in [bytes(3, ""), bytes(3, [bytes(2, ""), bytes(5, "")].concat())] {
        let message = message(&operation);
        assert!(message.contains("describe messages that would take more than"), "{message}");
    }
}
