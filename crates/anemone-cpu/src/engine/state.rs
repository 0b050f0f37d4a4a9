//! States of a function: tensors that live from one run to the next.

use super::bind::copy_in;
use super::{Engine, EngineError, Observer, Port};
use crate::memory::Storage;
use crate::plan::{Buffer, Home};
use crate::views::{Input, Output, Slice, SliceMut};
use anemone_ir::{DType, TensorType};
use anemone_simd::Level;
use std::time::Duration;

/// What the states of a function hold. A new one holds zeros.
///
/// Each state has memory twice: a run reads the one and fills the other, so that a run that fails leaves all as it was.
pub struct State {
    values: Vec<Value>,
}

struct Value {
    name: String,
    ty: TensorType,
    /// The type of the elements in memory.
    stored: DType,
    now: Storage,
    /// For what the next run makes of it, if the function writes it.
    next: Option<Storage>,
}

impl Value {
    fn bytes(&self) -> usize {
        TensorType { dtype: self.stored, ..self.ty }.bytes()
    }

    fn row(&self) -> usize {
        self.ty.dims.last().copied().unwrap_or(1)
    }
}

impl State {
    /// The names and types, in the function's order.
    pub fn types(&self) -> impl Iterator<Item = (&str, TensorType)> {
        self.values.iter().map(|v| (v.name.as_str(), v.ty))
    }

    /// What the state at a position holds: dense, row-major, with the elements as the profile keeps them.
    pub fn get(&self, at: usize) -> Option<Slice<'_>> {
        let value = self.values.get(at)?;
        Some(Slice::of(value.stored, &value.now.bytes()[..value.bytes()]))
    }

    /// Has the state at a position hold something else: dense, row-major. A float may be given as another float type.
    ///
    /// # Errors
    /// There is no such state, or these are not as many elements of its type.
    pub fn set(&mut self, at: usize, data: Slice<'_>) -> Result<(), EngineError> {
        let Some(value) = self.values.get_mut(at) else { return Err(EngineError::States) };
        let (elements, row) = (value.ty.dims.elements(), value.row());
        let port = Port { name: value.name.clone(), ty: value.ty };
        port.check("state", data, row)?;
        if data.len() != elements {
            let (name, given) = (port.name, data.len());
            return Err(EngineError::Length { what: "state", name, wanted: elements, row, given, stride: row });
        }
        let buffer = Buffer { dtype: value.stored, elements, home: Home::Input(at) };
        copy_in(Level::best(), Input { data, row_stride: row }, row, &buffer, value.now.bytes_mut());
        Ok(())
    }

    /// Has all states hold zeros again.
    pub fn reset(&mut self) {
        self.values.iter_mut().for_each(|value| value.now.bytes_mut().fill(0));
    }
}

impl Engine {
    /// States that hold zeros.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn state(&self) -> Result<State, EngineError> {
        let first = self.inputs.len() - self.states;
        let no_memory = || EngineError::Memory("the states");
        let value = |at: usize| {
            let port = &self.inputs[first + at];
            let stored = self.profile.storage(port.ty.dtype);
            let storage = || Storage::try_new(TensorType { dtype: stored, ..port.ty }.bytes()).ok_or_else(no_memory);
            let next = if self.plan.written.contains(&at) { Some(storage()?) } else { None };
            Ok(Value { name: port.name.clone(), ty: port.ty, stored, now: storage()?, next })
        };
        Ok(State { values: (0..self.states).map(value).collect::<Result<_, EngineError>>()? })
    }

    /// As [`Engine::run`], on states that are then as the run leaves them.
    ///
    /// # Errors
    /// As [`Engine::run`]; or the states are those of another function. Then they are as they were.
    pub fn run_stateful(
        &self,
        inputs: &[Input<'_>],
        outputs: &mut [Output<'_>],
        state: &mut State,
    ) -> Result<Duration, EngineError> {
        self.run_all(inputs, outputs, state, None)
    }

    /// As [`Engine::run_stateful`], and tells of each step how long it took. Looking at the clock takes some tens of
    /// nanoseconds a step.
    ///
    /// # Errors
    /// As [`Engine::run_stateful`].
    pub fn run_observed(
        &self,
        inputs: &[Input<'_>],
        outputs: &mut [Output<'_>],
        state: &mut State,
        observe: &mut Observer<'_>,
    ) -> Result<Duration, EngineError> {
        self.run_all(inputs, outputs, state, Some(observe))
    }

    fn run_all(
        &self,
        inputs: &[Input<'_>],
        outputs: &mut [Output<'_>],
        state: &mut State,
        observe: Option<&mut Observer<'_>>,
    ) -> Result<Duration, EngineError> {
        self.check_counts(inputs.len() + self.states, outputs.len() + self.plan.written.len())?;
        self.check_state(state)?;
        let mut all_inputs = inputs.to_vec();
        let mut all_outputs: Vec<Output<'_>> = outputs.iter_mut().map(Output::reborrow).collect();
        for value in &mut state.values {
            let (bytes, row_stride) = (value.bytes(), value.row());
            all_inputs.push(Input { data: Slice::of(value.stored, &value.now.bytes()[..bytes]), row_stride });
            if let Some(next) = &mut value.next {
                let data = SliceMut::of(value.stored, &mut next.bytes_mut()[..bytes]);
                all_outputs.push(Output { data, row_stride });
            }
        }
        let took = self.run_pure(&all_inputs, &mut all_outputs, observe)?;
        for value in &mut state.values {
            if let Some(next) = &mut value.next {
                std::mem::swap(&mut value.now, next);
            }
        }
        Ok(took)
    }

    fn check_state(&self, state: &State) -> Result<(), EngineError> {
        let ports = &self.inputs[self.inputs.len() - self.states..];
        let fits = |(at, (port, value)): (usize, (&Port, &Value))| {
            port.ty == value.ty
                && self.profile.storage(port.ty.dtype) == value.stored
                && self.plan.written.contains(&at) == value.next.is_some()
        };
        let same = ports.len() == state.values.len() && ports.iter().zip(&state.values).enumerate().all(fits);
        if same { Ok(()) } else { Err(EngineError::States) }
    }
}
