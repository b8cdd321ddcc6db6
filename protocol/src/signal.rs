//! The signalling envelope: how peers and the website talk while a session lives.
//!
//! Two carriers, one envelope: a WebSocket, and server-sent events with `POST` for browsers and
//! proxies without upgrade.
//!
//! ```text
//! page                                        hub
//!   resume {channel, hub?, last_seq, ticket?} ▶   first frame, within 5 s
//!   ◀──────────── welcome {hub, resumed, received}
//!   ◀──────────── missed messages, seq last_seq+1 …   (resumed)
//!   ◀──────────── snapshot {…}                        (not resumed)
//!   answer, chat, presence …  {seq} ─────────▶
//!   ◀──────────── offer, roster, session …  {seq, ack}
//!   ◀──────────── ping ; pong ───────────────▶   every 15 s, dead after two
//! ```
//!
//! `seq` counts from 1 per direction and channel. `ack` is the highest `seq` received from the
//! other side and dealt with there. `welcome`, `ping`, `pong`, `ack` and `resume` are not counted
//! (`seq` 0). A hub keeps the last 256 messages or 60 s; beyond that, or after its restart, it
//! sends a snapshot.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::conference::ParticipantOffer;
use crate::error::ErrorCode;
use crate::id::{
    ConferenceId, Generation, MessageId, NegotiationId, ParticipantId, Seq, SessionId,
};
use crate::media::{Role, SlotKind};
use crate::secret::SecretText;
use crate::session::SessionView;
use crate::time::Timestamp;

/// The envelope version this build speaks.
pub const VERSION: u8 = 1;

/// One message on the wire. `body` carries `kind` and its fields at the same level.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope<Body> {
    /// Envelope version, 1.
    pub v: u8,
    /// Position in its direction; 0 for uncounted kinds.
    #[serde(default)]
    pub seq: Seq,
    /// Highest `seq` received from the other side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Seq>,
    /// The session it belongs to; a console's channel carries many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Kind and fields.
    #[serde(flatten)]
    pub body: Body,
}

/// Server to peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServerSignal {
    /// First answer to `resume`.
    Welcome {
        /// The hub's life; a new one means nothing can be replayed.
        hub: String,
        /// Whether what was missed follows; otherwise a `snapshot` does.
        resumed: bool,
        /// Highest `seq` the hub has from the peer: send again what lies beyond.
        received: Seq,
    },
    /// Everything a page needs to draw itself anew; shape by door (customer or console).
    Snapshot {
        /// A [`crate::session::CustomerView`] for customers, `{}` for consoles (they read the API).
        state: Value,
    },
    /// Answer this with the PeerConnection of this generation.
    Offer(Box<ParticipantOffer>),
    /// Reserved: the SFU's candidates are in the offer.
    Candidate {
        /// Which conference.
        conference: ConferenceId,
        /// A `candidate:` line.
        candidate: String,
    },
    /// Who is in the conference and in which slot.
    Roster(Roster),
    /// The session changed: its new state, as the receiver may see it.
    Session {
        /// The session, for consoles.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        view: Option<Box<SessionView>>,
        /// The customer's page state ([`crate::session::CustomerView`]), for customers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<Box<crate::session::CustomerView>>,
    },
    /// A chat line, also to its own sender: the echo confirms it was kept.
    Chat(ChatLine),
    /// A technician asks the customer's page to do something (torch, zoom …).
    Command {
        /// To be quoted in the reply.
        id: MessageId,
        /// Which command; unknown ones are answered with `unsupported`.
        command: String,
        /// Its arguments.
        #[serde(default)]
        arguments: Value,
    },
    /// Key agreement between peers; the server carries it unread.
    KeyMessage {
        /// From whom.
        from: ParticipantId,
        /// Opaque.
        payload: String,
    },
    /// The server ends this channel for good.
    Bye {
        /// Why.
        reason: ByeReason,
    },
    /// A message of the peer could not be taken.
    Error {
        /// Which one, by its `seq`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_reply_to: Option<Seq>,
        /// The code.
        code: ErrorCode,
        /// What is particular to this case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Answer with `pong` within 15 s.
    Ping,
    /// Nothing but the envelope's `ack`, when no other message was there to carry it.
    Ack,
}

