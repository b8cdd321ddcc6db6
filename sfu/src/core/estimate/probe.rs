//! Probing: a short train of packets above the rate finds out whether a way carries more, when
//! the streams themselves do not ask for it (libwebrtc's probe_bitrate_estimator.cc).

use std::time::{Duration, Instant};

use super::departures::Departure;

/// Length of a train.
const TRAIN: Duration = Duration::from_millis(15);
/// Fewest bytes of one: less is lost in the noise of timers.
const LEAST_BYTES: usize = 1_400;
/// How far above the rate.
const ABOVE: f64 = 2.0;
/// After a decrease, and after a train that found nothing, this long; then twice, up to the most.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long reports of a train are waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Share of a train's packets that has to arrive.
const ENOUGH: f64 = 0.8;
/// A train that arrives slower than this share of how it was sent met the end of the way, which
/// is then a little below what arrived.
const UNHINDERED: f64 = 0.9;
const BELOW_END: f64 = 0.95;
/// A train that came through this well is followed by another one at once.
const WORTH_ANOTHER: f64 = 0.8;
/// One that came less well, and yet proved so many times the rate it began above, is followed soon:
/// a few milliseconds of jitter make a short train on a wide way look like that. Less than the
/// noise of such a train would have a full way probed all the time; more would take it for full.
const MORE: f64 = 1.25;
const SOON: Duration = Duration::from_millis(250);

/// See the module.
#[derive(Debug)]
pub(super) struct Prober {
    next: Option<Instant>,
    pause: Duration,
    train: Option<Train>,
}

#[derive(Debug)]
struct Train {
    /// What was known when it began, and what it is sent at.
    above: f64,
    bps: f64,
    began: Instant,
    bytes: usize,
    sent_bytes: usize,
    sent: u32,
    told: Told,
}

#[derive(Debug, Default)]
struct Told {
    packets: u32,
    bytes: f64,
    /// First and last times in µs, with the bytes that do not count between them.
    sent: Option<(i64, i64)>,
    arrived: Option<(i64, i64)>,
    last_length: f64,
    first_length: f64,
}

impl Prober {
    pub(super) fn new() -> Self {
        Self {
            next: None,
            pause: PAUSE,
            train: None,
        }
    }

    /// The rate went down: the next train leaves after a pause.
    pub(super) fn postpone(&mut self, now: Instant) {
        (self.train, self.next) = (None, Some(now + self.pause));
    }

    /// When it next has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.train {
            Some(train) if train.sent_bytes < train.bytes => Some(train.next()),
            Some(train) => Some(train.began + PATIENCE),
            None => self.next,
        }
    }

    /// Bytes of probing that are to leave now, above `bps`; 0 for none.
    pub(super) fn allowance(&mut self, bps: f64, now: Instant) -> usize {
        self.give_up(now);
        if self.train.is_none() && self.next.is_some_and(|next| next <= now) {
            self.next = None;
            self.train = Some(Train::new(bps, now));
        }
        let Some(train) = &self.train else {
            return 0;
        };
        train.allowed(now).saturating_sub(train.sent_bytes)
    }

    /// Whether a train is under way, so that whatever leaves belongs to it.
    pub(super) fn is_sending(&self) -> bool {
        let train = self.train.as_ref();
        train.is_some_and(|train| train.sent_bytes < train.bytes)
    }

    /// Notes a packet that left as part of the train.
    pub(super) fn sent(&mut self, length: usize) {
        if let Some(train) = &mut self.train {
            train.sent_bytes += length;
            train.sent += 1;
        }
    }

    /// The peer got a packet of the train. `Some` with the rate that has been proven, in bits per
    /// second, when that was enough of it.
    pub(super) fn told(&mut self, packet: &Departure, arrived: i64, now: Instant) -> Option<f64> {
        let train = self.train.as_mut()?;
        train.told.note(packet, arrived);
        let whole = train.sent_bytes >= train.bytes;
        let enough = f64::from(train.told.packets) >= f64::from(train.sent) * ENOUGH;
        if !whole || !enough {
            return None;
        }
        let proven = train.told.bps();
        let wait = train.wait(proven.unwrap_or_default());
        self.train = None;
        self.pause = match wait {
            Some(_) => PAUSE,
            None => (self.pause * 2).min(LONGEST_PAUSE),
        };
        self.next = Some(now + wait.unwrap_or(self.pause));
        proven
    }

    fn give_up(&mut self, now: Instant) {
        let late = |train: &Train| now.saturating_duration_since(train.began) >= PATIENCE;
        if self.train.as_ref().is_some_and(late) {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.postpone(now);
        }
    }
}

impl Train {
    fn new(above: f64, now: Instant) -> Self {
        let bps = above * ABOVE;
        Self {
            above,
            bps,
            began: now,
            bytes: LEAST_BYTES.max((bps / 8.0 * TRAIN.as_secs_f64()) as usize),
            sent_bytes: 0,
            sent: 0,
            told: Told::default(),
        }
    }

