//! The files that constants are laid into.

use super::{WeightFile, WeightFiles};
use crate::Element;
use crate::blob::Writer;
use std::collections::HashMap;

/// What canonical text calls the file of all its constants.
const ONE: &str = "weights/weight.bin";

/// Files being written.
pub(super) struct Files<'a> {
    layout: WeightFiles,
    writers: Vec<Writer<'a>>,
    /// The file of its own that a constant has.
    own: HashMap<(Element, &'a [u8]), usize>,
}

impl<'a> Files<'a> {
    pub(super) fn new(layout: WeightFiles) -> Files<'a> {
        Files { layout, writers: Vec::new(), own: HashMap::new() }
    }

    /// Adds `count` elements and returns the path of their file and the offset in it; those of an earlier constant if it has
    /// the same data. `None` if weight files cannot hold `element`.
    pub(super) fn push(&mut self, element: Element, count: u64, data: &'a [u8]) -> Option<(String, u64)> {
        let next = self.writers.len();
        let at = match self.layout {
            WeightFiles::One => 0,
            WeightFiles::Each => *self.own.entry((element, data)).or_insert(next),
        };
        if at == next {
            self.writers.push(Writer::new());
        }
        let offset = self.writers[at].push(element, count, data)?;
        Some((self.path(at), offset))
    }

    fn path(&self, at: usize) -> String {
        match self.layout {
            WeightFiles::One => ONE.to_owned(),
            WeightFiles::Each => format!("weights/weight_{at:03}.bin"),
        }
    }

    /// The files that hold something.
    pub(super) fn finish(mut self) -> Vec<WeightFile> {
        let writers = std::mem::take(&mut self.writers);
        let files =
            writers.into_iter().enumerate().map(|(at, w)| WeightFile { path: self.path(at), bytes: w.finish() });
        files.filter(|file| !file.bytes.is_empty()).collect()
    }
}
