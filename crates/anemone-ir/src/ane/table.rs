//! What is known of the operations on the Neural Engine, as data: each row says what is claimed, by whom, for which
//! generations, how sure it is, and what is done about it.
//!
//! An error needs two sources that agree; what one source refuses is a warning. A form that some refuse and others run is
//! replaced by one that all run, where there is one.

use super::emitter::Emitter;
use super::generation::Generation;
use super::rules;
use crate::builder::Var;
use crate::limits::Confidence;
use crate::literal::Literal;
use crate::program::{Arg, Function, Node, ValueId};
use crate::types::TensorType;

/// What is done about a row.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The operation stays as it is.
    Keep,
    /// It is done in every program, and cannot be switched off.
    Always,
    /// The operation is replaced by others.
    Rewrite,
    /// It may not work: a warning.
    Warn,
    /// It does not work: an error.
    Refuse,
}

impl Verdict {
    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Keep => "keep",
            Verdict::Always => "always",
            Verdict::Rewrite => "rewrite",
            Verdict::Warn => "warn",
            Verdict::Refuse => "refuse",
        }
    }
}

/// One claim about operations on the Neural Engine.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// A stable name.
    pub id: &'static str,
    /// The mnemonics it is about; none if it is about every operation.
    pub operations: &'static [&'static str],
    /// The first generation it is about.
    pub since: Generation,
    /// The last one.
    pub until: Generation,
    /// Whether what replaces the operation may round differently.
    pub rounding: bool,
    /// Whether it is acted upon unless told otherwise.
    pub on: bool,
    /// The claim in words.
    pub claim: &'static str,
    /// How to mend it, for a warning or an error.
    pub mend: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The slug of its findings.
    pub slug: &'static str,
    /// Of the operations, those that it is about.
    pub(super) when: fn(&Site<'_>) -> bool,
    pub(super) action: Action,
}

/// What is done about a row, and by what.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Keep,
    Always,
    Rewrite {
        /// What the operation becomes, in words.
        becomes: &'static str,
        make: Make,
    },
    Warn,
    Refuse,
}

/// Writes what an operation becomes; its results.
pub(super) type Make = for<'e, 'a> fn(&'e mut Emitter<'a>, &'a Node) -> Vec<Var>;

/// An operation in its place.
pub(super) struct Site<'a> {
    pub(super) source: &'a Function,
    pub(super) literals: &'a [Option<Literal>],
    pub(super) node: &'a Node,
}

impl Site<'_> {
    pub(super) fn ty(&self, id: ValueId) -> &TensorType {
        self.source.ty(id)
    }

    /// The value of an argument that is one.
    pub(super) fn argument(&self, name: &str) -> Option<ValueId> {
        match self.node.arg(name) {
            Arg::One(id) => Some(*id),
            Arg::Absent | Arg::Many(_) => None,
        }
    }

    /// Whether an argument is there, and known only at run time.
    pub(super) fn is_run_time(&self, name: &str) -> bool {
        self.argument(name).is_some_and(|id| self.literals[id.index()].is_none())
    }

    /// The values of a tuple.
    pub(super) fn tuple(&self, name: &str) -> &[ValueId] {
        self.node.arg(name).ids()
    }

    /// The text of a constant argument.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.literals[self.argument(name)?.index()].as_ref()?.as_str()
    }
}

impl Row {
    const fn new(
        id: &'static str,
        operations: &'static [&'static str],
        claim: &'static str,
        source: &'static str,
        action: Action,
    ) -> Row {
        Row {
            id,
            operations,
            since: Generation::H13,
            until: Generation::H17,
            rounding: false,
            on: true,
            claim,
            mend: "",
            source,
            confidence: Confidence::Medium,
            slug: "ane-unsupported",
            when: |_| true,
            action,
        }
    }

    const fn when(mut self, when: fn(&Site<'_>) -> bool) -> Row {
        self.when = when;
        self
    }

    const fn rounding(mut self) -> Row {
        self.rounding = true;
        self
    }

    const fn until(mut self, until: Generation) -> Row {
        self.until = until;
        self
    }

    const fn since(mut self, since: Generation) -> Row {
        self.since = since;
        self
    }

    const fn sure(mut self, confidence: Confidence) -> Row {
        self.confidence = confidence;
        self
    }

    const fn mend(mut self, mend: &'static str) -> Row {
        self.mend = mend;
        self
    }

    const fn slug(mut self, slug: &'static str) -> Row {
        self.slug = slug;
        self
    }

    /// What is done about it.
    pub fn verdict(&self) -> Verdict {
        match self.action {
            Action::Keep => Verdict::Keep,
            Action::Always => Verdict::Always,
            Action::Rewrite { .. } => Verdict::Rewrite,
            Action::Warn => Verdict::Warn,
            Action::Refuse => Verdict::Refuse,
        }
    }

    /// What the operation becomes, in words; empty if it is not replaced.
    pub fn becomes(&self) -> &'static str {
        match self.action {
            Action::Rewrite { becomes, .. } => becomes,
            _ => "",
        }
    }

    /// Whether it is about operations with this mnemonic, on this generation.
    pub fn is_about(&self, mnemonic: &str, generation: Generation) -> bool {
        (self.since..=self.until).contains(&generation)
            && (self.operations.is_empty() || self.operations.contains(&mnemonic))
    }

    /// How to mend it, and where the claim is from.
    pub(super) fn hint(&self) -> String {
        format!("{} (row {}; source: {}; confidence: {})", self.mend, self.id, self.source, self.confidence)
    }
}