    /// How soon the next one follows, now that this one has proved so much; `None` when it found
    /// nothing.
    fn wait(&self, proven: f64) -> Option<Duration> {
        if proven >= self.bps * WORTH_ANOTHER {
            return Some(TRAIN);
        }
        (proven >= self.above * MORE).then_some(SOON)
    }

    /// Bytes that may have left by now.
    fn allowed(&self, now: Instant) -> usize {
        let passed = now.saturating_duration_since(self.began).as_secs_f64();
        // The first packet leaves at once.
        let allowed = 1 + (self.bps / 8.0 * passed) as usize;
        allowed.min(self.bytes)
    }

    fn next(&self) -> Instant {
        self.began + Duration::from_secs_f64(self.sent_bytes as f64 * 8.0 / self.bps)
    }
}

impl Told {
    fn note(&mut self, packet: &Departure, arrived: i64) {
        let length = f64::from(packet.length);
        self.packets += 1;
        self.bytes += length;
        let (first_sent, last_sent) = self.sent.unwrap_or((packet.at_us, packet.at_us));
        if packet.at_us >= last_sent {
            self.last_length = length;
        }
        self.sent = Some((first_sent.min(packet.at_us), last_sent.max(packet.at_us)));
        let (first_arrived, last_arrived) = self.arrived.unwrap_or((arrived, arrived));
        if arrived <= first_arrived {
            self.first_length = length;
        }
        self.arrived = Some((first_arrived.min(arrived), last_arrived.max(arrived)));
    }

    fn bps(&self) -> Option<f64> {
        let (first_sent, last_sent) = self.sent?;
        let (first_arrived, last_arrived) = self.arrived?;
        let (sending, arriving) = (last_sent - first_sent, last_arrived - first_arrived);
        // What came all at once was held up somewhere, and says nothing of the way.
        if sending <= 0 || arriving <= 0 {
            return None;
        }
        let sent = (self.bytes - self.last_length) * 8e6 / sending as f64;
        let arrived = (self.bytes - self.first_length) * 8e6 / arriving as f64;
        // Faster than it can have left: the same.
        if arrived > 2.0 * sent {
            return None;
        }
        Some(match arrived < UNHINDERED * sent {
            true => arrived * BELOW_END,
            false => sent.min(arrived),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::estimate::departures::Departures;

    /// What a train above `rate` proves on a way of `capacity`.
    fn proven(rate: f64, capacity: f64) -> Option<f64> {
        probed(rate, capacity).0
    }

    /// That, and how long it is until the next one.
    fn probed(rate: f64, capacity: f64) -> (Option<f64>, Option<Duration>) {
        let start = Instant::now();
        let mut departures = Departures::new(start);
        let mut prober = Prober::new();
        prober.postpone(start);
        let (mut now, mut free) = (start + PAUSE, 0.0_f64);
        let mut arrivals = Vec::new();
        while prober.due().is_some_and(|due| due <= now) || prober.is_sending() {
            while prober.allowance(rate, now) > 0 {
                let number = departures.note(300, true, None, now);
                prober.sent(300);
                let at = departures.us(now) as f64;
                free = free.max(at) + 300.0 * 8e6 / capacity;
                arrivals.push((number, free as i64));
            }
            now += Duration::from_millis(1);
        }
        now += Duration::from_millis(100);
        let proven = arrivals.into_iter().find_map(|(number, arrived)| {
            let packet = departures.told(number)?;
            prober.told(&packet, arrived, now)
        });
        (proven, prober.due().map(|due| due - now))
    }

    #[test]
    fn a_free_way_proves_the_rate_of_the_train() {
        let bps = proven(1e6, 1e9).expect("a result");
        assert!((1.7e6..2.4e6).contains(&bps), "{bps}");
    }

    #[test]
    fn a_full_way_proves_a_little_less_than_it_carries() {
        let bps = proven(1e6, 1.2e6).expect("a result");
        assert!((1.0e6..1.2e6).contains(&bps), "{bps}");
    }

    #[test]
    fn the_more_a_train_has_found_the_sooner_the_next_one_follows() {
        let next = |capacity| probed(1e6, capacity).1.expect("another one");
        assert_eq!(next(1e9), TRAIN, "all of it");
        assert_eq!(next(1.5e6), SOON, "more than was known");
        assert_eq!(next(1.1e6), 2 * PAUSE, "nothing");
    }

    #[test]
    fn a_train_nobody_tells_of_is_given_up_and_the_next_one_comes_later() {
        let start = Instant::now();
        let mut prober = Prober::new();
        assert_eq!(prober.due(), None, "nothing to find out");
        prober.postpone(start);
        assert_eq!(prober.allowance(1e6, start + PAUSE / 2), 0);
        let began = start + PAUSE;
        assert!(prober.allowance(1e6, began) > 0);
        prober.sent(100_000);
        assert!(!prober.is_sending());
        let late = began + PATIENCE;
        assert_eq!(prober.allowance(1e6, late), 0);
        assert_eq!(prober.due(), Some(late + 2 * PAUSE));
    }
}
