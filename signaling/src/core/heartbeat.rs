//! Notices a peer that is gone without a word.

use std::time::{Duration, Instant};

/// What the heartbeat asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Send a ping now.
    Ping,
    /// The peer is gone.
    Dead,
    /// Ask again then.
    Wait(Instant),
}

/// Pings at a fixed pace, so that the peer, too, hears something; counts those that nothing
/// followed.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    every: Duration,
    most: u32,
    next: Instant,
    unanswered: u32,
}

impl Heartbeat {
    pub(crate) fn new(now: Instant, every: Duration, most: u32) -> Self {
        Self {
            every,
            most,
            next: now + every,
            unanswered: 0,
        }
    }

    /// Any frame of the peer is a sign of life.
    pub(crate) fn heard(&mut self) {
        self.unanswered = 0;
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Beat {
        if now < self.next {
            return Beat::Wait(self.next);
        }
        if self.unanswered >= self.most {
            return Beat::Dead;
        }
        self.unanswered += 1;
        self.next = now + self.every;
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pings_without_an_answer_are_death_and_any_frame_is_life() {
        let start = Instant::now();
        let every = Duration::from_secs(15);
        let mut heartbeat = Heartbeat::new(start, every, 2);
        assert_eq!(heartbeat.poll(start), Beat::Wait(start + every));
        assert_eq!(heartbeat.poll(start + every), Beat::Ping);
        assert_eq!(heartbeat.poll(start + every * 2), Beat::Ping);
        heartbeat.heard();
        assert_eq!(heartbeat.poll(start + every * 3), Beat::Ping);
        assert_eq!(heartbeat.poll(start + every * 4), Beat::Ping);
        assert_eq!(heartbeat.poll(start + every * 5), Beat::Dead);
    }
}
