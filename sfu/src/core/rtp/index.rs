//! Packet indices: a 16-bit sequence number with its rollover counter, and which of them were
//! there already (RFC 3711 §3.3.1, §3.3.2).

/// Highest packet index: a 32-bit rollover counter and a 16-bit sequence number. A key must not
/// protect a packet beyond it.
pub(crate) const LAST_INDEX: u64 = (1 << 48) - 1;

/// Indices a window looks back. At 6 Mbit/s about half a second: what comes later than that is
/// of no use to anybody.
const SPAN: u64 = 512;
const WORDS: usize = (SPAN / 64) as usize;

/// Which indices have been seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    top: Option<u64>,
    /// One bit for each index of the span, at its place modulo the span.
    seen: [u64; WORDS],
}

impl Window {
    /// The index that a sequence number most likely stands for; `None` when it would lie before
    /// the first or beyond the last.
    pub(crate) fn estimate(&self, sequence: u16) -> Option<u64> {
        let Some(top) = self.top else {
            return Some(u64::from(sequence));
        };
        let distance = sequence.wrapping_sub(top as u16).cast_signed();
        let index = top.checked_add_signed(i64::from(distance))?;
        (index <= LAST_INDEX).then_some(index)
    }

    /// Whether `index` has not been seen, and is not too old to tell.
    pub(crate) fn is_fresh(&self, index: u64) -> bool {
        match self.top {
            Some(top) if index <= top => top - index < SPAN && !self.bit(index),
            _ => index <= LAST_INDEX,
        }
    }

    /// Notes `index` as seen. False, and nothing noted, when it is not fresh.
    pub(crate) fn mark(&mut self, index: u64) -> bool {
        if !self.is_fresh(index) {
            return false;
        }
        match self.top {
            None => self.top = Some(index),
            Some(top) if index > top => self.advance(top, index),
            Some(_) => {}
        }
        let (word, bit) = place(index);
        self.seen[word] |= bit;
        true
    }

    /// The highest index seen.
    pub(crate) fn top(&self) -> Option<u64> {
        self.top
    }

    fn advance(&mut self, top: u64, index: u64) {
        self.top = Some(index);
        if index - top >= SPAN {
            self.seen = [0; WORDS];
            return;
        }
        for skipped in top + 1..=index {
            let (word, bit) = place(skipped);
            self.seen[word] &= !bit;
        }
    }

    fn bit(&self, index: u64) -> bool {
        let (word, bit) = place(index);
        self.seen[word] & bit != 0
    }
}

fn place(index: u64) -> (usize, u64) {
    let at = index % SPAN;
    ((at / 64) as usize, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sequence_number_is_taken_for_the_nearest_index() {
        let mut window = Window::default();
        assert_eq!(window.estimate(65_530), Some(65_530));
        window.mark(65_530);
        assert_eq!(window.estimate(3), Some(65_539), "rolled over");
        window.mark(65_539);
        assert_eq!(window.estimate(65_535), Some(65_535), "late, from before");
    }

    #[test]
    fn nothing_lies_before_the_first_or_beyond_the_last_index() {
        let mut window = Window::default();
        window.mark(5);
        assert_eq!(window.estimate(65_000), None);
        let mut window = Window::default();
        window.mark(LAST_INDEX);
        assert_eq!(window.estimate(0), None);
        assert!(!window.is_fresh(LAST_INDEX + 1));
    }

    #[test]
    fn what_is_older_than_the_window_counts_as_seen() {
        let mut window = Window::default();
        window.mark(10_000);
        assert!(window.is_fresh(10_000 - SPAN + 1));
        assert!(!window.is_fresh(10_000 - SPAN));
    }

    proptest! {
        #[test]
        fn no_index_passes_twice(steps in prop::collection::vec(0_u64..1_500, 1..400)) {
            let mut window = Window::default();
            let mut passed = HashSet::new();
            for index in steps {
                let top = window.top();
                let known = passed.contains(&index);
                let old = top.is_some_and(|top| index + SPAN <= top);
                prop_assert_eq!(window.mark(index), !known && !old);
                passed.insert(index);
            }
        }
    }
}
