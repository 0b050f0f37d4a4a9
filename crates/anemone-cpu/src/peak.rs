//! What the machine can do, measured: how fast it multiplies and adds, and how fast it reads memory.
//!
//! The numbers are what a program could reach, not what the engine reaches: they are what its speed is compared with.

use anemone_simd::{Level, Simd, WithSimd, dispatch};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// What the machine can do with some threads at a level.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Peak {
    /// Floating-point operations a second; a fused multiply-add counts as two.
    pub flops: f64,
    /// Bytes a second that are read, where they do not fit in the processor's caches.
    pub bytes: f64,
}

/// Bytes that all threads read in turn; more than most processors have of cache for so many threads.
const BYTES: usize = 256 << 20;

/// Independent chains of multiply-adds: enough to hide their latency on every processor of today (4 or 5 cycles, two a
/// cycle), and few enough to stay in registers.
const CHAINS: usize = 12;

/// A measurement is divided into parts as long as this. The best part counts: others are disturbed by other programs.
const PART: Duration = Duration::from_millis(10);

/// Measures. It takes about `duration` for each of the two numbers, and 256 MiB of memory for the second.
///
/// # Panics
/// The machine does not have the level.
pub fn peak(level: Level, threads: usize, duration: Duration) -> Peak {
    let threads = threads.max(1);
    let flops = together(threads, || best(duration, || dispatch(level, Multiply)));
    let floats = BYTES / 4 / threads;
    let bytes = together(threads, || {
        let memory = vec![1.0f32; floats];
        best(duration, || dispatch(level, Read(black_box(&memory))))
    });
    Peak { flops, bytes }
}

/// The sum of what `measure` gives on each of `threads` threads. Measurements begin together, and do not end far apart.
fn together(threads: usize, measure: impl Fn() -> f64 + Sync) -> f64 {
    let start = Barrier::new(threads);
    let measure = || {
        start.wait();
        measure()
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(measure)).collect();
        let own = measure();
        own + others.into_iter().map(|t| t.join().expect("measuring does not panic")).sum::<f64>()
    })
}

/// The highest rate of the parts of `duration`. `work` returns how much it has done.
fn best(duration: Duration, work: impl Fn() -> usize) -> f64 {
    let begin = Instant::now();
    let mut best = 0.0f64;
    while begin.elapsed() < duration {
        let (part, mut done) = (Instant::now(), 0);
        while part.elapsed() < PART {
            done += work();
        }
        best = best.max(done as f64 / part.elapsed().as_secs_f64());
    }
    best
}

/// Multiply-adds in registers.
struct Multiply;

impl WithSimd for Multiply {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        const TIMES: usize = 2000;
        // The numbers stay near 1: neither infinities nor subnormals, which may be slower.
        let (a, b) = (s.splat(black_box(0.999_999)), s.splat(black_box(1e-6)));
        let mut chains = [s.splat(black_box(1.0)); CHAINS];
        for _ in 0..TIMES {
            for chain in &mut chains {
                *chain = s.fma(*chain, a, b);
            }
        }
        keep(s, &chains);
        2 * TIMES * CHAINS * S::LANES
    }
}

/// The sum of memory.
struct Read<'a>(&'a [f32]);

impl WithSimd for Read<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> usize {
        let mut sums = [s.splat(0.0); CHAINS];
        let blocks = self.0.chunks_exact(CHAINS * S::LANES);
        let read = blocks.len() * CHAINS * S::LANES;
        for block in blocks {
            for (sum, part) in sums.iter_mut().zip(block.chunks_exact(S::LANES)) {
                *sum = s.add(*sum, s.load(part));
            }
        }
        keep(s, &sums);
        4 * read
    }
}

/// Uses the numbers, so that computing them is not left out.
#[inline(always)]
fn keep<S: Simd>(s: S, numbers: &[S::V; CHAINS]) {
    let mut out = [0.0; 16];
    numbers.iter().for_each(|x| s.store(*x, &mut out));
    black_box(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_measured() {
        for level in Level::available() {
            for threads in [1, 2] {
                let peak = peak(level, threads, Duration::from_millis(20));
                // A machine slower than this does not finish the tests.
                assert!(peak.flops > 1e6 && peak.flops.is_finite(), "{level:?} {threads}: {peak:?}");
                assert!(peak.bytes > 1e6 && peak.bytes.is_finite(), "{level:?} {threads}: {peak:?}");
            }
        }
    }
}
