//! What the tests of kernels share: a program is run in every way, which must give the same bytes, and compared with the
//! reference.

use crate::views::{Slice, SliceMut};
use crate::{Engine, Input, Options, Output};
use anemone_ir::{
    Builder, DType, Dims, Function, Opset, Profile, Program, TensorType, ValueId, Var, args, check, reference,
};
use anemone_simd::Level;
use half::f16;

/// Numbers that look random and are the same in every run (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end
    }

    pub(super) fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Halves from -1 to 1.
    pub(super) fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| reference::to_f16(self.below(4001) as f64 / 2000.0 - 1.0).to_f64()).collect()
    }

    /// Dimensions of `rank` axes, some of them 1.
    pub(super) fn dims(&mut self, rank: usize, most: usize) -> Vec<usize> {
        (0..rank).map(|_| if self.below(4) == 0 { 1 } else { 1 + self.below(most) }).collect()
    }

    /// All axes below `rank`, in some order.
    pub(super) fn order(&mut self, rank: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rank).collect();
        (1..rank).for_each(|i| order.swap(i, self.below(i + 1)));
        order
    }
}

/// Numbers from -1 to 1 that are halves.
pub(super) fn numbers(count: usize, seed: usize) -> Vec<f64> {
    let number = |i: usize| ((i * 7919 + seed * 104_729) % 4001) as f64 / 2000.0 - 1.0;
    (0..count).map(|i| reference::to_f16(number(i)).to_f64()).collect()
}

macro_rules! data {
    ($($dtype:ident $variant:ident $t:ty, $from:expr, $to:expr;)*) => {
        enum Data {
            $($variant(Vec<$t>),)*
        }

        impl Data {
            fn new(dtype: DType, x: &[f64]) -> Data {
                match dtype {
                    $(DType::$dtype => Data::$variant(x.iter().copied().map($from).collect()),)*
                    other => unreachable!("no tensors of {other}"),
                }
            }

            fn slice(&self) -> Slice<'_> {
                match self { $(Data::$variant(v) => Slice::$variant(v),)* }
            }

            fn slice_mut(&mut self) -> SliceMut<'_> {
                match self { $(Data::$variant(v) => SliceMut::$variant(v),)* }
            }

            fn numbers(&self) -> Vec<f64> {
                match self { $(Data::$variant(v) => v.iter().copied().map($to).collect(),)* }
            }
        }
    };
}
data! {
    Fp16 F16 f16, reference::to_f16, f16::to_f64;
    Fp32 F32 f32, |x| x as f32, f64::from;
    Int32 I32 i32, |x| x as i32, f64::from;
    Int16 I16 i16, |x| x as i16, f64::from;
    UInt16 U16 u16, |x| x as u16, f64::from;
    Int8 I8 i8, |x| x as i8, f64::from;
    UInt8 U8 u8, |x| x as u8, f64::from;
    Bool Bool u8, |x| u8::from(x != 0.0), f64::from;
}

fn row(f: &Function, id: ValueId) -> usize {
    f.ty(id).dims.last().copied().unwrap_or(1)
}

fn run(f: &Function, options: &Options, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let engine = Engine::new(f, options).unwrap();
    let ins: Vec<Data> = f.params.iter().zip(inputs).map(|(id, x)| Data::new(f.ty(*id).dtype, x)).collect();
    let ins: Vec<Input<'_>> =
        f.params.iter().zip(&ins).map(|(id, x)| Input { data: x.slice(), row_stride: row(f, *id) }).collect();
    let storage = |id: ValueId| options.profile.storage(f.ty(id).dtype);
    let mut outs: Vec<Data> =
        f.outputs.iter().map(|id| Data::new(storage(*id), &vec![7.0; f.ty(*id).dims.elements()])).collect();
    let mut places: Vec<Output<'_>> = f
        .outputs
        .iter()
        .zip(&mut outs)
        .map(|(id, x)| Output { data: x.slice_mut(), row_stride: row(f, *id) })
        .collect();
    engine.run(&ins, &mut places).unwrap();
    outs.iter().map(Data::numbers).collect()
}

