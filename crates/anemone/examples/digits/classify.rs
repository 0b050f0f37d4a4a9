//! Running the network over images, a batch at a time.

use crate::dataset::Image;
use crate::network::{BATCH, CLASSES, INPUT, OUTPUT};
use anemone::{Error, Executable, TensorData};
use std::time::{Duration, Instant};

/// What the network says of an image.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Answer {
    pub(crate) digit: u8,
    /// From 0 to 1.
    pub(crate) probability: f32,
}

/// The answer for each image.
pub(crate) fn classify(executable: &Executable, images: &[Image]) -> Result<Vec<Answer>, Error> {
    let (input, output) = (TensorData::new(INPUT), TensorData::new(OUTPUT));
    let mut answers = Vec::with_capacity(images.len());
    for batch in images.chunks(BATCH) {
        fill(&input, batch);
        executable.run(&[&input], &[&output])?;
        let probabilities = output.as_f32_slice();
        answers.extend((0..batch.len()).map(|column| answer(&probabilities, column)));
    }
    Ok(answers)
}

/// Lays images side by side. The columns that a batch leaves free are white paper, and their answers are not read.
fn fill(input: &TensorData, batch: &[Image]) {
    let mut columns = input.as_f32_slice_mut();
    columns.fill(0.0);
    for (column, image) in batch.iter().enumerate() {
        for (channel, pixel) in image.pixels.iter().enumerate() {
            columns[channel * BATCH + column] = f32::from(*pixel) / 16.0;
        }
    }
}

fn answer(probabilities: &[f32], column: usize) -> Answer {
    let of = |digit: usize| probabilities[digit * BATCH + column];
    let best = (0..CLASSES).max_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap_or_default();
    Answer { digit: best as u8, probability: of(best) }
}

/// The medians over many runs on the same tensors.
pub(crate) struct Latency {
    pub(crate) runs: usize,
    /// As the caller sees it.
    pub(crate) call: Duration,
    /// What the engine itself took.
    pub(crate) engine: Duration,
}

/// Measures one batch, again and again.
pub(crate) fn measure(executable: &Executable, images: &[Image]) -> Result<Latency, Error> {
    const RUNS: usize = 201;
    let (input, output) = (TensorData::new(INPUT), TensorData::new(OUTPUT));
    fill(&input, &images[..BATCH.min(images.len())]);
    let (mut calls, mut engine) = (Vec::with_capacity(RUNS), Vec::with_capacity(RUNS));
    for _ in 0..RUNS {
        let start = Instant::now();
        let nanoseconds = executable.run_cached_with_stats(&[&input], &[&output])?;
        calls.push(start.elapsed());
        engine.push(Duration::from_nanos(nanoseconds));
    }
    Ok(Latency { runs: RUNS, call: median(calls), engine: median(engine) })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
