//! Reading runs of elements that lie evenly apart.

use anemone_simd::Simd;
use half::f16;

/// Stored floats.
pub(crate) trait Element: Copy + Sync {
    const ZERO: Self;
    /// The first elements, widened; panics if there are fewer than a vector has.
    fn load<S: Simd>(s: S, from: &[Self]) -> S::V;
    fn single(self) -> f32;
}

impl Element for f16 {
    const ZERO: f16 = f16::ZERO;
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f16]) -> S::V {
        s.load_f16(from)
    }
    fn single(self) -> f32 {
        self.to_f32()
    }
}

impl Element for f32 {
    const ZERO: f32 = 0.0;
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f32]) -> S::V {
        s.load(from)
    }
    #[inline(always)]
    fn single(self) -> f32 {
        self
    }
}

/// Widens `from[0], from[step], …`, `count` of them, to the front of `to`. May write beyond them, never read beyond `from`.
#[inline(always)]
pub(crate) fn copy<S: Simd, T: Element>(s: S, from: &[T], step: usize, count: usize, to: &mut [f32]) {
    match step {
        1 => straight(s, from, count, to),
        2 => every_second(s, from, count, to),
        _ => gather(s, from, step, count, to),
    }
}

#[inline(always)]
fn straight<S: Simd, T: Element>(s: S, from: &[T], count: usize, to: &mut [f32]) {
    let mut done = 0;
    while done < count {
        if from.len() - done >= S::LANES && to.len() - done >= S::LANES {
            s.store(T::load(s, &from[done..]), &mut to[done..]);
            done += S::LANES;
        } else {
            for (to, from) in to[done..count].iter_mut().zip(&from[done..count]) {
                *to = from.single();
            }
            return;
        }
    }
}

/// Elements that are picked at a time.
const PICK: usize = 32;

#[inline(always)]
fn every_second<S: Simd, T: Element>(s: S, from: &[T], count: usize, to: &mut [f32]) {
    let mut wide = [0.0; 2 * PICK];
    for start in (0..count).step_by(PICK) {
        let part = PICK.min(count - start);
        straight(s, &from[2 * start..], 2 * part - 1, &mut wide);
        if part == PICK {
            // Of fixed length, so that the compiler shuffles vectors.
            let to = &mut to[start..start + PICK];
            (0..PICK).for_each(|i| to[i] = wide[2 * i]);
        } else {
            to[start..start + part].iter_mut().zip(wide.chunks_exact(2)).for_each(|(to, pair)| *to = pair[0]);
        }
    }
}

#[inline(always)]
fn gather<S: Simd, T: Element>(s: S, from: &[T], step: usize, count: usize, to: &mut [f32]) {
    let mut picked = [T::ZERO; 16];
    let mut wide = [0.0; 16];
    for start in (0..count).step_by(S::LANES) {
        let part = S::LANES.min(count - start);
        for (i, x) in picked[..part].iter_mut().enumerate() {
            *x = from[(start + i) * step];
        }
        s.store(T::load(s, &picked), &mut wide);
        to[start..start + part].copy_from_slice(&wide[..part]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anemone_simd::{Level, WithSimd, dispatch};

    struct Copy<'a, T>(&'a [T], usize, usize, &'a mut [f32]);

    impl<T: Element> WithSimd for Copy<'_, T> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            copy(s, self.0, self.1, self.2, self.3);
        }
    }

    #[test]
    fn runs_of_any_length_and_step_are_read_from_their_place() {
        let singles: Vec<f32> = (0..400).map(|i| i as f32 / 8.0).collect();
        let halves: Vec<f16> = singles.iter().map(|x| f16::from_f32(*x)).collect();
        for level in Level::available() {
            for step in 1..5 {
                for count in (0..70).filter(|n| n * step <= 280) {
                    // The source ends right behind the run, or later; so does the target.
                    let end = if count == 0 { 0 } else { (count - 1) * step + 1 };
                    for (end, room) in [(end, count), (end + 40, count + 40)] {
                        let expected: Vec<f32> = (0..count).map(|i| singles[i * step]).collect();
                        let (mut a, mut b) = (vec![f32::NAN; room], vec![f32::NAN; room]);
                        dispatch(level, Copy(&halves[..end], step, count, &mut a));
                        dispatch(level, Copy(&singles[..end], step, count, &mut b));
                        assert_eq!(a[..count], expected, "{level:?} {step}");
                        assert_eq!(b[..count], expected, "{level:?} {step}");
                    }
                }
            }
        }
    }
}
