//! Build, compile and run neural networks for the Apple Neural Engine, and on any CPU with the same numerics.
//!
//! A [`Graph`] is built operation by operation, compiled to an [`Executable`], and run on [`TensorData`]:
//!
//! ```
//! use anemone::{Graph, NSQualityOfService, Shape, TensorData};
//!
//! let mut g = Graph::new();
//! let x = g.placeholder(Shape::spatial(1, 1, 64));
//! let half = g.constant_with_scalar(0.5, Shape::channels(1));
//! let y = g.multiplication(x, half);
//! let y = g.tanh(y);
//! let executable = g.compile(NSQualityOfService::Default)?;
//!
//! let (input, output) = (TensorData::with_f32(&[1.0; 64], x.shape), TensorData::new(y.shape));
//! executable.run(&[&input], &[&output])?;
//! assert!((output.read_f32()[0] - 0.5f32.tanh()).abs() < 1e-3);
//! # Ok::<(), anemone::Error>(())
//! ```
//!
//! The names of this API are those of the crate `ane`; programs written for it compile against this crate and run on every
//! platform. What is different is said at the items: no call of the builder panics, mistakes are reported all at once with
//! the lines they are on, and runs check what they are given.

//! # Where programs run
//!
//! On the Neural Engine of a Mac that has one, else on the CPU: [`Backend`] and [`Fallback`] say what is wished,
//! [`Executable::why`] what came of it. The engine is reached through a private framework of Apple's. It may change with any
//! version of macOS, which is why every method is compared with what is known of it before the first is called, and the App
//! Store does not take programs that use it (guideline 2.5.1). This back end has been compiled and linked for a Mac and run on
//! a test double; nobody has run it on a Mac yet.

#![forbid(unsafe_code)]

pub mod ane;
mod backend;
mod call;
mod compile;
mod error;
mod executable;
mod graph;
mod model;
mod run;
mod shape;
mod submission;
mod tensor_data;

pub use anemone_cpu::{Slice, SliceMut};
pub use anemone_ir::diagnostic::{Diagnostic, Location, Operand, Severity};
pub use anemone_ir::limits::{Level, Limit, Limits};
pub use anemone_ir::{DType, Profile, Program, args};
pub use backend::neural_engine;
pub use compile::{Backend, CompileOptions, Fallback, NSQualityOfService};
pub use error::{Error, ErrorKind};
pub use executable::{Executable, Port};
pub use graph::{
    Convolution2dDescriptor, ConvolutionTranspose2dDescriptor, Graph, MIN_SPATIAL_WIDTH, PadFillMode, PadMode, Tensor,
};
pub use model::{Array, ArrayView, Model, ModelInput, ModelState, Prediction};
pub use run::{RunOptions, RunPath, RunReport, Transfer};
pub use shape::Shape;
pub use submission::Submission;
#[cfg(target_vendor = "apple")]
pub use tensor_data::IOSurfaceExt;
pub use tensor_data::{HalfSlice, HalfSliceMut, LockedSlice, LockedSliceMut, TensorData};

/// Other crates' items that appear in this crate's signatures.
pub mod ir {
    pub use anemone_ir::*;
}

/// MIL text: reading programs from it, writing them as it.
///
/// ```
/// use anemone::mil::{self, Dialect};
/// use anemone::{Graph, Shape};
/// let mut g = Graph::new();
/// let x = g.named_placeholder("x", Shape::spatial(4, 1, 64));
/// g.relu(x);
/// let printed = mil::print(&g.program()?, Dialect::V1_3);
/// assert!(printed.text.contains("relu(x = x)"));
/// // printed.save("network".as_ref())? writes network/model.mil, and its weights if it has any.
/// # Ok::<(), anemone::Error>(())
/// ```
pub mod mil {
    pub use anemone_mil::{
        Dialect, Folder, Form, InMemory, LoadError, ModelFile, NoWeights, ParseError, Printed, WeightFile, WeightFiles,
        Weights, description, load, parse, print,
    };
}

/// The README's program is tested with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
