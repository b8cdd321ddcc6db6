//! Signalling, turned around: the library says what has to be carried, the host carries it.

use lens_protocol::conference::ParticipantOffer;
use lens_protocol::id::{ConferenceId, Generation, MessageId, NegotiationId, ParticipantId};
use lens_protocol::peer::CommandOutcome;
use lens_protocol::signal::{PeerSignal, Roster};
use serde_json::{Map, Value};

use crate::error::MediaError;

/// Carries a participant's signals to the website; implemented by the host program.
///
/// `send` runs on the participant's callback queue, one at a time; it should hand the signal over
/// and return. When it knows what became of the signal, the host calls
/// [`Participant::signal_sent`](crate::Participant::signal_sent) or
/// [`signal_failed`](crate::Participant::signal_failed) with its id, from any thread, also from
/// within `send`. Trying again, with growing pauses, is the library's work; a signal that nothing
/// is reported of within the limit (10 s by default) counts as failed. So the same signal, with the
/// same id, may have to be carried more than once: the server tells duplicates by their
/// `negotiation_id`.
///
/// What arrives for the participant goes to [`Participant::receive`](crate::Participant::receive),
/// in any order, also twice.
pub trait INetwork: Send + Sync + 'static {
    /// Carries a signal. A panic ends the participant.
    fn send(&self, signal: OutboundSignal);
}

/// Names a signal between the library and its host; counts from 1 in each participant.
pub type SignalId = u64;

/// A signal to be carried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OutboundSignal {
    /// To be quoted in the report. The same in each try.
    pub id: SignalId,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// What it says.
    pub body: OutboundBody,
}

/// What an outbound signal says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OutboundBody {
    /// The answer to an offer.
    Answer {
        /// The offer's conference.
        conference: ConferenceId,
        /// The offer's participant.
        participant: ParticipantId,
        /// The offer's generation.
        generation: Generation,
        /// The offer's negotiation.
        negotiation_id: NegotiationId,
        /// The SDP answer.
        sdp: String,
    },
    /// Asks for a new generation.
    OfferRequest {
        /// The generation there is now, if any.
        generation: Option<Generation>,
        /// Why.
        reason: OfferReason,
    },
    /// Answers a command that came by signalling.
    CommandReply {
        /// Which command.
        id: MessageId,
        /// What became of it.
        outcome: CommandOutcome,
    },
    /// Key agreement between peers, carried unread.
    KeyMessage {
        /// To whom.
        to: ParticipantId,
        /// Opaque text.
        payload: String,
    },
    /// The participant leaves for good.
    Bye {
        /// Why, in the host's words.
        reason: Option<String>,
    },
}

/// Why a new generation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferReason {
    /// The host program was started anew.
    Reload,
    /// A person wants it.
    Restart,
    /// The network changed.
    Network,
    /// The connection broke.
    Failed,
}

impl OfferReason {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Network => "network",
            Self::Failed => "failed",
        }
    }
}

impl OutboundSignal {
    /// The signal's `kind` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self.body {
            OutboundBody::Answer { .. } => "answer",
            OutboundBody::OfferRequest { .. } => "offer_request",
            OutboundBody::CommandReply { .. } => "command_reply",
            OutboundBody::KeyMessage { .. } => "key_message",
            OutboundBody::Bye { .. } => "bye",
        }
    }

    /// The signal as the Lens signalling protocol has it.
    pub fn to_peer_signal(&self) -> PeerSignal {
        match self.body.clone() {
            OutboundBody::Answer {
                conference,
                participant,
                generation,
                negotiation_id,
                sdp,
            } => PeerSignal::Answer {
                conference,
                participant,
                generation,
                negotiation_id,
                sdp,
            },
            OutboundBody::OfferRequest { generation, reason } => PeerSignal::OfferRequest {
                generation,
                reason: reason.as_str().to_owned(),
            },
            OutboundBody::CommandReply { id, outcome } => PeerSignal::CommandReply {
                id,
                outcome: outcome.as_str().to_owned(),
            },
            OutboundBody::KeyMessage { to, payload } => PeerSignal::KeyMessage { to, payload },
            OutboundBody::Bye { reason } => PeerSignal::Bye { reason },
        }
    }

    /// The signal as a JSON object with `kind`: what the other faces of this library carry.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.to_peer_signal()).unwrap_or_default()
    }
}

