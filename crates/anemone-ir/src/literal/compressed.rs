//! Constants that are kept as they are stored, smaller than their type says, and are decoded where they are read.
//!
//! Numbers are computed in `f32` and rounded once to the constant's type. For halves that is what arithmetic on halves gives,
//! because the difference of two integers below 512 and its product with a half are exact in `f32`.

use super::packed::{fields, signed};
use super::{Literal, LiteralError};
use crate::types::{DType, Dims, TensorType};
use half::f16;

/// How a constant is kept.
#[derive(Clone, PartialEq, Debug)]
pub enum Compressed {
    /// `scale * (data - offset)`. `scale` and `offset` have the rank of `data`; each of their elements is for a block of
    /// `data`.
    ShiftScale {
        /// The numbers, of any type of at most a byte, or floats.
        data: Literal,
        /// The scales.
        scale: Literal,
        /// The offsets; none is 0.
        offset: Option<Literal>,
    },
    /// What a table has at each index. The table has the rank of `indices` and two more: a table for each block of indices, its
    /// entries, and the numbers of an entry, which follow each other along an axis.
    Table {
        /// The indices.
        indices: Literal,
        /// The tables.
        lut: Literal,
        /// The axis along which the numbers of an entry lie.
        axis: usize,
    },
    /// The elements of a vector where the mask is 1, in their order, and 0 elsewhere.
    Sparse {
        /// The vector.
        data: Literal,
        /// The mask, with the dimensions of the whole.
        mask: Literal,
    },
    /// The elements of a tensor where the mask is 1, as a vector.
    Where {
        /// The tensor.
        of: Literal,
        /// The mask.
        mask: Literal,
    },
    /// Other floats with the same values.
    Cast(Literal),
}

impl Literal {
    /// A constant that is kept compressed.
    ///
    /// # Errors
    /// The dimensions are not acceptable. That parts fit each other is the caller's work.
    pub(crate) fn compressed(dtype: DType, dims: &[usize], how: Compressed) -> Result<Literal, LiteralError> {
        let ty = TensorType { dtype, dims: Dims::new(dims)? };
        Ok(Literal { ty, data: super::Data::Compressed(std::sync::Arc::new(how)) })
    }

    /// How the constant is kept, if it is compressed.
    pub fn how(&self) -> Option<&Compressed> {
        match &self.data {
            super::Data::Compressed(how) => Some(how),
            super::Data::Bytes(_) | super::Data::Strings(_) => None,
        }
    }

    /// Bytes that the data takes as it is kept.
    pub fn stored_bytes(&self) -> usize {
        let all = |parts: &[&Literal]| parts.iter().map(|part| part.stored_bytes()).sum();
        match self.how() {
            None => self.ty.bytes(),
            Some(Compressed::ShiftScale { data, scale, offset }) => {
                all(&[data, scale]) + offset.as_ref().map_or(0, Literal::stored_bytes)
            }
            Some(Compressed::Table { indices, lut, .. }) => all(&[indices, lut]),
            Some(Compressed::Sparse { data, mask } | Compressed::Where { of: data, mask }) => all(&[data, mask]),
            Some(Compressed::Cast(of)) => of.stored_bytes(),
        }
    }

    /// Numbers from element `start` on, as `f32`, which holds all types of at most two bytes, and floats. Wider integers are
    /// rounded.
    ///
    /// # Panics
    /// There are not as many, or they are strings.
    pub fn read(&self, start: usize, out: &mut [f32]) {
        match self.how() {
            Some(how) => {
                how.read(start, out);
                if self.ty.dtype == DType::Fp16 {
                    out.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32());
                }
            }
            None => self.read_dense(start, out),
        }
    }

    fn read_dense(&self, start: usize, out: &mut [f32]) {
        let bytes = self.bytes().expect("only constants of numbers are read");
        let dtype = self.ty.dtype;
        if dtype.is_packed() {
            let count = out.len();
            let mut to = out.iter_mut();
            return fields(dtype.bits(), bytes, start, count, |n| {
                if let Some(to) = to.next() {
                    *to = f32::from(signed(dtype, n));
                }
            });
        }
        let size = dtype.size();
        let from = bytes[start * size..][..out.len() * size].chunks_exact(size).zip(out);
        match dtype {
            DType::Fp16 => from.for_each(|(b, to)| *to = f16::from_le_bytes([b[0], b[1]]).to_f32()),
            DType::Fp32 => from.for_each(|(b, to)| *to = f32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            DType::Int8 => from.for_each(|(b, to)| *to = f32::from(b[0] as i8)),
            DType::Int16 => from.for_each(|(b, to)| *to = f32::from(i16::from_le_bytes([b[0], b[1]]))),
            DType::UInt16 => from.for_each(|(b, to)| *to = f32::from(u16::from_le_bytes([b[0], b[1]]))),
            DType::Int32 => from.for_each(|(b, to)| *to = i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32),
            DType::UInt32 => from.for_each(|(b, to)| *to = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32),
            _ => from.for_each(|(b, to)| *to = f32::from(b[0])),
        }
    }

    /// The same constant with its data written out; itself if it is not compressed.
    #[must_use]
    pub fn dense(&self) -> Literal {
        /// Elements that are decoded at a time.
        const PIECE: usize = 1 << 12;
        if self.how().is_none() {
            return self.clone();
        }
        let (elements, dtype) = (self.ty.dims.elements(), self.ty.dtype);
        let mut bytes = Vec::with_capacity(self.ty.bytes());
        let mut piece = vec![0.0; PIECE.min(elements)];
        for start in (0..elements).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min(elements - start)];
            self.read(start, piece);
            match dtype {
                DType::Fp16 => bytes.extend(piece.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes())),
                DType::Fp32 => bytes.extend(piece.iter().flat_map(|x| x.to_le_bytes())),
                DType::Int8 => bytes.extend(piece.iter().map(|x| *x as i8 as u8)),
                DType::UInt8 => bytes.extend(piece.iter().map(|x| *x as u8)),
                _ => bytes.extend(piece.iter().map(|x| *x as i32 as u8)),
            }
        }
        if dtype.is_packed() {
            bytes = super::pack(dtype, bytes.iter().map(|b| *b as i8));
        }
        Literal { ty: self.ty, data: super::Data::Bytes(bytes.into()) }
    }
}

