//! How much arrives at a peer, by its own clock.

use std::collections::VecDeque;

/// Over how long. Longer hides a drop; shorter sees single frames.
const WINDOW_US: i64 = 300_000;
/// Most packets looked at, whatever a peer says of when they came.
const MOST: usize = 2_048;
/// Shorter says nothing.
const SHORTEST_US: i64 = 150_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Throughput {
    /// Arrival and bytes, in order of arrival.
    log: VecDeque<(i64, u32)>,
    bytes: u64,
}

impl Throughput {
    /// Notes a packet that arrived at `at` µs. One that comes out of order counts with the newest.
    pub(super) fn note(&mut self, at: i64, length: u16) {
        let at = self.log.back().map_or(at, |(newest, _)| at.max(*newest));
        self.log.push_back((at, u32::from(length)));
        self.bytes += u64::from(length);
        while let Some((oldest, bytes)) = self.log.front().copied() {
            if at - oldest <= WINDOW_US && self.log.len() <= MOST {
                break;
            }
            self.log.pop_front();
            self.bytes -= u64::from(bytes);
        }
    }

    /// Bits per second; `None` when too little has come to tell.
    pub(super) fn bps(&self) -> Option<f64> {
        let (first, bytes) = self.log.front()?;
        let span = self.log.back()?.0 - first;
        let counted = self.bytes - u64::from(*bytes);
        (span >= SHORTEST_US).then(|| counted as f64 * 8e6 / span as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_a_drop_is_seen_at_once() {
        let mut throughput = Throughput::default();
        assert_eq!(throughput.bps(), None);
        // 1,000 bytes each 4 ms are 2 Mbit/s.
        for packet in 0..200 {
            throughput.note(packet * 4_000, 1_000);
        }
        let bps = throughput.bps().expect("enough");
        assert!((1.98e6..2.02e6).contains(&bps), "{bps}");
        for packet in 0..40 {
            throughput.note(800_000 + packet * 8_000, 1_000);
        }
        let bps = throughput.bps().expect("enough");
        assert!((0.98e6..1.05e6).contains(&bps), "{bps}");
    }

    #[test]
    fn order_of_arrival_does_not_matter() {
        let mut throughput = Throughput::default();
        for at in [0, 100_000, 60_000, 200_000] {
            throughput.note(at, 1_000);
        }
        assert_eq!(throughput.bps(), Some(3_000.0 * 8e6 / 200_000.0));
    }
}
