//! Constant data: a tensor type with its elements, which may live in a mapped file.

mod compressed;
mod packed;

use crate::types::{DType, Dims, DimsError, TensorType};
use half::f16;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use compressed::Compressed;
pub use packed::{pack, unpack};

/// Shared bytes with an owner: a vector, or a part of a mapped weight file. Cloning copies no data.
#[derive(Clone)]
pub struct Bytes {
    owner: Arc<dyn AsRef<[u8]> + Send + Sync>,
    start: usize,
    len: usize,
}

impl Bytes {
    /// The part `start..start + len` of what `owner` holds; `None` if it does not hold as much.
    pub fn new(owner: Arc<dyn AsRef<[u8]> + Send + Sync>, start: usize, len: usize) -> Option<Bytes> {
        let end = start.checked_add(len)?;
        (end <= (*owner).as_ref().len()).then_some(Bytes { owner, start, len })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &(*self.owner).as_ref()[self.start..self.start + self.len]
    }

    /// The part `start..start + len` of these bytes; `None` if there are not as many.
    pub fn part(&self, start: usize, len: usize) -> Option<Bytes> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Bytes { owner: self.owner.clone(), start: self.start + start, len })
    }

    fn of<T: bytemuck::NoUninit + Send + Sync>(elements: Vec<T>) -> Bytes {
        struct Owned<T>(Vec<T>);
        impl<T: bytemuck::NoUninit> AsRef<[u8]> for Owned<T> {
            fn as_ref(&self) -> &[u8] {
                bytemuck::cast_slice(&self.0)
            }
        }
        let len = size_of_val(elements.as_slice());
        Bytes { owner: Arc::new(Owned(elements)), start: 0, len }
    }
}

#[derive(Clone)]
enum Data {
    /// Little-endian elements, dense, row-major. `bool` is one byte, 0 or 1; those below a byte are packed as weight files
    /// pack them, and what is left of the last byte is 0.
    Bytes(Bytes),
    Strings(Arc<[String]>),
    /// Decoded where it is read.
    Compressed(Arc<Compressed>),
}

/// A constant tensor.
///
/// ```
/// use anemone_ir::{DType, Literal};
/// let axes = Literal::from([1, -1]);
/// assert_eq!(axes.ty().dtype, DType::Int32);
/// assert_eq!(axes.to_i64().unwrap(), [1, -1]);
/// ```
#[derive(Clone)]
pub struct Literal {
    ty: TensorType,
    data: Data,
}

/// Why data does not make a [`Literal`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LiteralError {
    /// The data has another length than the dimensions say.
    #[error("{expected} elements are declared, {found} given")]
    Length {
        /// What the dimensions say.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The dimensions are not acceptable.
    #[error(transparent)]
    Dims(#[from] DimsError),
    /// A `bool` byte that is neither 0 nor 1.
    #[error("element {0} of a bool tensor is neither 0 nor 1")]
    Bool(usize),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::of(bytes)
    }
}

impl Literal {
    /// Raw little-endian data; elements below a byte are packed as [`pack`] does.
    ///
    /// # Errors
    /// The number of bytes is not `ty.bytes()`, the type is `string`, or a `bool` is neither 0 nor 1.
    pub fn from_bytes(ty: TensorType, bytes: Bytes) -> Result<Literal, LiteralError> {
        if bytes.len != ty.bytes() || ty.dtype == DType::String {
            return Err(LiteralError::Length {
                expected: ty.dims.elements(),
                found: bytes.len * 8 / ty.dtype.bits().max(1),
            });
        }
        if ty.dtype == DType::Bool
            && let Some(at) = bytes.as_slice().iter().position(|b| *b > 1)
        {
            return Err(LiteralError::Bool(at));
        }
        Ok(Literal { ty, data: Data::Bytes(without_unused_bits(&ty, bytes)) })
    }

    fn from_vec<T: bytemuck::NoUninit + Send + Sync>(
        dtype: DType,
        dims: &[usize],
        v: Vec<T>,
    ) -> Result<Literal, LiteralError> {
        let dims = Dims::of_constant(dims)?;
        if dims.elements() != v.len() {
            return Err(LiteralError::Length { expected: dims.elements(), found: v.len() });
        }
        Ok(Literal { ty: TensorType { dtype, dims }, data: Data::Bytes(Bytes::of(v)) })
    }

