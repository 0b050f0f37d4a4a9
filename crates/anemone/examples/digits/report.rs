//! What the example says: as text for people, or as JSON.

use crate::classify::{Answer, Latency};
use crate::dataset::{Dataset, Image};
use crate::network::{BATCH, CLASSES, PIXELS};
use anemone::Executable;
use std::io::IsTerminal;

/// Drawings beside each other.
const DRAWN: usize = 4;

/// Columns of the terminal for a drawing, its margin included.
const COLUMNS: usize = 18;

/// From paper to ink.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// The results, with what they are about.
pub(crate) struct Report<'a> {
    dataset: &'a Dataset,
    executable: &'a Executable,
    answers: &'a [Answer],
    latency: Latency,
    /// `confusion[truth][answer]`, in images.
    confusion: [[usize; CLASSES]; CLASSES],
}

impl<'a> Report<'a> {
    pub(crate) fn new(
        dataset: &'a Dataset,
        executable: &'a Executable,
        answers: &'a [Answer],
        latency: Latency,
    ) -> Report<'a> {
        let mut confusion = [[0; CLASSES]; CLASSES];
        for (image, answer) in dataset.images.iter().zip(answers) {
            confusion[usize::from(image.truth)][usize::from(answer.digit)] += 1;
        }
        Report { dataset, executable, answers, latency, confusion }
    }

    fn right(&self) -> usize {
        (0..CLASSES).map(|digit| self.confusion[digit][digit]).sum()
    }

    /// The share of right answers, from 0 to 1.
    pub(crate) fn accuracy(&self) -> f64 {
        self.right() as f64 / self.answers.len() as f64
    }

    /// A multiplication and an addition for each weight and image are two operations.
    fn gflops(&self) -> f64 {
        let weights: usize = self.dataset.layers.iter().map(|l| l.weights.len()).sum();
        (2 * weights * BATCH) as f64 / self.latency.engine.as_secs_f64() / 1e9
    }

    pub(crate) fn json(&self) -> String {
        format!(
            "{{\n  \"images\": {},\n  \"right\": {},\n  \"accuracy\": {:.6},\n  \"backend\": \"{:?}\",\n  \
             \"batch\": {BATCH},\n  \"runs\": {},\n  \"latency_ns\": {},\n  \"engine_ns\": {},\n  \
             \"gflops\": {:.3},\n  \"confusion\": {:?}\n}}",
            self.answers.len(),
            self.right(),
            self.accuracy(),
            self.executable.backend(),
            self.latency.runs,
            self.latency.call.as_nanos(),
            self.latency.engine.as_nanos(),
            self.gflops(),
            self.confusion,
        )
    }

    pub(crate) fn text(&self) -> String {
        let images = self.dataset.images.iter().zip(self.answers);
        let (right, wrong): (Vec<_>, Vec<_>) = images.partition(|(image, answer)| image.truth == answer.digit);
        let mut out = self.summary();
        let shown = |all: &[_]| format!("{} of {}", all.len().min(DRAWN), all.len());
        out.push_str(&format!("\nRead rightly, {}:\n\n{}\n", shown(&right), drawings(&right, Style::green())));
        if !wrong.is_empty() {
            out.push_str(&format!("Mistaken, {}:\n\n{}\n", shown(&wrong), drawings(&wrong, Style::red())));
        }
        out.push_str(&self.table());
        out
    }

    fn summary(&self) -> String {
        let micros = |t: std::time::Duration| t.as_secs_f64() * 1e6;
        let Latency { runs, call, engine } = self.latency;
        format!(
            "network   {} parameters, {}\naccuracy  {:.2} %: {} of {} held-out images\n\
             latency   {:.1} µs for a batch of {BATCH} images, {:.1} µs of it in the engine (medians of {runs})\n\
             speed     {:.1} GFLOP/s\n",
            self.dataset.parameters(),
            self.executable.why(),
            self.accuracy() * 100.0,
            self.right(),
            self.answers.len(),
            micros(call),
            micros(engine),
            self.gflops(),
        )
    }

    fn table(&self) -> String {
        let mut out = "Confusion matrix: a row for what a digit is, a column for how it was read\n\n    ".to_owned();
        (0..CLASSES).for_each(|digit| out.push_str(&format!("{digit:>4}")));
        out.push_str("     right\n");
        for (digit, row) in self.confusion.iter().enumerate() {
            out.push_str(&format!("{digit:>4}"));
            for (answer, count) in row.iter().enumerate() {
                let cell = if *count == 0 { "·".to_owned() } else { count.to_string() };
                let style = if answer == digit || *count == 0 { Style::none() } else { Style::red() };
                out.push_str(&style.paint(&format!("{cell:>4}")));
            }
            let share = 100.0 * row[digit] as f64 / row.iter().sum::<usize>() as f64;
            out.push_str(&format!("{share:>8.1} %\n"));
        }
        out
    }
}

/// The first few images beside each other, with the answers below.
fn drawings(images: &[(&Image, &Answer)], style: Style) -> String {
    let images = &images[..images.len().min(DRAWN)];
    let mut out = String::new();
    for y in 0..8 {
        for (image, _) in images {
            let row = image.pixels[..PIXELS][y * 8..][..8].iter();
            // A character is half as wide as it is high.
            let ink: String = row.flat_map(|p| [SHADES[usize::from(*p).div_ceil(4).min(4)]; 2]).collect();
            out.push_str("  ");
            out.push_str(&ink);
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    let mut captions = String::new();
    for (image, answer) in images {
        let said = format!("{} ({:.0} %)", answer.digit, answer.probability * 100.0);
        let caption = if image.truth == answer.digit { said } else { format!("{said}, is {}", image.truth) };
        let padding = " ".repeat(COLUMNS.saturating_sub(2 + caption.chars().count()));
        captions.push_str(&format!("  {}{padding}", style.paint(&caption)));
    }
    out.push_str(captions.trim_end());
    out.push('\n');
    out
}

/// A colour, if the output is a terminal.
#[derive(Clone, Copy)]
struct Style(Option<u8>);

impl Style {
    fn none() -> Style {
        Style(None)
    }

    fn green() -> Style {
        Style::colour(32)
    }

    fn red() -> Style {
        Style::colour(31)
    }

    fn colour(code: u8) -> Style {
        let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Style(wanted.then_some(code))
    }

    fn paint(self, text: &str) -> String {
        self.0.map_or_else(|| text.to_owned(), |code| format!("\x1b[{code}m{text}\x1b[0m"))
    }
}
