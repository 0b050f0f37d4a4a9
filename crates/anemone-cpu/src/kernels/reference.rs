//! The reference as a step: every operation that has no kernel of its own.

use crate::memory::{Io, Stored};
use crate::plan::{PlanCx, Planned, Step};
use crate::team::Team;
use anemone_ir::reference::{Array, Inputs, round_to, to_f16};
use anemone_ir::{DType, Op, TensorType, ValueId};
use half::f16;

/// One node, evaluated as it is defined. The only step that takes memory while it runs.
pub(crate) struct Reference {
    op: Op,
    /// For each parameter, how many of the reads are its.
    params: Vec<usize>,
    reads: Vec<TensorType>,
    results: Vec<TensorType>,
    storage: Vec<DType>,
}

impl Reference {
    /// Plans the node of `cx`.
    pub(crate) fn plan(cx: &PlanCx<'_>) -> Planned<dyn Step> {
        let numeric = |id: &ValueId| cx.function.ty(*id).dtype != DType::String;
        let operands = |ids: &[ValueId]| ids.iter().copied().filter(numeric).collect::<Vec<_>>();
        let args: Vec<Vec<ValueId>> = cx.node.args.iter().map(|a| operands(a.ids())).collect();
        let reads = args.concat();
        let step = Reference {
            op: cx.node.op.clone(),
            params: args.iter().map(Vec::len).collect(),
            reads: reads.iter().map(|id| *cx.function.ty(*id)).collect(),
            results: cx.node.results.iter().map(|id| *cx.function.ty(*id)).collect(),
            storage: cx.node.results.iter().map(|id| cx.storage(*id)).collect(),
        };
        Planned { step: Box::new(step), reads, scratch: 0 }
    }
}

fn numbers<T: Stored>(data: &[T], f: impl Fn(&T) -> f64) -> Vec<f64> {
    data.iter().map(f).collect()
}

fn load(io: &Io<'_>, read: usize) -> Vec<f64> {
    match io.dtype(read) {
        DType::Fp16 => numbers(io.read::<f16>(read), |x| x.to_f64()),
        DType::Fp32 => numbers(io.read::<f32>(read), |x| f64::from(*x)),
        DType::Int32 => numbers(io.read::<i32>(read), |x| f64::from(*x)),
        DType::UInt32 => numbers(io.read::<u32>(read), |x| f64::from(*x)),
        DType::Int16 => numbers(io.read::<u16>(read), |x| f64::from(*x as i16)),
        DType::UInt16 => numbers(io.read::<u16>(read), |x| f64::from(*x)),
        DType::Int8 => numbers(io.read::<u8>(read), |x| f64::from(*x as i8)),
        DType::UInt8 | DType::Bool => numbers(io.read::<u8>(read), |x| f64::from(*x)),
        // Only what is computed before a run reads these.
        DType::String | DType::Int4 | DType::UInt1 | DType::UInt2 | DType::UInt3 | DType::UInt4 | DType::UInt6 => {
            unreachable!("no operation reads {} while a program runs", io.dtype(read))
        }
    }
}

fn store(io: &mut Io<'_>, write: usize, dtype: DType, data: &[f64]) {
    let rounded = data.iter().map(|x| round_to(dtype, *x));
    match dtype {
        DType::Fp16 => fill(io.write::<f16>(write), rounded, to_f16),
        DType::Fp32 => fill(io.write::<f32>(write), rounded, |x| x as f32),
        DType::Int32 => fill(io.write::<i32>(write), rounded, |x| x as i32),
        DType::UInt32 => fill(io.write::<u32>(write), rounded, |x| x as u32),
        DType::Int16 => fill(io.write::<u16>(write), rounded, |x| x as i16 as u16),
        DType::UInt16 => fill(io.write::<u16>(write), rounded, |x| x as u16),
        DType::Int8 => fill(io.write::<u8>(write), rounded, |x| x as i8 as u8),
        DType::UInt8 | DType::Bool => fill(io.write::<u8>(write), rounded, |x| x as u8),
        _ => unreachable!("no operation gives {dtype} while a program runs"),
    }
}

fn fill<T>(to: &mut [T], from: impl Iterator<Item = f64>, convert: impl Fn(f64) -> T) {
    to.iter_mut().zip(from).for_each(|(to, x)| *to = convert(x));
}

impl Step for Reference {
    fn run(&self, io: &mut Io<'_>, _: &Team<'_>) {
        let arrays: Vec<Array> =
            self.reads.iter().enumerate().map(|(i, ty)| Array { ty: *ty, data: load(io, i) }).collect();
        let mut rest = arrays.iter();
        let args = self.params.iter().map(|n| rest.by_ref().take(*n).collect()).collect();
        let out = self.op.eval(&Inputs::new(self.op.schema(), args, &self.results));
        for (i, (data, dtype)) in out.iter().zip(&self.storage).enumerate() {
            store(io, i, *dtype, data);
        }
    }
}