    /// `fp16` data.
    ///
    /// # Errors
    /// The length differs from the product of `dims`, or `dims` are refused; so for the constructors below.
    pub fn fp16(dims: &[usize], v: Vec<f16>) -> Result<Literal, LiteralError> {
        Literal::from_vec(DType::Fp16, dims, v)
    }

    /// `fp32` data.
    #[allow(missing_docs, clippy::missing_errors_doc)]
    pub fn fp32(dims: &[usize], v: Vec<f32>) -> Result<Literal, LiteralError> {
        Literal::from_vec(DType::Fp32, dims, v)
    }

    /// `int32` data.
    #[allow(clippy::missing_errors_doc)]
    pub fn int32(dims: &[usize], v: Vec<i32>) -> Result<Literal, LiteralError> {
        Literal::from_vec(DType::Int32, dims, v)
    }

    /// `bool` data.
    #[allow(clippy::missing_errors_doc)]
    pub fn bools(dims: &[usize], v: &[bool]) -> Result<Literal, LiteralError> {
        Literal::from_vec(DType::Bool, dims, v.iter().map(|b| u8::from(*b)).collect())
    }

    /// `string` data.
    #[allow(clippy::missing_errors_doc)]
    pub fn strings(dims: &[usize], v: Vec<String>) -> Result<Literal, LiteralError> {
        let dims = Dims::new(dims)?;
        if dims.elements() != v.len() {
            return Err(LiteralError::Length { expected: dims.elements(), found: v.len() });
        }
        Ok(Literal { ty: TensorType { dtype: DType::String, dims }, data: Data::Strings(v.into()) })
    }

    /// Numbers of any element type but `string`, each rounded to it as [`crate::reference`] rounds.
    ///
    /// # Errors
    /// The length differs from the type's, or the type is `string`.
    pub fn from_f64(ty: TensorType, v: &[f64]) -> Result<Literal, LiteralError> {
        if v.len() != ty.dims.elements() || ty.dtype == DType::String {
            return Err(LiteralError::Length { expected: ty.dims.elements(), found: v.len() });
        }
        let bytes = match ty.dtype {
            DType::Fp16 => Bytes::of(v.iter().map(|x| crate::reference::to_f16(*x)).collect()),
            DType::Fp32 => Bytes::of(v.iter().map(|x| *x as f32).collect()),
            DType::Int32 => Bytes::of(v.iter().map(|x| *x as i64 as i32).collect()),
            DType::UInt32 => Bytes::of(v.iter().map(|x| *x as i64 as u32).collect()),
            DType::Int16 => Bytes::of(v.iter().map(|x| *x as i64 as i16).collect()),
            DType::UInt16 => Bytes::of(v.iter().map(|x| *x as i64 as u16).collect()),
            DType::Int8 => Bytes::of(v.iter().map(|x| *x as i64 as i8).collect()),
            DType::UInt8 => Bytes::of(v.iter().map(|x| *x as i64 as u8).collect()),
            DType::Bool => Bytes::of(v.iter().map(|x| u8::from(*x != 0.0)).collect()),
            DType::Int4 | DType::UInt1 | DType::UInt2 | DType::UInt3 | DType::UInt4 | DType::UInt6 => {
                Bytes::of(pack(ty.dtype, v.iter().map(|x| *x as i64 as i8)))
            }
            DType::String => Bytes::of(Vec::<u8>::new()),
        };
        Ok(Literal { ty, data: Data::Bytes(bytes) })
    }

    /// A scalar of a numeric type.
    pub fn scalar(dtype: DType, value: f64) -> Option<Literal> {
        Literal::from_f64(TensorType::scalar(dtype), &[value]).ok()
    }

