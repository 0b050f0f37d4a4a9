//! The graph builder of the public contract.

mod constant;
mod conv;
mod elementwise;
mod input;
mod linear;
mod norm;
mod output;
mod pool;
mod reduce;
mod shape;

use crate::shape::Shape;
use anemone_ir::builder::{Arguments, Builder, Var};
use anemone_ir::diagnostic::{Diagnostic, Location, Operand, Severity};
use anemone_ir::{DType, Dims, Draft, TensorType};
use constant::Constant;
pub use conv::{Convolution2dDescriptor, ConvolutionTranspose2dDescriptor};
pub use pool::{PadFillMode, PadMode};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The least width of an input that the contract promises to work on the Neural Engine; see
/// [`crate::CompileOptions::limits`]. Shorter sequences are padded to it.
pub const MIN_SPATIAL_WIDTH: usize = 64;

/// A tensor of a [`Graph`]: a handle, not data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tensor {
    /// The shape; after a mistake in the call that made the tensor, the best guess of it.
    pub shape: Shape,
    graph: u64,
    index: u32,
}

/// What a [`Tensor`] stands for.
#[derive(Debug)]
enum Kind {
    Input(Var),
    Computed(Var),
    Constant(Constant),
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    location: Location,
}

/// Builds a network, operation by operation.
///
/// Tensors have four dimensions ([`Shape`]) and hold `fp16`. No method fails or panics: a mistake is recorded with the line
/// of the call, and [`Graph::compile`] reports all of them at once. The tensor that a mistaken call returns can be used;
/// what is made from it is not checked, so one mistake gives one error.
///
/// Constants are given as `f32` and rounded to the nearest `fp16`; finite numbers that become infinite give a warning.
///
/// ```
/// use anemone::{Graph, NSQualityOfService, Shape, TensorData};
///
/// let mut g = Graph::new();
/// let x = g.placeholder(Shape::spatial(2, 1, 64));
/// let y = g.inner_product(x, &[1.0, 1.0, 0.5, -0.5, 2.0, 0.0], 2, 3);
/// let y = g.relu(y);
/// let executable = g.compile(NSQualityOfService::UserInteractive)?;
///
/// let input = TensorData::with_f32(&[vec![3.0; 64], vec![4.0; 64]].concat(), x.shape);
/// let output = TensorData::new(y.shape);
/// executable.run(&[&input], &[&output])?;
/// let output = output.read_f32();
/// assert_eq!([output[0], output[64], output[128]], [7.0, 0.0, 6.0]);
/// # Ok::<(), anemone::Error>(())
/// ```
#[derive(Debug)]
pub struct Graph {
    id: u64,
    builder: Builder,
    entries: Vec<Entry>,
    inputs: usize,
    /// The names the user has chosen, and where.
    names: HashMap<String, Location>,
}

static NEXT_GRAPH: AtomicU64 = AtomicU64::new(0);

impl Default for Graph {
    #[track_caller]
    fn default() -> Graph {
        Graph::new()
    }
}

impl Graph {
    /// An empty graph.
    #[track_caller]
    pub fn new() -> Graph {
        Graph {
            id: NEXT_GRAPH.fetch_add(1, Ordering::Relaxed),
            builder: Builder::new(),
            entries: Vec::new(),
            inputs: 0,
            names: HashMap::new(),
        }
    }

    /// The builder below: MIL's own operations, by MIL's names, on what [`Graph::value`] gives.
    ///
    /// ```
    /// use anemone::{Graph, Shape, args};
    /// let mut g = Graph::new();
    /// let x = g.placeholder(Shape::spatial(1, 1, 64));
    /// let x = g.value(x);
    /// let y = g.mil().gelu(args! { x: x, mode: "TANH_APPROXIMATION" });
    /// let y = g.tensor(y);
    /// assert_eq!(y.shape, Shape::spatial(1, 1, 64));
    /// ```
    pub fn mil(&mut self) -> &mut Builder {
        &mut self.builder
    }

    /// The value of [`Graph::mil`] behind a tensor.
    #[track_caller]
    pub fn value(&mut self, tensor: Tensor) -> Var {
        self.operand("value", "tensor", tensor)
    }

    /// The tensor of a value of [`Graph::mil`]. It must have four dimensions of `fp16`, as every tensor of this graph.
    #[track_caller]
    pub fn tensor(&mut self, var: Var) -> Tensor {
        let guess = Shape::channels(1);
        match self.builder.ty(var) {
            Some(ty) if ty.dtype != DType::Fp16 || ty.dims.rank() != 4 => {
                self.builder.error("tensor", format!("{ty} is no tensor of this graph: fp16 of rank 4 is wanted"));
                self.poisoned(guess)
            }
            _ => self.made(var, guess),
        }
    }

