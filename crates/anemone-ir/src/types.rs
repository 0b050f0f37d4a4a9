//! Element types, dimensions and tensor types, in MIL's terms.

use std::fmt;
use std::ops::Deref;

/// The element type of a tensor. Names are MIL's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum DType {
    /// `bool`, one byte an element.
    Bool,
    /// `string`; only constants have it.
    String,
    /// IEEE half precision.
    Fp16,
    /// IEEE single precision.
    Fp32,
    /// Signed, 8 bits.
    Int8,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 32 bits.
    Int32,
    /// Unsigned, 8 bits.
    UInt8,
    /// Unsigned, 16 bits.
    UInt16,
    /// Unsigned, 32 bits; only attributes have it.
    UInt32,
    /// Signed, 4 bits. As the types below, only constants of compressed weights have it; see [`crate::literal::Compressed`].
    Int4,
    /// Unsigned, 1 bit: a mask, or an index into a table of two.
    UInt1,
    /// Unsigned, 2 bits.
    UInt2,
    /// Unsigned, 3 bits.
    UInt3,
    /// Unsigned, 4 bits.
    UInt4,
    /// Unsigned, 6 bits.
    UInt6,
}

impl DType {
    /// Every element type, in declaration order.
    pub const ALL: [DType; 16] = [
        DType::Bool,
        DType::String,
        DType::Fp16,
        DType::Fp32,
        DType::Int8,
        DType::Int16,
        DType::Int32,
        DType::UInt8,
        DType::UInt16,
        DType::UInt32,
        DType::Int4,
        DType::UInt1,
        DType::UInt2,
        DType::UInt3,
        DType::UInt4,
        DType::UInt6,
    ];

    /// The MIL spelling, such as `fp16`.
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::String => "string",
            DType::Fp16 => "fp16",
            DType::Fp32 => "fp32",
            DType::Int8 => "int8",
            DType::Int16 => "int16",
            DType::Int32 => "int32",
            DType::UInt8 => "uint8",
            DType::UInt16 => "uint16",
            DType::UInt32 => "uint32",
            DType::Int4 => "int4",
            DType::UInt1 => "uint1",
            DType::UInt2 => "uint2",
            DType::UInt3 => "uint3",
            DType::UInt4 => "uint4",
            DType::UInt6 => "uint6",
        }
    }

    /// The type with this MIL spelling.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bits an element takes in a constant; 0 for `string`, which has no fixed size.
    pub const fn bits(self) -> usize {
        match self {
            DType::String => 0,
            DType::UInt1 => 1,
            DType::UInt2 => 2,
            DType::UInt3 => 3,
            DType::Int4 | DType::UInt4 => 4,
            DType::UInt6 => 6,
            DType::Bool | DType::Int8 | DType::UInt8 => 8,
            DType::Fp16 | DType::Int16 | DType::UInt16 => 16,
            DType::Fp32 | DType::Int32 | DType::UInt32 => 32,
        }
    }

    /// Bytes an element takes by itself; 0 for `string`.
    pub const fn size(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Whether several elements share a byte in a constant.
    pub const fn is_packed(self) -> bool {
        matches!(self.bits(), 1..8)
    }

    /// `fp16` or `fp32`.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::Fp16 | DType::Fp32)
    }

    /// The inclusive range of an integer type; `None` for the others.
    pub const fn int_range(self) -> Option<(i64, i64)> {
        match self {
            DType::Int8 => Some((i8::MIN as i64, i8::MAX as i64)),
            DType::Int16 => Some((i16::MIN as i64, i16::MAX as i64)),
            DType::Int32 => Some((i32::MIN as i64, i32::MAX as i64)),
            DType::UInt8 => Some((0, u8::MAX as i64)),
            DType::UInt16 => Some((0, u16::MAX as i64)),
            DType::UInt32 => Some((0, u32::MAX as i64)),
            DType::Int4 => Some((-8, 7)),
            DType::UInt1 => Some((0, 1)),
            DType::UInt2 => Some((0, 3)),
            DType::UInt3 => Some((0, 7)),
            DType::UInt4 => Some((0, 15)),
            DType::UInt6 => Some((0, 63)),
            DType::Bool | DType::String | DType::Fp16 | DType::Fp32 => None,
        }
    }

    /// The set that holds only this type.
    pub const fn set(self) -> DTypeSet {
        DTypeSet(1 << self as u32)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of element types: what a parameter of an operation accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DTypeSet(u32);

impl DTypeSet {
    /// No type.
    pub const NONE: DTypeSet = DTypeSet(0);
    /// `fp16`, `fp32`.
    pub const FLOAT: DTypeSet = DType::Fp16.set().or(DType::Fp32.set());
    /// `fp16`, `fp32`, `int32`: what most arithmetic takes.
    pub const NUMBER: DTypeSet = DTypeSet::FLOAT.or(DType::Int32.set());
    /// `fp16`, `fp32`, `int32`, `bool`: what data movement takes before iOS 17.
    pub const BASIC: DTypeSet = DTypeSet::NUMBER.or(DType::Bool.set());
    /// [`DTypeSet::BASIC`] and the 8- and 16-bit integers: data movement since iOS 17.
    pub const MOVABLE: DTypeSet =
        DTypeSet::BASIC.or(DType::Int8.set()).or(DType::UInt8.set()).or(DType::Int16.set()).or(DType::UInt16.set());
    /// [`DTypeSet::MOVABLE`] without `bool`: the numbers that are chosen and sorted since iOS 17.
    pub const NUMBERS: DTypeSet =
        DTypeSet::NUMBER.or(DType::Int8.set()).or(DType::UInt8.set()).or(DType::Int16.set()).or(DType::UInt16.set());
    /// `int8`, `int16`, `int32`: index arguments since iOS 17.
    pub const INDEX: DTypeSet = DType::Int32.set().or(DType::Int8.set()).or(DType::Int16.set());
    /// Every type.
    pub const ANY: DTypeSet = DTypeSet((1 << DType::ALL.len()) - 1);

    /// The union.
    pub const fn or(self, other: DTypeSet) -> DTypeSet {
        DTypeSet(self.0 | other.0)
    }

    /// Whether `dtype` is in the set.
    pub const fn contains(self, dtype: DType) -> bool {
        self.0 & dtype.set().0 != 0
    }

    /// The members, in declaration order.
    pub fn iter(self) -> impl Iterator<Item = DType> {
        DType::ALL.into_iter().filter(move |d| self.contains(*d))
    }
}

impl fmt::Display for DTypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(DType::name).collect();
        f.write_str(&names.join(", "))
    }
}