    /// The type.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// The dense little-endian bytes, elements below a byte packed; `None` for strings, and for what is compressed, whose
    /// [`Literal::dense`] has them.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Bytes(b) => Some(b.as_slice()),
            Data::Strings(_) | Data::Compressed(_) => None,
        }
    }

    /// The same bytes, shared; `None` as for [`Literal::bytes`].
    pub(crate) fn as_bytes(&self) -> Option<Bytes> {
        match &self.data {
            Data::Bytes(b) => Some(b.clone()),
            Data::Strings(_) | Data::Compressed(_) => None,
        }
    }

    fn cast<T: bytemuck::AnyBitPattern + Copy>(&self, dtype: DType) -> Option<Cow<'_, [T]>> {
        if self.ty.dtype != dtype {
            return None;
        }
        if self.how().is_some() {
            return Some(Cow::Owned(self.dense().cast(dtype)?.into_owned()));
        }
        let bytes = self.bytes()?;
        // A mapped file may place data at any address; then the elements are copied out.
        Some(match bytemuck::try_cast_slice(bytes) {
            Ok(s) => Cow::Borrowed(s),
            Err(_) => Cow::Owned(bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()),
        })
    }

    /// The elements of an `fp16` literal; copied only if they are not aligned in memory, or decoded.
    pub fn as_f16(&self) -> Option<Cow<'_, [f16]>> {
        self.cast(DType::Fp16)
    }

    /// The elements of an `fp32` literal.
    pub fn as_f32(&self) -> Option<Cow<'_, [f32]>> {
        self.cast(DType::Fp32)
    }

    /// The elements of an `int32` literal.
    pub fn as_i32(&self) -> Option<Cow<'_, [i32]>> {
        self.cast(DType::Int32)
    }

    /// The elements of a `string` literal.
    pub fn as_strings(&self) -> Option<&[String]> {
        match &self.data {
            Data::Strings(s) => Some(s),
            Data::Bytes(_) | Data::Compressed(_) => None,
        }
    }

    /// The one string of a `string` literal with one element.
    pub fn as_str(&self) -> Option<&str> {
        match self.as_strings()? {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The elements as `f64`, which holds every supported number exactly; `None` for strings.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        if self.how().is_some() {
            return self.dense().to_f64();
        }
        let b = self.bytes()?;
        Some(match self.ty.dtype {
            DType::Fp16 => self.as_f16()?.iter().map(|x| x.to_f64()).collect(),
            DType::Fp32 => self.as_f32()?.iter().map(|x| f64::from(*x)).collect(),
            DType::Int32 => self.as_i32()?.iter().map(|x| f64::from(*x)).collect(),
            DType::UInt32 => self.cast::<u32>(DType::UInt32)?.iter().map(|x| f64::from(*x)).collect(),
            DType::Int16 => self.cast::<i16>(DType::Int16)?.iter().map(|x| f64::from(*x)).collect(),
            DType::UInt16 => self.cast::<u16>(DType::UInt16)?.iter().map(|x| f64::from(*x)).collect(),
            DType::Int8 => b.iter().map(|x| f64::from(*x as i8)).collect(),
            DType::UInt8 | DType::Bool => b.iter().map(|x| f64::from(*x)).collect(),
            DType::Int4 | DType::UInt1 | DType::UInt2 | DType::UInt3 | DType::UInt4 | DType::UInt6 => {
                unpack(self.ty.dtype, self.ty.dims.elements(), b)?.into_iter().map(f64::from).collect()
            }
            DType::String => return None,
        })
    }

    /// The elements of an integer literal; `None` for other types.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        self.ty.dtype.int_range()?;
        Some(self.to_f64()?.into_iter().map(|x| x as i64).collect())
    }

    /// The elements of a `bool` literal.
    pub fn to_bools(&self) -> Option<Vec<bool>> {
        (self.ty.dtype == DType::Bool).then(|| self.bytes().map(|b| b.iter().map(|x| *x != 0).collect()))?
    }

    /// The same data under other dimensions.
    ///
    /// # Errors
    /// The number of elements differs.
    pub fn reshaped(&self, dims: Dims) -> Result<Literal, LiteralError> {
        let (expected, found) = (dims.elements(), self.ty.dims.elements());
        if expected != found {
            return Err(LiteralError::Length { expected, found });
        }
        Ok(Literal { ty: TensorType { dtype: self.ty.dtype, dims }, data: self.data.clone() })
    }
}

/// Packed data whose last byte holds nothing behind the last element, so that equal data has equal bytes.
fn without_unused_bits(ty: &TensorType, bytes: Bytes) -> Bytes {
    let used = ty.dims.elements() * ty.dtype.bits() % 8;
    let clean = |last: &u8| last >> used == 0;
    if used == 0 || bytes.as_slice().last().is_none_or(clean) {
        return bytes;
    }
    let mut copy = bytes.as_slice().to_vec();
    copy.iter_mut().next_back().into_iter().for_each(|last| *last &= (1 << used) - 1);
    copy.into()
}

