//! The engine, in every way it can be set up.

use anemone_cpu::{Engine, Input, Options, Output, Slice, SliceMut};
use anemone_ir::reference::{Array, to_f16};
use anemone_ir::{DType, Function, Profile, TensorType};
use anemone_simd::Level;
use half::f16;
use std::fmt;

/// A way to set up the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// The numerics.
    pub profile: Profile,
    /// The vector instructions.
    pub level: Level,
    /// Threads.
    pub threads: usize,
    /// Whether chains of operations become one step.
    pub fuse: bool,
}

impl Setup {
    /// The best level on one thread, fused.
    pub fn plain(profile: Profile) -> Setup {
        Setup { profile, level: Level::best(), threads: 1, fuse: true }
    }

    /// Every level of this machine on 1, 2 and 3 threads, fused and unfused.
    pub fn all(profile: Profile) -> Vec<Setup> {
        let of_level = |level| {
            let of_threads = move |threads| [true, false].map(|fuse| Setup { profile, level, threads, fuse });
            [1, 2, 3].into_iter().flat_map(of_threads)
        };
        Level::available().flat_map(of_level).collect()
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setup { profile, level, threads, fuse } = self;
        let fuse = if *fuse { "fused" } else { "unfused" };
        write!(f, "engine, {}, {}, {threads} threads, {fuse}", profile.name(), level.name())
    }
}

/// A function on an engine.
pub struct Executor {
    engine: Engine,
    setup: Setup,
    inputs: Vec<TensorType>,
    outputs: Vec<TensorType>,
}

impl Executor {
    /// Compiles a function.
    ///
    /// # Errors
    /// The engine refuses it.
    pub fn new(function: &Function, setup: Setup) -> Result<Executor, String> {
        let Setup { profile, level, threads, fuse } = setup;
        let options = Options { profile, threads: Some(threads), level: Some(level), fuse };
        let engine = Engine::new(function, &options).map_err(|e| format!("{setup}: {e}"))?;
        let types = |ids: &[_]| ids.iter().map(|id| *function.ty(*id)).collect();
        Ok(Executor { engine, setup, inputs: types(&function.params), outputs: types(&function.outputs) })
    }

    /// Runs it. Rows are as many elements apart from each other as there are threads, so that layouts vary.
    ///
    /// # Errors
    /// The engine refuses the inputs, or writes outside of an output's rows.
    pub fn run(&self, inputs: &[Vec<f64>]) -> Result<Vec<Array>, String> {
        let gap = self.setup.threads - 1;
        let storage = |ty: &TensorType| self.setup.profile.storage(ty.dtype);
        let buffers: Vec<_> = self
            .inputs
            .iter()
            .zip(inputs)
            .map(|(ty, data)| Buffer::new(storage(ty), rows(ty, gap), Some(data)))
            .collect();
        let mut results: Vec<_> = self.outputs.iter().map(|ty| Buffer::new(storage(ty), rows(ty, gap), None)).collect();
        let given: Vec<_> = buffers.iter().map(Buffer::input).collect();
        let mut wanted: Vec<_> = results.iter_mut().map(Buffer::output).collect();
        self.engine.run(&given, &mut wanted).map_err(|e| format!("{}: {e}", self.setup))?;
        drop(wanted);
        let array = |(ty, buffer): (&TensorType, &Buffer)| {
            let data = buffer.elements().ok_or_else(|| format!("{}: writes between the rows of {ty}", self.setup))?;
            Ok(Array { ty: *ty, data })
        };
        self.outputs.iter().zip(&results).map(array).collect()
    }
}

/// The rows of a tensor in memory.
#[derive(Clone, Copy)]
struct Rows {
    count: usize,
    len: usize,
    stride: usize,
}

fn rows(ty: &TensorType, gap: usize) -> Rows {
    let len = ty.dims.last().copied().unwrap_or(1);
    Rows { count: ty.dims.elements() / len, len, stride: len + gap }
}

/// What stands in an output, and between its rows, before a run.
const UNTOUCHED: f64 = 77.0;

macro_rules! buffers {
    ($($dtype:ident $variant:ident $t:ty, $from:expr, $into:expr;)*) => {
        /// A tensor in memory.
        enum Elements {
            $($variant(Vec<$t>),)*
        }

        impl Buffer {
            fn new(dtype: DType, rows: Rows, data: Option<&Vec<f64>>) -> Buffer {
                let mut spread = vec![UNTOUCHED; rows.count * rows.stride];
                if let Some(data) = data {
                    let into = spread.chunks_exact_mut(rows.stride);
                    into.zip(data.chunks_exact(rows.len)).for_each(|(to, from)| to[..rows.len].copy_from_slice(from));
                }
                let elements = match dtype {
                    $(DType::$dtype => {
                        let from: fn(f64) -> $t = $from;
                        Elements::$variant(spread.into_iter().map(from).collect())
                    })*
                    _ => panic!("no input or output is of type {dtype}"),
                };
                Buffer { elements, rows }
            }

            fn input(&self) -> Input<'_> {
                let data = match &self.elements { $(Elements::$variant(v) => Slice::$variant(v),)* };
                Input { data, row_stride: self.rows.stride }
            }

            fn output(&mut self) -> Output<'_> {
                let data = match &mut self.elements { $(Elements::$variant(v) => SliceMut::$variant(v),)* };
                Output { data, row_stride: self.rows.stride }
            }

            /// Everything, also what stands between the rows.
            fn all(&self) -> Vec<f64> {
                match &self.elements {
                    $(Elements::$variant(v) => {
                        let into: fn($t) -> f64 = $into;
                        v.iter().map(|x| into(*x)).collect()
                    })*
                }
            }
        }
    };
}

buffers! {
    Fp16 F16 f16, to_f16, f16::to_f64;
    Fp32 F32 f32, |x| x as f32, f64::from;
    Int32 I32 i32, |x| x as i32, f64::from;
    Int16 I16 i16, |x| x as i16, f64::from;
    UInt16 U16 u16, |x| x as u16, f64::from;
    Int8 I8 i8, |x| x as i8, f64::from;
    UInt8 U8 u8, |x| x as u8, f64::from;
    Bool Bool u8, |x| x as u8, f64::from;
}

struct Buffer {
    elements: Elements,
    rows: Rows,
}

impl Buffer {
    /// The elements of the rows; `None` if there is something between them.
    fn elements(&self) -> Option<Vec<f64>> {
        let all = self.all();
        let rows = all.chunks_exact(self.rows.stride);
        let clean = rows.clone().all(|row| row[self.rows.len..].iter().all(|x| *x == UNTOUCHED));
        clean.then(|| rows.flat_map(|row| row[..self.rows.len].to_vec()).collect())
    }
}
