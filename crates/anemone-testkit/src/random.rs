//! Programs out of bytes: one generator for unit tests and fuzz targets.
//!
//! A program is typed and acyclic, over the whole table of operations: shapes of rank 0 to 5 with broadcasting, `fp16` mostly
//! and other types by `cast`, constants (some shared), several results, several outputs, values that are used twice or never.
//! Arguments are made by what the schema says of a parameter, and by family where the schema cannot say enough, in
//! `arguments`; so an operation whose parameters are of the common kinds is taken up as soon as it is in the table.
//!
//! A call is tried on a program of its own before it is made: what is refused there is left out, and so are results that
//! would be large or slow.

mod arguments;
mod positions;
mod products;
mod sizes;
mod windows;

use anemone_conformance::numbers::Random;
use anemone_ir::builder::{Argument, Arguments};
use anemone_ir::op::{Param, SCHEMAS, TypeRule};
use anemone_ir::reference::round_to;
use anemone_ir::{Builder, DType, DTypeSet, Dims, Kind, Literal, Opset, Program, Schema, TensorType, Var, args, check};
use arbitrary::{Result, Unstructured};
use std::ops::RangeInclusive;

/// A random program and its inputs.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The program; it has one function.
    pub program: Program,
    /// The elements of its inputs, in binding order.
    pub inputs: Vec<Vec<f64>>,
}

/// A program out of bytes. The same bytes give the same program.
///
/// # Errors
/// The bytes are used up where more are needed.
pub fn sample(u: &mut Unstructured<'_>) -> Result<Sample> {
    let calls = u.int_in_range(1..=12)?;
    Generator::new(u, Opset::Ios15)?.finish(calls, |g| {
        let schema = if g.u.ratio(1, 3)? {
            let simple: Vec<&Schema> = schemas().filter(|s| is_simple(s)).collect();
            *g.u.choose(&simple)?
        } else {
            *g.u.choose(&schemas().collect::<Vec<_>>())?
        };
        g.call(schema).map(|_| ())
    })
}

/// Whether all that it takes are tensors and numbers. Chains of such operations are what engines fuse.
fn is_simple(schema: &Schema) -> bool {
    let simple = |p: &Param| matches!(p.rule, TypeRule::T | TypeRule::U) && !p.tuple;
    !schema.params.is_empty() && schema.params.iter().all(simple)
}

/// A program with one call of this operation, and what it takes to make its operands.
///
/// # Errors
/// The bytes are used up, or what they ask for is refused.
pub fn sample_of(u: &mut Unstructured<'_>, schema: &Schema) -> Result<Sample> {
    Generator::new(u, schema.since)?
        .finish(1, |g| if g.call(schema)? { Ok(()) } else { Err(arbitrary::Error::IncorrectFormat) })
}

/// Operations on tensors that random programs do not have: their arguments are sizes and ends that would seldom be right. Their
/// filetests test them.
const LEFT_OUT: &[&str] = &[
    "make_list",
    "fill",
    "range_1d",
    "one_hot",
    "quantize",
    "dequantize",
    "non_zero",
    "reshape_like",
    "random_bernoulli",
    "random_normal",
    "random_uniform",
];

/// The operations that random programs have: those on tensors alone. Control flow, states, lists and compressed
/// weights are left out too.
pub fn schemas() -> impl Iterator<Item = &'static Schema> {
    let on_tensors = |s: &&Schema| s.params.iter().all(|p| p.kind == Some(Kind::Tensor));
    SCHEMAS.iter().filter(|s| s.blocks.is_empty() && !s.constexpr && !LEFT_OUT.contains(&s.mnemonic)).filter(on_tensors)
}

/// The most elements of a value.
const MOST_ELEMENTS: usize = 4096;
/// The most multiply-accumulates of a node: the reference is slow.
const MOST_MACS: u64 = 1 << 18;
/// The most inputs.
const MOST_INPUTS: usize = 4;
/// Dimensions: small ones, those around the widths of vectors, and 1, which broadcasts.
const DIMS: [usize; 18] = [1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 33, 64];

struct Generator<'a, 'b> {
    u: &'a mut Unstructured<'b>,
    builder: Builder,
    opset: Opset,
    /// What operands are taken from.
    values: Vec<Var>,
    inputs: Vec<TensorType>,
}