    /// The operations so far.
    pub(crate) fn built(&self) -> Draft {
        self.builder.draft()
    }

    /// Registers what a call has made.
    #[track_caller]
    fn made(&mut self, var: Var, guess: Shape) -> Tensor {
        let shape = self.builder.ty(var).and_then(|ty| Shape::of(&ty.dims)).unwrap_or(guess);
        self.entry(Kind::Computed(var), shape)
    }

    #[track_caller]
    fn entry(&mut self, kind: Kind, shape: Shape) -> Tensor {
        let index = u32::try_from(self.entries.len()).expect("a graph has fewer than 2^32 tensors");
        self.entries.push(Entry { kind, location: Location::caller() });
        Tensor { shape, graph: self.id, index }
    }

    /// What a call returns after a mistake that has been recorded.
    #[track_caller]
    fn poisoned(&mut self, guess: Shape) -> Tensor {
        let var = self.builder.poison();
        self.made(var, guess)
    }

    fn own(&self, tensor: Tensor) -> Option<&Entry> {
        if tensor.graph == self.id { self.entries.get(tensor.index as usize) } else { None }
    }

    /// The type of a tensor of this graph; `None` after a mistake.
    fn ty(&self, tensor: Tensor) -> Option<TensorType> {
        match &self.own(tensor)?.kind {
            Kind::Input(var) | Kind::Computed(var) => self.builder.ty(*var),
            Kind::Constant(c) => Some(TensorType::new(DType::Fp16, Dims::new(&c.shape.dims()).ok()?)),
        }
    }

    /// The shape of a tensor of this graph; `None` after a mistake. (The field of the handle is the user's to change.)
    fn shape(&self, tensor: Tensor) -> Option<Shape> {
        Shape::of(&self.ty(tensor)?.dims)
    }

    /// Records a mistake in a call.
    #[track_caller]
    fn mistake(&mut self, call: &str, slug: &'static str, message: String, operands: &[(&str, Tensor)]) {
        self.record(Severity::Error, call, slug, message, operands, None);
    }

    #[track_caller]
    fn record(
        &mut self,
        severity: Severity,
        call: &str,
        slug: &'static str,
        message: String,
        operands: &[(&str, Tensor)],
        hint: Option<&str>,
    ) {
        let operand = |(param, tensor): &(&str, Tensor)| {
            let (ty, location) = (self.ty(*tensor)?, self.own(*tensor)?.location);
            Some(Operand { param: (*param).into(), ty, location })
        };
        let diagnostic = Diagnostic {
            severity,
            operation: Some((call.into(), call.into())),
            operands: operands.iter().filter_map(operand).collect(),
            hint: hint.map(str::to_owned),
            ..Diagnostic::error(slug, message, Location::caller())
        };
        self.builder.record(diagnostic);
    }

    /// The value of an operand; poisoned, with a mistake recorded, if the tensor cannot be one.
    #[track_caller]
    fn operand(&mut self, call: &str, param: &str, tensor: Tensor) -> Var {
        match self.own(tensor).map(|e| &e.kind) {
            Some(Kind::Input(var) | Kind::Computed(var)) => *var,
            Some(Kind::Constant(_)) => self.constant_operand(call, param, tensor),
            None => {
                self.foreign(call, param);
                self.builder.poison()
            }
        }
    }

    #[track_caller]
    fn foreign(&mut self, call: &str, param: &str) {
        self.mistake(call, "foreign-tensor", format!("`{param}` is a tensor of another graph"), &[]);
    }

    /// Appends the operation `mnemonic` of one tensor.
    #[track_caller]
    fn map(&mut self, call: &str, mnemonic: &str, x: Tensor, mut args: Arguments, guess: Shape) -> Tensor {
        args.push(("x", self.operand(call, "x", x).into()));
        let var = self.builder.call(mnemonic, args);
        self.made(var, guess)
    }

    /// Numbers for MIL, which has 32 bits for them.
    #[track_caller]
    fn ints<const N: usize>(&mut self, call: &str, what: &str, numbers: [usize; N]) -> Option<[i32; N]> {
        if numbers.iter().any(|n| i32::try_from(*n).is_err()) {
            self.mistake(call, "range", format!("`{what}` {numbers:?} holds a number above 2^31 - 1"), &[]);
            return None;
        }
        Some(numbers.map(|n| n as i32))
    }
}
