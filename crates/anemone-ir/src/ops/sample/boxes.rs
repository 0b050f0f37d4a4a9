//! Boxes, and the points between their ends.

use crate::diagnostic::{OpError, fail};
use crate::op::Call;
use crate::ops::resize::Sampling;

/// What the four numbers of a box mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoxMode {
    /// Centre and size, else first and last.
    pub centre: bool,
    /// Width before height.
    pub width_first: bool,
}

impl BoxMode {
    /// The constant `box_coordinate_mode`.
    pub(super) fn read(call: &Call<'_>) -> Result<BoxMode, OpError> {
        let (centre, width_first) = match call.str("box_coordinate_mode", "CORNERS_HEIGHT_FIRST")? {
            "CORNERS_HEIGHT_FIRST" => (false, false),
            "CORNERS_WIDTH_FIRST" => (false, true),
            "CENTER_SIZE_HEIGHT_FIRST" => (true, false),
            "CENTER_SIZE_WIDTH_FIRST" => (true, true),
            other => fail!(
                "mode",
                "`box_coordinate_mode` is {other:?}; CORNERS_HEIGHT_FIRST, CORNERS_WIDTH_FIRST, \
                 CENTER_SIZE_HEIGHT_FIRST and CENTER_SIZE_WIDTH_FIRST are allowed"
            ),
        };
        Ok(BoxMode { centre, width_first })
    }

    /// Where the rows of a box begin and end, and where its columns do.
    pub(super) fn ends(self, numbers: &[f64]) -> [[f64; 2]; 2] {
        let ends = |axis: usize| {
            let (a, b) = (numbers[axis], numbers[axis + 2]);
            if self.centre { [a - b / 2.0, a + b / 2.0] } else { [a, b] }
        };
        if self.width_first { [ends(1), ends(0)] } else { [ends(0), ends(1)] }
    }
}

/// `count` points from `start` to `end` of a box, as [`Sampling`] has them for an axis whose first and last elements lie
/// there: the box counts as `end - start + 1` elements. If it ends before it begins, the points go back likewise; but with
/// [`Sampling::UnalignCorners`] they are those of the whole axis up to `last`, which is what Apple's only test of it expects,
/// of a box outside of the image. No point lies outside of its box.
pub fn along(sampling: Sampling, start: f64, end: f64, last: f64, count: usize) -> Vec<f64> {
    let (start, end) = match sampling {
        Sampling::UnalignCorners if end < start => (0.0, last),
        _ => (start, end),
    };
    let (length, n) = ((end - start).abs(), count as f64);
    let sign = if end < start { -1.0 } else { 1.0 };
    let at = |i: usize| {
        let i = i as f64;
        let far = match sampling {
            Sampling::StrictAlignCorners | Sampling::AlignCorners if count > 1 => i * length / (n - 1.0),
            Sampling::StrictAlignCorners => 0.0,
            Sampling::AlignCorners => length / 2.0,
            Sampling::Default => i * (length + 1.0) / n,
            Sampling::UnalignCorners => (i + 0.5) * (length + 1.0) / n - 0.5,
            Sampling::OffsetCorners => (i + 0.5) * length.max(1.0) / n,
        };
        // Not `max`, which makes a number of NaN.
        match far {
            far if far >= length => end,
            far if far < 0.0 => start,
            far => start + sign * far,
        }
    };
    (0..count).map(at).collect()
}