impl<'a, 'b> Generator<'a, 'b> {
    /// For a function in an operation set since `since`.
    fn new(u: &'a mut Unstructured<'b>, since: Opset) -> Result<Generator<'a, 'b>> {
        let opset = *u.choose(&Opset::ALL[since as usize..])?;
        Ok(Generator { u, builder: Builder::function("main", opset), opset, values: Vec::new(), inputs: Vec::new() })
    }

    /// Makes `calls` calls, chooses outputs and inputs' numbers.
    fn finish(mut self, calls: usize, call: impl Fn(&mut Self) -> Result<()>) -> Result<Sample> {
        self.input(None)?;
        for _ in 0..calls {
            call(&mut self)?;
        }
        let last = self.values[self.values.len() - 1];
        let mut outputs = vec![last];
        for _ in 0..self.u.int_in_range(0..=2)? {
            let value = *self.u.choose(&self.values)?;
            if !outputs.contains(&value) {
                outputs.push(value);
            }
        }
        outputs.iter().for_each(|v| self.builder.output(*v));
        let inputs = self.inputs.clone();
        let inputs = inputs.iter().map(|ty| self.numbers(ty)).collect::<Result<_>>()?;
        let program = check(self.builder.finish()).expect("every call was tried before it was made");
        Ok(Sample { program, inputs })
    }

    /// Appends a call of the operation; says whether one was found that is not refused.
    fn call(&mut self, schema: &Schema) -> Result<bool> {
        if self.opset < schema.since {
            return Ok(false);
        }
        if schema.mnemonic == "const" {
            let ty = self.ty()?;
            let value = self.constant(ty)?;
            self.values.push(value);
            return Ok(true);
        }
        let Some(arguments) = self.arguments(schema)? else { return Ok(false) };
        if !self.tried(schema.mnemonic, &arguments) {
            return Ok(false);
        }
        let results = self.builder.call_many(schema.mnemonic, arguments);
        self.values.extend(results);
        Ok(true)
    }

    /// Whether a call with these arguments would be well, and neither large nor slow.
    fn tried(&self, mnemonic: &str, arguments: &Arguments) -> bool {
        let mut b = Builder::function("main", self.opset);
        let mut inputs = 0;
        let mut copy = |var: &Var| match self.builder.literal(*var) {
            Some(literal) => b.constant(literal.clone()),
            None => {
                inputs += 1;
                let ty = self.builder.ty(*var).expect("only values without errors are kept");
                b.input(&format!("x{inputs}"), ty)
            }
        };
        let copies: Arguments = arguments
            .iter()
            .map(|(name, argument)| match argument {
                Argument::Var(v) => (*name, Argument::Var(copy(v))),
                Argument::Tuple(vs) => (*name, Argument::Tuple(vs.iter().map(&mut copy).collect())),
                other => (*name, other.clone()),
            })
            .collect();
        let results = b.call_many(mnemonic, copies);
        results.iter().for_each(|r| b.output(*r));
        let Ok(program) = check(b.finish()) else { return false };
        let function = program.main();
        let node = function.nodes.last().expect("the call has been made");
        let small = |id| function.ty(id).dims.elements() <= MOST_ELEMENTS;
        node.results.len() <= 8 && node.results.iter().copied().all(small) && node.macs <= MOST_MACS
    }

    /// A new input.
    fn input(&mut self, ty: Option<TensorType>) -> Result<Var> {
        let ty = match ty {
            Some(ty) => ty,
            None => self.input_ty()?,
        };
        let var = self.builder.input(&format!("in{}", self.inputs.len()), ty);
        self.inputs.push(ty);
        self.values.push(var);
        Ok(var)
    }

    fn input_ty(&mut self) -> Result<TensorType> {
        let dtype = *self.u.choose(&[DType::Fp16, DType::Fp16, DType::Fp16, DType::Fp32, DType::Int32, DType::Bool])?;
        Ok(TensorType::new(dtype, self.dims(0..=5)?))
    }

    /// A constant, which may be one that there is already.
    fn constant(&mut self, ty: TensorType) -> Result<Var> {
        let same = |v: &&Var| self.builder.literal(**v).is_some_and(|l| *l.ty() == ty);
        let there: Vec<Var> = self.values.iter().filter(same).copied().collect();
        if !there.is_empty() && self.u.ratio(1, 2)? {
            return Ok(*self.u.choose(&there)?);
        }
        let literal = self.literal(ty)?;
        let var = self.builder.constant(literal);
        self.values.push(var);
        Ok(var)
    }

