//! Rows about the program and its ports rather than an operation.

use super::{Action, Row};
use crate::limits::Confidence;

const fn always(id: &'static str, claim: &'static str, source: &'static str) -> Row {
    Row::new(id, &[], claim, source, Action::Always)
}

/// Arguments that were left out are written.
pub(in crate::ane) static ARGUMENTS: Row = always(
    "arguments",
    "the front end refuses operations whose optional arguments are left out",
    "ironmill, ANEForge, mil_spec; coremltools writes all of them",
)
.sure(Confidence::High);

/// What is computed of constants is one.
pub(in crate::ane) static CONSTANT: Row = always(
    "constant",
    "weights are constants of the text, not results of operations on constants",
    "computer-graphics-tools, ANEForge",
);

/// Constant arguments have the type of what they are used with.
pub(in crate::ane) static DTYPES: Row = always(
    "dtypes",
    "scalars and weights have the type of `x`, which is fp16; indices are int32",
    "mil_infer (clip); MIL before iOS 17",
);

/// What nothing reads is left out.
pub(in crate::ane) static UNREAD: Row = always(
    "unread",
    "the compiler drops an input that nothing reads, which shifts the indices of the others; unread results can fail",
    "computer-graphics-tools; ane-bridge",
);

/// Ports are renamed.
pub(in crate::ane) static PORTS: Row =
    always("ports", "ports are bound in the order of their names", "Orion, libane, ane-bridge").sure(Confidence::High);

/// An output is a result of its own.
///
/// What makes it one is a product with 1, which every source runs, and which keeps every number: -0, infinities, subnormals,
/// and NaN as NaN. Adding 0 would make 0 of -0; `identity` is refused, and a `reshape` alone does not compile (ironmill).
pub(in crate::ane) static COPY: Row = always(
    "copy",
    "an output is what an operation computes, and is no other port under another name",
    "mil_spec, Espresso (an alias fails); computer-graphics-tools (each has a name of its own)",
);

/// An output that is a constant depends on an input all the same.
///
/// What makes it so is a `select` between the constant and itself, by whether the largest element of an input is equal to
/// itself: every bit of the constant is kept, whatever the input is, NaN too.
pub(in crate::ane) static CONSTANT_OUTPUT: Row = always(
    "constant-output",
    "an output is what an operation computes of an input; what is computed of constants is folded",
    "mil_spec; computer-graphics-tools (a program needs live inputs and outputs)",
);

/// A program reads something.
pub(in crate::ane) static NO_INPUT: Row = always(
    "no-input",
    "no output depends on an input, and the engine takes no program without one",
    "computer-graphics-tools; the framework refuses requests without an input",
)
.mend("evaluate it on the CPU: its results are always the same");

/// An operation is in the set that the generation's programs are written in.
pub(in crate::ane) static OPSET: Row = always(
    "opset",
    "the operation came later than the operation set that is written for this generation",
    "maderix (M1 and M2 take ios16); MIL's operation sets",
)
.mend("use an older operation with the same meaning");

/// A program computes something.
pub(in crate::ane) static MOVEMENT: Row = Row {
    operations: &[
        "reshape",
        "expand_dims",
        "squeeze",
        "transpose",
        "concat",
        "stack",
        "split",
        "tile",
        "slice_by_size",
        "slice_by_index",
    ],
    ..always("movement", "a program that only moves data does not compile", "ironmill")
        .mend("have it compute something, or move the data on the CPU")
};

/// What an input may be.
pub(in crate::ane) static INPUT: Row = Row {
    operations: &["input"],
    ..always("input", "inputs are fp16 on every generation", "maderix/ANE #6 (M1: no fp32), ironmill (no int32)")
        .mend("make it fp16, and convert the data before they are bound")
};

/// What an output may be.
pub(in crate::ane) static OUTPUT: Row = Row {
    operations: &["output"],
    ..always("output", "outputs are fp16 on every generation", "maderix/ANE #6 (M1: no fp32), ironmill (no int32)")
        .mend("have the program give fp16 (`select` makes 1 and 0 of truth values), and convert the data afterwards")
};

/// How many axes a port may have.
pub(in crate::ane) static RANK: Row = Row {
    operations: &["input", "output"],
    ..always("port-rank", "inputs and outputs have at most 4 axes", "ANEForge").mend("reshape it inside the program")
};

/// Rows about the program and its ports. They cannot be switched.
pub static PROGRAM_ROWS: &[&Row] = &[
    &ARGUMENTS,
    &CONSTANT,
    &DTYPES,
    &UNREAD,
    &PORTS,
    &COPY,
    &CONSTANT_OUTPUT,
    &NO_INPUT,
    &OPSET,
    &MOVEMENT,
    &INPUT,
    &OUTPUT,
    &RANK,
];
