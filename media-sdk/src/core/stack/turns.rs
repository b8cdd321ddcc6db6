//! When the stack has a turn: its pacer's, its estimator's, and none where nothing is filmed.

use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::{PacerReason, Reason};

use super::{Broken, Stack};

/// What the way is believed to carry before anything is known, in bits per second.
pub(crate) const FIRST_GUESS_BPS: u64 = 800_000;
/// What the stack's pacer has to see pass between two packets. More would be time that a picture's
/// last packets seem to have waited.
const PACER_STEP: Duration = Duration::from_micros(1);
/// How long the estimator waits for its next turn where nothing else happens. The stack says 25 ms,
/// which at 30 pictures a second is one wake-up between any two of them for the estimator alone. Not
/// above the 40 ms after which the pacer has a turn: what waits there would leave too slowly.
const ESTIMATOR_TURN: Duration = Duration::from_millis(40);
/// The same where it rests. Longer, and a turn of somebody else's that is hidden behind it comes too late.
const RESTING_TURN: Duration = Duration::from_millis(200);
/// How long no picture may come before the way is let be. Shorter, and a camera of few pictures a second
/// begins anew between them.
const QUIET: Duration = Duration::from_secs(2);

/// What the stack's estimator of the way up was told.
pub(super) struct Estimator {
    /// What it says the way carries.
    estimate: Bitrate,
    /// What is wanted at most.
    wanted: Bitrate,
    /// When the last picture was written.
    pictured: Instant,
    /// It looks at nothing until the next one; when it was told so last.
    rests: Option<Instant>,
}

impl Estimator {
    /// Nothing has been filmed, and nothing is known.
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            estimate: Bitrate::bps(FIRST_GUESS_BPS),
            wanted: Bitrate::ZERO,
            pictured: now,
            rests: None,
        }
    }

    /// It says what the way carries, in bits per second; none while it rests.
    pub(super) fn heard(&mut self, estimate: Bitrate) -> Option<u64> {
        if self.rests.is_some() {
            return None;
        }
        self.estimate = estimate;
        Some(estimate.as_u64())
    }
}

impl Stack {
    /// Says how much is wanted, so that the estimator looks for it.
    pub(crate) fn want(&mut self, bps: u64) {
        self.estimator.wanted = Bitrate::bps(bps);
        self.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(bps));
    }

    /// Lets time pass for the pacer, which gives one packet each time. Polled dry before, the stack would
    /// look through all of itself twice for each packet, only to say when it wants to go on.
    pub(super) fn pace_on(&mut self, sent: &[u8]) -> Result<(), Broken> {
        match self.part.films && is_rtp(sent) {
            true => self.timeout(self.clock + PACER_STEP),
            false => Ok(()),
        }
    }

    /// When to come again: with the next picture, where only the estimator waits. Not where pictures are
    /// received, for its turn is not the only one that would come later.
    pub(super) fn wake_up(&self, at: Instant) -> Instant {
        match self.rtc.last_timeout_reason() {
            Reason::BweDelayControl if self.part.watches => at,
            Reason::BweDelayControl if self.estimator.rests.is_some() => {
                at.max(self.clock + RESTING_TURN)
            }
            Reason::BweDelayControl => at.max(self.clock + ESTIMATOR_TURN),
            _ => at,
        }
    }

    /// Whether the stack's next turn is for padding, and no picture has come for long. It pads while it
    /// has a stream to film in, at 50 kbit/s, 170 packets a second: a phone that only listens would
    /// send and be awake for nothing. Once for each moment: a late report may wake the estimator again.
    pub(super) fn pads_in_vain(&self) -> bool {
        let (now, estimator) = (self.clock, &self.estimator);
        let pads = self.rtc.last_timeout_reason() == Reason::Pacer(PacerReason::Padding);
        let quiet = now.saturating_duration_since(estimator.pictured) >= QUIET;
        pads && quiet && estimator.rests != Some(now)
    }

    /// Has the estimator look at nothing. The stack pads no more than the way carries: it is told that
    /// this is nothing, and that nothing is wanted.
    pub(super) fn let_be(&mut self) {
        self.estimator.rests = Some(self.clock);
        let mut bwe = self.rtc.bwe();
        bwe.set_bitrate(Bitrate::ZERO, Bitrate::ZERO);
        bwe.reset(Bitrate::ZERO);
    }

    /// Has it go on where it was, if it rests.
    pub(super) fn look_again(&mut self, now: Instant) {
        self.estimator.pictured = now;
        if self.estimator.rests.take().is_some() {
            let (wanted, estimate) = (self.estimator.wanted, self.estimator.estimate);
            let mut bwe = self.rtc.bwe();
            bwe.set_bitrate(Bitrate::ZERO, wanted);
            bwe.reset(estimate);
        }
    }
}

/// Whether a datagram is media, and none of RTCP (RFC 5761 §4) or anybody else's (RFC 7983 §7).
fn is_rtp(datagram: &[u8]) -> bool {
    let [first, second, ..] = datagram else {
        return false;
    };
    (128..192).contains(first) && !(64..96).contains(&(second & 0x7F))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_told_from_reports_and_from_what_else_shares_the_path() {
        assert!(is_rtp(&[0x80, 96]) && is_rtp(&[0x90, 0x80 | 111]));
        let (sender_report, feedback) = ([0x80, 200], [0x8F, 205]);
        assert!(!is_rtp(&sender_report) && !is_rtp(&feedback));
        let (stun, dtls) = ([0, 1], [22, 254]);
        assert!(!is_rtp(&stun) && !is_rtp(&dtls) && !is_rtp(&[0x80]) && !is_rtp(&[]));
    }
}
