//! An input or output of a loaded function, and how a tensor comes to it.

use crate::error::{Error, ErrorKind};
use crate::run::Transfer;
use crate::tensor_data::{Rows, TensorData};
use anemone_apple::layout::{ElementType, Layout};
use anemone_apple::{Error as AppleError, MIN_BYTES, Surface};
use anemone_ir::{DType, TensorType};
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::sync::{Mutex, PoisonError};

/// A port of a procedure.
pub(super) struct Port {
    /// Its name in the program that was given to us.
    pub(super) name: String,
    /// Its place among the inputs, or the outputs, of that program's function.
    pub(super) at: usize,
    pub(super) ty: TensorType,
    layout: Layout,
    /// Surfaces for copies, to be used again: as many as there were runs at once.
    idle: Mutex<Vec<Surface>>,
}

/// Whether elements of a type are what the framework says that they are.
fn is_same(dtype: DType, element: ElementType) -> bool {
    match dtype {
        DType::Fp16 => element == ElementType::Float16,
        DType::Fp32 => element == ElementType::Float32,
        DType::Int32 => element == ElementType::Int32,
        DType::UInt32 => element == ElementType::UInt32,
        DType::Int16 => element == ElementType::Int16,
        DType::UInt16 => element == ElementType::UInt16,
        DType::Int8 => element == ElementType::Int8,
        DType::UInt8 => element == ElementType::UInt8,
        // A byte by any name.
        DType::Bool => element.size() == 1,
        DType::String => false,
    }
}

impl Port {
    /// # Errors
    /// The framework has another idea of the port than the program.
    pub(super) fn new(name: &str, at: usize, ty: TensorType, layout: Layout) -> Result<Port, Error> {
        if !is_same(ty.dtype, layout.element()) || layout.elements() != ty.dims.elements() {
            let (element, dims) = (layout.element(), layout.dims());
            let message = format!("`{name}` is {ty}, but the Neural Engine has made it {element} {dims:?}");
            return Err(Error::new(ErrorKind::Load, message));
        }
        Ok(Port { name: name.to_owned(), at, ty, layout, idle: Mutex::default() })
    }

    /// Whether a tensor's memory can be the port's.
    fn fits(&self, tensor: &TensorData) -> bool {
        let (rows, layout) = (tensor.storage().rows(), &self.layout);
        let same_rows = layout.dims()[4] == rows.width() && layout.is_rows(rows.stride() * size_of::<f16>());
        layout.element() == ElementType::Float16
            && tensor.storage().surface().bytes() >= layout.bytes()
            && (same_rows || (layout.dense() && rows.dense()))
    }

    /// Where the port's elements are in a run with a tensor: in it, or in a surface to copy to.
    pub(super) fn place<'a>(&'a self, tensor: &'a TensorData) -> Result<Place<'a>, AppleError> {
        if self.fits(tensor) { Ok(Place::Tensor(tensor.storage().surface())) } else { self.staging() }
    }

    /// A surface for a copy.
    pub(super) fn staging(&self) -> Result<Place<'_>, AppleError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let surface = match idle {
            Some(surface) => surface,
            None => Surface::new(self.layout.bytes().max(MIN_BYTES))?,
        };
        Ok(Place::Staged(Staged { surface: Some(surface), port: self }))
    }

    /// Copies a tensor of halves into a surface.
    pub(super) fn write_tensor(&self, tensor: &TensorData, surface: &Surface) -> Result<(), AppleError> {
        let (rows, source) = (tensor.storage().rows(), tensor.storage().surface().read()?);
        if self.layout.element() == ElementType::Float16 && self.layout.dims()[4] == rows.width() {
            return self.pack(&source, rows.stride() * size_of::<f16>(), surface);
        }
        let mut dense: Vec<u8> = Vec::with_capacity(self.layout.elements() * self.layout.element().size());
        for row in halves(rows, &source) {
            match self.layout.element() {
                ElementType::Float32 => {
                    let mut floats = vec![0.0_f32; row.len()];
                    row.convert_to_f32_slice(&mut floats);
                    dense.extend_from_slice(bytemuck::cast_slice(&floats));
                }
                _ => dense.extend_from_slice(bytemuck::cast_slice(row)),
            }
        }
        self.write_dense(&dense, surface)
    }

    /// Copies a surface into the memory of a tensor of halves.
    pub(super) fn read_tensor(&self, surface: &Surface, rows: Rows, target: &mut [u8]) -> Result<(), AppleError> {
        if self.layout.element() == ElementType::Float16 && self.layout.dims()[4] == rows.width() {
            return self.unpack(surface, target, rows.stride() * size_of::<f16>());
        }
        let dense = self.read_dense(surface)?;
        let row_bytes = rows.width() * self.layout.element().size();
        let target: &mut [f16] = bytemuck::cast_slice_mut(&mut target[..rows.bytes()]);
        let targets = target.chunks_exact_mut(rows.stride()).map(|row| &mut row[..rows.width()]);
        for (to, from) in targets.zip(dense.chunks_exact(row_bytes)) {
            match self.layout.element() {
                ElementType::Float32 => {
                    let floats: Vec<f32> = from.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect();
                    to.convert_from_f32_slice(&floats);
                }
                _ => bytemuck::cast_slice_mut::<f16, u8>(to).copy_from_slice(from),
            }
        }
        Ok(())
    }

    /// Copies row-major elements of the port's type into a surface.
    pub(super) fn write_dense(&self, elements: &[u8], surface: &Surface) -> Result<(), AppleError> {
        self.pack(elements, self.layout.row_bytes(), surface)
    }

    /// The row-major elements in a surface.
    pub(super) fn read_dense(&self, surface: &Surface) -> Result<Vec<u8>, AppleError> {
        let mut elements = vec![0; self.layout.elements() * self.layout.element().size()];
        self.unpack(surface, &mut elements, self.layout.row_bytes())?;
        Ok(elements)
    }

    fn pack(&self, tensor: &[u8], stride: usize, surface: &Surface) -> Result<(), AppleError> {
        self.layout.pack(tensor, stride, &mut surface.write()?).map_err(|e| AppleError::Binding(e.to_string()))
    }

    fn unpack(&self, surface: &Surface, tensor: &mut [u8], stride: usize) -> Result<(), AppleError> {
        self.layout.unpack(&surface.read()?, tensor, stride).map_err(|e| AppleError::Binding(e.to_string()))
    }
}

/// The rows of a tensor's memory.
fn halves(rows: Rows, memory: &[u8]) -> impl Iterator<Item = &[f16]> {
    let halves: &[f16] = bytemuck::cast_slice(&memory[..rows.bytes()]);
    halves.chunks_exact(rows.stride()).map(move |row| &row[..rows.width()])
}

/// Where a port's elements are in a run.
pub(super) enum Place<'a> {
    /// In a tensor.
    Tensor(&'a Surface),
    /// In a copy.
    Staged(Staged<'a>),
}

impl Place<'_> {
    pub(super) fn surface(&self) -> &Surface {
        match self {
            Place::Tensor(surface) => surface,
            Place::Staged(staged) => staged.surface.as_ref().expect("it is taken only when dropped"),
        }
    }

    pub(super) fn transfer(&self) -> Transfer {
        match self {
            Place::Tensor(_) => Transfer::InPlace,
            Place::Staged(_) => Transfer::Copied,
        }
    }
}

/// A surface of a port for one run.
pub(super) struct Staged<'a> {
    surface: Option<Surface>,
    port: &'a Port,
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let mut idle = self.port.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.surface.take());
    }
}