    fn literal(&mut self, ty: TensorType) -> Result<Literal> {
        let numbers = self.numbers(&ty)?;
        Ok(Literal::from_f64(ty, &numbers).expect("there are as many numbers as the type has elements"))
    }

    /// Numbers for a tensor: mostly moderate, sometimes whole, sometimes with what is special among floats.
    fn numbers(&mut self, ty: &TensorType) -> Result<Vec<f64>> {
        const SPECIAL: [f64; 12] =
            [0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 65_504.0, -65_504.0, 6e-8, 6.1e-5, 1e-3];
        let style = self.u.int_in_range(0..=7u8)?;
        let mut random = Random::new(u64::from(self.u.arbitrary::<u32>()?));
        if !ty.dtype.is_float() {
            return Ok(random.elements(ty));
        }
        let one = |_| match style {
            0 => SPECIAL[random.below(SPECIAL.len() as u64) as usize],
            1 => random.below(9) as f64 - 4.0,
            2 => 16.0 * random.unit(),
            _ => 2.0 * random.unit(),
        };
        Ok((0..ty.dims.elements()).map(one).map(|x| round_to(ty.dtype, x)).collect())
    }

    fn ty(&mut self) -> Result<TensorType> {
        let dtype = self.dtype(DTypeSet::BASIC)?;
        Ok(TensorType::new(dtype, self.dims(0..=5)?))
    }

    /// One of a set of element types, `fp16` more often than not.
    fn dtype(&mut self, set: DTypeSet) -> Result<DType> {
        let all: Vec<DType> = set.iter().filter(|d| DTypeSet::MOVABLE.contains(*d)).collect();
        if all.contains(&DType::Fp16) && self.u.ratio(2, 3)? { Ok(DType::Fp16) } else { Ok(*self.u.choose(&all)?) }
    }

    fn dims(&mut self, ranks: RangeInclusive<usize>) -> Result<Dims> {
        let rank = self.u.int_in_range(ranks)?;
        let mut dims = Vec::with_capacity(rank);
        for _ in 0..rank {
            let room = MOST_ELEMENTS / 4 / dims.iter().product::<usize>().max(1);
            let d = *self.u.choose(&DIMS)?;
            dims.push(if d <= room { d } else { 1 });
        }
        Ok(Dims::new(&dims).expect("the product is bounded"))
    }

    /// A run-time operand: a value that there is, as it is or converted and reshaped, or else something new.
    fn operand(&mut self, dtype: DType, ranks: RangeInclusive<usize>) -> Result<Var> {
        let fits = |ty: &TensorType| ty.dtype == dtype && ranks.contains(&ty.dims.rank());
        let ty_of = |v: &Var| self.builder.ty(*v).expect("only values without errors are kept");
        let fitting: Vec<Var> = self.values.iter().filter(|v| fits(&ty_of(v))).copied().collect();
        let castable = if self.opset >= Opset::Ios17 { DTypeSet::MOVABLE } else { DTypeSet::BASIC };
        let others: Vec<Var> = self.values.iter().filter(|v| castable.contains(ty_of(v).dtype)).copied().collect();
        match self.u.int_in_range(0..=9u8)? {
            0..=3 if !fitting.is_empty() => self.u.choose(&fitting[fitting.len().saturating_sub(3)..]).copied(),
            0..=6 if !fitting.is_empty() => self.u.choose(&fitting).copied(),
            0..=8 if castable.contains(dtype) && !others.is_empty() => {
                let value = *self.u.choose(&others)?;
                self.adapted(value, dtype, ranks)
            }
            _ => {
                let ty = TensorType::new(dtype, self.dims(ranks)?);
                let bindable = dtype.is_float() || matches!(dtype, DType::Int32 | DType::Bool);
                if bindable && self.inputs.len() < MOST_INPUTS && self.u.ratio(2, 3)? {
                    self.input(Some(ty))
                } else {
                    self.constant(ty)
                }
            }
        }
    }

