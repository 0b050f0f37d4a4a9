//! What an operation is: its schema, its type rule, its reference evaluation; and the table of all of them.
//!
//! # The contract of a declaration
//! * [`Operation::SCHEMA`] says which arguments exist, in MIL's names, which element types they take, which must be
//!   known at compile time, and since which operation set. Those rules are enforced for every operation by
//!   [`crate::check()`] before [`Operation::infer`] is called, so `infer` only states what the schema cannot.
//! * [`Operation::infer`] reads the constant arguments into the struct's fields and gives the results' types. After it has
//!   returned `Ok`, nothing that evaluates the operation may fail.
//! * [`Operation::eval`] is the definition of the result, in `f64`, as plainly as it can be written.

use crate::diagnostic::{OpError, fail};
use crate::literal::Literal;
use crate::program::{Arg, ValueId};
use crate::reference::Inputs;
use crate::types::{DType, DTypeSet, Dims, Kind, Opset, TensorType};
use std::sync::Arc;

/// Which element types a parameter takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeRule {
    /// Those of the schema's group `T`; all `T` arguments of a call agree.
    T,
    /// Before iOS 17 as `T`; since then any float, all `U` arguments of a call agreeing among themselves.
    U,
    /// A set of its own, whatever the others are.
    Of(DTypeSet),
    /// `int32`; since iOS 17 also `int8` and `int16`.
    Index,
    /// Indices of elements: `int32`; since iOS 16 also `int16` and `uint16`; since iOS 17 also `int8` and `uint8`.
    Indices,
}

/// Whether the value must be known at compile time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// A run-time value is fine.
    Anytime,
    /// Must be a constant.
    AtCompile,
    /// Must be a constant before iOS 17.
    AtCompileBeforeIos17,
}

impl Known {
    /// Whether the value must be known at compile time in an operation set.
    pub(crate) fn is_needed(self, opset: Opset) -> bool {
        match self {
            Known::Anytime => false,
            Known::AtCompile => true,
            Known::AtCompileBeforeIos17 => opset < Opset::Ios17,
        }
    }
}

/// A parameter of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// MIL's name.
    pub name: &'static str,
    /// Element types.
    pub rule: TypeRule,
    /// Constant or not.
    pub known: Known,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it takes a tuple of values.
    pub tuple: bool,
    /// Whether it takes a vector, of settings for several axes, and not a single one.
    pub vector: bool,
    /// What it takes: a tensor, a list or a state; `None` for tensors and lists.
    pub kind: Option<Kind>,
    /// The first operation set that has it.
    pub since: Opset,
    /// The first operation set that has it no more.
    pub before: Option<Opset>,
}

impl Param {
    /// A required run-time parameter.
    pub const fn new(name: &'static str, rule: TypeRule) -> Param {
        Param {
            name,
            rule,
            known: Known::Anytime,
            optional: false,
            tuple: false,
            vector: false,
            kind: Some(Kind::Tensor),
            since: Opset::Ios15,
            before: None,
        }
    }

    /// A required run-time parameter of group `T`.
    pub const fn t(name: &'static str) -> Param {
        Param::new(name, TypeRule::T)
    }

    /// A constant of group `T`.
    pub const fn const_t(name: &'static str) -> Param {
        Param::t(name).constant()
    }

    /// A constant of group `U`.
    pub const fn const_u(name: &'static str) -> Param {
        Param::new(name, TypeRule::U).constant()
    }

    /// A constant `int32`.
    pub const fn ints(name: &'static str) -> Param {
        Param::new(name, TypeRule::Of(DType::Int32.set())).constant()
    }

    /// A constant `bool`.
    pub const fn bools(name: &'static str) -> Param {
        Param::new(name, TypeRule::Of(DType::Bool.set())).constant()
    }

    /// A constant `string`.
    pub const fn string(name: &'static str) -> Param {
        Param::new(name, TypeRule::Of(DType::String.set())).constant()
    }

    /// Shapes, positions and sizes: a constant index vector. MIL lets some of them be computed at run time; results whose
    /// shape is not known at compile time do not exist here.
    pub const fn index(name: &'static str) -> Param {
        Param::new(name, TypeRule::Index).constant().vector()
    }