const fn keep(id: &'static str, operations: &'static [&'static str], claim: &'static str, source: &'static str) -> Row {
    Row::new(id, operations, claim, source, Action::Keep)
}

const fn always(id: &'static str, claim: &'static str, source: &'static str) -> Row {
    Row::new(id, &[], claim, source, Action::Always)
}

/// Which rows are acted upon. By default each as its [`Row::on`] says.
///
/// ```
/// use anemone_ir::ane::Rules;
/// let rules = Rules::default().set("identity", false).unwrap();
/// assert!(Rules::default().set("entity", true).is_none());
/// assert_ne!(rules, Rules::default());
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Rules {
    changed: Vec<(&'static str, bool)>,
}

impl Rules {
    /// The same with a row acted upon, or not. `None` if no row is called so, or if it is not one to be switched.
    #[must_use]
    pub fn set(mut self, id: &str, on: bool) -> Option<Rules> {
        let row = ROWS.iter().find(|row| row.id == id && row.is_switch())?;
        self.changed.retain(|(other, _)| *other != row.id);
        self.changed.push((row.id, on));
        Some(self)
    }

    pub(super) fn is_on(&self, row: &Row) -> bool {
        self.changed.iter().find(|(id, _)| *id == row.id).map_or(row.on, |(_, on)| *on)
    }
}

impl Row {
    /// Whether it can be switched on and off.
    pub fn is_switch(&self) -> bool {
        !matches!(self.action, Action::Keep | Action::Always)
    }
}

/// Arguments that were left out are written.
pub(super) static ARGUMENTS: Row = always(
    "arguments",
    "an optional argument that is left out makes the front end refuse the operation",
    "ironmill, ANEForge, mil_spec; coremltools writes all of them",
)
.sure(Confidence::High);

/// What is computed of constants is one.
pub(super) static CONSTANT: Row = always(
    "constant",
    "weights must be constants of the text, not results of operations on constants",
    "computer-graphics-tools, ANEForge",
);

/// Constant arguments have the type of what they are used with.
pub(super) static DTYPES: Row = Row {
    rounding: true,
    ..always(
        "dtypes",
        "scalars and weights have the type of `x`, fp16; indices are int32",
        "mil_infer; MIL before iOS 17",
    )
};

/// What nothing reads is left out.
pub(super) static UNREAD: Row = always(
    "unread",
    "an input that nothing reads is dropped by the compiler, which shifts the indices of the others; unread results can fail",
    "computer-graphics-tools; ane-bridge",
);

/// Ports are renamed.
pub(super) static PORTS: Row =
    always("ports", "ports are bound in the order of their names", "Orion, libane, ane-bridge").sure(Confidence::High);

/// An output is a result of its own.
///
/// The product with 1 is IEEE's identity: it keeps every number, -0, infinities, subnormals, and NaN. Adding 0 would make 0
/// of -0; views (`reshape`) and `identity` are what the front end refuses.
pub(super) static COPY: Row = always(
    "copy",
    "an output must be what an operation computes, and one of its own",
    "mil_spec, Espresso (an alias fails); computer-graphics-tools (needs a name of its own)",
);

/// A program reads something.
pub(super) static NO_INPUT: Row = always(
    "no-input",
    "its outputs depend on no input, and the engine takes no program without one",
    "computer-graphics-tools; requests are refused without an input (decompiled framework)",
);

/// What an input may be.
pub(super) static INPUT: Row = Row {
    operations: &["input"],
    mend: "make it fp16 and convert the data before they are bound",
    ..always(
        "input",
        "inputs are fp16 on every generation",
        "maderix/ANE #6 (no fp32 on M1 and M2), ironmill (no int32)",
    )
};

/// What an output may be.
pub(super) static OUTPUT: Row = Row {
    operations: &["output"],
    mend: "have the program give fp16: `select` makes 1 and 0 of truth values; convert afterwards",
    ..always(
        "output",
        "outputs are fp16 on every generation",
        "maderix/ANE #6 (no fp32 on M1 and M2), ironmill (no int32)",
    )
};

/// Rows about the program and its ports rather than an operation.
pub static PROGRAM_ROWS: &[&Row] =
    &[&ARGUMENTS, &CONSTANT, &DTYPES, &UNREAD, &PORTS, &COPY, &NO_INPUT, &INPUT, &OUTPUT];

/// Every row about operations. The first row that replaces or refuses an operation is the last that is looked at.
pub static ROWS: &[Row] = &[
    keep(
        "arithmetic",
        &["add", "sub", "mul", "real_div", "maximum", "minimum", "abs", "square"],
        "they run",
        "every source; ANEForge, measured: within 4e-4",
    )
    .sure(Confidence::High),
    Row::new(
        "identity",
        &["identity"],
        "the front end refuses it",
        "ANEForge, measured; Espresso",
        Action::Rewrite { becomes: "its operand", make: rules::operand },
    ),
];
