//! A function of a loaded program, run on tensors.

use super::failed;
use super::flight::Airborne;
use super::port::Place;
use super::session::{Function, Shared, surfaces};
use crate::backend::Engine;
use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::run::{RunOptions, RunPath, RunReport};
use crate::submission::Submission;
use crate::tensor_data::TensorData;
use anemone_apple::{Error as AppleError, Reservation};
use std::sync::Arc;

/// A function that is ready to run.
pub(super) struct Resident {
    pub(super) shared: Arc<Shared>,
    pub(super) function: usize,
}

/// Where the elements of a run's tensors are.
pub(super) struct Places<'a> {
    pub(super) inputs: Vec<Place<'a>>,
    pub(super) outputs: Vec<Place<'a>>,
    /// The outputs that are copied: their port, and the right to write the tensor.
    pub(super) copies: Vec<(usize, &'a TensorData, Reservation<'a>)>,
}

impl<'a> Places<'a> {
    /// Copies what must be copied. Tensors that are not are leased by the run itself.
    fn new(function: &'a Function, call: &Call<'a, '_>) -> Result<Places<'a>, AppleError> {
        let mut places = Places { inputs: Vec::new(), outputs: Vec::new(), copies: Vec::new() };
        for (at, port) in function.outputs.iter().enumerate() {
            let tensor = call.outputs.tensor(port.at);
            let place = port.place(tensor)?;
            if let Place::Staged(_) = place {
                places.copies.push((at, tensor, tensor.storage().surface().reserve()?));
            }
            places.outputs.push(place);
        }
        for port in &function.inputs {
            let tensor = call.inputs.tensor(port.at);
            let place = port.place(tensor)?;
            if let Place::Staged(_) = place {
                port.write_tensor(tensor, place.surface())?;
            }
            places.inputs.push(place);
        }
        Ok(places)
    }

    /// Gives the outputs that were copied their elements.
    pub(super) fn copy_back(&mut self, function: &Function) -> Result<(), AppleError> {
        for (at, tensor, reservation) in self.copies.drain(..) {
            let mut target = reservation.write()?;
            let rows = tensor.storage().rows();
            function.outputs[at].read_tensor(self.outputs[at].surface(), rows, &mut target)?;
        }
        Ok(())
    }
}

impl Resident {
    fn function(&self) -> &Function {
        &self.shared.functions[self.function]
    }
}

impl Engine for Resident {
    fn run(&self, call: &Call<'_, '_>, options: &RunOptions) -> Result<RunReport, Error> {
        let function = self.function();
        let run = || {
            let mut places = Places::new(function, call)?;
            let ran = self.shared.run(function, &places.inputs, &places.outputs, options)?;
            places.copy_back(function)?;
            Ok(function.report(&ran, &places.inputs, &places.outputs, call.start))
        };
        run().map_err(|e| named(call, e))
    }

    fn submit<'a>(&'a self, call: &Call<'a, '_>) -> Result<Submission<'a>, Error> {
        if !self.shared.model().can_submit() {
            return self.run(call, &RunOptions::default()).map(Submission::done);
        }
        let function = self.function();
        let path = if self.can(RunPath::Client) { RunPath::Client } else { RunPath::InMemory };
        let submit = || {
            let places = Places::new(function, call)?;
            let (inputs, outputs) = (surfaces(&places.inputs), surfaces(&places.outputs));
            let submission = self.shared.model().submit(function.procedure, &inputs, &outputs)?;
            Ok(Airborne { run: Some(submission), function, places, path, start: call.start })
        };
        submit().map(Submission::new).map_err(|e| named(call, e))
    }

    fn can(&self, path: RunPath) -> bool {
        self.shared.can(path)
    }
}

/// The error of a run; one about a tensor in use names it.
fn named(call: &Call<'_, '_>, e: AppleError) -> Error {
    if !matches!(e, AppleError::Busy(_)) {
        return failed(e);
    }
    let read = (0..call.inputs.len()).find_map(|i| call.inputs.read(i).err());
    let written = || (0..call.outputs.len()).find_map(|i| call.outputs.write(i).err());
    // Whoever had it may be done by now.
    read.or_else(written).unwrap_or_else(|| {
        Error::new(ErrorKind::Locked, "a tensor is in use: a guard of it is alive, or another run has it")
            .with_source(e)
    })
}