    /// The same, to be known at compile time.
    pub const fn constant(mut self) -> Param {
        self.known = Known::AtCompile;
        self
    }

    /// The same, to be known at compile time before iOS 17.
    pub const fn constant_before_ios17(mut self) -> Param {
        self.known = Known::AtCompileBeforeIos17;
        self
    }

    /// The same, which may be left out.
    pub const fn optional(mut self) -> Param {
        self.optional = true;
        self
    }

    /// The same, taking a vector and no scalar.
    pub const fn vector(mut self) -> Param {
        self.vector = true;
        self
    }

    /// The same, taking a tuple.
    pub const fn tuple(mut self) -> Param {
        self.tuple = true;
        self
    }

    /// The same, taking a list or a state, or with `None` tensors and lists.
    pub const fn kind(mut self, kind: Option<Kind>) -> Param {
        self.kind = kind;
        self
    }

    /// The same, existing since `opset`.
    pub const fn since(mut self, opset: Opset) -> Param {
        self.since = opset;
        self
    }

    /// The same, existing no more since `opset`.
    pub const fn before(mut self, opset: Opset) -> Param {
        self.before = Some(opset);
        self
    }

    /// Whether an operation set has it.
    pub fn exists(&self, opset: Opset) -> bool {
        opset >= self.since && self.before.is_none_or(|before| opset < before)
    }
}

/// What an operation says of one of its blocks.
#[derive(Clone, Copy, Debug)]
pub struct BlockRule {
    /// What it is for, in messages.
    pub name: &'static str,
    /// The tuple parameter whose values the block's parameters stand for, one each; `None` if the block has none.
    pub params: Option<&'static str>,
}

/// The declaration of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// MIL's name: also the builder method, the filetest and the kernel's span.
    pub mnemonic: &'static str,
    /// The parameters. Canonical text sorts them by name.
    pub params: &'static [Param],
    /// Group `T` before iOS 17.
    pub t: DTypeSet,
    /// Group `T` since iOS 17.
    pub t_ios17: DTypeSet,
    /// Attributes that carry data (`const` has `val`), all required.
    pub attributes: &'static [&'static str],
    /// The first operation set that has the operation.
    pub since: Opset,
    /// Whether it counts as a computing operation for the limit on program size.
    pub computes: bool,
    /// Whether equal operands give equal results, and nothing else happens: then it may be computed once and for all.
    pub pure: bool,
    /// The blocks of a control-flow operation.
    pub blocks: &'static [BlockRule],
    /// Whether it makes weights of what they are stored as: all of its arguments are known at compile time, and so are its
    /// results, whose data is not written out. Such an operation may also be given all it takes as attributes, as iOS 16
    /// does it.
    pub constexpr: bool,
}

impl Schema {
    /// A computing operation of every operation set, with `T` the same in all.
    pub const fn new(mnemonic: &'static str, t: DTypeSet, params: &'static [Param]) -> Schema {
        Schema {
            mnemonic,
            params,
            t,
            t_ios17: t,
            attributes: &[],
            since: Opset::Ios15,
            computes: true,
            pure: true,
            blocks: &[],
            constexpr: false,
        }
    }

    /// The same with another `T` since iOS 17.
    pub const fn t_ios17(mut self, t: DTypeSet) -> Schema {
        self.t_ios17 = t;
        self
    }

