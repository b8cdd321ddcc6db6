//! Transport-wide feedback as a receiver gives it
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1); [`super::arrivals`] writes ours.

/// Bytes in front of the statuses: first number, count, reference time, number of the report.
const HEAD: usize = 8;
/// Most packets that one report of ours or of anybody's may speak of; more are not read.
const MOST: u16 = 2_048;
const TICK_US: i64 = 250;
const REFERENCE_US: i64 = 64_000;

/// What one report tells. Bytes of a stranger: what does not fit ends it early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    first: u16,
    count: u16,
    reference: u32,
    statuses: &'a [u8],
    distances: &'a [u8],
}

/// One packet of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// Its transport-wide number.
    pub(crate) sequence: u16,
    /// When it came, in µs since the report's reference time; `None` when it has not.
    pub(crate) after_us: Option<i64>,
}

impl<'a> Told<'a> {
    /// Reads what follows the two SSRCs of the packet. `None` when it is cut off.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<HEAD>()?;
        let count = u16::from_be_bytes([head[2], head[3]]).min(MOST);
        let (mut told, mut length) = (0, 0);
        while told < usize::from(count) {
            told += chunk_at(rest, length)?.length();
            length += 2;
        }
        let (statuses, distances) = rest.split_at_checked(length)?;
        Some(Self {
            first: u16::from_be_bytes([head[0], head[1]]),
            count,
            reference: u32::from_be_bytes([0, head[4], head[5], head[6]]),
            statuses,
            distances,
        })
    }

    /// The moment that all times of the report count from, in µs of the receiver's clock. It wraps
    /// after twelve days: `former` is that of the report before.
    pub(crate) fn reference_us(&self, former: Option<i64>) -> i64 {
        const WRAP: i64 = 1 << 24;
        let units = i64::from(self.reference);
        let Some(former) = former else {
            return units * REFERENCE_US;
        };
        let former = former / REFERENCE_US;
        let ahead = (units - former).rem_euclid(WRAP);
        let ahead = if ahead >= WRAP / 2 {
            ahead - WRAP
        } else {
            ahead
        };
        (former + ahead) * REFERENCE_US
    }

    /// Each packet in order of number.
    pub(crate) fn packets(&self) -> impl Iterator<Item = Status> + 'a {
        let chunks = (0..self.statuses.len()).step_by(2);
        let statuses = self.statuses;
        let symbols = chunks
            .filter_map(move |at| chunk_at(statuses, at))
            .flat_map(Chunk::symbols);
        let (mut distances, mut after) = (self.distances, 0);
        let first = self.first;
        let numbers = (0..self.count).map(move |offset| first.wrapping_add(offset));
        numbers.zip(symbols).map_while(move |(sequence, symbol)| {
            let after_us = match symbol {
                Symbol::NotReceived => None,
                Symbol::Small => {
                    let (ticks, rest) = distances.split_first()?;
                    distances = rest;
                    after += i64::from(*ticks) * TICK_US;
                    Some(after)
                }
                Symbol::Large => {
                    let (ticks, rest) = distances.split_first_chunk()?;
                    distances = rest;
                    after += i64::from(i16::from_be_bytes(*ticks)) * TICK_US;
                    Some(after)
                }
            };
            Some(Status { sequence, after_us })
        })
    }
}

#[derive(Clone, Copy)]
enum Symbol {
    NotReceived,
    Small,
    Large,
}

impl Symbol {
    /// 3 is reserved: it says that something came and not when, so it tells us nothing.
    fn of(bits: u16) -> Self {
        match bits & 3 {
            1 => Self::Small,
            2 => Self::Large,
            _ => Self::NotReceived,
        }
    }
}

/// Sixteen bits of statuses.
#[derive(Clone, Copy)]
struct Chunk(u16);

impl Chunk {
    fn length(self) -> usize {
        match self.0 >> 14 {
            0 | 1 => usize::from(self.0 & 0x1FFF),
            2 => 14,
            _ => 7,
        }
    }

    fn symbols(self) -> impl Iterator<Item = Symbol> {
        let word = self.0;
        (0..self.length()).map(move |at| match word >> 14 {
            0 | 1 => Symbol::of(word >> 13),
            // One bit each: not received, or a small distance.
            2 => Symbol::of(word >> (13 - at) & 1),
            _ => Symbol::of(word >> (12 - 2 * at)),
        })
    }
}

