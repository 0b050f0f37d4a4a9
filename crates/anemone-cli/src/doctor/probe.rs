//! One tiny program on every way to an engine.

use super::report::PathRow;
use anemone_conformance::Engine;
use anemone_conformance::numbers::Random;
use anemone_ir::reference::{self, round_to, to_f16};
use anemone_ir::{Builder, DType, Dims, Literal, Profile, Program, TensorType, args, check};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// An engine whose ways can be tried one by one.
pub(crate) trait Probe: Engine {
    /// The names of its ways, in the order in which they are shown.
    fn paths(&self) -> Vec<String>;

    /// Compiles the sample, runs it on a way, and measures both.
    ///
    /// # Errors
    /// What the engine says, or that the result is wrong.
    fn probe(&mut self, path: &str, sample: &Sample) -> Result<PathRow, String>;
}

/// `relu(x) + c`: two operations that every Neural Engine has, in a shape that it likes.
pub(crate) struct Sample {
    pub(crate) program: Program,
    /// The elements of `x`.
    pub(crate) input: Vec<f64>,
    wanted: Vec<f64>,
}

/// Batch, channels, height, width. Rows are a multiple of 64 bytes, and the whole is 32 KiB.
const SHAPE: [usize; 4] = [1, 64, 4, 64];
/// How long runs are measured.
const PATIENCE: Duration = Duration::from_millis(100);
const FEWEST: usize = 11;
const MOST: usize = 1001;

impl Sample {
    /// One that no cache has seen: its constants are of the time and the process.
    pub(crate) fn fresh() -> Sample {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
        Sample::new(since ^ (u64::from(std::process::id()) << 32))
    }

    fn new(seed: u64) -> Sample {
        let mut random = Random::new(seed);
        let ty = TensorType::new(DType::Fp16, Dims::new(&SHAPE).expect("a shape within all limits"));
        let constants = random.elements(&ty).into_iter().map(to_f16).collect();
        let input: Vec<f64> = random.elements(&ty).into_iter().map(|x| round_to(DType::Fp16, x)).collect();
        let mut b = Builder::new();
        let x = b.input("x", ty);
        let positive = b.relu(args! { x: x });
        let constants = Literal::fp16(&SHAPE, constants).expect("as many numbers as the shape has elements");
        let y = b.add(args! { x: positive, y: constants });
        b.name(y, "y");
        b.output(y);
        let program = check(b.finish()).expect("the program is right");
        let wanted = reference::run(program.main(), std::slice::from_ref(&input), Profile::Fp16).swap_remove(0).data;
        Sample { program, input, wanted }
    }

    /// Whether a result is right. A sum of two halves is rounded once on every engine.
    ///
    /// # Errors
    /// Where it is not.
    pub(crate) fn check(&self, got: &[f64]) -> Result<(), String> {
        if got.len() != self.wanted.len() {
            return Err(format!("{} elements came, {} are wanted", got.len(), self.wanted.len()));
        }
        let near = |want: f64, got: f64| (want - got).abs() <= 2f64.powi(-10);
        match self.wanted.iter().zip(got).position(|(want, got)| !near(*want, *got)) {
            None => Ok(()),
            Some(at) => Err(format!("the result is wrong: y[{at}] is {}, wanted is {}", got[at], self.wanted[at])),
        }
    }

    /// The median time of runs in seconds, of which there are many.
    ///
    /// # Errors
    /// What a run says.
    pub(crate) fn median(&self, mut run: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
        run()?;
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.len() < MOST && (times.len() < FEWEST || begin.elapsed() < PATIENCE) {
            let begin = Instant::now();
            run()?;
            times.push(begin.elapsed().as_secs_f64());
        }
        Ok(median(times))
    }
}

/// The middle of some numbers.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_result_is_seen() {
        let sample = Sample::new(1);
        let mut got = sample.wanted.clone();
        assert_eq!(sample.check(&got), Ok(()));
        got[7] += 0.01;
        assert!(sample.check(&got).unwrap_err().contains("y[7]"));
        got[7] = f64::NAN;
        assert!(sample.check(&got).is_err());
        assert!(sample.check(&got[1..]).is_err());
        assert_ne!(sample.wanted, Sample::new(2).wanted);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
