//! Where along an axis the samples lie.

use crate::diagnostic::{OpError, fail};
use crate::op::Call;

/// Where `to` samples of an axis with `from` elements lie, element 0 at 0. No sample lies beyond the first or the last
/// element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sampling {
    /// Sample `i` at `i * from / to`.
    Default,
    /// The first and the last elements are samples: `i * (from - 1) / (to - 1)`; one sample lies at 0.
    StrictAlignCorners,
    /// The same, but one sample lies in the middle.
    AlignCorners,
    /// Elements and samples are centres of equal parts of the axis: `(i + 0.5) * from / to - 0.5`.
    UnalignCorners,
    /// Centres of equal parts of what is between the first and the last element: `(i + 0.5) * (from - 1) / to`, as if
    /// there were two elements where there is one.
    OffsetCorners,
}

impl Sampling {
    /// The constant `sampling_mode`.
    pub(in crate::ops) fn read(call: &Call<'_>) -> Result<Sampling, OpError> {
        Ok(match call.str("sampling_mode", "DEFAULT")? {
            "DEFAULT" => Sampling::Default,
            "STRICT_ALIGN_CORNERS" => Sampling::StrictAlignCorners,
            "ALIGN_CORNERS" => Sampling::AlignCorners,
            "UNALIGN_CORNERS" => Sampling::UnalignCorners,
            "OFFSET_CORNERS" => Sampling::OffsetCorners,
            other => fail!(
                "mode",
                "`sampling_mode` is {other:?}; DEFAULT, STRICT_ALIGN_CORNERS, ALIGN_CORNERS, UNALIGN_CORNERS and \
                 OFFSET_CORNERS are allowed"
            ),
        })
    }

    /// Where sample `i` lies, as numerator and denominator, so that a sample that lies on an element does so exactly. It
    /// may lie outside.
    fn at(self, i: i128, from: i128, to: i128) -> (i128, i128) {
        match self {
            Sampling::StrictAlignCorners | Sampling::AlignCorners if to > 1 => (i * (from - 1), to - 1),
            Sampling::StrictAlignCorners => (0, 1),
            Sampling::AlignCorners => (from - 1, 2),
            Sampling::Default => (i * from, to),
            Sampling::UnalignCorners => ((2 * i + 1) * from - to, 2 * to),
            Sampling::OffsetCorners => ((2 * i + 1) * (from - 1).max(1), 2 * to),
        }
    }
}

/// What a sample is that lies between two elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interpolation {
    /// On the straight line between them. One that lies on an element is that element, whatever the next one is.
    Linear,
    /// The nearer of them; the second, if they are equally near. With [`Sampling::Default`] samples lie as
    /// [`Sampling::UnalignCorners`] says: Apple's test of one axis (2 elements made 3: the first, the second, the
    /// second) and the use that Core ML's tools make of it have it so, though no document says it.
    Nearest,
}

/// An axis that gets another size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resized {
    /// Elements of the operand, at least 1.
    pub from: usize,
    /// Elements of the result.
    pub to: usize,
    /// Where they lie.
    pub sampling: Sampling,
    /// What they are.
    pub interpolation: Interpolation,
}

/// What a sample is made of: `(1 - weight)` of the element `low`, and `weight` of the next one, which is not read if
/// `weight` is 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tap {
    /// The element at or before the sample.
    pub low: usize,
    /// How much of the next one, 0 or more and below 1.
    pub weight: f64,
}

impl Tap {
    /// The element after the sample, or that before it where nothing of the next one is wanted.
    pub fn high(&self) -> usize {
        self.low + usize::from(self.weight > 0.0)
    }

    /// The sample between two elements.
    pub fn between(&self, low: f64, high: f64) -> f64 {
        if self.weight == 0.0 { low } else { low * (1.0 - self.weight) + high * self.weight }
    }
}

impl Resized {
    /// What sample `i` is made of.
    pub fn tap(&self, i: usize) -> Tap {
        let (i, from, to) = (i as i128, self.from as i128, self.to as i128);
        let sampling = match (self.interpolation, self.sampling) {
            (Interpolation::Nearest, Sampling::Default) => Sampling::UnalignCorners,
            (_, sampling) => sampling,
        };
        let (at, parts) = sampling.at(i, from, to);
        let at = at.clamp(0, (from - 1) * parts);
        match self.interpolation {
            Interpolation::Nearest => Tap { low: ((2 * at + parts) / (2 * parts)) as usize, weight: 0.0 },
            Interpolation::Linear => Tap { low: (at / parts) as usize, weight: (at % parts) as f64 / parts as f64 },
        }
    }

    /// What the samples are made of.
    pub fn taps(&self) -> impl Iterator<Item = Tap> + '_ {
        (0..self.to).map(|i| self.tap(i))
    }

    /// Resizes the axis of `data` after which each element stands for `inner` of them.
    pub(super) fn apply(&self, data: &[f64], inner: usize) -> Vec<f64> {
        let taps: Vec<Tap> = self.taps().collect();
        let mut out = Vec::with_capacity(data.len() / self.from * self.to);
        for plane in data.chunks_exact(self.from * inner) {
            for tap in &taps {
                let low = &plane[tap.low * inner..][..inner];
                let high = &plane[tap.high() * inner..][..inner];
                out.extend(low.iter().zip(high).map(|(a, b)| tap.between(*a, *b)));
            }
        }
        out
    }
}
