//! Shapes of tensors.

use anemone_ir::Dims;
use std::fmt;

/// The dimensions of a tensor, in the order batch, channels, height, width (NCHW).
///
/// Element `(b, c, h, w)` lies at `((b * channels + c) * height + h) * width + w`.
///
/// ```
/// use anemone::Shape;
/// let image = Shape { batch: 2, channels: 3, height: 32, width: 64 };
/// assert_eq!(image.total_elements(), 2 * 3 * 32 * 64);
/// assert_eq!(Shape::spatial(3, 32, 64), Shape { batch: 1, ..image });
/// assert_eq!(Shape::channels(8).to_string(), "[1, 8, 1, 1]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// Samples.
    pub batch: usize,
    /// Features of each sample.
    pub channels: usize,
    /// Rows of each feature.
    pub height: usize,
    /// Elements of each row: the axis that is contiguous in memory.
    pub width: usize,
}

impl Shape {
    /// `[1, channels, height, width]`.
    pub const fn spatial(channels: usize, height: usize, width: usize) -> Shape {
        Shape { batch: 1, channels, height, width }
    }

    /// `[1, channels, 1, 1]`.
    pub const fn channels(channels: usize) -> Shape {
        Shape::spatial(channels, 1, 1)
    }

    /// The product of the dimensions; `usize::MAX` if it does not fit.
    pub const fn total_elements(&self) -> usize {
        self.batch.saturating_mul(self.channels).saturating_mul(self.height).saturating_mul(self.width)
    }

    /// The dimensions in order.
    pub const fn dims(&self) -> [usize; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    /// The shape with these dimensions.
    pub const fn from_dims([batch, channels, height, width]: [usize; 4]) -> Shape {
        Shape { batch, channels, height, width }
    }

    /// The shape of a tensor of the intermediate representation, if it has four dimensions.
    pub(crate) fn of(dims: &Dims) -> Option<Shape> {
        <[usize; 4]>::try_from(&**dims).ok().map(Shape::from_dims)
    }

    /// Whether a tensor may have this shape: no dimension is 0, and the product is within bounds.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.dims().contains(&0) {
            return Some(format!("{self} has no elements: every dimension must be at least 1"));
        }
        match Dims::new(&self.dims()) {
            Err(e) => Some(format!("{self}: {e}")),
            Ok(_) if self.dims().iter().any(|d| i32::try_from(*d).is_err()) => {
                Some(format!("{self}: a dimension is above 2^31 - 1"))
            }
            Ok(_) => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}
