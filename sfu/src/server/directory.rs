//! Which worker a conference lives on, and which placements have ended.

use std::collections::{HashMap, VecDeque};

use lens_protocol::id::{ConferenceId, Epoch};

/// Ended placements remembered, so that a late repetition of a call does not bring one back.
const REMEMBERED: usize = 1_024;

/// The node's conferences.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    live: HashMap<ConferenceId, usize>,
    ended: HashMap<ConferenceId, Epoch>,
    order: VecDeque<ConferenceId>,
}

impl Directory {
    pub(crate) fn worker_of(&self, conference: ConferenceId) -> Option<usize> {
        self.live.get(&conference).copied()
    }

    /// Whether this placement, or a newer one, has ended here.
    pub(crate) fn has_ended(&self, conference: ConferenceId, epoch: Epoch) -> bool {
        self.ended
            .get(&conference)
            .is_some_and(|ended| epoch <= *ended)
    }

    pub(crate) fn begin(&mut self, conference: ConferenceId, worker: usize) {
        self.live.insert(conference, worker);
    }

    pub(crate) fn end(&mut self, conference: ConferenceId, epoch: Epoch) {
        self.live.remove(&conference);
        let known = self.ended.insert(conference, epoch);
        if let Some(known) = known {
            self.ended.insert(conference, epoch.max(known));
            return;
        }
        self.order.push_back(conference);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }

    /// The worker with the fewest conferences.
    pub(crate) fn least_busy(&self, workers: usize) -> usize {
        let mut load = vec![0_usize; workers];
        for worker in self.live.values() {
            load[*worker] += 1;
        }
        let least = load.iter().enumerate().min_by_key(|(_, count)| **count);
        least.map_or(0, |(worker, _)| worker)
    }

    pub(crate) fn len(&self) -> i64 {
        i64::try_from(self.live.len()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conference(number: u16) -> ConferenceId {
        let [high, low] = number.to_be_bytes();
        let mut bytes = [0; 16];
        bytes[14..].copy_from_slice(&[high, low]);
        ConferenceId::from_bytes(bytes)
    }

    #[test]
    fn an_ended_placement_stays_ended_and_a_newer_one_may_begin() {
        let mut directory = Directory::default();
        directory.begin(conference(1), 0);
        directory.end(conference(1), Epoch(4));
        directory.end(conference(1), Epoch(3));
        assert!(directory.has_ended(conference(1), Epoch(4)));
        assert!(!directory.has_ended(conference(1), Epoch(5)));
        assert_eq!(directory.worker_of(conference(1)), None);
    }

    #[test]
    fn conferences_spread_and_memory_is_bounded() {
        let mut directory = Directory::default();
        for number in 0..6 {
            let worker = directory.least_busy(3);
            directory.begin(conference(number), worker);
        }
        let mut load = [0; 3];
        directory
            .live
            .values()
            .for_each(|worker| load[*worker] += 1);
        assert_eq!(load, [2; 3]);
        for number in 0..3_000 {
            directory.end(conference(number), Epoch(1));
        }
        assert_eq!((directory.len(), directory.ended.len()), (0, REMEMBERED));
    }
}