/// The highest rank of a tensor that the Neural Engine and Core ML take.
pub const MAX_RANK: usize = 5;

/// The highest rank of a constant that only compressed weights are made of: a table of values has two more axes than the
/// weights.
pub const MAX_CONSTANT_RANK: usize = MAX_RANK + 2;

/// The most elements one tensor may have: 2^40, far above any real tensor, low enough that byte counts, FLOP counts and
/// index arithmetic on `i64` and 64-bit `usize` cannot overflow.
pub const MAX_ELEMENTS: u64 = 1 << 40;

/// Dimensions of a tensor, outermost first. `Copy`, and dereferences to a slice. The rank is 0 to 5; that of a constant that
/// compressed weights are made of may be up to 7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dims {
    rank: u8,
    dims: [usize; MAX_CONSTANT_RANK],
}

/// Why dimensions were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DimsError {
    /// More than [`MAX_RANK`] dimensions.
    #[error("rank {0} is above {MAX_RANK}, the highest rank Core ML and the Neural Engine take")]
    Rank(usize),
    /// The product is above [`MAX_ELEMENTS`].
    #[error("the tensor would have more than 2^40 elements")]
    Elements,
}

impl Dims {
    /// Rank 0: a scalar.
    pub const SCALAR: Dims = Dims { rank: 0, dims: [0; MAX_CONSTANT_RANK] };

    /// Checked construction.
    ///
    /// # Errors
    /// Rank above [`MAX_RANK`] or more than [`MAX_ELEMENTS`] elements.
    pub fn new(dims: &[usize]) -> Result<Dims, DimsError> {
        if dims.len() > MAX_RANK { Err(DimsError::Rank(dims.len())) } else { Dims::of_constant(dims) }
    }

    /// Checked construction of the dimensions of a constant.
    ///
    /// # Errors
    /// Rank above [`MAX_CONSTANT_RANK`] or more than [`MAX_ELEMENTS`] elements.
    pub fn of_constant(dims: &[usize]) -> Result<Dims, DimsError> {
        if dims.len() > MAX_CONSTANT_RANK {
            return Err(DimsError::Rank(dims.len()));
        }
        let mut product: u64 = 1;
        for &d in dims {
            // A zero elsewhere does not excuse an absurd dimension: each partial product is bounded.
            product = product.saturating_mul((d as u64).max(1));
            if product > MAX_ELEMENTS {
                return Err(DimsError::Elements);
            }
        }
        let mut out = Dims { rank: dims.len() as u8, ..Dims::SCALAR };
        out.dims[..dims.len()].copy_from_slice(dims);
        Ok(out)
    }

