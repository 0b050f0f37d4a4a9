//! A program in a folder, ready to run.

use crate::front_end;
use crate::tensor::{Dense, Tensor, TensorError, TensorMut, check};
use anemone_cpu::{Engine, EngineError, Options};
use anemone_ir::{TensorType, ValueId};
use anemone_mil::{Folder, LoadError, ParseError, Source};
use std::collections::HashSet;
use std::path::Path;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files are not there, or wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The text is wrong.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The Neural Engine's compiler would not take it.
    #[error("the compiler for {architecture} is known to refuse this: {why}")]
    FrontEnd {
        /// The Neural Engine's architecture.
        architecture: String,
        /// What it refuses.
        why: String,
    },
    /// The engine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A port has a type that no memory can hold.
    #[error("`{0}` is of type {1}, which no input or output can be")]
    Type(String, TensorType),
    /// The number of tensors is wrong.
    #[error("{given} {what}s are given, the function has {wanted}")]
    Count {
        /// `input` or `output`.
        what: &'static str,
        /// How many the function has.
        wanted: usize,
        /// How many were given.
        given: usize,
    },
    /// A tensor does not fit.
    #[error("{what} `{name}`: {error}")]
    Tensor {
        /// `input` or `output`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        error: TensorError,
    },
}

/// An input or output of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    /// The name in the text.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// Whether the function reads it; outputs count as read. The Neural Engine's compiler drops inputs that nothing reads.
    pub is_read: bool,
}

impl Port {
    /// Elements of a row: the last dimension.
    fn row(&self) -> usize {
        self.ty.dims.last().copied().unwrap_or(1)
    }
}

/// A function, planned.
pub struct Function {
    name: String,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    engine: Engine,
}

/// A program, planned.
pub struct Program {
    functions: Vec<Function>,
}

impl Program {
    /// Reads `model.mil` in `folder`, and the weight files that it refers to, for a Neural Engine of this architecture, such
    /// as `h16g`.
    ///
    /// # Errors
    /// Something in the folder is missing or wrong, or the compiler for that architecture is known to refuse it.
    pub fn load(folder: &Path, architecture: &str) -> Result<Program, Error> {
        let source = Source::open(&folder.join("model.mil"))?;
        let parsed = source.parse(&Folder::new(folder))?;
        let functions = parsed.program.functions();
        let is_old = front_end::is_old(architecture);
        let taken = front_end::check_text(parsed.dialect, source.text(), architecture);
        let taken = taken.and_then(|()| functions.iter().try_for_each(|f| front_end::check(f, is_old)));
        taken.map_err(|why| Error::FrontEnd { architecture: architecture.to_owned(), why })?;
        let functions = functions.iter().map(Function::new).collect::<Result<_, _>>()?;
        Ok(Program { functions })
    }

    /// The functions, in the order of their names.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }
}

impl Function {
    fn new(function: &anemone_ir::Function) -> Result<Function, Error> {
        let read: HashSet<ValueId> =
            function.nodes.iter().flat_map(|n| n.operands()).chain(function.outputs.iter().copied()).collect();
        let port = |id: &ValueId| {
            let value = function.value(*id);
            let (name, ty) = (value.name.to_string(), value.ty);
            match Dense::new(&TensorType::scalar(ty.dtype)) {
                Some(_) => Ok(Port { name, ty, is_read: read.contains(id) }),
                None => Err(Error::Type(name, ty)),
            }
        };
        Ok(Function {
            name: function.name.to_string(),
            inputs: function.params.iter().map(port).collect::<Result<_, _>>()?,
            outputs: function.outputs.iter().map(port).collect::<Result<_, _>>()?,
            // One thread: callers of the double bring their own, and results do not depend on it.
            engine: Engine::new(function, &Options { threads: Some(1), ..Options::default() })?,
        })
    }

    /// The name in the text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inputs, in the text's order, also those that nothing reads.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The outputs, in the text's order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Runs once. An input that nothing reads may be `None`.
    ///
    /// # Errors
    /// Tensors are missing or too small. Nothing has been written then.
    pub fn evaluate(&self, inputs: &[Option<Tensor<'_>>], outputs: Vec<TensorMut<'_>>) -> Result<(), Error> {
        let count = |what, wanted, given| {
            if wanted == given { Ok(()) } else { Err(Error::Count { what, wanted, given }) }
        };
        count("input", self.inputs.len(), inputs.len())?;
        count("output", self.outputs.len(), outputs.len())?;
        for (port, tensor) in self.outputs.iter().zip(&outputs) {
            let fits = check(&port.ty, tensor.strides, tensor.bytes.len());
            fits.map_err(|error| Error::Tensor { what: "output", name: port.name.clone(), error })?;
        }
        let read = self.inputs.iter().zip(inputs).map(|(port, tensor)| read(port, *tensor));
        let read = read.collect::<Result<Vec<_>, _>>()?;
        let given: Vec<_> = self.inputs.iter().zip(&read).map(|(port, dense)| dense.input(port.row())).collect();
        let mut made = self.outputs.iter().map(zeros).collect::<Result<Vec<_>, _>>()?;
        let mut wanted: Vec<_> =
            self.outputs.iter().zip(&mut made).map(|(port, dense)| dense.output(port.row())).collect();
        self.engine.run(&given, &mut wanted)?;
        for ((port, dense), mut tensor) in self.outputs.iter().zip(&made).zip(outputs) {
            dense.store(&port.ty, &mut tensor);
        }
        Ok(())
    }
}

fn zeros(port: &Port) -> Result<Dense, Error> {
    Dense::new(&port.ty).ok_or_else(|| Error::Type(port.name.clone(), port.ty))
}

/// The elements of an input; zeros where nothing reads them and nothing is given.
fn read(port: &Port, tensor: Option<Tensor<'_>>) -> Result<Dense, Error> {
    let mut dense = zeros(port)?;
    let Some(tensor) = tensor else {
        if port.is_read {
            return Err(Error::Count { what: "input", wanted: 1, given: 0 });
        }
        return Ok(dense);
    };
    check(&port.ty, tensor.strides, tensor.bytes.len()).map_err(|error| Error::Tensor {
        what: "input",
        name: port.name.clone(),
        error,
    })?;
    dense.fill(&port.ty, tensor);
    Ok(dense)
}

#[cfg(test)]
mod tests;