/// Runs a program in every way, which must give the same bytes, and returns the results of the engine and the reference.
/// Inputs are rounded to their types first.
pub(super) fn every_way(program: &Program, profile: Profile, inputs: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let f = program.main();
    let round = |(id, x): (&ValueId, &Vec<f64>)| x.iter().map(|x| reference::round_to(f.ty(*id).dtype, *x)).collect();
    let inputs: &[Vec<f64>] = &f.params.iter().zip(inputs).map(round).collect::<Vec<_>>();
    let mut first: Option<Vec<Vec<f64>>> = None;
    for level in Level::available() {
        for (threads, fuse) in [(1, true), (1, false), (2, true), (3, false)] {
            let options = Options { profile, threads: Some(threads), level: Some(level), fuse };
            let out = run(f, &options, inputs);
            // Which NaN it is depends on the processor.
            let bits = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
            let bits = |v: &[Vec<f64>]| v.iter().flatten().map(bits).collect::<Vec<_>>();
            let first = first.get_or_insert_with(|| out.clone());
            assert_eq!(bits(first), bits(&out), "{level:?}, {threads} threads, fuse {fuse}: {}", describe(f));
        }
    }
    let expected = reference::run(f, inputs, profile).into_iter().map(|a| a.data).collect();
    (first.unwrap(), expected)
}

fn describe(f: &Function) -> String {
    let types = |ids: &[ValueId]| ids.iter().map(|id| f.ty(*id).to_string()).collect::<Vec<_>>().join(", ");
    let nodes: Vec<String> = f.nodes.iter().map(|n| format!("{:?}", n.op)).collect();
    format!("{} -> {} by {}", types(&f.params), types(&f.outputs), nodes.join("; "))
}

/// A function of one input, and its program.
pub(super) fn program(ty: TensorType, body: impl FnOnce(&mut Builder, Var) -> Vec<Var>) -> Program {
    let mut b = Builder::function("main", Opset::Ios17);
    let x = b.input("x", ty);
    body(&mut b, x).into_iter().for_each(|y| b.output(y));
    check(b.finish()).unwrap()
}

pub(super) fn ty(dtype: DType, dims: &[usize]) -> TensorType {
    TensorType::new(dtype, Dims::new(dims).unwrap())
}

/// A value, and a function of its elements that loses nothing, which is fused to what makes the value if that is a source.
pub(super) fn with_followers(b: &mut Builder, y: Var) -> Vec<Var> {
    let z = b.relu(args! { x: y });
    let z = b.mul(args! { x: z, y: 0.5 });
    vec![y, z]
}

/// The operation has a kernel, to which [`with_followers`] are fused.
pub(super) fn assert_is_fused(program: &Program, operation: &str) {
    let engine = Engine::new(program.main(), &Options::default()).unwrap();
    let steps = engine.report().steps;
    let is_source = |operations: &[String]| operations.len() > 1 && operations[0] == operation;
    assert!(steps.iter().any(|s| is_source(&s.operations)), "{operation} has no kernel: {}", describe(program.main()));
}

/// The engine's results are the reference's, to the bit; NaN is NaN.
pub(super) fn assert_same(program: &Program, inputs: &[Vec<f64>]) {
    for profile in [Profile::Fp16, Profile::F32] {
        let (found, expected) = every_way(program, profile, inputs);
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let same = found.iter().zip(expected).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()));
            assert!(same, "output {at} of {}: {found:?}, reference {expected:?}", describe(program.main()));
        }
    }
}

/// The engine's results are near the reference's: `tolerance` relative to 1 and the number, for the profile `f32`; and half
/// a step of a half more, or subnormals, for `fp16`. Infinities and NaN are the same.
pub(super) fn assert_near(program: &Program, inputs: &[Vec<f64>], tolerance: f64) {
    for (profile, coarse) in [(Profile::Fp16, 1e-3), (Profile::F32, 0.0)] {
        let (found, expected) = every_way(program, profile, inputs);
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (i, (x, y)) in found.iter().zip(expected).enumerate() {
                let near = (x - y).abs() <= tolerance.max(coarse) * y.abs() + tolerance.max(coarse * 1e-4);
                let same = x == y || (x.is_nan() && y.is_nan());
                assert!(
                    near || same,
                    "{profile:?} output {at}, element {i}: {x}, reference {y}; {}",
                    describe(program.main())
                );
            }
        }
    }
}
