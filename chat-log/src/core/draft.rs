//! Drafts of events, and the numbers that make each unique.

use lens_protocol::Timestamp;
use lens_protocol::entropy::Entropy;
use lens_protocol::event::{Origin, SCHEMA_VERSION, SessionEvent};
use lens_protocol::id::{EventId, SessionId, TechnicianId};
use lens_protocol::signal::ChatLine;
use serde_json::Value;

use crate::kind;

/// Something that happened, not yet numbered.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// In which session.
    pub session: SessionId,
    /// When, on the server's clock.
    pub at: Timestamp,
    /// Where it was observed.
    pub origin: Origin,
    /// One of [`crate::kind`].
    pub kind: &'static str,
    /// The technician who acted, when one did.
    pub technician: Option<TechnicianId>,
    /// The actor's name as shown then.
    pub actor: Option<String>,
    /// What else there is to know.
    pub body: Value,
}

impl Draft {
    /// A kept chat line. The sender's own name for it is not part of the record.
    pub fn chat(session: SessionId, technician: Option<TechnicianId>, line: &ChatLine) -> Self {
        let kept = ChatLine {
            client_id: None,
            ..line.clone()
        };
        let origin = if technician.is_some() {
            Origin::Console
        } else {
            Origin::App
        };
        Self {
            session,
            at: line.at,
            origin,
            kind: kind::CHAT_LINE,
            technician,
            actor: Some(line.name.clone()),
            body: serde_json::to_value(kept).unwrap_or_default(),
        }
    }
}

/// The chat line in an event; none when it is no chat line or one of an unknown schema.
pub fn chat_line(event: &SessionEvent) -> Option<ChatLine> {
    if event.kind != kind::CHAT_LINE {
        return None;
    }
    serde_json::from_value(event.body.clone()).ok()
}

/// Gives drafts their id, source, epoch and seq. One per process life.
pub struct Numbering {
    source: String,
    epoch: u64,
    seq: u64,
    entropy: Box<dyn Entropy>,
}

impl Numbering {
    /// Numbers for a life that began at `born`. Two lives in the same millisecond would clash;
    /// the store tells clashes apart from duplicates, so nothing is lost in silence.
    pub fn new(source: &str, born: Timestamp, entropy: Box<dyn Entropy>) -> Self {
        let epoch = u64::try_from(born.unix_ms()).unwrap_or(0);
        Self {
            source: source.to_owned(),
            epoch,
            seq: 0,
            entropy,
        }
    }

    /// The event that `draft` becomes.
    pub fn number(&mut self, draft: Draft) -> SessionEvent {
        self.seq += 1;
        SessionEvent {
            id: EventId::generate(draft.at, self.entropy.as_mut()),
            session: draft.session,
            source: self.source.clone(),
            epoch: self.epoch,
            seq: self.seq,
            schema_version: SCHEMA_VERSION,
            at: draft.at,
            origin: draft.origin,
            kind: draft.kind.to_owned(),
            technician: draft.technician,
            actor: draft.actor,
            body: draft.body,
        }
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::id::MessageId;
    use lens_protocol::signal::ChatSide;
    use lens_runtime::entropy::SeededEntropy;

    use super::*;

    fn draft(line: &ChatLine) -> Draft {
        let mut entropy = SeededEntropy::new(7);
        Draft::chat(SessionId::generate(line.at, &mut entropy), None, line)
    }

    fn line() -> ChatLine {
        let at = Timestamp::from_unix_ms(1_000);
        ChatLine {
            id: MessageId::generate(at, &mut SeededEntropy::new(1)),
            client_id: Some("page-1".into()),
            from: ChatSide::Customer,
            name: "Margit".into(),
            at,
            text: "Like this?".into(),
        }
    }

    #[test]
    fn a_chat_line_comes_back_without_the_pages_own_name_for_it() {
        let mut numbering = Numbering::new("website", line().at, Box::new(SeededEntropy::new(2)));
        let event = numbering.number(draft(&line()));
        assert_eq!(
            chat_line(&event),
            Some(ChatLine {
                client_id: None,
                ..line()
            })
        );
        assert_eq!(event.origin, Origin::App);
    }

    #[test]
    fn numbers_count_up_and_ids_differ() {
        let mut numbering = Numbering::new("website", line().at, Box::new(SeededEntropy::new(2)));
        let (one, two) = (
            numbering.number(draft(&line())),
            numbering.number(draft(&line())),
        );
        assert_eq!((one.seq, two.seq), (1, 2));
        assert_ne!(one.id, two.id);
    }
}
