//! An estimate and a way of its own, in virtual time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lens_protocol::entropy::Entropy;
use lens_runtime::entropy::SeededEntropy;

use super::*;
use crate::core::rtp::arrivals::Arrivals;

/// A way with one queue: what is more than it carries waits, and what waits too long is lost.
struct Way {
    bps: f64,
    delay: Duration,
    longest_queue: Duration,
    loss: f64,
    free: Duration,
    dice: SeededEntropy,
}

/// A sender that does what the estimate says, up to `wants`, in frames.
struct Trip {
    start: Instant,
    now: Duration,
    estimate: Estimate,
    way: Way,
    wants: f64,
    flying: VecDeque<(Duration, u16, usize)>,
    arrivals: Arrivals,
    /// Reports on their way back.
    reports: VecDeque<(Duration, Vec<u8>)>,
    delivered: usize,
    queues: Vec<Duration>,
}

const STEP: Duration = Duration::from_millis(1);
const FRAME: u64 = 33;

impl Trip {
    fn new(bps: f64, wants: f64) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: Duration::ZERO,
            estimate: Estimate::new(wants as u64, start),
            way: Way {
                bps,
                delay: Duration::from_millis(25),
                longest_queue: Duration::from_millis(500),
                loss: 0.0,
                free: Duration::ZERO,
                dice: SeededEntropy::new(7),
            },
            wants,
            flying: VecDeque::new(),
            arrivals: Arrivals::new(start),
            reports: VecDeque::new(),
            delivered: 0,
            queues: Vec::new(),
        }
    }

    fn send(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let length = bytes.min(1_200);
            bytes -= length;
            let number = self.estimate.depart(length, None, self.start + self.now);
            let queue = self.way.free.saturating_sub(self.now);
            self.queues.push(queue);
            let mut roll = [0; 4];
            self.way.dice.fill(&mut roll);
            let lost = f64::from(u32::from_be_bytes(roll)) / f64::from(u32::MAX) < self.way.loss;
            if queue > self.way.longest_queue {
                continue;
            }
            let took = Duration::from_secs_f64((length + OVERHEAD) as f64 * 8.0 / self.way.bps);
            self.way.free = self.way.free.max(self.now) + took;
            if !lost {
                let length = length + OVERHEAD;
                self.flying
                    .push_back((self.way.free + self.way.delay, number, length));
            }
        }
    }

    /// Runs for so many seconds; returns the share of the way that was used, and the queues.
    fn run(&mut self, seconds: u64) -> (f64, Vec<Duration>) {
        let (end, before) = (self.now + Duration::from_secs(seconds), self.delivered);
        self.queues.clear();
        while self.now < end {
            self.now += STEP;
            let now = self.start + self.now;
            if (self.now.as_millis() as u64).is_multiple_of(FRAME) {
                let rate = self.estimate.limit().map_or(self.wants, |it| it as f64);
                let frame = rate.min(self.wants) * FRAME as f64 / 8e3;
                self.send(frame as usize);
            }
            let probe = self.estimate.probe(now);
            self.send(probe);
            while self.flying.front().is_some_and(|(at, ..)| *at <= self.now) {
                let (at, number, length) = self.flying.pop_front().expect("one");
                self.arrivals.note(number, self.start + at);
                self.delivered += length;
            }
            if self.arrivals.due().is_some_and(|due| due <= now) {
                let mut report = Vec::new();
                self.arrivals.report(&mut report, 1, 2, now);
                self.reports.push_back((self.now + self.way.delay, report));
            }
            while self.reports.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, report) = self.reports.pop_front().expect("one");
                let told = Told::read(report.get(12..).unwrap_or_default());
                if let Some(told) = told {
                    self.estimate.told(&told, now, |_, _| {});
                }
            }
        }
        let bits = (self.delivered - before) as f64 * 8.0;
        let mut queues = std::mem::take(&mut self.queues);
        queues.sort_unstable();
        (bits / seconds as f64 / self.way.bps, queues)
    }
}

fn share(queues: &[Duration], percent: usize) -> Duration {
    queues[(queues.len() - 1) * percent / 100]
}

#[test]
fn a_way_that_carries_everything_has_no_limit() {
    let mut trip = Trip::new(10e6, 2e6);
    trip.run(20);
    assert_eq!(trip.estimate.limit(), None);
}

#[test]
fn a_narrow_way_is_found_and_used_without_a_standing_queue() {
    for bps in [150e3, 500e3, 1e6, 2e6] {
        let mut trip = Trip::new(bps, 2.5e6);
        trip.run(6);
        let (used, queues) = trip.run(30);
        assert!((0.88..1.02).contains(&used), "{bps}: {used}");
        let long = share(&queues, 95);
        assert!(long < Duration::from_millis(100), "{bps}: {long:?}");
    }
}

#[test]
fn a_step_down_and_up_is_followed_within_ten_seconds() {
    let mut trip = Trip::new(2e6, 2.5e6);
    trip.run(20);
    trip.way.bps = 1e6;
    trip.run(5);
    let (used, queues) = trip.run(15);
    assert!(used > 0.85, "after the step down: {used}");
    assert!(share(&queues, 95) < Duration::from_millis(100));
    trip.way.bps = 2e6;
    trip.run(10);
    let (used, queues) = trip.run(10);
    assert!(used > 0.85, "after the step up: {used}");
    assert!(share(&queues, 95) < Duration::from_millis(100));
}

#[test]
fn losses_that_are_the_ways_own_do_not_starve_it() {
    for loss in [0.05, 0.10, 0.15] {
        let mut trip = Trip::new(4e6, 2e6);
        trip.way.loss = loss;
        trip.run(60);
        let limit = trip.estimate.limit().unwrap_or(2_000_000);
        assert!(limit > 1_400_000, "{loss}: {limit}");
    }
}

#[test]
fn nonsense_of_a_peer_changes_nothing() {
    let start = Instant::now();
    let mut estimate = Estimate::new(2_000_000, start);
    for number in 0..200_u64 {
        estimate.depart(1_000, None, start + Duration::from_millis(number));
    }
    let mut dice = SeededEntropy::new(3);
    for round in 0..2_000_u64 {
        let mut body = [0; 60];
        dice.fill(&mut body);
        if let Some(told) = Told::read(&body) {
            estimate.told(&told, start + Duration::from_millis(200 + round), |_, _| {});
        }
    }
    assert!(estimate.rate.bps().is_finite());
    assert!(estimate.rate.bps() >= rate::LEAST);
}
