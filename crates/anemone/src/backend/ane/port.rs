//! An input or output of a loaded function, and how a tensor comes to it.

use crate::error::{Error, ErrorKind};
use crate::run::Transfer;
use crate::tensor_data::{Rows, TensorData};
use anemone_apple::layout::{ElementType, Layout};
use anemone_apple::{Error as AppleError, MIN_BYTES, Surface};
use anemone_ir::{DType, TensorType};
use half::f16;
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
        DType::String | DType::Int4 | DType::UInt1 | DType::UInt2 | DType::UInt3 | DType::UInt4 | DType::UInt6 => false,
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

    /// Whether a tensor's memory can be the port's, which is one of halves.
    fn fits(&self, tensor: &TensorData) -> bool {
        let (rows, layout) = (tensor.storage().rows(), &self.layout);
        let same_rows = layout.dims()[4] == rows.width() && layout.is_rows(rows.stride() * size_of::<f16>());
        tensor.storage().surface().bytes() >= layout.bytes() && (same_rows || (layout.dense() && rows.dense()))
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

    /// Copies a tensor into a surface. The port is one of halves.
    pub(super) fn write_tensor(&self, tensor: &TensorData, surface: &Surface) -> Result<(), AppleError> {
        let (rows, source) = (tensor.storage().rows(), tensor.storage().surface().read()?);
        let stride = rows.stride() * size_of::<f16>();
        if self.layout.dims()[4] == rows.width() {
            return self.pack(&source, stride, surface);
        }
        let width = rows.width() * size_of::<f16>();
        let dense: Vec<u8> = source.chunks(stride).take(rows.rows()).flat_map(|row| &row[..width]).copied().collect();
        self.write_dense(&dense, surface)
    }

    /// Copies a surface into the memory of a tensor. The port is one of halves.
    pub(super) fn read_tensor(&self, surface: &Surface, rows: Rows, target: &mut [u8]) -> Result<(), AppleError> {
        let stride = rows.stride() * size_of::<f16>();
        if self.layout.dims()[4] == rows.width() {
            return self.unpack(surface, target, stride);
        }
        let width = rows.width() * size_of::<f16>();
        let dense = self.read_dense(surface)?;
        target.chunks_mut(stride).zip(dense.chunks(width)).for_each(|(to, from)| to[..width].copy_from_slice(from));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Shape;
    use anemone_apple::layout::Strides;
    use anemone_ir::Dims;

    /// The same elements under other dimensions, as a framework might describe them.
    #[test]
    fn a_tensor_comes_through_whatever_the_rows_of_the_port_are() {
        let shape = Shape::spatial(2, 3, 40);
        let ty = TensorType::new(DType::Fp16, Dims::new(&shape.dims()).unwrap());
        let numbers: Vec<f32> = (0..240).map(|i| i as f32).collect();
        for (dims, gap, fits) in [
            ([1, 2, 1, 3, 40], 0, true),
            ([1, 6, 1, 1, 40], 0, true),
            ([1, 2, 1, 3, 40], 64, false),
            ([1, 1, 1, 1, 240], 0, false),
            ([1, 3, 1, 1, 80], 64, false),
        ] {
            let row = Layout::dense_rows(ElementType::Float16, dims).unwrap().row_stride();
            let strides = Strides { plane: Some(row * dims[3] + gap), ..Strides::default() };
            let port = Port::new("x", 0, ty, Layout::new(ElementType::Float16, dims, strides, 1).unwrap()).unwrap();
            let (from, to) = (TensorData::with_f32(&numbers, shape), TensorData::new(shape));
            assert_eq!(port.fits(&from), fits, "{dims:?}");
            let place = port.staging().unwrap();
            port.write_tensor(&from, place.surface()).unwrap();
            let mut target = to.storage().surface().write().unwrap();
            port.read_tensor(place.surface(), to.storage().rows(), &mut target).unwrap();
            drop(target);
            assert_eq!(*to.read_f32(), numbers, "{dims:?}");
            let dense = port.read_dense(place.surface()).unwrap();
            let halves = dense.as_chunks::<2>().0.iter().map(|b| f16::from_le_bytes(*b).to_f32());
            assert!(halves.eq(numbers.iter().copied()), "{dims:?}");
        }
    }

    #[test]
    fn another_type_or_number_of_elements_than_the_program_says_is_an_error() {
        let ty = TensorType::new(DType::Fp16, Dims::new(&[1, 2, 3, 40]).unwrap());
        for (element, dims) in [(ElementType::Float32, [1, 2, 1, 3, 40]), (ElementType::Float16, [1, 2, 1, 3, 41])] {
            let port = Port::new("x", 0, ty, Layout::dense_rows(element, dims).unwrap());
            let e = port.err().unwrap();
            assert!(e.kind() == ErrorKind::Load && e.to_string().contains("`x`"), "{e}");
        }
    }
}
