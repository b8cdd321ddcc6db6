//! What has left for a peer, by transport-wide number, until the peer has told of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a packet's report is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most packets waited for; a second at 16 Mbit/s.
const MOST: usize = 2_048;

/// Steps in which the log grows; by itself it would double.
const STEP: usize = 32;

/// A packet of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// The receiver's slot.
    pub(crate) slot: u8,
    /// Its number in the stream, extended.
    pub(crate) index: u64,
}

/// One packet that has left; there are hundreds a peer, so it is kept small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Departure {
    /// µs since the estimate began.
    pub(super) at_us: i64,
    index: u64,
    /// Bytes on the wire, IP and UDP headers included.
    pub(super) length: u16,
    slot: u8,
    /// Whether it belongs to the probe that is under way.
    pub(super) probe: bool,
    told: bool,
}

/// The slot of what cannot be sent again.
const NO_SLOT: u8 = u8::MAX;

impl Departure {
    /// What it carries that could be sent again.
    pub(super) fn media(&self) -> Option<Media> {
        let (slot, index) = (self.slot, self.index);
        (slot != NO_SLOT).then_some(Media { slot, index })
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Departures {
    epoch: Instant,
    /// Number of the first in the log.
    first: u64,
    log: VecDeque<Departure>,
}

impl Departures {
    pub(super) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            // Far from 0, so that a peer's wrong number never goes below it.
            first: 1 << 16,
            log: VecDeque::new(),
        }
    }

    /// µs since the estimate began.
    pub(super) fn us(&self, at: Instant) -> i64 {
        let passed = at.saturating_duration_since(self.epoch).as_micros();
        i64::try_from(passed).unwrap_or(i64::MAX)
    }

    /// When a packet left.
    pub(super) fn left(&self, packet: &Departure) -> Instant {
        self.epoch + Duration::from_micros(packet.at_us.unsigned_abs())
    }

    /// Notes a packet of `length` bytes; returns its number.
    pub(super) fn note(
        &mut self,
        length: usize,
        probe: bool,
        media: Option<Media>,
        now: Instant,
    ) -> u16 {
        let at_us = self.us(now);
        let oldest = at_us - PATIENCE.as_micros() as i64;
        let stale = |it: &Departure| it.told || it.at_us < oldest;
        while self.log.len() >= MOST || self.log.front().is_some_and(stale) {
            self.log.pop_front();
            self.first += 1;
        }
        if self.log.len() == self.log.capacity() {
            self.log.reserve_exact(STEP);
        }
        let number = self.first + self.log.len() as u64;
        self.log.push_back(Departure {
            at_us,
            length: u16::try_from(length).unwrap_or(u16::MAX),
            probe,
            slot: media.map_or(NO_SLOT, |media| media.slot),
            index: media.map_or(0, |media| media.index),
            told: false,
        });
        number as u16
    }

    /// The packet with this number, told of for the first time.
    pub(super) fn told(&mut self, sequence: u16) -> Option<Departure> {
        let offset = sequence.wrapping_sub(self.first as u16);
        let departure = self.log.get_mut(usize::from(offset))?;
        if std::mem::replace(&mut departure.told, true) {
            return None;
        }
        Some(*departure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_told_of_once_and_forgotten_in_time() {
        let now = Instant::now();
        let mut departures = Departures::new(now);
        let first = departures.note(100, false, None, now);
        let media = Some(Media {
            slot: 1,
            index: 70_000,
        });
        let second = departures.note(200, true, media, now + Duration::from_millis(1));
        assert_eq!(second, first.wrapping_add(1));
        let told = departures.told(second).expect("waited for");
        assert_eq!((told.at_us, told.length, told.probe), (1_000, 200, true));
        assert_eq!(told.media(), media);
        assert_eq!(departures.told(second), None, "once");
        assert_eq!(departures.told(second.wrapping_add(1)), None, "not sent");
        departures.note(300, false, None, now + PATIENCE + Duration::from_micros(1));
        assert_eq!(departures.told(first), None, "too long ago");
    }

    #[test]
    fn memory_is_bounded_and_numbers_wrap() {
        let now = Instant::now();
        let mut departures = Departures::new(now);
        let mut last = 0;
        for _ in 0..200_000 {
            last = departures.note(1_000, false, None, now);
        }
        assert_eq!(departures.log.len(), MOST);
        assert!(departures.told(last).is_some());
        assert!(departures.told(last.wrapping_sub(MOST as u16)).is_none());
    }
}
