//! What was sent to a peer and may have to be sent again.
//!
//! One ring, two readings of it: the part not yet written to the present carrier is its *queue*
//! (bounded; overflow ends the carrier), the rest is *history* for a resume (the oldest falls out).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lens_protocol::id::Seq;

use super::frame::Body;

/// The bounds of an [`Outbox`]; see [`crate::HubConfig`] for their meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutboxLimits {
    pub(crate) window_messages: usize,
    pub(crate) window: Duration,
    pub(crate) window_bytes: usize,
    pub(crate) queue_messages: usize,
    pub(crate) queue_bytes: usize,
}

/// More waits for the carrier than may; what was kept is lost to the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

#[derive(Debug)]
struct Kept {
    seq: Seq,
    at: Instant,
    body: Body,
}

/// Sent messages that are not acknowledged, oldest first, numbered without holes.
#[derive(Debug)]
pub(crate) struct Outbox {
    limits: OutboxLimits,
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The newest number given.
    last: Seq,
    /// How many at the end of `kept` the present carrier has not taken; all while there is none.
    unsent: usize,
    unsent_bytes: usize,
    carried: bool,
}

impl Outbox {
    pub(crate) fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            kept: VecDeque::new(),
            bytes: 0,
            last: Seq(0),
            unsent: 0,
            unsent_bytes: 0,
            carried: false,
        }
    }

    /// Numbers and keeps a message.
    pub(crate) fn push(&mut self, now: Instant, body: Body) -> Result<(), Overflow> {
        self.last = self.last.next();
        let size = body.len();
        let full = self.unsent >= self.limits.queue_messages
            || self.unsent_bytes + size > self.limits.queue_bytes;
        if self.carried && full {
            // The number just given is missing for good, so that no resume can skip over it.
            self.forget();
            return Err(Overflow);
        }
        self.kept.push_back(Kept {
            seq: self.last,
            at: now,
            body,
        });
        self.bytes += size;
        self.unsent += 1;
        self.unsent_bytes += size;
        self.trim(now);
        Ok(())
    }

    /// The next message for the present carrier.
    pub(crate) fn next_unsent(&mut self) -> Option<(Seq, Body)> {
        let kept = self.kept.get(self.kept.len().checked_sub(self.unsent)?)?;
        self.unsent -= 1;
        self.unsent_bytes -= kept.body.len();
        Some((kept.seq, kept.body.clone()))
    }

    /// The peer has dealt with everything up to `seq`.
    pub(crate) fn acknowledge(&mut self, seq: Seq) {
        // A number never sent is no acknowledgement of ours.
        if seq > self.last {
            return;
        }
        while self.kept.len() > self.unsent && self.kept.front().is_some_and(|k| k.seq <= seq) {
            self.drop_oldest();
        }
    }

    /// A new carrier whose peer has everything up to `last_seq`: true when all that came after is
    /// still here, and will be sent.
    pub(crate) fn resume(&mut self, now: Instant, last_seq: Seq) -> bool {
        self.release();
        self.trim(now);
        let first = self.kept.front().map_or(self.last.next(), |kept| kept.seq);
        if last_seq > self.last || last_seq.next() < first {
            return false;
        }
        while self.kept.front().is_some_and(|kept| kept.seq <= last_seq) {
            self.drop_oldest();
        }
        self.carried = true;
        true
    }

    /// A new carrier whose peer starts from a snapshot.
    pub(crate) fn start_over(&mut self) {
        self.forget();
        self.carried = true;
    }

    /// The carrier is gone: what is kept is history.
    pub(crate) fn release(&mut self) {
        self.carried = false;
        self.unsent = self.kept.len();
        self.unsent_bytes = self.bytes;
    }

    /// Lets the oldest fall out of the window; never what the present carrier still has to take.
    fn trim(&mut self, now: Instant) {
        while let Some(oldest) = self.kept.front() {
            let old = now.saturating_duration_since(oldest.at) > self.limits.window;
            let beyond = self.kept.len() > self.limits.window_messages
                || self.bytes > self.limits.window_bytes;
            if !(old || beyond) || (self.carried && self.kept.len() == self.unsent) {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(kept) = self.kept.pop_front() else {
            return;
        };
        self.bytes -= kept.body.len();
        if self.unsent > self.kept.len() {
            self.unsent = self.kept.len();
            self.unsent_bytes = self.bytes;
        }
    }

    fn forget(&mut self) {
        self.kept.clear();
        (self.bytes, self.unsent, self.unsent_bytes) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OutboxLimits = OutboxLimits {
        window_messages: 4,
        window: Duration::from_secs(60),
        window_bytes: 1_000,
        queue_messages: 6,
        queue_bytes: 2_000,
    };

    fn filled(now: Instant, messages: usize) -> Outbox {
        let mut outbox = Outbox::new(LIMITS);
        for number in 1..=messages {
            outbox
                .push(now, Body::from(format!("message {number}")))
                .expect("no carrier");
        }
        outbox
    }

    fn unsent(outbox: &mut Outbox) -> Vec<u64> {
        std::iter::from_fn(|| outbox.next_unsent().map(|(seq, _)| seq.0)).collect()
    }

    #[test]
    fn a_resume_inside_the_window_sends_exactly_what_was_missed() {
        let now = Instant::now();
        let mut outbox = filled(now, 4);
        assert!(outbox.resume(now, Seq(2)));
        assert_eq!(unsent(&mut outbox), [3, 4]);
        assert!(outbox.resume(now, Seq(4)), "nothing was missed");
        assert!(unsent(&mut outbox).is_empty());
    }

    #[test]
    fn beyond_the_window_by_count_age_or_size_there_is_no_resume() {
        let now = Instant::now();
        assert!(!filled(now, 6).resume(now, Seq(1)), "1 to 2 fell out");
        assert!(filled(now, 6).resume(now, Seq(2)), "3 is the oldest kept");
        assert!(
            !filled(now, 2).resume(now + Duration::from_secs(61), Seq(0)),
            "too old"
        );
        let mut outbox = filled(now, 1);
        outbox
            .push(now, Body::from("x".repeat(1_000)))
            .expect("no carrier");
        assert!(!outbox.resume(now, Seq(0)), "too many bytes");
    }

    #[test]
    fn a_number_from_the_future_is_not_resumed() {
        let now = Instant::now();
        assert!(!filled(now, 3).resume(now, Seq(4)));
    }

    #[test]
    fn what_a_carrier_has_not_taken_is_never_trimmed_but_bounded() {
        let now = Instant::now();
        let mut outbox = filled(now, 0);
        assert!(outbox.resume(now, Seq(0)));
        for number in 1..=6 {
            assert!(outbox.push(now, Body::from(format!("{number}"))).is_ok());
        }
        assert_eq!(outbox.push(now, Body::from("7")), Err(Overflow));
        assert!(
            !outbox.resume(now, Seq(6)),
            "7 is lost: only a snapshot helps"
        );
    }

    #[test]
    fn history_that_was_sent_but_not_acknowledged_keeps_its_bound() {
        let now = Instant::now();
        let mut outbox = filled(now, 0);
        assert!(outbox.resume(now, Seq(0)));
        for _ in 0..100 {
            outbox
                .push(now, Body::from("x"))
                .expect("always taken at once");
            outbox.next_unsent().expect("just pushed");
        }
        assert_eq!(outbox.kept.len(), 4);
        outbox.acknowledge(Seq(98));
        assert_eq!(outbox.kept.len(), 2);
        outbox.acknowledge(Seq(1_000));
        assert_eq!(outbox.kept.len(), 2, "never sent, never acknowledged");
    }
}