    /// The same with attributes that carry data.
    pub const fn attributes(mut self, names: &'static [&'static str]) -> Schema {
        self.attributes = names;
        self
    }

    /// The same, not counted as computing.
    pub const fn uncounted(mut self) -> Schema {
        self.computes = false;
        self
    }

    /// The same, with results that do not follow from the operands alone, or with an effect.
    pub const fn impure(mut self) -> Schema {
        self.pure = false;
        self
    }

    /// The same, with blocks.
    pub const fn blocks(mut self, blocks: &'static [BlockRule]) -> Schema {
        self.blocks = blocks;
        self
    }

    /// The same, existing since `opset`.
    pub const fn since(mut self, opset: Opset) -> Schema {
        self.since = opset;
        self
    }

    /// Whether it reads or writes a state.
    pub fn touches_state(&self) -> bool {
        self.params.iter().any(|p| p.kind == Some(Kind::State))
    }

    /// The same, making weights of what they are stored as.
    pub const fn constexpr(mut self) -> Schema {
        self.constexpr = true;
        self.uncounted()
    }

    /// The position of a parameter.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.params.iter().position(|p| p.name == name)
    }

    /// What a parameter accepts in an operation set. `U` is given as its widest reading.
    pub fn accepts(&self, param: &Param, opset: Opset) -> DTypeSet {
        let new = opset >= Opset::Ios17;
        match param.rule {
            TypeRule::T => {
                if new {
                    self.t_ios17
                } else {
                    self.t
                }
            }
            TypeRule::U if new => {
                DTypeSet::FLOAT.or(if self.t.contains(DType::Int32) { DType::Int32.set() } else { DTypeSet::NONE })
            }
            TypeRule::U => self.t,
            TypeRule::Of(set) => set,
            TypeRule::Index if new => DTypeSet::INDEX,
            TypeRule::Index => DType::Int32.set(),
            TypeRule::Indices => {
                let words = DType::Int16.set().or(DType::UInt16.set());
                let bytes = DType::Int8.set().or(DType::UInt8.set());
                let since = |first: Opset, set: DTypeSet| if opset >= first { set } else { DTypeSet::NONE };
                DType::Int32.set().or(since(Opset::Ios16, words)).or(since(Opset::Ios17, bytes))
            }
        }
    }
}

/// What is known of a value while operations are checked.
#[derive(Clone, Debug, Default)]
pub struct ValueInfo {
    /// Its type; `None` after an error in what makes it.
    pub ty: Option<TensorType>,
    /// What it is.
    pub kind: Kind,
    /// Its data, if it is a constant, or small and computed from constants.
    pub literal: Option<Literal>,
}

impl ValueInfo {
    /// Of a tensor that is computed at run time.
    pub fn of(ty: TensorType) -> ValueInfo {
        ValueInfo { ty: Some(ty), ..ValueInfo::default() }
    }

    /// Of a constant.
    pub fn constant(literal: Literal) -> ValueInfo {
        let ty = *literal.ty();
        ValueInfo { literal: Some(literal), ..ValueInfo::of(ty) }
    }
}

/// The types of a block, once its operations have been checked.
#[derive(Clone, Debug)]
pub struct BlockTypes {
    /// What the block gives, and what each of it is.
    pub outputs: Vec<(Kind, TensorType)>,
}

/// A call of an operation, as [`Operation::infer`] sees it: arguments by name, already checked against the schema.
pub struct Call<'a> {
    /// The operation set of the function.
    pub opset: Opset,
    pub(crate) schema: &'static Schema,
    pub(crate) args: &'a [Arg],
    pub(crate) values: &'a [ValueInfo],
    pub(crate) attributes: &'a [(Arc<str>, Literal)],
    pub(crate) blocks: &'a [BlockTypes],
    /// How many results the text declares; `None` from a builder.
    pub(crate) declared_results: Option<usize>,
}

