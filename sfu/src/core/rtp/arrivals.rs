//! When a sender's packets arrived, told to it as transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), by which it finds out what its way here
//! can carry.

use std::time::{Duration, Instant};

use super::rtcp;

/// How often a sender is told. Shorter costs RTCP; longer makes its estimate slow.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
/// Most packets told of in one report; more are told in the next.
const MOST: usize = 400;
/// Units of an arrival's distance from the one before.
const TICK_US: i64 = 250;
/// Units of the reference time.
const REFERENCE_US: i64 = 64_000;

/// The arrivals that have not been told yet.
#[derive(Debug)]
pub(crate) struct Arrivals {
    epoch: Instant,
    /// The first number the next report speaks of.
    next: Option<u64>,
    top: u64,
    /// Extended numbers and when they came, in order of number.
    log: Vec<(u64, Instant)>,
    reports: u8,
    due: Option<Instant>,
}

impl Arrivals {
    /// None yet; times count from `epoch`.
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            epoch,
            next: None,
            top: 0,
            log: Vec::new(),
            reports: 0,
            due: None,
        }
    }

    /// Notes the packet with this transport-wide number. One that comes after its report is left
    /// out: it was told to be lost.
    pub(crate) fn note(&mut self, sequence: u16, at: Instant) {
        let Some(next) = self.next else {
            let first = u64::from(sequence) + (1 << 16);
            (self.next, self.top) = (Some(first), first);
            return self.insert(first, at);
        };
        let distance = sequence.wrapping_sub(self.top as u16).cast_signed();
        let number = self.top.saturating_add_signed(i64::from(distance));
        if number >= next {
            self.top = self.top.max(number);
            self.insert(number, at);
        }
    }

    fn insert(&mut self, number: u64, at: Instant) {
        self.due.get_or_insert(at + INTERVAL);
        let place = self.log.partition_point(|(known, _)| *known < number);
        let known = self.log.get(place).is_some_and(|(it, _)| *it == number);
        if !known && self.log.len() < 2 * MOST {
            self.log.insert(place, (number, at));
        }
    }

    /// When the next report is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Appends a report of `sender` about `media`, if there is something to tell.
    pub(crate) fn report(&mut self, out: &mut Vec<u8>, sender: u32, media: u32, now: Instant) {
        let Some(first) = self.next.filter(|_| !self.log.is_empty()) else {
            self.due = None;
            return;
        };
        let told = self.told(first);
        let reference = self.reference(self.log[0].1);
        let last = self.log[told - 1].0;
        // A gap that no report could hold: what lies before the first that came is forgotten.
        let first = first.max((last + 1).saturating_sub(MOST as u64));
        let start = rtcp::begin_transport_wide(out, sender, media);
        out.extend((first as u16).to_be_bytes());
        out.extend(((last + 1 - first) as u16).to_be_bytes());
        out.extend(&reference.to_be_bytes()[1..]);
        out.push(self.reports);
        self.write_statuses(out, first, told, reference);
        self.write_distances(out, told, reference);
        rtcp::end(out, start);
        self.reports = self.reports.wrapping_add(1);
        self.next = Some(last + 1);
        self.log.drain(..told);
        self.due = (!self.log.is_empty()).then_some(now);
    }

    /// How many of the log fit a report: near enough in number, and in time.
    fn told(&self, first: u64) -> usize {
        let base = first.max(self.log[0].0.saturating_sub(MOST as u64 / 2));
        let near = |it: &&(u64, Instant)| it.0 - base < MOST as u64;
        let mut before = self.reference(self.log[0].1) as i64 * REFERENCE_US / TICK_US;
        let fitting = self.log.iter().take_while(near).take_while(|(_, at)| {
            let ticks = self.ticks(*at);
            let distance = ticks - before;
            before = ticks;
            i16::try_from(distance).is_ok()
        });
        fitting.count().max(1)
    }

    /// 24 bits of 64 ms since the epoch.
    fn reference(&self, at: Instant) -> u32 {
        let us = at.saturating_duration_since(self.epoch).as_micros() as i64;
        (us / REFERENCE_US) as u32 & 0x00FF_FFFF
    }

    fn ticks(&self, at: Instant) -> i64 {
        at.saturating_duration_since(self.epoch).as_micros() as i64 / TICK_US
    }

    /// Distances from the arrival before, in ticks; the first from the reference time.
    fn distances(&self, told: usize, reference: u32) -> impl Iterator<Item = (u64, i16)> + '_ {
        let wrap = (1_i64 << 24) * REFERENCE_US / TICK_US;
        let first = self.ticks(self.log[0].1);
        // The reference wraps after twelve days.
        let mut before = first - (first - i64::from(reference) * REFERENCE_US / TICK_US) % wrap;
        self.log[..told].iter().map(move |(number, at)| {
            let ticks = self.ticks(*at);
            let distance = ticks - before;
            before = ticks;
            let bounded = distance.clamp(i64::from(i16::MIN), i64::from(i16::MAX));
            (*number, bounded as i16)
        })
    }

    /// For each number 0 (not come), 1 (a distance of one byte) or 2 (of two): runs where they
    /// are worth it, else seven to a word.
    fn write_statuses(&self, out: &mut Vec<u8>, first: u64, told: usize, reference: u32) {
        let mut statuses = [0_u8; MOST];
        let mut count = 0;
        for (number, distance) in self.distances(told, reference) {
            let Some(at) = number.checked_sub(first).map(|at| at as usize) else {
                continue;
            };
            if let Some(status) = statuses.get_mut(at) {
                *status = if is_small(distance) { 1 } else { 2 };
                count = at + 1;
            }
        }
        let mut rest = &statuses[..count];
        while let Some(status) = rest.first().copied() {
            let run = rest.iter().take_while(|it| **it == status).count();
            if run >= 7 || run == rest.len() {
                let word = u16::from(status) << 13 | run as u16;
                out.extend(word.to_be_bytes());
                rest = &rest[run..];
                continue;
            }
            let now = &rest[..rest.len().min(7)];
            let symbols = now.iter().enumerate().fold(0, |word, (at, status)| {
                word | u16::from(*status) << (12 - 2 * at)
            });
            out.extend((0xC000 | symbols).to_be_bytes());
            rest = &rest[now.len()..];
        }
    }

    fn write_distances(&self, out: &mut Vec<u8>, told: usize, reference: u32) {
        for (_, distance) in self.distances(told, reference) {
            match is_small(distance) {
                true => out.push(distance as u8),
                false => out.extend(distance.to_be_bytes()),
            }
        }
    }
}