    /// Rank 1.
    pub fn vector(len: usize) -> Result<Dims, DimsError> {
        Dims::new(&[len])
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The product of the dimensions; 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// Row-major strides in elements.
    pub fn strides(&self) -> [usize; MAX_CONSTANT_RANK] {
        let mut strides = [0; MAX_CONSTANT_RANK];
        let mut step = 1;
        for axis in (0..self.rank()).rev() {
            strides[axis] = step;
            step *= self[axis];
        }
        strides
    }

    /// The same dimensions with one replaced.
    ///
    /// # Errors
    /// More than [`MAX_ELEMENTS`] elements.
    pub fn with(&self, axis: usize, dim: usize) -> Result<Dims, DimsError> {
        let mut dims = *self;
        dims.dims[axis] = dim;
        Dims::of_constant(&dims)
    }

    /// The same dimensions; `[1]` for a scalar.
    #[must_use]
    pub fn at_least_vector(&self) -> Dims {
        if self.rank == 0 { Dims { rank: 1, dims: [1, 0, 0, 0, 0, 0, 0] } } else { *self }
    }

    /// The NumPy broadcast of two shapes: aligned at the last axis, a 1 stretches.
    /// `None` if some pair of dimensions differs and neither is 1, or the result has too many elements.
    pub fn broadcast(&self, other: &Dims) -> Option<Dims> {
        let rank = self.rank().max(other.rank());
        let mut out = [1; MAX_CONSTANT_RANK];
        for back in 1..=rank {
            let a = if back <= self.rank() { self[self.rank() - back] } else { 1 };
            let b = if back <= other.rank() { other[other.rank() - back] } else { 1 };
            out[rank - back] = match (a, b) {
                (1, d) | (d, 1) => d,
                (a, b) if a == b => a,
                _ => return None,
            };
        }
        Dims::new(&out[..rank]).ok()
    }

    /// Whether two shapes broadcast but for the size of the result: aligned at the last axis, each pair of dimensions is
    /// equal or has a 1.
    pub fn fits(&self, other: &Dims) -> bool {
        self.iter().rev().zip(other.iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1)
    }

    /// Strides with which this shape is read when broadcast to `target`: 0 on stretched axes. Aligned to `target`'s axes.
    pub fn broadcast_strides(&self, target: &Dims) -> [usize; MAX_CONSTANT_RANK] {
        let own = self.strides();
        let shift = target.rank() - self.rank();
        let mut out = [0; MAX_CONSTANT_RANK];
        for axis in 0..self.rank() {
            out[axis + shift] = if self[axis] == 1 { 0 } else { own[axis] };
        }
        out
    }

    /// `axis` counted from the front, if it is in `-rank..rank`.
    pub fn axis(&self, axis: i64) -> Option<usize> {
        let rank = self.rank() as i64;
        (-rank..rank).contains(&axis).then(|| axis.rem_euclid(rank) as usize)
    }
}

impl Deref for Dims {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.dims[..self.rank as usize]
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Element type and dimensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The dimensions; rank 0 is a scalar.
    pub dims: Dims,
}

impl TensorType {
    /// A type from its parts.
    pub fn new(dtype: DType, dims: Dims) -> TensorType {
        TensorType { dtype, dims }
    }

    /// Rank 0.
    pub fn scalar(dtype: DType) -> TensorType {
        TensorType { dtype, dims: Dims::SCALAR }
    }

    /// Bytes of the data of a constant; 0 for strings. Elements below a byte are packed, and the last byte is filled up.
    pub fn bytes(&self) -> usize {
        (self.dims.elements() * self.dtype.bits()).div_ceil(8)
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, self.dims)
    }
}

/// What a value is. Its [`TensorType`] says of what.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Kind {
    /// A tensor.
    #[default]
    Tensor,
    /// A list of tensors of one type. It has the type of the tensors stacked: its first dimension is its length.
    List,
    /// A tensor that lives from one run to the next. Only `read_state` and `write_state` take it.
    State,
}

/// A type as it is declared: some dimensions may be left open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declared {
    /// What it is declared to be.
    pub kind: Kind,
    /// The element type.
    pub dtype: DType,
    rank: u8,
    dims: [Option<usize>; MAX_CONSTANT_RANK],
}

