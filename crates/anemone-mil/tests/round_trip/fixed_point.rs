//! A program as text and back.

use anemone_ir::{Arg, Def, Node, Program, ValueId};
use anemone_mil::{Dialect, Printed, parse, print, syntax};

/// What a program says, apart from places in a text and the numbering of its values.
fn said(program: &Program) -> Vec<String> {
    let mut out = vec![format!("{:?} {:?}", program.build_info(), program.attributes())];
    for f in program.functions() {
        let value = |id: &ValueId| {
            let v = f.value(*id);
            let literal = v.literal.as_ref().map(|l| l.bytes().map_or_else(|| format!("{l:?}"), |b| format!("{b:?}")));
            let immediate = v.def == Def::Immediate;
            format!("{} {:?} {} {literal:?} {immediate}", v.name, v.kind, v.ty)
        };
        let values = |ids: &[ValueId]| ids.iter().map(value).collect::<Vec<_>>().join(" | ");
        out.push(format!("{} {} {:?}", f.name, f.opset, f.attributes));
        out.push(format!("{} {} -> {}", values(&f.params), values(&f.states), values(&f.outputs)));
        let mut nodes: Vec<&Node> = f.nodes.iter().rev().collect();
        while let Some(n) = nodes.pop() {
            for block in n.blocks.iter().rev() {
                out.push(format!("{} gives {}", values(&block.params), values(&block.outputs)));
                nodes.extend(block.nodes.iter().rev());
            }
            let tuple = |a: &Arg| format!("{}{}", matches!(a, Arg::Many(_)), values(a.ids()));
            let args: Vec<_> = n.args.iter().map(tuple).collect();
            out.push(format!("{} {:?} {args:?} {:?} {}", n.mnemonic(), n.name, n.op, values(&n.results)));
        }
    }
    out
}

/// Prints, parses and prints again: both programs must say the same, both texts and both weight files be the same bytes.
pub(crate) fn fixed_point(program: &Program, dialect: Dialect) -> Printed {
    let first = print(program, dialect);
    let back = parse(&first.text, &first).unwrap_or_else(|e| panic!("{}\n{e}", first.text));
    assert_eq!(said(program), said(&back), "{}", first.text);
    let second = print(&back, dialect);
    assert_eq!(first.text, second.text);
    assert!(first.files == second.files, "the weights differ");
    let tree = syntax::parse(&first.text).unwrap();
    assert_eq!(syntax::print(&tree), first.text, "the tree prints as the program did");
    first
}