fn chunk_at(bytes: &[u8], at: usize) -> Option<Chunk> {
    let word = bytes.get(at..)?.first_chunk()?;
    let chunk = Chunk(u16::from_be_bytes(*word));
    // A run of none would never end a report.
    (chunk.length() > 0).then_some(chunk)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::core::rtp::arrivals::Arrivals;

    fn told(body: &[u8]) -> Vec<(u16, Option<i64>)> {
        let told = Told::read(body).expect("whole");
        let packets = told.packets();
        packets.map(|it| (it.sequence, it.after_us)).collect()
    }

    #[test]
    fn all_three_forms_of_statuses_are_read() {
        let mut body = vec![0xFF, 0xFE, 0, 12, 0, 0, 2, 0];
        // A run of two small ones; one bit each for the next: small, none, small; then two bits.
        body.extend([0x20, 0x02, 0xA8, 0x00]);
        let bits = [4, 8, 12, 16];
        body.extend(bits);
        let expected = [
            (0xFFFE, Some(1_000)),
            (0xFFFF, Some(3_000)),
            (0, Some(6_000)),
            (1, None),
            (2, Some(10_000)),
        ];
        assert_eq!(told(&body)[..5], expected);
        let mut body = vec![0, 1, 0, 3, 0, 0, 2, 0];
        // Two bits each: large, none, small.
        body.extend([0b1110_0001, 0, 0xFF, 0xFC, 8]);
        let expected = [(1, Some(-1_000)), (2, None), (3, Some(1_000))];
        assert_eq!(told(&body), expected);
    }

    #[test]
    fn what_is_cut_off_or_never_ends_is_refused() {
        assert_eq!(Told::read(&[0; 7]), None);
        let endless = [0, 1, 0, 9, 0, 0, 0, 0, 0x20, 0, 0x20, 0];
        assert_eq!(Told::read(&endless), None, "runs of none");
        let cut = [0, 1, 0, 9, 0, 0, 0, 0, 0x20, 9, 1];
        assert_eq!(told(&cut), [(1, Some(250))], "distances are missing");
    }

    #[test]
    fn reference_times_go_on_where_they_wrap() {
        let at = |reference: u32| {
            let [_, a, b, c] = reference.to_be_bytes();
            [0, 1, 0, 1, a, b, c, 0, 0x20, 1, 0]
        };
        let (last, first) = (at(0xFF_FFFF), at(1));
        let last = Told::read(&last).expect("whole").reference_us(None);
        let first = Told::read(&first).expect("whole");
        assert_eq!(first.reference_us(Some(last)) - last, 2 * REFERENCE_US);
        let before = Told::read(&at(0xFF_FFFE))
            .expect("whole")
            .reference_us(Some(last));
        assert_eq!(before - last, -REFERENCE_US);
    }

    proptest! {
        #[test]
        fn what_we_write_is_read_back(
            steps in prop::collection::vec((1_u16..9, 0_u64..90_000), 1..300), start in any::<u16>()
        ) {
            let epoch = Instant::now();
            let mut arrivals = Arrivals::new(epoch);
            let (mut sequence, mut now) = (start, epoch);
            let mut sent = Vec::new();
            for (gap, pause) in steps {
                now += Duration::from_micros(pause);
                sequence = sequence.wrapping_add(gap);
                arrivals.note(sequence, now);
                sent.push((sequence, now.duration_since(epoch).as_micros() as i64 / TICK_US));
            }
            let mut read = Vec::new();
            loop {
                let mut report = Vec::new();
                arrivals.report(&mut report, 1, 2, now);
                if report.is_empty() {
                    break;
                }
                let told = Told::read(&report[12..]).expect("whole");
                let reference = told.reference_us(None);
                let came = told.packets().filter_map(|it| Some((it.sequence, it.after_us?)));
                read.extend(came.map(|(number, after)| (number, (reference + after) / TICK_US)));
            }
            prop_assert_eq!(read, sent);
        }

        #[test]
        fn nothing_breaks_the_reader(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(told) = Told::read(&body) {
                prop_assert!(told.packets().count() <= usize::from(MOST));
            }
        }
    }
}
