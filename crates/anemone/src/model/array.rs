//! Tensors of any element type and rank, to be given to a model and to be got from one.

use crate::error::{Error, ErrorKind};
use anemone_cpu::{Slice, SliceMut};
use anemone_ir::{DType, TensorType};
use half::f16;

macro_rules! arrays {
    ($($variant:ident $t:ty => $dtype:ident $new:ident $as:ident $as_mut:ident,)*) => {
        #[derive(Clone, PartialEq, Debug)]
        enum Elements {
            $($variant(Vec<$t>),)*
        }

        impl Elements {
            fn zeros(dtype: DType, len: usize) -> Option<Elements> {
                Some(match dtype {
                    $(DType::$dtype => Elements::$variant(bytemuck::allocation::try_zeroed_vec(len).ok()?),)*
                    _ => return None,
                })
            }

            fn len(&self) -> usize {
                match self { $(Elements::$variant(v) => v.len(),)* }
            }

            fn dtype(&self) -> DType {
                match self { $(Elements::$variant(_) => DType::$dtype,)* }
            }

            fn slice(&self) -> Slice<'_> {
                match self { $(Elements::$variant(v) => Slice::$variant(v),)* }
            }

            fn slice_mut(&mut self) -> SliceMut<'_> {
                match self { $(Elements::$variant(v) => SliceMut::$variant(v),)* }
            }

            fn of(slice: Slice<'_>) -> Elements {
                match slice { $(Slice::$variant(v) => Elements::$variant(v.to_vec()),)* }
            }

            fn to_f64(&self) -> Vec<f64> {
                match self { $(Elements::$variant(v) => v.iter().map(|x| wide(*x)).collect(),)* }
            }
        }

        impl Array {
            $(
                #[doc = concat!("Elements of type `", stringify!($dtype), "`, in rows: the last dimension runs fastest.")]
                ///
                /// # Errors
                /// [`ErrorKind::Length`] if there are not as many as the shape says.
                pub fn $new(shape: &[usize], elements: Vec<$t>) -> Result<Array, Error> {
                    Array::new(shape, Elements::$variant(elements))
                }

                #[doc = concat!("The elements, if they are of type `", stringify!($dtype), "`.")]
                pub fn $as(&self) -> Option<&[$t]> {
                    if let Elements::$variant(v) = &self.elements { Some(v) } else { None }
                }

                #[doc = concat!("The elements to be changed, if they are of type `", stringify!($dtype), "`.")]
                pub fn $as_mut(&mut self) -> Option<&mut [$t]> {
                    if let Elements::$variant(v) = &mut self.elements { Some(v) } else { None }
                }
            )*
        }
    };
}

arrays! {
    F16 f16 => Fp16 f16 as_f16 as_f16_mut,
    F32 f32 => Fp32 f32 as_f32 as_f32_mut,
    I32 i32 => Int32 i32 as_i32 as_i32_mut,
    I16 i16 => Int16 i16 as_i16 as_i16_mut,
    U16 u16 => UInt16 u16 as_u16 as_u16_mut,
    I8 i8 => Int8 i8 as_i8 as_i8_mut,
    U8 u8 => UInt8 u8 as_u8 as_u8_mut,
    Bool u8 => Bool bools as_bools as_bools_mut,
}

fn wide<T: Into<f64>>(x: T) -> f64 {
    x.into()
}

/// A tensor of any element type and rank: dense, row-major. A `bool` is a byte, 0 or 1.
///
/// Shape and elements are slices, as `ndarray` takes them: `ArrayViewD::from_shape(array.shape(), array.as_f32().unwrap())`.
///
/// ```
/// use anemone::Array;
/// let mut array = Array::f32(&[2, 3], vec![1.0; 6])?;
/// array.as_f32_mut().unwrap()[4] = 5.0;
/// assert_eq!(array.shape(), [2, 3]);
/// assert_eq!(array.to_f32()[4], 5.0);
/// assert_eq!(array.as_i32(), None);
/// # Ok::<(), anemone::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    shape: Vec<usize>,
    elements: Elements,
}

impl Array {
    fn new(shape: &[usize], elements: Elements) -> Result<Array, Error> {
        let wanted = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if wanted != Some(elements.len()) {
            let message = format!("{} elements were given for an array of shape {shape:?}", elements.len());
            return Err(Error::new(ErrorKind::Length, message));
        }
        Ok(Array { shape: shape.to_vec(), elements })
    }

    /// Zeros.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] if there is no memory for it, or the type is not one of values at run time.
    pub fn zeros(ty: TensorType) -> Result<Array, Error> {
        let elements = Elements::zeros(ty.dtype, ty.dims.elements());
        let elements =
            elements.ok_or_else(|| Error::new(ErrorKind::Shape, format!("an array of {ty} cannot be made")))?;
        Ok(Array { shape: ty.dims.to_vec(), elements })
    }

    pub(crate) fn of(shape: &[usize], elements: Slice<'_>) -> Array {
        Array { shape: shape.to_vec(), elements: Elements::of(elements) }
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.elements.dtype()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same elements, under another shape.
    ///
    /// # Errors
    /// [`ErrorKind::Length`] if that has another number of elements.
    pub fn reshape(self, shape: &[usize]) -> Result<Array, Error> {
        Array::new(shape, self.elements)
    }

    /// The elements as `f32`, rounded to nearest where they are integers that it does not hold.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.elements {
            Elements::F32(v) => v.clone(),
            Elements::F16(v) => v.iter().map(|x| x.to_f32()).collect(),
            other => other.to_f64().into_iter().map(|x| x as f32).collect(),
        }
    }

    /// The elements as `f64`, which holds all of them.
    pub fn to_f64(&self) -> Vec<f64> {
        self.elements.to_f64()
    }

    /// The elements.
    pub fn slice(&self) -> Slice<'_> {
        self.elements.slice()
    }

    pub(crate) fn slice_mut(&mut self) -> SliceMut<'_> {
        self.elements.slice_mut()
    }
}

/// A tensor that is lent to a model: dense, row-major.
///
/// It is made of an [`Array`], or of elements and their shape: `(&[f32], &[usize])`, and so for the other types.
#[derive(Clone, Copy, Debug)]
pub struct ArrayView<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) elements: Slice<'a>,
}

impl<'a> From<&'a Array> for ArrayView<'a> {
    fn from(array: &'a Array) -> ArrayView<'a> {
        ArrayView { shape: &array.shape, elements: array.elements.slice() }
    }
}

macro_rules! views {
    ($($t:ty => $variant:ident,)*) => {$(
        impl<'a> From<(&'a [$t], &'a [usize])> for ArrayView<'a> {
            fn from((elements, shape): (&'a [$t], &'a [usize])) -> ArrayView<'a> {
                ArrayView { shape, elements: Slice::$variant(elements) }
            }
        }
    )*};
}
views! { f16 => F16, f32 => F32, i32 => I32, i16 => I16, u16 => U16, i8 => I8, u8 => U8, }
