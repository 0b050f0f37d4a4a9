//! Inputs and outputs of a run: checked, used in place where that is possible, else copied and converted.

use super::{Context, Engine, EngineError, Port};
use crate::memory::Storage;
use crate::plan::{Buffer, Home};
use crate::views::{Input, Output, Slice, SliceMut};
use anemone_ir::DType;
use anemone_simd::{Level, half as halves};

impl Port {
    /// Elements of a row: the last dimension.
    fn row(&self) -> usize {
        self.ty.dims.last().copied().unwrap_or(1)
    }

    pub(super) fn check(&self, what: &'static str, data: Slice<'_>, stride: usize) -> Result<(), EngineError> {
        let (wanted, given) = (self.ty.dtype, data.dtype());
        if wanted != given && !(wanted.is_float() && given.is_float()) {
            return Err(EngineError::Type { what, name: self.name.clone(), wanted, given });
        }
        let (elements, row) = (self.ty.dims.elements(), self.row());
        let rows = elements / row.max(1);
        let needed = rows.saturating_sub(1).saturating_mul(stride).saturating_add(row);
        if data.len() < needed || (rows > 1 && stride < row) {
            let name = self.name.clone();
            return Err(EngineError::Length { what, name, wanted: elements, row, given: data.len(), stride });
        }
        Ok(())
    }

    /// Whether memory can be used as it is.
    fn fits(&self, buffer: &Buffer, data: Slice<'_>, stride: usize) -> bool {
        let one_row = buffer.elements == self.row();
        data.dtype() == buffer.dtype && (one_row || stride == self.row())
    }
}

impl Engine {
    /// Whether there are as many inputs and outputs as there are ports, those of states among them.
    pub(super) fn check_counts(&self, inputs: usize, outputs: usize) -> Result<(), EngineError> {
        let count = |what, wanted: usize, given: usize, states: usize| {
            let (wanted, given) = (wanted - states, given.saturating_sub(states));
            if wanted == given { Ok(()) } else { Err(EngineError::Count { what, wanted, given }) }
        };
        count("input", self.inputs.len(), inputs, self.states)?;
        count("output", self.outputs.len(), outputs, self.plan.written.len())
    }

    /// Whether what is given fits the function.
    pub(super) fn check(&self, inputs: &[Input<'_>], outputs: &[Output<'_>]) -> Result<(), EngineError> {
        self.check_counts(inputs.len(), outputs.len())?;
        let inputs = self.inputs.iter().zip(inputs);
        inputs.into_iter().try_for_each(|(port, i)| port.check("input", i.data, i.row_stride))?;
        let outputs = self.outputs.iter().zip(outputs);
        outputs.into_iter().try_for_each(|(port, o)| port.check("output", o.data.as_slice(), o.row_stride))
    }

