//! What comes from a peer: each message once, in order, and not too many.

use std::collections::BTreeSet;
use std::time::Instant;

use lens_protocol::id::Seq;

/// What to do with a counted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is the next one.
    New,
    /// It was here before.
    Duplicate,
    /// One before it is missing.
    Gap,
}

/// The peer's direction of a channel.
#[derive(Debug)]
pub(crate) struct Inbox {
    accepted: Seq,
    handled: Seq,
    /// Handled ahead of an earlier one that is still with the host.
    ahead: BTreeSet<Seq>,
    bucket: Bucket,
}

impl Inbox {
    pub(crate) fn new(now: Instant, burst: u32, per_second: u32) -> Self {
        Self {
            accepted: Seq(0),
            handled: Seq(0),
            ahead: BTreeSet::new(),
            bucket: Bucket::full(now, burst, per_second),
        }
    }

    /// A frame of any kind arrives: false when there are too many. A counted message that is not
    /// permitted stays with the peer.
    pub(crate) fn permit(&mut self, now: Instant) -> bool {
        self.bucket.take(now)
    }

    /// A message with this number arrives.
    pub(crate) fn take(&mut self, seq: Seq) -> Taken {
        if seq <= self.accepted {
            return Taken::Duplicate;
        }
        if seq > self.accepted.next() {
            return Taken::Gap;
        }
        self.accepted = seq;
        Taken::New
    }

    /// The host has dealt with an accepted message.
    pub(crate) fn handled(&mut self, seq: Seq) {
        self.ahead.insert(seq);
        while self.ahead.remove(&self.handled.next()) {
            self.handled = self.handled.next();
        }
    }

    /// The highest number here: the peer sends again what lies beyond.
    pub(crate) fn accepted(&self) -> Seq {
        self.accepted
    }

    /// The highest number up to which everything is dealt with: the acknowledgement.
    pub(crate) fn acknowledged(&self) -> Seq {
        self.handled
    }

    /// How many wait for the host.
    pub(crate) fn waiting(&self) -> u64 {
        self.accepted.0 - self.handled.0
    }
}

/// A token bucket; counts in thousandths so that slow rates work.
#[derive(Debug)]
struct Bucket {
    milli: u64,
    full_milli: u64,
    per_second: u64,
    filled: Instant,
}

impl Bucket {
    fn full(now: Instant, burst: u32, per_second: u32) -> Self {
        let full_milli = u64::from(burst.max(1)) * 1_000;
        Self {
            milli: full_milli,
            full_milli,
            per_second: u64::from(per_second),
            filled: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_millis();
        let ms = u64::try_from(passed).unwrap_or(u64::MAX);
        if ms > 0 {
            let gained = ms.saturating_mul(self.per_second);
            self.milli = self.milli.saturating_add(gained).min(self.full_milli);
            self.filled = now;
        }
        let enough = self.milli >= 1_000;
        if enough {
            self.milli -= 1_000;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_number_is_taken_once_and_none_is_skipped() {
        let mut inbox = Inbox::new(Instant::now(), 10, 10);
        assert_eq!(inbox.take(Seq(1)), Taken::New);
        assert_eq!(inbox.take(Seq(1)), Taken::Duplicate);
        assert_eq!(inbox.take(Seq(3)), Taken::Gap);
        assert_eq!(inbox.take(Seq(2)), Taken::New);
        assert_eq!(inbox.accepted(), Seq(2));
    }

    #[test]
    fn a_flood_is_stopped_until_there_is_room_again() {
        let now = Instant::now();
        let mut inbox = Inbox::new(now, 2, 10);
        assert!(inbox.permit(now) && inbox.permit(now));
        assert!(!inbox.permit(now));
        assert!(inbox.permit(now + Duration::from_millis(100)));
    }

    #[test]
    fn the_acknowledgement_waits_for_the_oldest_that_is_not_dealt_with() {
        let mut inbox = Inbox::new(Instant::now(), 10, 10);
        for number in 1..=3 {
            inbox.take(Seq(number));
        }
        inbox.handled(Seq(2));
        assert_eq!(inbox.acknowledged(), Seq(0));
        inbox.handled(Seq(1));
        assert_eq!((inbox.acknowledged(), inbox.waiting()), (Seq(2), 1));
    }
}
