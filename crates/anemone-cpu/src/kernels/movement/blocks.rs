//! Tensors put together and taken apart: blocks that alternate along the result, or the operand.

use crate::memory::{Io, Stored};
use crate::plan::Moves;
use crate::team::Team;

/// Rows of at most as many elements are written block by block, [`STRIP`] rows at a time: copies would be too short.
const SHORT: usize = 64;
const STRIP: usize = 64;

/// Rows, each of blocks of given lengths.
struct Rows {
    /// Where each block begins, and the end of the row.
    starts: Vec<usize>,
}

impl Rows {
    fn new(blocks: impl IntoIterator<Item = usize>) -> Rows {
        let mut starts = vec![0];
        for len in blocks {
            starts.push(starts[starts.len() - 1] + len);
        }
        Rows { starts }
    }

    fn row(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    fn len(&self, block: usize) -> usize {
        self.starts[block + 1] - self.starts[block]
    }

    /// Fills whole rows, from row `first` on.
    fn interleave<T: Stored>(&self, from: &[&[T]], first: usize, to: &mut [T]) {
        for (to, first) in to.chunks_mut(STRIP * self.row()).zip((first..).step_by(STRIP)) {
            for (block, from) in from.iter().enumerate() {
                let (start, len) = (self.starts[block], self.len(block));
                let rows = to.chunks_exact_mut(self.row()).zip(from[first * len..].chunks_exact(len));
                if len == 1 {
                    rows.for_each(|(to, from)| to[start] = from[0]);
                } else {
                    rows.for_each(|(to, from)| to[start..start + len].copy_from_slice(from));
                }
            }
        }
    }
}

/// A result whose rows are a block of each operand.
pub(crate) struct Joined(Rows);

impl Joined {
    /// Lengths of the operands' blocks.
    pub(crate) fn new(blocks: impl IntoIterator<Item = usize>) -> Joined {
        Joined(Rows::new(blocks))
    }
}

impl Moves for Joined {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let rows = &self.0;
        let to = io.write::<T>(0);
        let from: Vec<&[T]> = (0..rows.starts.len() - 1).map(|read| io.read(read)).collect();
        if rows.row() <= SHORT {
            let piece = team.piece(to.len(), rows.row());
            return team.chunks(to, piece, |start, to, _| rows.interleave(&from, start / rows.row(), to));
        }
        let piece = team.piece(to.len(), 1);
        team.chunks(to, piece, |start, mut to, _| {
            let (mut row, at) = (start / rows.row(), start % rows.row());
            let mut block = rows.starts.partition_point(|first| *first <= at) - 1;
            let mut skip = at - rows.starts[block];
            while !to.is_empty() {
                let len = rows.len(block);
                let (part, rest) = to.split_at_mut((len - skip).min(to.len()));
                part.copy_from_slice(&from[block][row * len + skip..][..part.len()]);
                (to, skip, block) = (rest, 0, block + 1);
                if block + 1 == rows.starts.len() {
                    (row, block) = (row + 1, 0);
                }
            }
        });
    }
}

/// An operand whose rows are a block of each result.
pub(crate) struct Cut(Rows);

impl Cut {
    /// Lengths of the results' blocks.
    pub(crate) fn new(blocks: impl IntoIterator<Item = usize>) -> Cut {
        Cut(Rows::new(blocks))
    }
}

impl Moves for Cut {
    fn copy<T: Stored>(&self, io: &mut Io<'_>, team: &Team<'_>) {
        let from = io.read::<T>(0);
        for block in 0..io.writes() {
            let (first, len) = (self.0.starts[block], self.0.len(block));
            let to = io.write::<T>(block);
            let piece = team.piece(to.len(), 1);
            team.chunks(to, piece, |start, mut to, _| {
                let (mut row, mut skip) = (start / len, start % len);
                while !to.is_empty() {
                    let (part, rest) = to.split_at_mut((len - skip).min(to.len()));
                    part.copy_from_slice(&from[row * self.0.row() + first + skip..][..part.len()]);
                    (to, skip, row) = (rest, 0, row + 1);
                }
            });
        }
    }
}
