//! What participants say to each other over the data channel.
//!
//! The streaming server opens one reliable, ordered channel (`lens`) with each participant and
//! relays each message, unread, to all the others of the conference. Messages are JSON texts:
//!
//! ```text
//! viewer                                         camera's host
//!   {v:1, kind:"command", from, id, command:"torch", arguments:{on:true}} ─▶ may refuse
//!   ◀── {v:1, kind:"command_reply", from, to, id, outcome:"refused"}
//!   {v:1, kind:"annotation", from, shape, points:[[0.5,0.5],…], …} ─▶ draws it on the picture
//! either
//!   {v:1, kind:"chat", from, id, text} ─▶ all others
//! either, when its channel opens
//!   {v:1, kind:"hello", from} ─▶ all who hear already
//!   ◀── {v:1, kind:"hello", from, to}
//! ```
//!
//! What is said before another's channel is open never reaches them: a `hello` that came says that
//! its sender hears from now on. It has passed the server, which opens a channel before it relays.
//!
//! `from` is what the sender says of itself: the server does not check it, and members of one
//! conference can forge each other. `id` is the sender's own count. Unknown kinds are ignored and
//! counted; unknown fields are ignored. A message has at most [`MESSAGE_BYTES`] bytes, and a
//! participant may send 200 a second.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::ParticipantId;

/// The version this build speaks.
pub const VERSION: u8 = 1;
/// Longest message the streaming server relays, in bytes.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Most points of one annotation.
pub const ANNOTATION_POINTS: usize = 512;
/// Longest label of an annotation, in characters.
pub const ANNOTATION_CHARS: usize = 200;

/// A message with its sender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerMessage {
    /// Version, 1.
    pub v: u8,
    /// Who says so.
    pub from: ParticipantId,
    /// Kind and fields.
    #[serde(flatten)]
    pub body: PeerBody,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeerBody {
    /// A line of talk. Kept by nobody: what has to be on record goes through signalling.
    Chat {
        /// The sender's count.
        id: u64,
        /// 1 to 2,000 characters.
        text: String,
    },
    /// Asks the camera's host for something; it may refuse.
    Command {
        /// The sender's count, quoted in the reply.
        id: u64,
        /// One of [`command`]; an unknown one is answered with `unsupported`.
        command: String,
        /// Its arguments.
        #[serde(default)]
        arguments: Map<String, Value>,
    },
    /// Answers a command.
    CommandReply {
        /// Who asked.
        to: ParticipantId,
        /// The command's `id`.
        id: u64,
        /// What became of it.
        outcome: CommandOutcome,
    },
    /// Something drawn on the camera's picture.
    Annotation {
        /// The sender's count; a further message with the same `id` replaces the drawing.
        id: u64,
        /// What is drawn.
        shape: AnnotationShape,
        /// Where: `[x, y]`, each 0 to 1 from the left and upper edge of the picture as the camera
        /// sent it, before rotation. At most 512.
        points: Vec<[f32; 2]>,
        /// `#rrggbb`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        color: Option<String>,
        /// Width of the line, as a part of the picture's width (0 to 1).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<f32>,
        /// A label; at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// The frame it was drawn on, as `pts_us` of that frame where it was drawn: a count of the
        /// sender's own, which nobody else can map to a frame. It tells drawings on one frozen
        /// picture from those on another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pts_us: Option<u64>,
    },
    /// Takes drawings of the sender away.
    AnnotationClear {
        /// One drawing; all of them when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
    },
    /// The sender's channel is open: what is said from now on reaches them.
    Hello {
        /// Whose `hello` this answers; none when it is said because a channel has opened, and every
        /// other participant answers it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<ParticipantId>,
    },
    /// A kind of a newer version: counted and ignored.
    #[serde(other)]
    Unknown,
}

/// Names of commands and their arguments.
pub mod command {
    /// `{on: bool}`: the lamp beside the camera.
    pub const TORCH: &str = "torch";
    /// `{factor: number}`: 1 is the whole picture; at most 100.
    pub const ZOOM: &str = "zoom";
    /// `{on: bool}`: the picture stands still.
    pub const FREEZE: &str = "freeze";
    /// `{}`: a picture in full resolution.
    pub const SNAPSHOT: &str = "snapshot";
    /// `{facing?: "front" | "back"}`: the other camera, or that one.
    pub const SWITCH_CAMERA: &str = "switch_camera";
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandOutcome {
    /// It was done.
    Done,
    /// The customer, or their host program, does not want it.
    Refused,
    /// This device or program cannot do it.
    Unsupported,
    /// It was tried and went wrong.
    Failed,
}

impl CommandOutcome {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unsupported => "unsupported",
            Self::Failed => "failed",
        }
    }
}

/// What an annotation draws between its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationShape {
    /// A line through all points, as a hand drew it.
    Stroke,
    /// From the first point to the last, which it points at.
    Arrow,
    /// Around the box between the first and the last point.
    Ellipse,
    /// The box between the first and the last point.
    Rectangle,
    /// A mark at the first point.
    Point,
    /// The label at the first point.
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from() -> ParticipantId {
        ParticipantId::from_bytes([7; 16])
    }

    #[test]
    fn a_kind_of_a_newer_version_is_unknown_not_an_error() {
        let text = format!(
            r#"{{"v":1,"from":"{}","kind":"telepathy","strength":9}}"#,
            from()
        );
        let message: PeerMessage = serde_json::from_str(&text).expect("still a message");
        assert_eq!(message.body, PeerBody::Unknown);
    }

    #[test]
    fn kind_and_fields_stand_beside_the_sender() {
        let message = PeerMessage {
            v: VERSION,
            from: from(),
            body: PeerBody::CommandReply {
                to: from(),
                id: 4,
                outcome: CommandOutcome::Refused,
            },
        };
        let json = serde_json::to_value(&message).expect("plain data");
        let expected = serde_json::json!({
            "v": 1, "from": from(), "kind": "command_reply", "to": from(), "id": 4,
            "outcome": "refused",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn the_words_of_outcomes_are_those_in_json() {
        use CommandOutcome::{Done, Failed, Refused, Unsupported};
        for outcome in [Done, Refused, Unsupported, Failed] {
            assert_eq!(serde_json::json!(outcome), outcome.as_str());
        }
    }
}
