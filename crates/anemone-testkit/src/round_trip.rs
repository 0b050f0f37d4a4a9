//! A program to text and back.

use anemone_ir::program::{Arg, Node, ValueId};
use anemone_ir::{Function, Program};
use anemone_mil::Dialect;
use std::fmt::Write;

/// Both dialects.
pub const DIALECTS: [Dialect; 2] = [Dialect::V1_0, Dialect::V1_3];

/// Prints a program, reads the text, and prints again. Gives the program that was read.
///
/// # Errors
/// The text is refused, differs the second time, or says another program.
pub fn round_trip(program: &Program, dialect: Dialect) -> Result<Program, String> {
    let first = anemone_mil::print(program, dialect);
    let again = anemone_mil::parse(&first.text, &first)
        .map_err(|e| format!("what was printed is refused: {e}\n{}", first.text))?;
    let second = anemone_mil::print(&again, dialect);
    if first.text != second.text {
        return Err(format!("printed twice:\n{}\n-- and --\n{}", first.text, second.text));
    }
    if first.files != second.files {
        return Err(format!("the weights differ the second time, the text does not:\n{}", first.text));
    }
    let [before, after] = [program, &again].map(describe);
    if before != after {
        return Err(format!(
            "the text says another program. Before:\n{before}\nAfter:\n{after}\nText:\n{}",
            first.text
        ));
    }
    Ok(again)
}

/// What a program says, apart from where it was written.
fn describe(program: &Program) -> String {
    let mut out = format!("{:?}\n", program.build_info());
    for function in program.functions() {
        let mut params: Vec<String> = function.params.iter().map(|id| value(function, *id)).collect();
        params.sort();
        let outputs: Vec<String> = function.outputs.iter().map(|id| value(function, *id)).collect();
        let _ = writeln!(out, "{} {} {params:?} -> {outputs:?}", function.name, function.opset);
        for node in &function.nodes {
            let _ = writeln!(out, "{}", describe_node(function, node));
        }
    }
    out
}

fn describe_node(function: &Function, node: &Node) -> String {
    let results: Vec<String> = node.results.iter().map(|id| value(function, *id)).collect();
    let args = node.op.schema().params.iter().zip(&node.args).filter(|(_, a)| **a != Arg::Absent);
    let args: Vec<_> =
        args.map(|(p, a)| (p.name, a.ids().iter().map(|id| value(function, *id)).collect::<Vec<_>>())).collect();
    format!("{results:?} = {:?} {args:?}", node.op)
}

/// A value by its name, or an immediate by its data; with its type.
fn value(function: &Function, id: ValueId) -> String {
    let value = function.value(id);
    match (&*value.name, &value.literal) {
        ("", Some(literal)) => format!("{literal:?} {:?}", literal.bytes()),
        (name, literal) => format!("{name}: {} {:?}", value.ty, literal.as_ref().map(|l| l.bytes())),
    }
}
