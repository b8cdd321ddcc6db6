//! One stream that a peer sends: which packets came, which are missing, what is reported of it.

use std::time::{Duration, Instant};

use super::index::Window;
use super::ring::KEPT;
use super::rtcp::ReportBlock;

/// Missing packets asked for at once. A longer gap is an outage: a keyframe repairs it.
const MOST_MISSING: usize = 200;
/// Times a packet is asked for.
const MOST_ASKED: u8 = 20;
/// Round trip while none was measured.
const FIRST_RTT: Duration = Duration::from_millis(100);
/// Share of packets that a way loses which loses many; a request or its answer is then likely to be
/// lost as well, and a packet is asked for twice in a round trip.
const LOSSY: f32 = 0.03;
/// Weight of one packet in the share.
const LOSS_WEIGHT: f32 = 1.0 / 256.0;
/// Shortest time between two requests for a packet.
const SHORTEST_RETRY: Duration = Duration::from_millis(20);

/// A packet that has not come.
#[derive(Clone, Copy, Debug)]
struct Missing {
    index: u64,
    since: Instant,
    asked: u8,
    last: Option<Instant>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Reception {
    window: Window,
    clock_rate: u32,
    first: u64,
    received: u64,
    /// Expected and received when the last report was made.
    reported: (u64, u64),
    /// In 16ths of a tick, as RFC 3550 §A.8 keeps it.
    jitter: u32,
    transit: Option<u32>,
    epoch: Instant,
    sender_report: Option<Clock>,
    repairs: bool,
    missing: Vec<Missing>,
    rtt: Duration,
    /// Share of packets that were missing when the next one came.
    lost: f32,
    outage: bool,
}

/// What a sender's report said, and when it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// NTP time, 32.32.
    pub(crate) ntp: u64,
    /// RTP time at that moment.
    pub(crate) rtp: u32,
    /// When the report came.
    pub(crate) at: Instant,
}

impl Reception {
    /// A stream whose timestamps run at `clock_rate`; lost packets are asked for when `repairs`.
    pub(crate) fn new(clock_rate: u32, repairs: bool, now: Instant) -> Self {
        Self {
            window: Window::default(),
            clock_rate,
            first: 0,
            received: 0,
            reported: (0, 0),
            jitter: 0,
            transit: None,
            epoch: now,
            sender_report: None,
            repairs,
            missing: Vec::new(),
            rtt: FIRST_RTT,
            lost: 0.0,
            outage: false,
        }
    }

    /// The index of a packet that has not come before; `None` for one that has, or is too old.
    pub(crate) fn fresh(&self, sequence: u16) -> Option<u64> {
        let index = self.window.estimate(sequence)?;
        self.window.is_fresh(index).then_some(index)
    }

    /// Notes an authentic packet. False when it has come before: nothing may be done with it.
    pub(crate) fn take(&mut self, index: u64, timestamp: u32, at: Instant) -> bool {
        let top = self.window.top();
        if !self.window.mark(index) {
            return false;
        }
        self.received += 1;
        match top {
            None => self.first = index,
            Some(top) if index > top => self.note_gap(top, index, at),
            Some(_) => self.note_repair(index, at),
        }
        self.first = self.first.min(index);
        self.note_jitter(timestamp, at);
        true
    }

    /// Notes a packet that came over the repair stream. False when it is there already.
    pub(crate) fn take_repair(&mut self, index: u64, at: Instant) -> bool {
        if !self.window.mark(index) {
            return false;
        }
        self.received += 1;
        self.note_repair(index, at);
        true
    }

    /// Notes a report of the sender.
    pub(crate) fn note_clock(&mut self, ntp: u64, rtp: u32, at: Instant) {
        self.sender_report = Some(Clock { ntp, rtp, at });
    }