/// Where the element that stands for a place lies in a tensor whose elements stand for blocks.
struct Blocks {
    strides: [usize; crate::types::MAX_CONSTANT_RANK],
    sizes: [usize; crate::types::MAX_CONSTANT_RANK],
}

impl Blocks {
    /// Blocks of a tensor of dimensions `whole`, one for each element of one of dimensions `dims`, of the same rank.
    fn new(whole: &[usize], dims: &[usize]) -> Blocks {
        let mut blocks = Blocks { strides: Default::default(), sizes: [1; crate::types::MAX_CONSTANT_RANK] };
        let mut step = 1;
        for axis in (0..whole.len()).rev() {
            blocks.strides[axis] = step;
            blocks.sizes[axis] = (whole[axis] / dims[axis].max(1)).max(1);
            step *= dims[axis];
        }
        blocks
    }

    fn at(&self, place: &[usize]) -> usize {
        place.iter().enumerate().map(|(axis, i)| i / self.sizes[axis] * self.strides[axis]).sum()
    }
}

/// Calls `each` with the places of consecutive elements of a tensor.
fn places(dims: &[usize], start: usize, count: usize, mut each: impl FnMut(usize, &[usize])) {
    let mut place = [0; crate::types::MAX_CONSTANT_RANK];
    let rank = dims.len();
    let mut rest = start;
    for axis in (0..rank).rev() {
        place[axis] = rest % dims[axis];
        rest /= dims[axis];
    }
    for i in 0..count {
        each(i, &place[..rank]);
        for axis in (0..rank).rev() {
            place[axis] += 1;
            if place[axis] < dims[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
}

fn all(literal: &Literal) -> Vec<f32> {
    let mut out = vec![0.0; literal.ty.dims.elements()];
    literal.read(0, &mut out);
    out
}

fn bit(mask: &[u8], at: usize) -> bool {
    mask[at / 8] >> (at % 8) & 1 == 1
}

impl Compressed {
    fn read(&self, start: usize, out: &mut [f32]) {
        match self {
            Compressed::Cast(of) => of.read(start, out),
            Compressed::ShiftScale { data, scale, offset } => {
                data.read(start, out);
                shift_scale(&data.ty.dims, scale, offset.as_ref(), start, out);
            }
            Compressed::Table { indices, lut, axis } => table(indices, lut, *axis, start, out),
            Compressed::Sparse { data, mask } => {
                let bits = mask.bytes().unwrap_or_default();
                let mut next = (0..start).filter(|at| bit(bits, *at)).count();
                let count = (start..start + out.len()).filter(|at| bit(bits, *at)).count();
                let mut given = vec![0.0; count];
                data.read(next, &mut given);
                next = 0;
                for (i, to) in out.iter_mut().enumerate() {
                    *to = if bit(bits, start + i) {
                        next += 1;
                        given[next - 1]
                    } else {
                        0.0
                    };
                }
            }
            Compressed::Where { of, mask } => {
                let bits = mask.bytes().unwrap_or_default();
                let there = all(of).into_iter().enumerate().filter(|(at, _)| bit(bits, *at)).map(|(_, x)| x);
                out.iter_mut().zip(there.skip(start)).for_each(|(to, x)| *to = x);
            }
        }
    }
}

fn shift_scale(dims: &Dims, scale: &Literal, offset: Option<&Literal>, start: usize, out: &mut [f32]) {
    let (scales, offsets) = (all(scale), offset.map(all));
    let of_scale = Blocks::new(dims, &scale.ty.dims);
    let of_offset = offset.map(|offset| Blocks::new(dims, &offset.ty.dims));
    let count = out.len();
    places(dims, start, count, |i, place| {
        let offset = match (&offsets, &of_offset) {
            (Some(offsets), Some(blocks)) => offsets[blocks.at(place)],
            _ => 0.0,
        };
        out[i] = scales[of_scale.at(place)] * (out[i] - offset);
    });
}

fn table(indices: &Literal, lut: &Literal, axis: usize, start: usize, out: &mut [f32]) {
    let rank = indices.ty.dims.rank();
    let (entries, width) = (lut.ty.dims[rank], lut.ty.dims[rank + 1]);
    let tables = all(lut);
    let blocks = Blocks::new(&indices.ty.dims, &lut.ty.dims[..rank]);
    let strides = indices.ty.dims.strides();
    let mut dims = indices.ty.dims.to_vec();
    dims[axis] *= width;
    // Without wide entries the indices are read in one go.
    let mut ahead = vec![0.0; if width == 1 { out.len() } else { 0 }];
    if width == 1 {
        indices.read(start, &mut ahead);
    }
    let mut index = [0.0];
    let count = out.len();
    places(&dims, start, count, |i, place| {
        let mut own = [0; crate::types::MAX_CONSTANT_RANK];
        own[..rank].copy_from_slice(place);
        let number = own[axis] % width;
        own[axis] /= width;
        if width == 1 {
            index[0] = ahead[i];
        } else {
            indices.read(own[..rank].iter().zip(strides).map(|(i, stride)| i * stride).sum(), &mut index);
        }
        let table = blocks.at(&own[..rank]);
        out[i] = tables[(table * entries + index[0] as usize) * width + number];
    });
}