impl<'a> Call<'a> {
    fn arg(&self, name: &str) -> &'a Arg {
        let at = self.schema.position(name).expect("infer asks only for parameters of its own schema");
        &self.args[at]
    }

    fn info(&self, id: ValueId) -> &'a ValueInfo {
        &self.values[id.index()]
    }

    fn one(&self, name: &str) -> Option<&'a ValueInfo> {
        match self.arg(name) {
            Arg::One(id) => Some(self.info(*id)),
            Arg::Absent | Arg::Many(_) => None,
        }
    }

    /// The type of an optional argument.
    pub fn ty_opt(&self, name: &str) -> Option<TensorType> {
        self.one(name)?.ty
    }

    /// The type of a required argument.
    pub fn ty(&self, name: &str) -> TensorType {
        self.ty_opt(name).expect("the schema check has seen every required argument")
    }

    /// The types in a tuple argument.
    pub fn tuple(&self, name: &str) -> Vec<TensorType> {
        match self.arg(name) {
            Arg::Many(ids) => ids.iter().filter_map(|id| self.info(*id).ty).collect(),
            Arg::One(id) => self.info(*id).ty.into_iter().collect(),
            Arg::Absent => Vec::new(),
        }
    }

    /// What each value of a tuple argument is.
    pub fn kinds(&self, name: &str) -> Vec<Kind> {
        self.arg(name).ids().iter().map(|id| self.info(*id).kind).collect()
    }

    /// What a block gives.
    pub fn block(&self, index: usize) -> &'a [(Kind, TensorType)] {
        &self.blocks[index].outputs
    }

    /// The data of a constant argument; `None` if it was left out or is computed at run time.
    pub fn literal(&self, name: &str) -> Option<&'a Literal> {
        self.one(name)?.literal.as_ref()
    }

    /// An attribute that carries data.
    pub fn attribute(&self, name: &str) -> Option<&'a Literal> {
        self.attributes.iter().find(|(n, _)| &**n == name).map(|(_, l)| l)
    }

    /// A constant vector (or scalar) of integers.
    pub fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.literal(name)?.to_i64()
    }

    /// The integers in a tuple of constants, one after the other.
    ///
    /// # Errors
    /// One of them is no integer.
    pub fn tuple_ints(&self, name: &str) -> Result<Vec<i64>, OpError> {
        let ints = |id: &ValueId| self.info(*id).literal.as_ref().and_then(Literal::to_i64);
        let ints: Option<Vec<_>> = self.arg(name).ids().iter().map(ints).collect();
        ints.map(|ints| ints.concat())
            .ok_or_else(|| OpError::new("dtype", format!("`{name}` holds what is no integer")))
    }

    /// The truth values in a tuple of constants, one after the other.
    ///
    /// # Errors
    /// One of them is none.
    pub fn tuple_bools(&self, name: &str) -> Result<Vec<bool>, OpError> {
        let bools = |id: &ValueId| self.info(*id).literal.as_ref().and_then(Literal::to_bools);
        let bools: Option<Vec<_>> = self.arg(name).ids().iter().map(bools).collect();
        bools
            .map(|bools| bools.concat())
            .ok_or_else(|| OpError::new("dtype", format!("`{name}` holds what is no truth value")))
    }

    /// A constant integer, or `default` if left out.
    ///
    /// # Errors
    /// It is not one number.
    pub fn int(&self, name: &str, default: i64) -> Result<i64, OpError> {
        match self.ints(name).as_deref() {
            None => Ok(default),
            Some([one]) => Ok(*one),
            Some(many) => fail!("scalar", "`{name}` has {} elements, one is wanted", many.len()),
        }
    }

    /// A constant truth value, or `default` if left out.
    ///
    /// # Errors
    /// It is not one value.
    pub fn bool(&self, name: &str, default: bool) -> Result<bool, OpError> {
        match self.literal(name).and_then(Literal::to_bools).as_deref() {
            None => Ok(default),
            Some([one]) => Ok(*one),
            Some(many) => fail!("scalar", "`{name}` has {} elements, one is wanted", many.len()),
        }
    }

    /// A constant number, or `default` if left out. The default is rounded to the type of `x`, as the format's own
    /// default value would be.
    ///
    /// # Errors
    /// It is not one number.
    pub fn float(&self, name: &str, default: f64) -> Result<f64, OpError> {
        match self.literal(name).and_then(Literal::to_f64).as_deref() {
            None => {
                let x = self.schema.position("x").and_then(|_| self.ty_opt("x"));
                let dtype = x.map_or(DType::Fp32, |t| t.dtype);
                Ok(crate::reference::round_to(dtype, default))
            }
            Some([one]) => Ok(*one),
            Some(many) => fail!("scalar", "`{name}` has {} elements, one is wanted", many.len()),
        }
    }

    /// A constant string, or `default` if left out.
    ///
    /// # Errors
    /// It is not one string.
    pub fn str(&self, name: &str, default: &'static str) -> Result<&'a str, OpError> {
        match self.literal(name) {
            None => Ok(default),
            Some(l) => l.as_str().ok_or_else(|| OpError::new("scalar", format!("`{name}` must be one string"))),
        }
    }

    /// A vector of exactly `len` positive numbers, or all `default` if left out.
    ///
    /// # Errors
    /// Another length, or a number below 1 or above 2^31.
    pub fn counts(&self, name: &str, len: usize, default: usize) -> Result<Vec<usize>, OpError> {
        let Some(v) = self.ints(name) else { return Ok(vec![default; len]) };
        if v.len() != len {
            fail!("length", "`{name}` has {} elements, {len} are wanted", v.len());
        }
        v.iter()
            .map(|n| match usize::try_from(*n) {
                Ok(n) if n >= 1 => Ok(n),
                _ => fail!("range", "`{name}` holds {n}; every element must be at least 1"),
            })
            .collect()
    }

    /// A constant axis of a tensor with `dims`; negative ones count from the end.
    ///
    /// # Errors
    /// Not one number, or out of range.
    pub fn axis(&self, name: &str, default: i64, dims: &Dims) -> Result<usize, OpError> {
        let axis = self.int(name, default)?;
        resolve_axis(name, axis, dims)
    }

    /// Constant axes, resolved, sorted, each once; `None` if left out.
    ///
    /// # Errors
    /// Out of range, or one axis named twice.
    pub fn axes(&self, name: &str, dims: &Dims) -> Result<Option<Vec<usize>>, OpError> {
        let Some(axes) = self.ints(name) else { return Ok(None) };
        let mut out = axes.iter().map(|a| resolve_axis(name, *a, dims)).collect::<Result<Vec<_>, _>>()?;
        out.sort_unstable();
        if out.windows(2).any(|w| w[0] == w[1]) {
            fail!("axis", "`{name}` {axes:?} names an axis twice");
        }
        Ok(Some(out))
    }

    /// How many results the program's text declares for this call; `None` from a builder.
    pub fn declared_results(&self) -> Option<usize> {
        self.declared_results
    }
}

