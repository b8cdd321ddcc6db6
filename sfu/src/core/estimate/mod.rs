//! What the way to a peer can carry: congestion control of a sender by transport-wide feedback
//! (Google congestion control, draft-ietf-rmcat-gcc-02).
//!
//! Each packet that leaves gets a number ([`Estimate::depart`]); the peer tells when each came
//! ([`Estimate::told`]). A queue that grows ([`trend`]) or stands ([`queue`]) or losses that come of
//! it ([`loss`]) lower the [`rate`]; calm raises it, and [`probe`]s raise it faster. As long as nothing has shown a
//! limit, there is none.

mod departures;
mod loss;
mod probe;
mod queue;
mod rate;
#[cfg(test)]
mod tests;
mod throughput;
mod trend;

use std::time::{Duration, Instant};

use self::departures::Departures;
pub(crate) use self::departures::Media;
use self::loss::Loss;
use self::probe::Prober;
use self::queue::{Queue, Verdict};
use self::rate::{Delays, Rate};
use self::throughput::Throughput;
use self::trend::{Trend, Usage};
use crate::core::rtp::told::Told;

/// IPv4 and UDP headers, which a way has to carry as well.
pub(crate) const OVERHEAD: usize = 28;
/// A round trip before one was measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug)]
pub(crate) struct Estimate {
    departures: Departures,
    trend: Trend,
    queue: Queue,
    throughput: Throughput,
    loss: Loss,
    rate: Rate,
    prober: Prober,
    /// Reference time of the last report.
    reference: Option<i64>,
    round_trip: Duration,
    /// What is sent at most when the way carries it; more is not probed for.
    wanted: f64,
}

impl Estimate {
    /// Nothing known; at most `wanted` bits per second will ever be sent.
    pub(crate) fn new(wanted: u64, now: Instant) -> Self {
        Self {
            departures: Departures::new(now),
            trend: Trend::new(),
            queue: Queue::new(),
            throughput: Throughput::default(),
            loss: Loss::new(now),
            rate: Rate::new(),
            prober: Prober::new(),
            reference: None,
            round_trip: FIRST_ROUND_TRIP,
            wanted: wanted as f64,
        }
    }

    /// A datagram of `length` bytes leaves, with `media` that could be sent again; returns its
    /// transport-wide number.
    pub(crate) fn depart(&mut self, length: usize, media: Option<Media>, now: Instant) -> u16 {
        let length = length + OVERHEAD;
        let probe = self.prober.is_sending();
        if probe {
            self.prober.sent(length);
        }
        self.departures.note(length, probe, media, now)
    }

    /// The peer tells what came, and when. What did not is handed to `missing`, with when it left.
    pub(crate) fn told(
        &mut self,
        told: &Told<'_>,
        now: Instant,
        mut missing: impl FnMut(Media, Instant),
    ) {
        let reference = told.reference_us(self.reference);
        self.reference = Some(reference);
        let (mut received, mut lost, mut proven, mut newest) = (0, 0, None, None);
        for packet in told.packets() {
            let Some(departure) = self.departures.told(packet.sequence) else {
                continue;
            };
            let Some(after) = packet.after_us else {
                lost += 1;
                if let Some(media) = departure.media() {
                    missing(media, self.departures.left(&departure));
                }
                continue;
            };
            received += 1;
            newest = newest.max(Some(departure.at_us));
            let arrived = reference.saturating_add(after);
            self.trend.note(departure.at_us, arrived);
            self.queue.note(departure.at_us, arrived);
            self.throughput.note(arrived, departure.length);
            if departure.probe {
                proven = self.prober.told(&departure, arrived, now).or(proven);
            }
        }
        self.note_round_trip(newest, now);
        self.judge(received, lost, proven, now);
    }

    /// What the way carries, in bits per second; `None` as long as nothing has shown a limit.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.rate.is_limited().then(|| self.rate.bps() as u64)
    }

    /// The shortest time in which an answer comes.
    pub(crate) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// Whether so much is lost that a repair is likely to be lost as well.
    pub(crate) fn is_lossy(&self) -> bool {
        self.loss.is_lossy()
    }

    /// When [`Self::probe`] is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        let useful = self.rate.is_limited() && self.rate.bps() < self.wanted;
        self.prober.due().filter(|_| useful)
    }

    /// Bytes that are to leave now to find out whether the way carries more; 0 for none.
    pub(crate) fn probe(&mut self, now: Instant) -> usize {
        match self.due().is_some_and(|due| due <= now) {
            true => self.prober.allowance(self.rate.bps(), now),
            false => 0,
        }
    }

    /// A report comes at once or is held back: the shortest of the last ones is the round trip.
    fn note_round_trip(&mut self, newest: Option<i64>, now: Instant) {
        let Some(sent) = newest else {
            return;
        };
        let passed = (self.departures.us(now) - sent).max(0).unsigned_abs();
        let passed = Duration::from_micros(passed);
        self.round_trip = match passed < self.round_trip {
            true => passed,
            false => self.round_trip + (passed - self.round_trip) / 16,
        };
    }

    fn judge(&mut self, received: u32, lost: u32, proven: Option<f64>, now: Instant) {
        let before = self.rate.decreased();
        let delays = Delays {
            usage: self.usage(now),
            short: self.queue.is_short(),
        };
        let throughput = self.throughput.bps();
        self.rate.update(delays, throughput, self.round_trip, now);
        let standing = self.queue.is_standing();
        if let Some(factor) = self.loss.note(received, lost, standing, now) {
            self.rate.cut(factor, throughput, now);
        }
        if self.rate.decreased() != before {
            return self.prober.postpone(now);
        }
        if let Some(proven) = proven {
            self.rate.proven(proven, now);
        }
    }

    /// What delays say: whether a queue grows, and whether one stands.
    fn usage(&mut self, now: Instant) -> Usage {
        match (self.trend.usage(), self.queue.judge(now)) {
            (Usage::Normal, Verdict::Empty) => Usage::Over,
            (Usage::Normal, Verdict::Hold) => Usage::Under,
            (usage, _) => usage,
        }
    }
}
