//! One stream that we send to a peer: its numbers, its repairs, its report.

use std::time::{Duration, Instant};

use super::index::Window;
use super::rtcp::SenderInfo;

/// Packets that carry the slot's `mid`, until the peer surely knows whose stream it is.
const NAMED: u64 = 64;
/// Share of what was sent that may be sent again, as one part in this many: on a path that loses
/// more, repairs add to the loss.
const REPAIR_SHARE: usize = 2;
/// Most bytes of repairs that may pile up unused.
const REPAIR_BURST: usize = 64 * 1024;
/// Packets remembered to have been sent again.
const REPAIRED: usize = 64;
/// Shortest time between two repairs of one packet, on a way whose round trip is not known.
pub(crate) const REPAIR_PAUSE: Duration = Duration::from_millis(20);

/// The repair stream beside a stream (RFC 4588).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RepairStream {
    pub(crate) ssrc: u32,
    next: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) ssrc: u32,
    repair: Option<RepairStream>,
    /// Indices whose nonces are used: the one place that says yes to an index, once.
    used: Window,
    packets: u32,
    octets: u32,
    sent: u64,
    budget: usize,
    /// By their index modulo [`REPAIRED`]; empty until the first is sent again.
    repaired: Vec<(u64, Option<Instant>)>,
    /// The newest packet's RTP time, and when it came to us.
    newest: Option<(u32, Instant)>,
}

impl Sending {
    /// A stream under `ssrc`, repaired under `repair`. The repair stream's numbers start at
    /// `first`, which is below 32,768 (see [`crate::core::forward`]).
    pub(crate) fn new(ssrc: u32, repair: Option<u32>, first: u16) -> Self {
        Self {
            ssrc,
            repair: repair.map(|ssrc| RepairStream {
                ssrc,
                next: u64::from(first & 0x7FFF),
            }),
            used: Window::default(),
            packets: 0,
            octets: 0,
            sent: 0,
            budget: REPAIR_BURST,
            repaired: Vec::new(),
            newest: None,
        }
    }

    /// Claims an index for one packet; false when it has been used, or is too old to tell.
    pub(crate) fn claim(&mut self, index: u64) -> bool {
        self.used.mark(index)
    }

