//! The tensors of a run, checked against the program.

use crate::error::{Error, ErrorKind};
use crate::executable::Port;
use crate::tensor_data::{Read, TensorData, Write};
use std::panic::Location;
use std::time::Instant;

/// Tensors of the numbers and shapes that the program wants, none of which is written and also bound elsewhere.
pub(crate) struct Call<'a, 'c> {
    pub(crate) inputs: Side<'a, 'c>,
    pub(crate) outputs: Side<'a, 'c>,
    pub(crate) start: Instant,
}

/// The inputs or the outputs of a run.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a, 'c> {
    name: &'static str,
    ports: &'a [Port],
    tensors: &'c [&'a TensorData],
    /// The line of the user's that runs.
    at: &'static Location<'static>,
}

impl<'a, 'c> Call<'a, 'c> {
    /// # Errors
    /// [`ErrorKind::Binding`] for a wrong number or shape, [`ErrorKind::Locked`] if an output is bound twice.
    #[track_caller]
    pub(crate) fn new(
        [inputs, outputs]: [&'a [Port]; 2],
        given: [&'c [&'a TensorData]; 2],
    ) -> Result<Call<'a, 'c>, Error> {
        let (start, at) = (Instant::now(), Location::caller());
        let inputs = Side { name: "input", ports: inputs, tensors: given[0], at };
        let outputs = Side { name: "output", ports: outputs, tensors: given[1], at };
        inputs.check()?;
        outputs.check()?;
        let call = Call { inputs, outputs, start };
        call.check_overlap()?;
        Ok(call)
    }

    fn check_overlap(&self) -> Result<(), Error> {
        for (at, (port, output)) in self.outputs.bound().enumerate() {
            let inputs = self.inputs.bound().map(|(p, t)| ("input", p, t));
            let others = self.outputs.bound().take(at).map(|(p, t)| ("output", p, t));
            let is_same = |t: &TensorData| t.storage().is_same(output.storage());
            if let Some((side, other, _)) = inputs.chain(others).find(|(_, _, t)| is_same(t)) {
                let message = format!("output `{}` and {side} `{}` are the same tensor", port.name, other.name);
                return Err(Error::new(ErrorKind::Locked, message));
            }
        }
        Ok(())
    }
}

impl<'a, 'c> Side<'a, 'c> {
    fn check(&self) -> Result<(), Error> {
        let Side { name: side, ports, tensors, .. } = *self;
        if ports.len() != tensors.len() {
            let plural = if ports.len() == 1 { "" } else { "s" };
            let message = format!("the program has {} {side}{plural}, {} given", ports.len(), tensors.len());
            return Err(Error::new(ErrorKind::Binding, message));
        }
        match self.bound().find(|(port, tensor)| port.shape != tensor.shape()) {
            Some((port, tensor)) => {
                let message =
                    format!("{side} `{}` is {}, the tensor given is {}", port.name, port.shape, tensor.shape());
                Err(Error::new(ErrorKind::Binding, message))
            }
            None => Ok(()),
        }
    }

    /// Each port with its tensor.
    pub(crate) fn bound(&self) -> impl Iterator<Item = (&'a Port, &'a TensorData)> + use<'a, 'c> {
        self.ports.iter().zip(self.tensors.iter().copied())
    }

    /// The tensor of a port.
    pub(crate) fn tensor(&self, port: usize) -> &'a TensorData {
        self.tensors[port]
    }

    /// Locks the tensor of a port for reading.
    pub(crate) fn read(&self, port: usize) -> Result<Read<'a>, Error> {
        self.tensor(port).lock_at(self.at).map_err(|e| self.in_use(port, e))
    }

    /// Locks the tensor of a port for writing.
    pub(crate) fn write(&self, port: usize) -> Result<Write<'a>, Error> {
        self.tensor(port).lock_mut_at(self.at).map_err(|e| self.in_use(port, e))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.tensors.len()
    }

    fn in_use(&self, port: usize, e: Error) -> Error {
        if e.kind() != ErrorKind::Locked {
            return e;
        }
        let (side, name) = (self.name, &self.ports[port].name);
        let message = format!("{side} `{name}` is in use: a guard of its tensor is alive, or another run has it");
        Error::new(ErrorKind::Locked, message).with_source(e)
    }
}