fn resolve_axis(name: &str, axis: i64, dims: &Dims) -> Result<usize, OpError> {
    let rank = dims.rank() as i64;
    dims.axis(axis).ok_or_else(|| {
        let allowed =
            if rank == 0 { "a scalar has no axis".to_owned() } else { format!("allowed is {}..={}", -rank, rank - 1) };
        OpError::new("axis", format!("`{name}` is {axis}, but {dims} has rank {rank}: {allowed}"))
    })
}

/// What [`Operation::infer`] finds.
#[derive(Clone, Debug)]
pub struct Inferred<O> {
    /// The operation with its constant arguments read.
    pub op: O,
    /// The types of its results.
    pub results: Vec<TensorType>,
    /// What each result is; empty if all are tensors.
    pub kinds: Vec<Kind>,
    /// The data of the results, where it is known without a run: it follows from types, or from compressed weights. Empty if it
    /// is not known.
    pub known: Vec<Literal>,
    /// Multiply-accumulates it takes, for estimates; 0 where other work dominates.
    pub macs: u64,
}

impl<O> Inferred<O> {
    /// One result.
    pub fn one(op: O, result: TensorType) -> Inferred<O> {
        Inferred::many(op, vec![result])
    }

    /// Any number of results.
    pub fn many(op: O, results: Vec<TensorType>) -> Inferred<O> {
        Inferred { op, results, kinds: Vec::new(), known: Vec::new(), macs: 0 }
    }

    /// The same, with what each result is.
    #[must_use]
    pub fn kinds(mut self, kinds: Vec<Kind>) -> Inferred<O> {
        self.kinds = kinds;
        self
    }

    /// The same, with one result whose data is known without a run.
    #[must_use]
    pub fn known(mut self, literal: Literal) -> Inferred<O> {
        self.known = vec![literal];
        self
    }

    /// Results whose data is known.
    pub fn all_known(op: O, literals: Vec<Literal>) -> Inferred<O> {
        let results = literals.iter().map(|l| *l.ty()).collect();
        Inferred { known: literals, ..Inferred::many(op, results) }
    }

    /// What a result is.
    pub fn kind(&self, index: usize) -> Kind {
        self.kinds.get(index).copied().unwrap_or_default()
    }