    /// Points the places of inputs and outputs at the caller's memory, or at copies.
    pub(super) fn bind(
        &self,
        context: &mut Context,
        inputs: &[Input<'_>],
        outputs: &mut [Output<'_>],
    ) -> Result<(), EngineError> {
        for (at, buffer) in self.plan.buffers.iter().enumerate() {
            let staging = &mut context.staging[at];
            context.places[at].base = match buffer.home {
                Home::Arena(_) | Home::Constant(_) => continue,
                Home::Input(i) => {
                    let (port, input) = (&self.inputs[i], inputs[i]);
                    // Bytes of a `bool` from outside are made 0 or 1.
                    if buffer.dtype != DType::Bool && port.fits(buffer, input.data, input.row_stride) {
                        // Only read: `verify` has shown that no step writes an input.
                        input.data.bytes().as_ptr().cast_mut()
                    } else {
                        let storage = staged(staging, buffer)?;
                        copy_in(self.level, input, port.row(), buffer, storage.bytes_mut());
                        storage.base()
                    }
                }
                Home::Output(i) => {
                    let (port, output) = (&self.outputs[i], &mut outputs[i]);
                    if port.fits(buffer, output.data.as_slice(), output.row_stride) {
                        output.data.bytes_mut().as_mut_ptr()
                    } else {
                        staged(staging, buffer)?.base()
                    }
                }
            };
        }
        Ok(())
    }

    /// Gives outputs that were not used in place their elements.
    pub(super) fn finish(&self, context: &mut Context, outputs: &mut [Output<'_>]) {
        for (at, buffer) in self.plan.buffers.iter().enumerate() {
            let Home::Output(i) = buffer.home else { continue };
            let (port, output) = (&self.outputs[i], &mut outputs[i]);
            if port.fits(buffer, output.data.as_slice(), output.row_stride) {
                continue;
            }
            if let Some(storage) = &mut context.staging[at] {
                copy_out(self.level, &storage.bytes_mut()[..buffer.bytes()], buffer.dtype, port.row(), output);
            }
        }
    }
}

/// Memory for a copy of a buffer, made when first needed.
fn staged<'a>(staging: &'a mut Option<Storage>, buffer: &Buffer) -> Result<&'a mut Storage, EngineError> {
    match staging {
        Some(storage) => Ok(storage),
        None => {
            let new = Storage::try_new(buffer.bytes()).ok_or(EngineError::Memory("inputs and outputs"))?;
            Ok(staging.insert(new))
        }
    }
}

/// Rows of the caller's memory.
fn rows<T>(data: &[T], stride: usize, row: usize) -> impl Iterator<Item = &[T]> {
    data.chunks(stride.max(row).max(1)).map(move |r| &r[..row.min(r.len())])
}

fn rows_mut<T>(data: &mut [T], stride: usize, row: usize) -> impl Iterator<Item = &mut [T]> {
    data.chunks_mut(stride.max(row).max(1)).map(move |r| {
        let len = row.min(r.len());
        &mut r[..len]
    })
}

pub(super) fn copy_in(level: Level, input: Input<'_>, row: usize, buffer: &Buffer, to: &mut [u8]) {
    let (size, stride) = (buffer.dtype.size(), input.row_stride);
    let to = to[..buffer.bytes()].chunks_exact_mut((row * size).max(1));
    match (input.data, buffer.dtype) {
        (Slice::F16(data), DType::Fp32) => {
            rows(data, stride, row).zip(to).for_each(|(x, to)| halves::to_f32(level, x, bytemuck::cast_slice_mut(to)));
        }
        (Slice::F32(data), DType::Fp16) => {
            rows(data, stride, row).zip(to).for_each(|(x, to)| halves::to_f16(level, x, bytemuck::cast_slice_mut(to)));
        }
        (Slice::Bool(data), _) => {
            let bytes = |(x, to): (&[u8], &mut [u8])| to.iter_mut().zip(x).for_each(|(to, x)| *to = u8::from(*x != 0));
            rows(data, stride, row).zip(to).for_each(bytes);
        }
        (data, _) => {
            rows(data.bytes(), stride * size, row * size).zip(to).for_each(|(x, to)| to.copy_from_slice(x));
        }
    }
}

fn copy_out(level: Level, from: &[u8], dtype: DType, row: usize, output: &mut Output<'_>) {
    let (size, stride) = (dtype.size(), output.row_stride);
    let from = from.chunks_exact((row * size).max(1));
    match (&mut output.data, dtype) {
        (SliceMut::F16(data), DType::Fp32) => {
            let rows = rows_mut(data, stride, row).zip(from);
            rows.for_each(|(to, x)| halves::to_f16(level, bytemuck::cast_slice(x), to));
        }
        (SliceMut::F32(data), DType::Fp16) => {
            let rows = rows_mut(data, stride, row).zip(from);
            rows.for_each(|(to, x)| halves::to_f32(level, bytemuck::cast_slice(x), to));
        }
        (data, _) => {
            let rows = rows_mut(data.bytes_mut(), stride * size, row * size).zip(from);
            rows.for_each(|(to, x)| to.copy_from_slice(x));
        }
    }
}