    /// A value converted to a type and reshaped to a rank.
    fn adapted(&mut self, value: Var, dtype: DType, ranks: RangeInclusive<usize>) -> Result<Var> {
        let ty = self.builder.ty(value).expect("only values without errors are kept");
        let mut value = value;
        if ty.dtype != dtype {
            value = self.builder.cast(args! { x: value, dtype: dtype.name() });
            self.values.push(value);
        }
        if !ranks.contains(&ty.dims.rank()) {
            let shape = self.factors(ty.dims.elements(), ranks)?;
            let reshape = args! { x: value, shape: &shape[..] };
            if !self.tried("reshape", &reshape) {
                return self
                    .constant(TensorType::new(dtype, Dims::new(&vec![1; shape.len()]).expect("a rank below 6")));
            }
            value = self.builder.reshape(reshape);
            self.values.push(value);
        }
        Ok(value)
    }

    /// Dimensions with this product.
    fn factors(&mut self, elements: usize, ranks: RangeInclusive<usize>) -> Result<Vec<i32>> {
        let rank = self.u.int_in_range(ranks)?;
        let mut rest = elements;
        let mut shape = Vec::with_capacity(rank);
        for axis in 0..rank {
            let divisors: Vec<usize> = (1..=rest.min(64)).filter(|d| rest.is_multiple_of(*d)).collect();
            let d = if axis + 1 == rank { rest } else { *self.u.choose(&divisors)? };
            rest /= d;
            shape.push(d as i32);
        }
        let at = self.u.int_in_range(0..=rank.max(1) - 1)?;
        shape.rotate_right(at);
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Bytes for a seed.
    fn bytes(seed: u64, len: usize) -> Vec<u8> {
        let mut random = Random::new(seed);
        (0..len).map(|_| random.bits() as u8).collect()
    }

    #[test]
    fn every_operation_is_reached() {
        const TRIES: u64 = 60;
        for schema in schemas() {
            let of = |seed| sample_of(&mut Unstructured::new(&bytes(seed, 512)), schema).ok();
            let samples: Vec<Sample> = (0..TRIES).filter_map(of).collect();
            assert!(samples.len() as u64 > TRIES / 4, "{}: {} of {TRIES}", schema.mnemonic, samples.len());
            let called = |s: &Sample| s.program.main().nodes.iter().any(|n| n.mnemonic() == schema.mnemonic);
            assert!(samples.iter().all(called), "{}", schema.mnemonic);
        }
    }

    #[test]
    fn programs_are_varied() {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sizes = Vec::new();
        for seed in 0..400 {
            let Ok(sample) = sample(&mut Unstructured::new(&bytes(seed, 2048))) else { continue };
            let function = sample.program.main();
            sizes.push(function.computing_nodes());
            function.nodes.iter().for_each(|n| *seen.entry(n.mnemonic()).or_default() += 1);
            let used = |id: &_| function.nodes.iter().any(|n| n.operands().any(|o| o == *id));
            let dead = function.nodes.iter().flat_map(|n| &n.results);
            let dead = dead.filter(|id| !used(id) && !function.outputs.contains(id)).count();
            *seen.entry("(dead)").or_default() += dead;
            *seen.entry("(several outputs)").or_default() += usize::from(function.outputs.len() > 1);
            *seen.entry("(several results)").or_default() +=
                function.nodes.iter().filter(|n| n.results.len() > 1).count();
        }
        assert!(sizes.len() > 300, "{} programs", sizes.len());
        assert!(sizes.iter().sum::<usize>() > 5 * sizes.len(), "{sizes:?}");
        let missing: Vec<_> = schemas().map(|s| s.mnemonic).filter(|m| !seen.contains_key(m)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(seen["(dead)"] > 100 && seen["(several outputs)"] > 100 && seen["(several results)"] > 5, "{seen:?}");
    }

    #[test]
    fn the_same_bytes_give_the_same_program() {
        for seed in 0..50 {
            let [a, b] = [(); 2].map(|()| {
                let sample = sample(&mut Unstructured::new(&bytes(seed, 1024))).ok();
                sample.map(|s| {
                    format!("{:?} {:?}", s.program.main().nodes.iter().map(|n| &n.op).collect::<Vec<_>>(), s.inputs)
                })
            });
            assert_eq!(a, b);
        }
    }

    #[test]
    fn any_bytes_will_do() {
        for len in 0..64 {
            let _ = sample(&mut Unstructured::new(&bytes(len, len as usize)));
            let _ = sample(&mut Unstructured::new(&vec![0xff; len as usize]));
        }
    }
}