/// A signal that arrived for the participant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum InboundSignal {
    /// An offer to be answered; also the answer of a join over the HTTP API.
    Offer(Box<ParticipantOffer>),
    /// Who is in the conference, and in which slot.
    Roster(Roster),
    /// A command that came by signalling.
    Command {
        /// To be quoted in the reply.
        id: MessageId,
        /// Which; see [`lens_protocol::peer::command`].
        command: String,
        /// Its arguments.
        arguments: Map<String, Value>,
    },
    /// Key agreement between peers.
    KeyMessage {
        /// From whom.
        from: ParticipantId,
        /// Opaque text.
        payload: String,
    },
    /// The server ends it.
    Bye {
        /// Why: `shutting_down` is survived, everything else ends the participant.
        reason: String,
    },
    /// A kind that says nothing to this build, or nothing to a participant: ignored and counted.
    Unknown {
        /// Its `kind`.
        kind: String,
    },
}

impl InboundSignal {
    /// Reads a signal: a JSON object with `kind`. An object without one is taken for an offer, as
    /// the HTTP API answers a join.
    ///
    /// # Errors
    /// When it is no JSON object, or a known kind lacks one of its fields.
    pub fn from_json(text: &str) -> Result<Self, MediaError> {
        let fields: Map<String, Value> = serde_json::from_str(text)?;
        let kind = match fields.get("kind") {
            Some(kind) => kind.as_str().unwrap_or_default().to_owned(),
            None => "offer".to_owned(),
        };
        let value = Value::Object(fields);
        Ok(match kind.as_str() {
            "offer" => Self::Offer(serde_json::from_value(value)?),
            "roster" => Self::Roster(serde_json::from_value(value)?),
            "command" => {
                let Command {
                    id,
                    command,
                    arguments,
                } = serde_json::from_value(value)?;
                Self::Command {
                    id,
                    command,
                    arguments,
                }
            }
            "key_message" => {
                let KeyMessage { from, payload } = serde_json::from_value(value)?;
                Self::KeyMessage { from, payload }
            }
            "bye" => {
                let Bye { reason } = serde_json::from_value(value)?;
                Self::Bye { reason }
            }
            _ => Self::Unknown { kind },
        })
    }
}

#[derive(serde::Deserialize)]
struct Command {
    id: MessageId,
    command: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(serde::Deserialize)]
struct KeyMessage {
    from: ParticipantId,
    payload: String,
}

#[derive(serde::Deserialize)]
struct Bye {
    #[serde(default)]
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_newer_server_is_unknown_and_a_broken_known_one_is_refused() {
        let unknown = InboundSignal::from_json(r#"{"kind":"telepathy","strength":9}"#);
        assert!(matches!(unknown, Ok(InboundSignal::Unknown { kind }) if kind == "telepathy"));
        assert!(InboundSignal::from_json(r#"{"kind":"offer"}"#).is_err());
        assert!(InboundSignal::from_json("[]").is_err());
        let bye = InboundSignal::from_json(r#"{"kind":"bye","reason":"closed"}"#);
        assert!(matches!(bye, Ok(InboundSignal::Bye { reason }) if reason == "closed"));
    }

    #[test]
    fn an_outbound_signal_has_the_words_of_the_signalling_protocol() {
        let signal = OutboundSignal {
            id: 7,
            attempt: 1,
            body: OutboundBody::OfferRequest {
                generation: Some(Generation(3)),
                reason: OfferReason::Network,
            },
        };
        let json: Value = serde_json::from_str(&signal.to_json()).expect("JSON");
        let expected =
            serde_json::json!({"kind": signal.kind(), "generation": 3, "reason": "network"});
        assert_eq!(json, expected);
    }
}