impl Declared {
    /// Checked construction; `None` stands for a dimension that is left open.
    ///
    /// # Errors
    /// Rank above [`MAX_CONSTANT_RANK`] or more than [`MAX_ELEMENTS`] elements, each open dimension taken as 1.
    pub fn new(kind: Kind, dtype: DType, dims: &[Option<usize>]) -> Result<Declared, DimsError> {
        let least: Vec<usize> = dims.iter().map(|d| d.unwrap_or(1)).collect();
        Dims::of_constant(&least)?;
        let mut out = Declared { kind, dtype, rank: dims.len() as u8, dims: [None; MAX_CONSTANT_RANK] };
        out.dims[..dims.len()].copy_from_slice(dims);
        Ok(out)
    }

    /// The same, of another kind.
    #[must_use]
    pub fn of(mut self, kind: Kind) -> Declared {
        self.kind = kind;
        self
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[Option<usize>] {
        &self.dims[..self.rank as usize]
    }

    /// The type, if no dimension is open.
    pub fn known(&self) -> Option<TensorType> {
        let dims: Option<Vec<usize>> = self.dims().iter().copied().collect();
        Some(TensorType { dtype: self.dtype, dims: Dims::of_constant(&dims?).ok()? })
    }

    /// Whether a value of this kind and type is as declared.
    pub fn admits(&self, kind: Kind, ty: &TensorType) -> bool {
        let dims = self.dims().iter().zip(ty.dims.iter());
        self.kind == kind
            && self.dtype == ty.dtype
            && self.dims().len() == ty.dims.rank()
            && dims.into_iter().all(|(declared, d)| declared.is_none_or(|declared| declared == *d))
    }
}

impl From<TensorType> for Declared {
    fn from(ty: TensorType) -> Declared {
        let mut dims = [None; MAX_CONSTANT_RANK];
        dims.iter_mut().zip(ty.dims.iter()).for_each(|(to, d)| *to = Some(*d));
        Declared { kind: Kind::Tensor, dtype: ty.dtype, rank: ty.dims.rank, dims }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Tensor => "",
            Kind::List => "list of ",
            Kind::State => "state ",
        };
        let dims: Vec<_> = self.dims().iter().map(|d| d.map_or("?".to_owned(), |d| d.to_string())).collect();
        write!(f, "{kind}{}[{}]", self.dtype, dims.join(", "))
    }
}

/// The version of MIL's operation set that a function is written in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Opset {
    /// Core ML 5, specification 6.
    Ios15,
    /// Core ML 6, specification 7.
    #[default]
    Ios16,
    /// Core ML 7, specification 8.
    Ios17,
    /// Core ML 8, specification 9.
    Ios18,
}

impl Opset {
    /// Every set, oldest first.
    pub const ALL: [Opset; 4] = [Opset::Ios15, Opset::Ios16, Opset::Ios17, Opset::Ios18];

    /// The MIL spelling, such as `ios16`.
    pub const fn name(self) -> &'static str {
        match self {
            Opset::Ios15 => "ios15",
            Opset::Ios16 => "ios16",
            Opset::Ios17 => "ios17",
            Opset::Ios18 => "ios18",
        }
    }

    /// The set with this MIL spelling.
    pub fn from_name(name: &str) -> Option<Opset> {
        Opset::ALL.into_iter().find(|o| o.name() == name)
    }
}

impl fmt::Display for Opset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(dims: &[usize]) -> Dims {
        Dims::new(dims).unwrap()
    }

    #[test]
    fn broadcast_aligns_at_the_last_axis() {
        assert_eq!(d(&[2, 1, 4]).broadcast(&d(&[3, 1])), Some(d(&[2, 3, 4])));
        assert_eq!(d(&[]).broadcast(&d(&[3])), Some(d(&[3])));
        assert_eq!(d(&[2]).broadcast(&d(&[3])), None);
        assert_eq!(&d(&[3, 1]).broadcast_strides(&d(&[2, 3, 4]))[..3], &[0, 1, 0]);
    }

    #[test]
    fn absurd_dimensions_are_refused() {
        assert_eq!(Dims::new(&[1; 6]), Err(DimsError::Rank(6)));
        assert_eq!(Dims::new(&[usize::MAX, 2]), Err(DimsError::Elements));
        assert_eq!(Dims::new(&[0, usize::MAX]), Err(DimsError::Elements));
        assert!(Dims::new(&[0]).is_ok());
    }

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!(d(&[2, 3]).axis(-1), Some(1));
        assert_eq!(d(&[2, 3]).axis(2), None);
        assert_eq!(d(&[]).axis(0), None);
    }

    #[test]
    fn sets_hold_what_they_say() {
        assert_eq!(DTypeSet::NUMBER.to_string(), "fp16, fp32, int32");
        for d in DType::ALL {
            assert_eq!(DType::from_name(d.name()), Some(d));
            assert!(DTypeSet::ANY.contains(d));
        }
    }
}