    /// Counts a packet that was sent.
    pub(crate) fn note(&mut self, payload: usize, timestamp: u32, arrived: Instant) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
        self.sent += 1;
        self.budget = (self.budget + payload / REPAIR_SHARE).min(REPAIR_BURST);
        self.newest = Some((timestamp, arrived));
    }

    /// Whether packets still name their slot.
    pub(crate) fn is_new(&self) -> bool {
        self.sent < NAMED
    }

    /// The index that a peer means when it asks for a sequence number again; `None` when nothing
    /// like it was sent.
    pub(crate) fn asked(&self, sequence: u16) -> Option<u64> {
        let index = self.used.estimate(sequence)?;
        let sent = self.used.top().is_some_and(|top| index <= top);
        (sent && !self.used.is_fresh(index)).then_some(index)
    }

    /// Whether a packet of `length` bytes may be sent again now, `pause` after the last time at the
    /// earliest. Counts as sent.
    pub(crate) fn may_repair(
        &mut self,
        index: u64,
        length: usize,
        pause: Duration,
        now: Instant,
    ) -> bool {
        if self.repair.is_none() || self.budget < length {
            return false;
        }
        if self.repaired.is_empty() {
            self.repaired = vec![(0, None); REPAIRED];
        }
        let (known, last) = &mut self.repaired[index as usize % REPAIRED];
        let recently = last.is_some_and(|last| now.saturating_duration_since(last) < pause);
        if *known == index && recently {
            return false;
        }
        (*known, *last) = (index, Some(now));
        true
    }

    /// Whether what is lost of it can be sent again.
    pub(crate) fn is_repaired(&self) -> bool {
        self.repair.is_some()
    }

    /// Whether a packet has been sent again since then: what is told of the earlier one is no news.
    pub(crate) fn was_repaired_after(&self, index: u64, then: Instant) -> bool {
        let repaired = self.repaired.get(index as usize % REPAIRED);
        repaired.is_some_and(|(known, last)| *known == index && last.is_some_and(|it| it > then))
    }

    /// Stream and index of a repair of `length` bytes; `None` when there are too many. Counts it.
    pub(crate) fn next_repair(&mut self, length: usize) -> Option<(u32, u64)> {
        self.budget = self.budget.checked_sub(length)?;
        self.next_padding()
    }

    /// Stream and index of a packet on the repair stream that repairs nothing.
    pub(crate) fn next_padding(&mut self) -> Option<(u32, u64)> {
        let stream = self.repair.as_mut()?;
        stream.next += 1;
        Some((stream.ssrc, stream.next))
    }

    /// What its report says when the wall clock shows `ntp`. `None` while nothing was sent.
    ///
    /// RTP time runs on from the newest packet, unless the source has reported its own clocks:
    /// then `exact` is the RTP time at `ntp` by those, the same for all its streams.
    pub(crate) fn report(
        &self,
        ntp: u64,
        exact: Option<u32>,
        clock_rate: u32,
        now: Instant,
    ) -> Option<SenderInfo> {
        let (timestamp, arrived) = self.newest?;
        let passed = now.saturating_duration_since(arrived).as_micros();
        let ticks = (passed * u128::from(clock_rate) / 1_000_000) as u32;
        Some(SenderInfo {
            ssrc: self.ssrc,
            ntp,
            rtp: exact.unwrap_or(timestamp.wrapping_add(ticks)),
            packets: self.packets,
            octets: self.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_given_once() {
        let mut stream = Sending::new(7, None, 0);
        assert!(stream.claim(100) && stream.claim(101) && stream.claim(99));
        assert!(!stream.claim(100) && !stream.claim(99));
    }

    #[test]
    fn only_what_was_sent_is_asked_for() {
        let mut stream = Sending::new(7, Some(8), 0);
        assert_eq!(stream.asked(100), None);
        stream.claim(65_535);
        stream.claim(65_537);
        assert_eq!(stream.asked(65_535), Some(65_535));
        assert_eq!(stream.asked(1), Some(65_537));
        assert_eq!(stream.asked(0), None, "never sent");
        assert_eq!(stream.asked(2), None, "not sent yet");
    }

    #[test]
    fn repairs_have_numbers_of_their_own_and_a_pause() {
        let now = Instant::now();
        let mut stream = Sending::new(7, Some(8), 41);
        assert!(stream.may_repair(100, 1_000, REPAIR_PAUSE, now));
        assert_eq!(stream.next_repair(1_000), Some((8, 42)));
        assert!(
            !stream.may_repair(100, 1_000, REPAIR_PAUSE, now),
            "just sent"
        );
        assert!(stream.was_repaired_after(100, now - REPAIR_PAUSE));
        assert!(!stream.was_repaired_after(100, now) && !stream.was_repaired_after(101, now));
        assert!(stream.may_repair(101, 1_000, REPAIR_PAUSE, now));
        assert_eq!(stream.next_repair(1_000), Some((8, 43)));
        assert!(stream.may_repair(100, 1_000, REPAIR_PAUSE, now + REPAIR_PAUSE));
        let mut without = Sending::new(7, None, 0);
        assert!(!without.may_repair(1, 1, REPAIR_PAUSE, now) && without.next_repair(1).is_none());
    }

    #[test]
    fn repairs_are_half_of_what_is_sent_at_most() {
        let now = Instant::now();
        let mut stream = Sending::new(7, Some(8), 0);
        let mut repaired = 0;
        for index in 0..10_000 {
            stream.note(1_000, 0, now);
            if stream.may_repair(index, 1_000, REPAIR_PAUSE, now)
                && stream.next_repair(1_000).is_some()
            {
                repaired += 1;
            }
        }
        assert!((5_000..=5_100).contains(&repaired), "{repaired}");
    }

    #[test]
    fn a_report_runs_on_from_the_newest_packet() {
        let now = Instant::now();
        let mut stream = Sending::new(7, None, 0);
        assert!(stream.report(1, None, 90_000, now).is_none());
        stream.note(500, 90_000, now);
        let later = now + Duration::from_millis(100);
        let report = stream.report(1, None, 90_000, later).expect("a report");
        assert_eq!(
            (report.rtp, report.packets, report.octets),
            (99_000, 1, 500)
        );
        let exact = stream.report(1, Some(5), 90_000, later).expect("a report");
        assert_eq!(exact.rtp, 5);
    }
}