impl PartialEq for Literal {
    /// Same type and same bytes: NaNs are equal to themselves, 0 differs from -0.
    fn eq(&self, other: &Literal) -> bool {
        self.ty == other.ty
            && match (&self.data, &other.data) {
                (Data::Bytes(a), Data::Bytes(b)) => a.as_slice() == b.as_slice(),
                (Data::Strings(a), Data::Strings(b)) => a == b,
                (Data::Compressed(a), Data::Compressed(b)) => a == b,
                _ => false,
            }
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "{}(", self.ty)?;
        if let Data::Compressed(_) = self.data {
            return f.write_str("compressed)");
        }
        match (&self.data, self.to_f64()) {
            (Data::Strings(s), _) => write!(f, "{s:?}")?,
            (_, Some(v)) if v.len() > SHOWN => write!(f, "{:?}…", &v[..SHOWN])?,
            (_, v) => write!(f, "{:?}", v.unwrap_or_default())?,
        }
        f.write_str(")")
    }
}

macro_rules! vector_of {
    ($($t:ty => $dtype:ident),*) => {$(
        impl From<&[$t]> for Literal {
            /// A rank-1 literal. Slices in memory are far below [`crate::types::MAX_ELEMENTS`].
            fn from(v: &[$t]) -> Literal {
                let dims = Dims::vector(v.len()).unwrap_or_default();
                Literal { ty: TensorType { dtype: DType::$dtype, dims }, data: Data::Bytes(Bytes::of(v.to_vec())) }
            }
        }
        impl<const N: usize> From<[$t; N]> for Literal {
            fn from(v: [$t; N]) -> Literal {
                Literal::from(&v[..])
            }
        }
        impl From<$t> for Literal {
            fn from(v: $t) -> Literal {
                Literal { ty: TensorType::scalar(DType::$dtype), data: Data::Bytes(Bytes::of(vec![v])) }
            }
        }
    )*};
}
vector_of!(i32 => Int32, f16 => Fp16, f32 => Fp32);

impl From<bool> for Literal {
    fn from(v: bool) -> Literal {
        Literal { ty: TensorType::scalar(DType::Bool), data: Data::Bytes(Bytes::of(vec![u8::from(v)])) }
    }
}

impl<const N: usize> From<[bool; N]> for Literal {
    fn from(v: [bool; N]) -> Literal {
        let dims = Dims::vector(N).unwrap_or_default();
        let bytes = v.iter().map(|b| u8::from(*b)).collect::<Vec<_>>();
        Literal { ty: TensorType { dtype: DType::Bool, dims }, data: Data::Bytes(Bytes::of(bytes)) }
    }
}

impl From<&str> for Literal {
    fn from(v: &str) -> Literal {
        Literal { ty: TensorType::scalar(DType::String), data: Data::Strings(Arc::new([v.to_owned()])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_checked() {
        assert_eq!(Literal::fp32(&[2, 2], vec![0.0; 3]), Err(LiteralError::Length { expected: 4, found: 3 }));
        let owner: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(vec![0u8, 2]);
        assert!(Bytes::new(owner.clone(), 1, usize::MAX).is_none());
        let ty = TensorType::new(DType::Bool, Dims::new(&[2]).unwrap());
        assert_eq!(Literal::from_bytes(ty, Bytes::new(owner, 0, 2).unwrap()), Err(LiteralError::Bool(1)));
    }

    #[test]
    fn unaligned_bytes_are_read_all_the_same() {
        let mut raw = vec![0u8];
        raw.extend([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
        let ty = TensorType::new(DType::Fp32, Dims::new(&[2]).unwrap());
        for shift in 0..4 {
            let mut padded = vec![0u8; shift];
            padded.extend(&raw);
            let l = Literal::from_bytes(ty, Bytes::new(Arc::new(padded), 1 + shift, 8).unwrap()).unwrap();
            assert_eq!(&*l.as_f32().unwrap(), &[1.5, -2.0]);
        }
    }

    #[test]
    fn packed_elements_are_what_they_were() {
        let ty = TensorType::new(DType::Int4, Dims::new(&[3]).unwrap());
        let l = Literal::from_f64(ty, &[-8.0, 7.0, -1.0]).unwrap();
        assert_eq!((l.bytes().unwrap(), l.to_f64().unwrap()), (&[0x78, 0x0f][..], vec![-8.0, 7.0, -1.0]));
        assert_eq!(Literal::from_bytes(ty, vec![0x78, 0xff].into()), Ok(l));
        assert_eq!(Literal::from_bytes(ty, vec![0x78].into()), Err(LiteralError::Length { expected: 3, found: 2 }));
    }
}