    /// What is reported of it now (RFC 3550 §A.3). `None` while nothing has come.
    pub(crate) fn block(&mut self, ssrc: u32, now: Instant) -> Option<ReportBlock> {
        let top = self.window.top()?;
        let expected = top + 1 - self.first;
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, self.received);
        let expected_now = expected - expected_before.min(expected);
        let lost_now = expected_now.saturating_sub(self.received - received_before);
        let fraction = lost_now * 256 / expected_now.max(1);
        let lost = expected.cast_signed() - self.received.cast_signed();
        let (last_report, delay) = self.sender_report.map_or((0, 0), |clock| {
            let passed = now.saturating_duration_since(clock.at);
            let delay = passed.as_micros() * 65_536 / 1_000_000;
            (
                (clock.ntp >> 16) as u32,
                u32::try_from(delay).unwrap_or(u32::MAX),
            )
        });
        Some(ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest: top as u32,
            jitter: self.jitter >> 4,
            last_report,
            delay,
        })
    }

    /// Whether nothing authentic has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.received == 0
    }

    /// When there is something to ask for.
    pub(crate) fn due(&self) -> Option<Instant> {
        if self.outage {
            return Some(self.epoch);
        }
        let retry = self.retry();
        let due = |missing: &Missing| missing.last.map_or(missing.since, |last| last + retry);
        self.missing.iter().map(due).min()
    }

    /// Writes the sequence numbers to ask for now to `lost`, in ascending order. True when so much
    /// is missing that only a keyframe helps.
    pub(crate) fn ask(&mut self, now: Instant, lost: &mut Vec<u16>) -> bool {
        let retry = self.retry();
        self.missing.retain(|missing| {
            let age = now.saturating_duration_since(missing.since);
            missing.asked < MOST_ASKED && age <= KEPT
        });
        for missing in &mut self.missing {
            if missing.last.is_none_or(|last| last + retry <= now) {
                missing.last = Some(now);
                missing.asked += 1;
                lost.push(missing.index as u16);
            }
        }
        std::mem::take(&mut self.outage)
    }

    fn retry(&self) -> Duration {
        let retry = match self.lost > LOSSY {
            true => self.rtt / 2,
            false => self.rtt + self.rtt / 4,
        };
        retry.max(SHORTEST_RETRY)
    }

    fn note_gap(&mut self, top: u64, index: u64, at: Instant) {
        let gap = index - top - 1;
        let lost = gap as f32 / (gap + 1) as f32;
        let weight = (LOSS_WEIGHT * (gap + 1) as f32).min(1.0);
        self.lost += (lost - self.lost) * weight;
        if gap == 0 || !self.repairs {
            return;
        }
        if gap as usize + self.missing.len() > MOST_MISSING {
            self.missing.clear();
            self.outage = true;
            return;
        }
        self.missing.extend((top + 1..index).map(|index| Missing {
            index,
            since: at,
            asked: 0,
            last: None,
        }));
    }

    fn note_repair(&mut self, index: u64, at: Instant) {
        let Some(place) = self.missing.iter().position(|it| it.index == index) else {
            return;
        };
        let missing = self.missing.remove(place);
        // Which of several requests was answered cannot be told.
        if let (1, Some(last)) = (missing.asked, missing.last) {
            let sample = at.saturating_duration_since(last);
            self.rtt = (self.rtt * 7 + sample) / 8;
        }
    }

    /// RFC 3550 §A.8.
    fn note_jitter(&mut self, timestamp: u32, at: Instant) {
        let us = at.saturating_duration_since(self.epoch).as_micros();
        let ticks = (us * u128::from(self.clock_rate) / 1_000_000) as u32;
        let transit = ticks.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let distance = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // Another source's timestamps behind the same SSRC are no jitter.
            if distance < self.clock_rate {
                let kept = self.jitter - ((self.jitter + 8) >> 4);
                self.jitter = kept + distance;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(now: Instant) -> Reception {
        Reception::new(90_000, true, now)
    }

    fn arrive(stream: &mut Reception, sequence: u16, at: Instant) -> bool {
        let Some(index) = stream.fresh(sequence) else {
            return false;
        };
        stream.take(index, u32::from(sequence) * 3_000, at)
    }

    fn asked(stream: &mut Reception, now: Instant) -> Vec<u16> {
        let mut lost = Vec::new();
        stream.ask(now, &mut lost);
        lost
    }

    #[test]
    fn a_packet_counts_once() {
        let now = Instant::now();
        let mut stream = stream(now);
        assert!(arrive(&mut stream, 5, now));
        assert!(!arrive(&mut stream, 5, now), "a replay");
        assert!(!stream.take_repair(5, now), "a repair of what is there");
    }

    #[test]
    fn missing_packets_are_asked_for_until_they_come_or_are_too_late() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut stream = stream(start);
        arrive(&mut stream, 65_534, start);
        arrive(&mut stream, 2, start);
        assert_eq!(stream.due(), Some(start));
        assert_eq!(asked(&mut stream, start), [65_535, 0, 1]);
        assert!(asked(&mut stream, ms(50)).is_empty(), "not yet again");
        assert!(stream.take_repair(65_536, ms(60)));
        assert_eq!(asked(&mut stream, ms(130)), [65_535, 1]);
        assert!(
            asked(&mut stream, ms(401)).is_empty(),
            "too late to be shown"
        );
        assert_eq!(stream.due(), None);
    }

    #[test]
    fn requests_follow_the_round_trip() {
        let start = Instant::now();
        let mut stream = stream(start);
        let mut now = start;
        let mut sequence = 0;
        for _ in 0..60 {
            arrive(&mut stream, sequence, now);
            arrive(&mut stream, sequence + 2, now);
            asked(&mut stream, now);
            now += Duration::from_millis(10);
            arrive(&mut stream, sequence + 1, now);
            sequence += 3;
        }
        assert!(stream.rtt < Duration::from_millis(12), "{:?}", stream.rtt);
    }

    #[test]
    fn an_outage_is_no_list_of_packets() {
        let now = Instant::now();
        let mut stream = stream(now);
        arrive(&mut stream, 1, now);
        arrive(&mut stream, 1_000, now);
        let mut lost = Vec::new();
        assert!(stream.ask(now, &mut lost));
        assert!(lost.is_empty());
        assert!(!stream.ask(now, &mut lost), "told once");
    }

    #[test]
    fn voice_is_not_asked_for() {
        let now = Instant::now();
        let mut stream = Reception::new(48_000, false, now);
        arrive(&mut stream, 1, now);
        arrive(&mut stream, 5, now);
        assert!(asked(&mut stream, now).is_empty());
    }

    #[test]
    fn a_report_tells_loss_of_its_interval_and_in_all() {
        let now = Instant::now();
        let mut stream = stream(now);
        assert_eq!(stream.block(9, now), None);
        for sequence in [1, 2, 3, 4, 6, 7, 8, 10] {
            arrive(&mut stream, sequence, now);
        }
        let block = stream.block(9, now).expect("a block");
        assert_eq!(
            (block.fraction_lost, block.lost, block.highest),
            (51, 2, 10)
        );
        stream.note_clock(0x0011_2233_4455_6677, 0, now);
        arrive(&mut stream, 11, now);
        let later = now + Duration::from_millis(500);
        let block = stream.block(9, later).expect("a block");
        assert_eq!((block.fraction_lost, block.lost), (0, 2));
        assert_eq!((block.last_report, block.delay), (0x2233_4455, 32_768));
    }

    #[test]
    fn even_packets_have_no_jitter_and_uneven_ones_have() {
        let start = Instant::now();
        let mut even = stream(start);
        let mut uneven = stream(start);
        for sequence in 0..100_u16 {
            // 3,000 ticks of 90 kHz.
            let at = start + Duration::from_nanos(33_333_333 * u64::from(sequence));
            arrive(&mut even, sequence, at);
            let late = Duration::from_millis(u64::from(sequence % 2) * 10);
            arrive(&mut uneven, sequence, at + late);
        }
        assert!(even.block(1, start).expect("a block").jitter <= 1);
        let jitter = uneven.block(1, start).expect("a block").jitter;
        assert!(
            (700..=900).contains(&jitter),
            "10 ms are 900 ticks: {jitter}"
        );
    }
}