    /// The same with `outputs` dot products of `each` multiply-accumulates.
    #[must_use]
    pub fn macs(mut self, outputs: usize, each: usize) -> Inferred<O> {
        self.macs = (outputs as u64).saturating_mul(each as u64);
        self
    }

    fn map<P>(self, f: impl FnOnce(O) -> P) -> Inferred<P> {
        let Inferred { op, results, kinds, known, macs } = self;
        Inferred { op: f(op), results, kinds, known, macs }
    }
}

/// One operation of MIL; see the module's documentation for what each part owes.
pub trait Operation: Sized + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The declaration.
    const SCHEMA: Schema;

    /// Reads the constant arguments and gives the results' types.
    ///
    /// # Errors
    /// What the schema cannot say is not as it must be.
    fn infer(call: &Call<'_>) -> Result<Inferred<Self>, OpError>;

    /// The results, one vector each, row-major. Rounding to the results' types is the caller's work.
    fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>>;
}

/// A builder method for an operation; constants, control flow and states have methods of their own, such as
/// [`crate::Builder::constant`].
macro_rules! builder_method {
    (const $Type:ident $family:ident) => {};
    // A word of Rust's.
    (mod $Type:ident $family:ident) => {
        builder_method! { r#mod $Type $family }
    };
    (cond $Type:ident $family:ident) => {};
    (while_loop $Type:ident $family:ident) => {};
    (write_state $Type:ident $family:ident) => {};
    ($mnemonic:ident $Type:ident $family:ident) => {
        #[doc = concat!("Appends `", stringify!($mnemonic), "` and returns its first result.")]
        #[doc = concat!("See [`crate::ops::", stringify!($family), "::", stringify!($Type), "`].")]
        #[track_caller]
        pub fn $mnemonic(&mut self, args: impl Into<crate::builder::Arguments>) -> crate::builder::Var {
            self.call(<crate::ops::$family::$Type as Operation>::SCHEMA.mnemonic, args)
        }
    };
}

macro_rules! define_op {
    ($($family:ident { $($mnemonic:ident $Type:ident,)* })*) => {
        /// An operation of a checked program, with its constant arguments read.
        #[derive(Clone, PartialEq, Debug)]
        #[non_exhaustive]
        pub enum Op {
            $($(
                #[doc = concat!("`", stringify!($mnemonic), "`")]
                $Type(crate::ops::$family::$Type),
            )*)*
        }

        impl Op {
            /// The declaration.
            pub fn schema(&self) -> &'static Schema {
                match self { $($(Op::$Type(_) => &<crate::ops::$family::$Type as Operation>::SCHEMA,)*)* }
            }

            /// [`Operation::infer`] of the operation that `schema` declares; the schema must come from [`SCHEMAS`].
            pub(crate) fn infer(call: &Call<'_>) -> Result<Inferred<Op>, OpError> {
                match call.schema.mnemonic {
                    $($(stringify!($mnemonic) => {
                        <crate::ops::$family::$Type as Operation>::infer(call).map(|i| i.map(Op::$Type))
                    })*)*
                    other => unreachable!("{other} is not in the table"),
                }
            }

            /// [`Operation::eval`].
            pub fn eval(&self, x: &Inputs<'_>) -> Vec<Vec<f64>> {
                match self { $($(Op::$Type(op) => op.eval(x),)*)* }
            }
        }

        /// Every operation's declaration, in the order of the table.
        pub static SCHEMAS: &[Schema] = &[$($(<crate::ops::$family::$Type as Operation>::SCHEMA,)*)*];

        /// Builder methods named after the operations.
        impl crate::builder::Builder {
            $($(builder_method! { $mnemonic $Type $family })*)*
        }

        #[cfg(test)]
        mod table {
            use super::*;
            #[test]
            fn mnemonics_match_their_schemas() {
                $($(assert_eq!(<crate::ops::$family::$Type as Operation>::SCHEMA.mnemonic, stringify!($mnemonic));)*)*
            }
        }
    };
}
crate::for_each_op!(define_op);

/// The declaration with this mnemonic.
pub fn schema(mnemonic: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|s| s.mnemonic == mnemonic)
}
