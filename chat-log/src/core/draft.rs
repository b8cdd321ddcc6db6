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

impl Draft {
    /// What happened to accounts, logins or API keys, in the server's own record. `who` acted;
    /// none for somebody who did not prove who they are.
    pub fn of_server(
        at: Timestamp,
        kind: &'static str,
        who: Option<(TechnicianId, &str)>,
        body: Value,
    ) -> Self {
        Self {
            session: kind::SERVER,
            at,
            origin: Origin::Server,
            kind,
            technician: who.map(|(id, _)| id),
            actor: who.map(|(_, name)| name.to_owned()),
            body,
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

/// Gives drafts their id, source, epoch and seq: 1, 2, 3 … without a gap in one epoch.
pub struct Numbering {
    source: String,
    epoch: u64,
    seq: u64,
}

impl Numbering {
    /// Numbers for a new life of the writer `source`, whose `epoch` the store gave out once.
    pub fn new(source: &str, epoch: u64) -> Self {
        Self {
            source: source.to_owned(),
            epoch,
            seq: 0,
        }
    }

    /// The event that `draft` becomes.
    pub fn number(&mut self, draft: Draft, entropy: &mut dyn Entropy) -> SessionEvent {
        self.seq += 1;
        SessionEvent {
            id: EventId::generate(draft.at, entropy),
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
        let mut numbering = Numbering::new("website", 1);
        let event = numbering.number(draft(&line()), &mut SeededEntropy::new(2));
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
        let mut numbering = Numbering::new("website", 7);
        let mut entropy = SeededEntropy::new(2);
        let one = numbering.number(draft(&line()), &mut entropy);
        let two = numbering.number(draft(&line()), &mut entropy);
        assert_eq!((one.epoch, one.seq, two.epoch, two.seq), (7, 1, 7, 2));
        assert_ne!(one.id, two.id);
    }

    #[test]
    fn an_event_that_is_no_chat_line_or_of_another_schema_is_none() {
        let mut numbering = Numbering::new("website", 1);
        let mut event = numbering.number(draft(&line()), &mut SeededEntropy::new(2));
        event.body = serde_json::json!({ "words": "of a later schema" });
        assert_eq!(chat_line(&event), None);
        let mut other = numbering.number(draft(&line()), &mut SeededEntropy::new(3));
        other.kind = kind::CAMERA_OFF.to_owned();
        assert_eq!(chat_line(&other), None);
    }
}
