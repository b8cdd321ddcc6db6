//! What happened to one connection, step by step, and what it carries.

use lens_protocol::Timestamp;
use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, ConnectionStats, Timeline, TimelineEntry, TimelineStep};

/// The steps of one connection, each at most once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<TimelineEntry>,
    cause: Option<CauseCode>,
}

impl Journal {
    /// Notes a step the first time it is reached. True when it is the first time.
    pub(crate) fn note(&mut self, step: TimelineStep, at: Timestamp) -> bool {
        if self.reached(step) {
            return false;
        }
        self.entries.push(TimelineEntry { at, step });
        true
    }

    /// Notes the end and its cause.
    pub(crate) fn end(&mut self, cause: Option<CauseCode>, at: Timestamp) {
        if self.note(TimelineStep::Ended, at) {
            self.cause = cause;
        }
    }

    /// Whether a step was reached.
    pub(crate) fn reached(&self, step: TimelineStep) -> bool {
        self.entries.iter().any(|entry| entry.step == step)
    }

    /// Why it ended, when it did.
    #[cfg(test)]
    pub(crate) fn cause(&self) -> Option<CauseCode> {
        self.cause
    }

    /// The journal as others are told.
    pub(crate) fn describe(
        &self,
        participant: ParticipantId,
        generation: Generation,
        stats: ConnectionStats,
    ) -> Timeline {
        Timeline {
            participant,
            generation,
            node: None,
            steps: self.entries.clone(),
            cause: self.cause,
            stats,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_noted_once_and_the_first_cause_stays() {
        let mut journal = Journal::default();
        let at = Timestamp::from_unix_ms;
        assert!(journal.note(TimelineStep::FirstCheck, at(1)));
        assert!(!journal.note(TimelineStep::FirstCheck, at(2)));
        journal.end(Some(CauseCode::Silent), at(3));
        journal.end(Some(CauseCode::PeerClosed), at(4));
        assert_eq!(journal.cause(), Some(CauseCode::Silent));
        assert_eq!(journal.entries.len(), 2);
    }
}
