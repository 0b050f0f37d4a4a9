//! The Neural Engine as a target: what Core ML's MIL allows and the engine's own front end does not.
//!
//! [`legalise`] turns a program into one that the front end is known to take, or says for each operation why there is none. What
//! it does rests on [`table::ROWS`], which is data: what is claimed, by whom, for which generation, and what is done about it.
//! Where sources disagree, the form is chosen that all of them take; each such row is a switch of [`Rules`].
//!
//! What comes out is an ordinary [`Program`]: the CPU engine and the reference run it too.

pub mod generation;
pub mod table;

mod arguments;
mod emitter;
mod fold;
mod rules;

use crate::check::{Diagnostics, check};
use crate::diagnostic::{Diagnostic, Location, Severity};
use crate::draft::Draft;
use crate::program::Program;
use std::sync::Arc;

pub use generation::{Form, Generation};
pub use table::{Row, Rules, Verdict};

/// A program that the Neural Engine's front end is known to take.
#[derive(Clone, Debug)]
pub struct Legal {
    /// The program. Its ports have other names than those of the program it was made of.
    pub program: Program,
    /// The ports of each function, in the order of [`Program::functions`].
    pub ports: Vec<Ports>,
    /// How its text is to be written.
    pub form: Form,
    /// What was done, in the order of the operations.
    pub changes: Vec<Change>,
    /// What may not work, though it is not known not to.
    pub warnings: Vec<Diagnostic>,
}

/// How the ports of a function are found again.
///
/// The engine orders ports by name, not by place (Orion, libane, ane-bridge), and `t10` comes before `t2`. So they are called
/// `i000`, `i001`, … and `o000`, `o001`, …, with as many digits as all of them need: by name and by place is the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ports {
    /// The function.
    pub function: Arc<str>,
    /// For each input of the original function, in its order: its name here; `None` if nothing reads it, for then the compiler
    /// drops it, and the indices of those behind it shift.
    pub inputs: Vec<Option<Arc<str>>>,
    /// For each output of the original function, in its order: its name here.
    pub outputs: Vec<Arc<str>>,
}

/// Something that is not as in the original program.
#[derive(Clone, Debug)]
pub struct Change {
    /// The row of the table that it was done for.
    pub row: &'static Row,
    /// The function.
    pub function: Arc<str>,
    /// The mnemonic of the operation in the original program; empty if it is not about one.
    pub mnemonic: &'static str,
    /// The name of its first result there, or of the port.
    pub name: Arc<str>,
    /// Where it was written.
    pub location: Location,
    /// What was done.
    pub what: String,
    /// Whether results may be rounded differently than the original program says.
    pub rounding: bool,
}

/// Makes a program that the Neural Engine takes, by the table as it is.
///
/// ```
/// use anemone_ir::{ane, args, check, Builder, DType, Dims, TensorType};
/// let mut b = Builder::new();
/// let x = b.input("x", TensorType::new(DType::Fp16, Dims::new(&[1, 64, 1, 64]).unwrap()));
/// let y = b.rsqrt(args! { x: x });
/// b.output(y);
/// let program = check(b.finish()).unwrap();
/// let legal = ane::legalise(&program, ane::Generation::H13).unwrap();
/// assert_eq!(legal.ports[0].inputs[0].as_deref(), Some("i000"));
/// assert_eq!(legal.program.main().nodes.last().unwrap().args.len(), 2, "epsilon is written out");
/// ```
///
/// # Errors
/// Everything in the program that the engine is known to refuse or to compute wrongly, with what can be done about it.
pub fn legalise(program: &Program, generation: Generation) -> Result<Legal, Diagnostics> {
    legalise_by(program, generation, &Rules::default())
}

/// The same, with some rows of the table switched on or off.
///
/// # Errors
/// As [`legalise`].
pub fn legalise_by(program: &Program, generation: Generation, rules: &Rules) -> Result<Legal, Diagnostics> {
    let form = generation.form();
    let mut draft = Draft { build_info: program.build_info.clone(), ..Draft::default() };
    let (mut ports, mut changes, mut findings) = (Vec::new(), Vec::new(), Vec::new());
    for function in &program.functions {
        let written = emitter::function(function, generation, rules);
        draft.functions.push(written.function);
        ports.push(written.ports);
        changes.extend(written.changes);
        findings.extend(written.findings);
    }
    if findings.iter().any(|d| d.severity == Severity::Error) {
        // What was refused is not there to be counted: that the rest only moves data says nothing.
        findings.retain(|d: &Diagnostic| d.severity == Severity::Error || d.slug != "ane-program");
        return Err(Diagnostics(findings));
    }
    let program = check(draft)?;
    Ok(Legal { program, ports, form, changes, warnings: findings })
}
