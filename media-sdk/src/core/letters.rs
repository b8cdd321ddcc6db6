//! Signals on their way out: tried again, with growing pauses, until the host reports them sent.

use std::time::{Duration, Instant};

use lens_protocol::entropy::Entropy;

use super::backoff::back_off;
use super::{SignalReport, earlier};
use crate::network::{OutboundBody, OutboundSignal, SignalId};

/// Signals on their way.
#[derive(Debug)]
pub(super) struct Letters {
    limit: Duration,
    next: SignalId,
    waiting: Vec<Letter>,
}

#[derive(Debug)]
struct Letter {
    signal: OutboundSignal,
    /// When to hand it to the host, or, when the host has it, when to take it for lost.
    at: Instant,
    handed: bool,
}

/// What a report leads to.
#[derive(Debug)]
pub(super) enum Settled {
    /// It is under way again, or was nobody's.
    Nothing,
    /// The server has it.
    Sent(OutboundBody),
    /// It will not be carried.
    Refused(OutboundBody, SignalReport),
}

impl Letters {
    /// Signals without a report count as failed after `limit`.
    pub(super) const fn new(limit: Duration) -> Self {
        Self {
            limit,
            next: 1,
            waiting: Vec::new(),
        }
    }

    /// Puts a signal on its way, at `at`.
    pub(super) fn post(&mut self, at: Instant, body: OutboundBody) -> SignalId {
        let id = self.next;
        self.next += 1;
        let signal = OutboundSignal {
            id,
            attempt: 0,
            body,
        };
        let handed = false;
        self.waiting.push(Letter { signal, at, handed });
        id
    }

    /// Forgets the signals that `is_stale`.
    pub(super) fn withdraw(&mut self, is_stale: impl Fn(&OutboundBody) -> bool) {
        self.waiting.retain(|letter| !is_stale(&letter.signal.body));
    }

    /// Whether a signal of this sort is under way.
    pub(super) fn any(&self, is_wanted: impl Fn(&OutboundBody) -> bool) -> bool {
        self.waiting
            .iter()
            .any(|letter| is_wanted(&letter.signal.body))
    }

    /// The next signal to hand to the host.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        entropy: &mut dyn Entropy,
    ) -> Option<OutboundSignal> {
        self.expire(now, entropy);
        let due = |letter: &&mut Letter| !letter.handed && letter.at <= now;
        let letter = self.waiting.iter_mut().find(due)?;
        letter.handed = true;
        letter.at = now + self.limit;
        letter.signal.attempt += 1;
        Some(letter.signal.clone())
    }

    /// What the host says of a signal; one of a signal that is settled already changes nothing.
    pub(super) fn report(
        &mut self,
        now: Instant,
        id: SignalId,
        report: SignalReport,
        entropy: &mut dyn Entropy,
    ) -> Settled {
        let Some(index) = self
            .waiting
            .iter()
            .position(|letter| letter.signal.id == id)
        else {
            return Settled::Nothing;
        };
        let again = match report {
            SignalReport::Sent => false,
            SignalReport::Failed { retryable } => retryable,
            SignalReport::Refused(code) => code.retryable(),
        };
        if !again {
            let body = self.waiting.remove(index).signal.body;
            return match report {
                SignalReport::Sent => Settled::Sent(body),
                refused => Settled::Refused(body, refused),
            };
        }
        if let Some(letter) = self.waiting.get_mut(index).filter(|letter| letter.handed) {
            letter.retry(now, entropy);
        }
        Settled::Nothing
    }

    /// When it wants to be polled.
    pub(super) fn due(&self) -> Option<Instant> {
        let times = self.waiting.iter().map(|letter| Some(letter.at));
        times.fold(None, earlier)
    }

    fn expire(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        let lost = |letter: &&mut Letter| letter.handed && letter.at <= now;
        for letter in self.waiting.iter_mut().filter(lost) {
            letter.retry(now, entropy);
        }
    }
}

impl Letter {
    fn retry(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        self.handed = false;
        self.at = now + back_off(self.signal.attempt, entropy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lens_protocol::ErrorCode;

    struct Still;

    impl Entropy for Still {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn bye() -> OutboundBody {
        OutboundBody::Bye { reason: None }
    }

    #[test]
    fn a_signal_is_tried_again_until_it_is_reported_sent() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut letters = Letters::new(Duration::from_secs(10));
        let id = letters.post(start, bye());
        let attempt = |letters: &mut Letters, ms| {
            letters
                .poll(at(ms), &mut Still)
                .map(|signal| signal.attempt)
        };
        assert_eq!(attempt(&mut letters, 0), Some(1));
        assert_eq!(attempt(&mut letters, 5_000), None, "it is the host's turn");
        let failed = SignalReport::Failed { retryable: true };
        letters.report(at(5_000), id, failed, &mut Still);
        assert_eq!(attempt(&mut letters, 5_299), None);
        assert_eq!(attempt(&mut letters, 5_300), Some(2));
        // No report at all: lost after ten seconds, and handed over again after its pause.
        assert_eq!(attempt(&mut letters, 15_300), None);
        assert_eq!(attempt(&mut letters, 16_000), Some(3));
        let settled = letters.report(at(16_001), id, SignalReport::Sent, &mut Still);
        assert!(matches!(settled, Settled::Sent(_)));
        assert_eq!(letters.due(), None);
        let late = letters.report(at(17_000), id, failed, &mut Still);
        assert!(
            matches!(late, Settled::Nothing),
            "a late report changes nothing"
        );
    }

    #[test]
    fn what_cannot_be_carried_at_all_is_given_back() {
        let now = Instant::now();
        let mut letters = Letters::new(Duration::from_secs(10));
        for report in [
            SignalReport::Failed { retryable: false },
            SignalReport::Refused(ErrorCode::ConferenceEnded),
        ] {
            let id = letters.post(now, bye());
            letters.poll(now, &mut Still);
            let settled = letters.report(now, id, report, &mut Still);
            assert!(matches!(settled, Settled::Refused(_, told) if told == report));
        }
        let id = letters.post(now, bye());
        letters.poll(now, &mut Still);
        let busy = SignalReport::Refused(ErrorCode::Unavailable);
        assert!(matches!(
            letters.report(now, id, busy, &mut Still),
            Settled::Nothing
        ));
        assert!(letters.due().is_some(), "a busy server is asked again");
    }
}