fn is_small(distance: i16) -> bool {
    (0..=255).contains(&distance)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a report says: the first number, and for each number when it came, in ticks.
    pub(crate) fn read(report: &[u8]) -> (u16, Vec<Option<i64>>) {
        let word = |at: usize| u16::from_be_bytes([report[at], report[at + 1]]);
        assert_eq!((report[0], report[1]), (0x80 | rtcp::TRANSPORT_WIDE, 205));
        assert_eq!(report.len(), (usize::from(word(2)) + 1) * 4);
        let (first, count) = (word(12), usize::from(word(14)));
        let reference = u32::from_be_bytes([0, report[16], report[17], report[18]]);
        let mut at = 20;
        let mut statuses = Vec::new();
        while statuses.len() < count {
            let chunk = word(at);
            at += 2;
            match chunk >> 14 {
                0 | 1 => {
                    let run = usize::from(chunk & 0x1FFF);
                    statuses.extend(std::iter::repeat_n((chunk >> 13 & 3) as u8, run));
                }
                3 => statuses.extend((0..7).map(|it| (chunk >> (12 - 2 * it) & 3) as u8)),
                _ => panic!("a form we do not write"),
            }
        }
        statuses.truncate(count);
        let mut ticks = i64::from(reference) * REFERENCE_US / TICK_US;
        let came = statuses.into_iter().map(|status| match status {
            0 => None,
            1 => {
                ticks += i64::from(report[at]);
                at += 1;
                Some(ticks)
            }
            _ => {
                ticks += i64::from(word(at).cast_signed());
                at += 2;
                Some(ticks)
            }
        });
        (first, came.collect())
    }

    fn report(arrivals: &mut Arrivals, now: Instant) -> Vec<u8> {
        let mut out = Vec::new();
        arrivals.report(&mut out, 1, 2, now);
        out
    }

    #[test]
    fn a_report_tells_what_came_when_and_what_did_not() {
        let epoch = Instant::now();
        let ms = |ms| epoch + Duration::from_millis(ms);
        let mut arrivals = Arrivals::new(epoch);
        for (sequence, at) in [(65_534, 100), (65_535, 101), (1, 103), (2, 103)] {
            arrivals.note(sequence, ms(at));
        }
        assert_eq!(arrivals.due(), Some(ms(100) + INTERVAL));
        let (first, came) = read(&report(&mut arrivals, ms(200)));
        let expected = [Some(400), Some(404), None, Some(412), Some(412)];
        assert_eq!((first, came), (65_534, expected.to_vec()));
        assert_eq!(arrivals.due(), None);
        assert!(report(&mut arrivals, ms(300)).is_empty());
    }

    #[test]
    fn a_late_packet_is_told_once_and_not_after_its_report() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        for sequence in [10, 12, 11, 12] {
            arrivals.note(sequence, epoch);
        }
        let (first, came) = read(&report(&mut arrivals, epoch));
        assert_eq!((first, came.len()), (10, 3));
        arrivals.note(11, epoch);
        assert!(report(&mut arrivals, epoch).is_empty());
    }

    #[test]
    fn long_pauses_and_wide_gaps_go_into_reports_of_their_own() {
        let epoch = Instant::now();
        let mut arrivals = Arrivals::new(epoch);
        arrivals.note(1, epoch);
        arrivals.note(2, epoch + Duration::from_secs(20));
        arrivals.note(30_000, epoch + Duration::from_secs(20));
        let now = epoch + Duration::from_secs(21);
        let mut told = Vec::new();
        for _ in 0..5 {
            let bytes = report(&mut arrivals, now);
            if bytes.is_empty() {
                break;
            }
            let (first, came) = read(&bytes);
            let came = (0..).zip(came).filter_map(|(at, ticks)| Some((at, ticks?)));
            told.extend(came.map(|(at, ticks): (u16, _)| (first.wrapping_add(at), ticks)));
        }
        assert_eq!(told, [(1, 0), (2, 80_000), (30_000, 80_000)]);
    }

    proptest! {
        #[test]
        fn every_packet_in_order_is_told_once_with_its_time(
            steps in prop::collection::vec((1_u16..30, 0_u64..40_000), 1..500), start in any::<u16>()
        ) {
            let epoch = Instant::now();
            let mut arrivals = Arrivals::new(epoch);
            let (mut sequence, mut now) = (start, epoch);
            let (mut sent, mut told) = (Vec::new(), Vec::new());
            for (index, (gap, pause)) in steps.into_iter().enumerate() {
                now += Duration::from_micros(pause);
                sequence = sequence.wrapping_add(gap);
                arrivals.note(sequence, now);
                let us = now.duration_since(epoch).as_micros() as i64;
                sent.push((sequence, us / TICK_US));
                if index % 17 == 16 || arrivals.due().is_some_and(|due| due <= now) {
                    loop {
                        let bytes = report(&mut arrivals, now);
                        if bytes.is_empty() {
                            break;
                        }
                        let (first, came) = read(&bytes);
                        let came = (0_u16..).zip(came);
                        told.extend(came.filter_map(|(at, it)| Some((first.wrapping_add(at), it?))));
                    }
                }
            }
            prop_assert_eq!(&told[..], &sent[..told.len()]);
            prop_assert!(sent.len() - told.len() <= 17);
        }
    }
}
