//! Points of an image.

use crate::diagnostic::{OpError, fail};
use crate::op::Call;
use crate::reference::Array;

/// What coordinates mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coordinates {
    unit: Unit,
    align: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Elements,
    MinusOneToOne,
    ZeroToOne,
}

impl Coordinates {
    /// The constants `coordinates_mode` and `align_corners`.
    pub(super) fn read(call: &Call<'_>) -> Result<Coordinates, OpError> {
        let unit = match call.str("coordinates_mode", "")? {
            "unnormalized" => Unit::Elements,
            "normalized_minus_one_to_one" => Unit::MinusOneToOne,
            "normalized_zero_to_one" => Unit::ZeroToOne,
            other => fail!(
                "mode",
                "`coordinates_mode` is {other:?}; unnormalized, normalized_minus_one_to_one and normalized_zero_to_one \
                 are allowed"
            ),
        };
        Ok(Coordinates { unit, align: call.bool("align_corners", false)? })
    }

    pub(super) fn is_minus_one_to_one(self) -> bool {
        self.unit == Unit::MinusOneToOne
    }

    /// Where a coordinate lies on an axis, its first element at 0. Of normalized ones the ends are the centres of the
    /// outermost elements if corners are aligned, else their outer edges.
    pub(super) fn place(self, at: f64, size: usize) -> f64 {
        let part = match self.unit {
            Unit::Elements => return at,
            Unit::MinusOneToOne => (at + 1.0) / 2.0,
            Unit::ZeroToOne => at,
        };
        if self.align { part * (size as f64 - 1.0) } else { part * size as f64 - 0.5 }
    }

    /// The coordinate from -1 to 1 of an element among `size`; one alone is in the middle.
    pub(super) fn grid(self, i: usize, size: usize) -> f64 {
        match (size, self.align) {
            (1, _) => 0.0,
            (_, true) => 2.0 * i as f64 / (size as f64 - 1.0) - 1.0,
            (_, false) => (2.0 * i as f64 + 1.0) / size as f64 - 1.0,
        }
    }
}

/// What lies outside of an image.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Padding {
    /// One number.
    Constant(f64),
    /// The outermost element.
    Border,
    /// The image, mirrored at the centres of its outermost elements.
    Reflection,
    /// The image, mirrored at its edges.
    Symmetric,
}

/// What a point is. A point whose coordinates are NaN, or infinitely far away where the image is mirrored, is NaN; with a
/// constant outside it is that.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sampler {
    /// The nearest element, the one with the even number if two are as near; else the bilinear interpolation of four.
    pub nearest: bool,
    /// What lies outside.
    pub padding: Padding,
}

/// A plane of `h` rows and `w` columns.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Row-major.
    pub data: &'a [f64],
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
}

impl Sampler {
    /// The constants `sampling_mode`, `padding_mode` and `padding_value`.
    pub(super) fn read(call: &Call<'_>) -> Result<Sampler, OpError> {
        let nearest = match call.str("sampling_mode", "")? {
            "bilinear" => false,
            "nearest" => true,
            other => fail!("mode", "`sampling_mode` is {other:?}; bilinear and nearest are allowed"),
        };
        let padding = match call.str("padding_mode", "")? {
            "constant" => Padding::Constant(call.float("padding_value", 0.0)?),
            "border" => Padding::Border,
            "reflection" => Padding::Reflection,
            "symmetric" => Padding::Symmetric,
            other => {
                fail!("mode", "`padding_mode` is {other:?}; constant, border, reflection and symmetric are allowed")
            }
        };
        Ok(Sampler { nearest, padding })
    }

    /// Where on an axis a place is that may be outside; with a constant there, it stays outside. NaN if nowhere.
    fn inside(self, at: f64, size: usize) -> f64 {
        let last = (size - 1) as f64;
        match self.padding {
            Padding::Constant(_) => at,
            Padding::Border => at.clamp(0.0, last),
            Padding::Reflection => mirrored(at, 0.0, last),
            Padding::Symmetric => mirrored(at, -0.5, last + 1.0).clamp(0.0, last),
        }
    }

    /// A point of an image.
    pub(super) fn sample(self, image: Image<'_>, row: f64, column: f64) -> f64 {
        let (row, column) = (self.inside(row, image.h), self.inside(column, image.w));
        let outside = match self.padding {
            Padding::Constant(value) => value,
            _ => f64::NAN,
        };
        let element = |row: f64, column: f64| {
            let known = (0.0..image.h as f64).contains(&row) && (0.0..image.w as f64).contains(&column);
            if known { image.data[row as usize * image.w + column as usize] } else { outside }
        };
        if row.is_nan() || column.is_nan() {
            return outside;
        }
        if self.nearest {
            return element(libm::rint(row), libm::rint(column));
        }
        let (top, left) = (libm::floor(row), libm::floor(column));
        let line = |row: f64| between(column - left, || element(row, left), || element(row, left + 1.0));
        between(row - top, || line(top), || line(top + 1.0))
    }

    /// Samples every plane of `x`: `places` gives the rows and columns of the points for an image.
    pub(super) fn planes(self, x: &Array, places: impl Fn(usize) -> Vec<[f64; 2]>) -> Vec<f64> {
        let [n, c, h, w] = *x.ty.dims else { unreachable!("the rank was checked") };
        let mut out = Vec::new();
        for k in 0..n {
            let places = places(k);
            for plane in x.data[k * c * h * w..][..c * h * w].chunks_exact(h * w) {
                let image = Image { data: plane, h, w };
                out.extend(places.iter().map(|[row, column]| self.sample(image, *row, *column)));
            }
        }
        out
    }
}

/// Between two numbers, the second of which counts only if something of it is wanted. An infinite place has no weight.
fn between(weight: f64, low: impl Fn() -> f64, high: impl Fn() -> f64) -> f64 {
    if weight > 0.0 { low() * (1.0 - weight) + high() * weight } else { low() }
}

/// A place mirrored, again and again, at `low` and at `low + span`.
fn mirrored(at: f64, low: f64, span: f64) -> f64 {
    if span <= 0.0 {
        return if at.is_finite() { low.max(0.0) } else { f64::NAN };
    }
    let far = (at - low).abs();
    let rest = libm::fmod(far, span);
    let turns = libm::fmod(libm::floor(far / span), 2.0);
    low + if turns == 0.0 { rest } else { span - rest }
}