/// Peer to server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PeerSignal {
    /// First frame of every connection.
    Resume {
        /// The page's own random name for this channel (16 to 64 of `A-Z a-z 0-9 - _`), kept over
        /// reconnects, new for each page load. Names the channel within the caller's identity; it
        /// is no credential.
        channel: String,
        /// The hub's life this page last spoke to.
        #[serde(default)]
        hub: Option<String>,
        /// Highest `seq` received.
        #[serde(default)]
        last_seq: Seq,
        /// One-use ticket, for apps and embedded frames that carry no cookie.
        #[serde(default)]
        ticket: Option<SecretText>,
    },
    /// Answers an offer.
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
    /// Asks for a new generation of the sender's own participant: after a reload, a network change
    /// or a broken connection. Answered by `offer`, or `error`.
    OfferRequest {
        /// The generation the peer has now, if any; a newer offer under way is sent instead.
        #[serde(default)]
        generation: Option<Generation>,
        /// `reload`, `network`, `failed` or `restart`.
        reason: String,
    },
    /// Accepted and ignored: the SFU is ICE-lite.
    Candidate {
        /// A `candidate:` line.
        candidate: String,
    },
    /// Accepted and ignored.
    EndOfCandidates {},
    /// A chat line.
    Chat {
        /// The page's own name for it, returned in the echo; at most 64 characters.
        client_id: String,
        /// 1 to 2,000 characters.
        text: String,
    },
    /// What the customer's page does with its camera and microphone.
    Presence(Presence),
    /// Answer to `command`.
    CommandReply {
        /// Which command.
        id: MessageId,
        /// `done`, `refused`, `unsupported` or `failed`.
        outcome: String,
    },
    /// Key agreement between peers.
    KeyMessage {
        /// To whom.
        to: ParticipantId,
        /// Opaque.
        payload: String,
    },
    /// The peer leaves for good.
    Bye {
        /// Why, in the peer's words; at most 200 characters.
        #[serde(default)]
        reason: Option<String>,
    },
    /// Answer to `ping`.
    Pong,
    /// Nothing but the envelope's `ack`, when no other message was there to carry it.
    Ack,
    /// A kind of a newer version: counted and ignored.
    #[serde(other)]
    Unknown,
}

/// Who is in the conference, seen by one participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Which conference.
    pub conference: ConferenceId,
    /// The receiver's own participant.
    pub you: ParticipantId,
    /// Everybody, the receiver included.
    pub participants: Vec<RosterEntry>,
}

/// One line of a roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterEntry {
    /// Who.
    pub participant: ParticipantId,
    /// Their role in the conference.
    pub role: Role,
    /// Their name.
    pub display_name: String,
    /// Where the receiver finds their media: mids of the receiver's own PeerConnection.
    pub slots: Vec<RosterSlot>,
}

/// A section of the receiver's PeerConnection that carries somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterSlot {
    /// The section's `a=mid`.
    pub mid: String,
    /// What it carries.
    pub kind: SlotKind,
}

/// A kept chat line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChatLine {
    /// Its id.
    pub id: MessageId,
    /// The sender's own name for it, in the echo to the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `customer` or `technician`.
    pub from: ChatSide,
    /// The sender's name.
    pub name: String,
    /// When it was kept.
    pub at: Timestamp,
    /// The text.
    pub text: String,
}

/// Which side a chat line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatSide {
    /// The customer.
    Customer,
    /// A technician, leading or watching.
    Technician,
}

/// What the customer's page does with its camera and microphone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Presence {
    /// Where the camera stands.
    pub camera: CameraState,
    /// Whether the customer's voice is cut, or there is none.
    pub muted: bool,
    /// `front` or `back`, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facing: Option<String>,
}

/// Where the customer's camera stands; each but `live` has its sentence on both pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Not on yet, or off.
    #[default]
    Off,
    /// Own preview runs, nothing is sent.
    Preview,
    /// Sending.
    Live,
    /// Paused by the customer.
    Paused,
    /// Paused by a phone call.
    PausedCall,
    /// Paused because the page went to the background or the phone was locked.
    PausedAway,
    /// The browser or system refused it.
    Denied,
    /// There is none.
    Missing,
    /// Another app holds it.
    Busy,
    /// It stopped by itself.
    Lost,
}

/// Why the server ends a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ByeReason {
    /// The same identity opened a newer channel.
    Replaced,
    /// The session is closed.
    Closed,
    /// The technician put this browser out.
    PutOut,
    /// The login ended or the account was disabled.
    SignedOut,
    /// The server shuts down; come back shortly.
    ShuttingDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_a_newer_version_is_unknown_not_an_error() {
        let text = r#"{"v":1,"seq":4,"kind":"telepathy","strength":9}"#;
        let message: Envelope<PeerSignal> = serde_json::from_str(text).expect("still an envelope");
        assert!(matches!(message.body, PeerSignal::Unknown));
        assert_eq!(message.seq, Seq(4));
    }

    #[test]
    fn kind_and_fields_stand_beside_the_envelope() {
        let message = Envelope {
            v: VERSION,
            seq: Seq(2),
            ack: Some(Seq(7)),
            session: None,
            body: ServerSignal::Bye {
                reason: ByeReason::PutOut,
            },
        };
        let json = serde_json::to_value(&message).expect("plain data");
        let expected = serde_json::json!({
            "v": 1, "seq": 2, "ack": 7, "kind": "bye", "reason": "put_out"
        });
        assert_eq!(json, expected);
    }
}
