//! Which packets of a source one receiver does not get, so that its numbers have no gaps there.
//!
//! Bounded: of what lies further back than the list reaches only the count is known.

use std::collections::VecDeque;

/// Runs remembered. A frame of upper layers is one; 2.5 s of them at 30 frames a second are 75.
const RUNS: usize = 96;

/// So many packets from this one on, and how many were left out in all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u64,
    count: u64,
    before: u64,
}

impl Run {
    fn end(&self) -> u64 {
        self.first + self.count
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// Oldest first.
    runs: VecDeque<Run>,
    /// Where packets of which nothing is known any more end.
    floor: u64,
}

impl Gaps {
    /// Leaves out the packet with this index, which is higher than that of every packet whose
    /// number has been asked for.
    pub(crate) fn add(&mut self, index: u64) {
        let place = self.runs.partition_point(|run| run.first <= index);
        let former = place.checked_sub(1).map(|place| self.runs[place]);
        if former.is_some_and(|run| index < run.end()) {
            return;
        }
        let joins = former.is_some_and(|run| run.end() == index);
        match joins {
            true => self.runs[place - 1].count += 1,
            false => {
                let before = former.map_or_else(|| self.oldest(), |run| run.before + run.count);
                let run = Run {
                    first: index,
                    count: 1,
                    before,
                };
                self.runs.insert(place, run);
            }
        }
        let later = if joins { place } else { place + 1 };
        for run in self.runs.iter_mut().skip(later) {
            run.before += 1;
        }
        self.join_at(later);
        if self.runs.len() > RUNS {
            let forgotten = self.runs.pop_front();
            self.floor = forgotten.map_or(self.floor, |run| run.end());
        }
    }

    /// How many before this one were left out; `None` for one that was left out itself, or lies
    /// too far back to tell.
    pub(crate) fn before(&self, index: u64) -> Option<u64> {
        if index < self.floor {
            return None;
        }
        let former = self.runs.iter().rev().find(|run| run.first <= index);
        match former {
            None => Some(self.oldest()),
            Some(run) => (index >= run.end()).then_some(run.before + run.count),
        }
    }

    /// The index of the packet that `position` others of those that were not left out come before,
    /// counted from index 0 on.
    pub(crate) fn index_of(&self, position: u64) -> Option<u64> {
        let former = self.runs.iter().rev();
        let former = former.map(|run| (run.first - run.before, run.before + run.count));
        let found = former.into_iter().find(|(start, _)| position >= *start);
        let left_out = found.map_or_else(|| self.oldest(), |(_, left_out)| left_out);
        let index = position + left_out;
        (index >= self.floor).then_some(index)
    }

    fn oldest(&self) -> u64 {
        self.runs.front().map_or(0, |run| run.before)
    }

    /// Makes one of the run at `place` and the one before it, when they touch.
    fn join_at(&mut self, place: usize) {
        let Some(before) = place.checked_sub(1) else {
            return;
        };
        let (Some(former), Some(run)) = (self.runs.get(before), self.runs.get(place)) else {
            return;
        };
        if former.end() == run.first {
            let more = run.count;
            self.runs[before].count += more;
            self.runs.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_lead_back() {
        let mut gaps = Gaps::default();
        for index in [12, 13, 20] {
            gaps.add(index);
        }
        let seen: Vec<_> = (10..23).map(|index| gaps.before(index)).collect();
        let (x, some) = (None, Some);
        assert_eq!(seen[..4], [some(0), some(0), x, x]);
        assert_eq!(
            seen[4..],
            [
                some(2),
                some(2),
                some(2),
                some(2),
                some(2),
                some(2),
                x,
                some(3),
                some(3)
            ]
        );
        let back: Vec<_> = (10..16).map(|position| gaps.index_of(position)).collect();
        assert_eq!(back, [10, 11, 14, 15, 16, 17].map(Some));
    }

    #[test]
    fn what_lies_too_far_back_is_not_told() {
        let mut gaps = Gaps::default();
        for run in 0..10_000 {
            gaps.add(run * 3);
        }
        assert_eq!(gaps.runs.len(), RUNS);
        assert_eq!(gaps.before(10), None);
        assert_eq!(gaps.index_of(10), None);
        assert_eq!(gaps.before(29_999), Some(10_000));
        assert_eq!(gaps.index_of(19_999), Some(29_999));
    }

    proptest! {
        #[test]
        fn it_is_as_if_each_were_counted(
            steps in prop::collection::vec((any::<bool>(), 0_u64..4), 1..250)
        ) {
            let mut gaps = Gaps::default();
            let mut left_out = std::collections::BTreeSet::new();
            let mut index = 0;
            for (out, back) in steps {
                index += 1;
                if out {
                    // Those of a frame may come in another order.
                    let late = index + back;
                    gaps.add(late);
                    left_out.insert(late);
                } else {
                    index += 4;
                }
                for known in index.saturating_sub(40)..index + 8 {
                    let before = left_out.range(..known).count() as u64;
                    let expected = (!left_out.contains(&known)).then_some(before);
                    if known < gaps.floor {
                        continue;
                    }
                    prop_assert_eq!(gaps.before(known), expected, "{}", known);
                    if expected.is_some() {
                        prop_assert_eq!(gaps.index_of(known - before), Some(known));
                    }
                }
            }
        }
    }
}
