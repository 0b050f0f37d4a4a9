//! Offsets for buffers in one arena: two buffers may share bytes if they are never alive at the same time.

use crate::memory::LINE;

/// A buffer's size and the steps between which it is alive, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) bytes: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// Offsets for `lives`, and the size of the arena. Largest first, each into the lowest gap that is free for its whole life.
pub(crate) fn assign(lives: &[Life]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(lives[*i].bytes), *i));
    let mut offsets = vec![0; lives.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(lives.len());
    let mut total = 0;
    for i in order {
        let life = lives[i];
        let size = life.bytes.next_multiple_of(LINE);
        let alive = |j: &usize| lives[*j].first <= life.last && life.first <= lives[*j].last;
        // `placed` is sorted by offset: walk the neighbours in time from the bottom and take the first gap.
        let mut offset = 0;
        for j in placed.iter().copied().filter(alive) {
            if offset + size <= offsets[j] {
                break;
            }
            offset = offset.max(offsets[j] + lives[j].bytes.next_multiple_of(LINE));
        }
        offsets[i] = offset;
        total = total.max(offset + size);
        let at = placed.partition_point(|j| offsets[*j] <= offset);
        placed.insert(at, i);
    }
    (offsets, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_needs_two_buffers() {
        let lives: Vec<_> = (0..10).map(|i| Life { bytes: 640, first: i, last: i + 1 }).collect();
        let (offsets, total) = assign(&lives);
        assert_eq!(total, 2 * 640);
        assert!(offsets.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn offsets_are_cache_lines() {
        let lives = [Life { bytes: 1, first: 0, last: 1 }, Life { bytes: 65, first: 0, last: 1 }];
        assert_eq!(assign(&lives), (vec![128, 0], 192));
    }
}
