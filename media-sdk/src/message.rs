//! Chat, commands and annotations: what goes over the data channel.

use lens_protocol::id::ParticipantId;
use lens_protocol::limits;
use lens_protocol::peer::{self, AnnotationShape, PeerBody};
use serde_json::{Map, Value, json};

use crate::error::MediaError;

/// Names a command: ours where we asked, the library's own count where others did.
pub type CommandId = u64;

/// A line of talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Who says so.
    pub from: ParticipantId,
    /// The sender's count.
    pub id: u64,
    /// 1 to 2,000 characters.
    pub text: String,
}

/// Something that a viewer may ask of the camera's host.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// The lamp beside the camera.
    Torch {
        /// On or off.
        on: bool,
    },
    /// A closer look.
    Zoom {
        /// 1 is the whole picture, at most 100.
        factor: f32,
    },
    /// The picture stands still.
    Freeze {
        /// Stands, or moves again.
        on: bool,
    },
    /// A picture in full resolution.
    Snapshot,
    /// Another camera.
    SwitchCamera {
        /// Which; the other one when none is named.
        facing: Option<Facing>,
    },
}

/// Which way a camera looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facing {
    /// At whoever holds the device.
    Front,
    /// Away from them.
    Back,
}

impl Command {
    /// Its name on the wire, the same in every face.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Torch { .. } => peer::command::TORCH,
            Self::Zoom { .. } => peer::command::ZOOM,
            Self::Freeze { .. } => peer::command::FREEZE,
            Self::Snapshot => peer::command::SNAPSHOT,
            Self::SwitchCamera { .. } => peer::command::SWITCH_CAMERA,
        }
    }

    /// Its arguments on the wire.
    pub fn arguments(&self) -> Map<String, Value> {
        let arguments = match self {
            Self::Torch { on } | Self::Freeze { on } => json!({ "on": on }),
            Self::Zoom { factor } => json!({ "factor": factor }),
            Self::Snapshot | Self::SwitchCamera { facing: None } => json!({}),
            Self::SwitchCamera {
                facing: Some(facing),
            } => json!({ "facing": facing.as_str() }),
        };
        arguments.as_object().cloned().unwrap_or_default()
    }

    /// Reads a command of the wire; none when this build does not know it, or not with these
    /// arguments.
    pub fn parse(name: &str, arguments: &Map<String, Value>) -> Option<Self> {
        let on = || arguments.get("on").and_then(Value::as_bool);
        match name {
            peer::command::TORCH => Some(Self::Torch { on: on()? }),
            peer::command::FREEZE => Some(Self::Freeze { on: on()? }),
            peer::command::SNAPSHOT => Some(Self::Snapshot),
            peer::command::ZOOM => {
                let factor = arguments.get("factor").and_then(Value::as_f64)? as f32;
                is_zoom(factor).then_some(Self::Zoom { factor })
            }
            peer::command::SWITCH_CAMERA => {
                let facing = match arguments.get("facing").and_then(Value::as_str) {
                    None => None,
                    Some("front") => Some(Facing::Front),
                    Some("back") => Some(Facing::Back),
                    Some(_) => return None,
                };
                Some(Self::SwitchCamera { facing })
            }
            _ => None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), MediaError> {
        match self {
            Self::Zoom { factor } if !is_zoom(*factor) => Err(MediaError::OutOfRange {
                what: "the zoom factor",
                range: "1 to 100",
            }),
            _ => Ok(()),
        }
    }
}

fn is_zoom(factor: f32) -> bool {
    (1.0..=100.0).contains(&factor)
}

impl Facing {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
        }
    }
}

/// A command that waits for an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CommandRequest {
    /// To be quoted in [`Participant::reply_command`](crate::Participant::reply_command).
    pub id: CommandId,
    /// Who asks; none when it came by signalling.
    pub from: Option<ParticipantId>,
    /// For what.
    pub command: Command,
}

/// Something drawn on the camera's picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// The sender's own name for it; another with the same id replaces it.
    pub id: u64,
    /// What is drawn.
    pub shape: AnnotationShape,
    /// Where: `[x, y]`, each 0 to 1 from the left and upper edge of the picture as the camera sent
    /// it, before rotation. 1 to 512.
    pub points: Vec<[f32; 2]>,
    /// Red, green, blue.
    pub color: Option<[u8; 3]>,
    /// Width of the line, as a part of the picture's width, 0 to 1.
    pub width: Option<f32>,
    /// A label, at most 200 characters.
    pub text: Option<String>,
    /// The frame it was drawn on ([`EncodedFrame::pts_us`](crate::EncodedFrame::pts_us)), in the
    /// count of whoever drew it: ends count apart. It tells drawings on one frozen picture from
    /// those on another, and does not find the frame at another end.
    pub pts_us: Option<u64>,
}

impl Annotation {
    /// A drawing of this shape through these points.
    pub const fn new(id: u64, shape: AnnotationShape, points: Vec<[f32; 2]>) -> Self {
        Self {
            id,
            shape,
            points,
            color: None,
            width: None,
            text: None,
            pts_us: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), MediaError> {
        let wrong = |what, range| Err(MediaError::OutOfRange { what, range });
        if self.points.is_empty() || self.points.len() > peer::ANNOTATION_POINTS {
            return wrong("the number of points", "1 to 512");
        }
        let within = |value: &f32| (0.0..=1.0).contains(value);
        if !self.points.iter().flatten().all(within) || !self.width.iter().all(within) {
            return wrong("coordinates and widths", "0 to 1");
        }
        let label = self.text.as_ref().map_or(0, |text| text.chars().count());
        if label > peer::ANNOTATION_CHARS {
            return wrong("a label", "at most 200 characters");
        }
        Ok(())
    }

    pub(crate) fn to_body(&self) -> PeerBody {
        let color = self
            .color
            .map(|[r, g, b]| format!("#{r:02x}{g:02x}{b:02x}"));
        PeerBody::Annotation {
            id: self.id,
            shape: self.shape,
            points: self.points.clone(),
            color,
            width: self.width,
            text: self.text.clone(),
            pts_us: self.pts_us,
        }
    }

    /// None when the body is no annotation, or outside the limits.
    pub(crate) fn from_body(body: PeerBody) -> Option<Self> {
        let PeerBody::Annotation {
            id,
            shape,
            points,
            color,
            width,
            text,
            pts_us,
        } = body
        else {
            return None;
        };
        let annotation = Self {
            id,
            shape,
            points,
            color: color.as_deref().and_then(parse_color),
            width,
            text,
            pts_us,
        };
        annotation.check().is_ok().then_some(annotation)
    }
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = text.strip_prefix('#').filter(is_hex)?;
    if number.len() != 6 {
        return None;
    }
    let [_, r, g, b] = u32::from_str_radix(number, 16).ok()?.to_be_bytes();
    Some([r, g, b])
}

pub(crate) fn check_chat(text: &str) -> Result<(), MediaError> {
    match (1..=limits::CHAT_CHARS).contains(&text.chars().count()) {
        true => Ok(()),
        false => Err(MediaError::OutOfRange {
            what: "a line of chat",
            range: "1 to 2,000 characters",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written_and_bad_arguments_are_unknown() {
        for command in [
            Command::Torch { on: true },
            Command::Zoom { factor: 2.5 },
            Command::Freeze { on: false },
            Command::Snapshot,
            Command::SwitchCamera { facing: None },
            Command::SwitchCamera {
                facing: Some(Facing::Back),
            },
        ] {
            let read = Command::parse(command.as_str(), &command.arguments());
            assert_eq!(read, Some(command));
        }
        for (name, arguments) in [
            ("torch", json!({})),
            ("zoom", json!({ "factor": 0.5 })),
            ("zoom", json!({ "factor": 1e30 })),
            ("switch_camera", json!({ "facing": "up" })),
            ("dance", json!({})),
        ] {
            let arguments = arguments.as_object().expect("an object");
            assert_eq!(Command::parse(name, arguments), None, "{name}");
        }
    }

    #[test]
    fn an_annotation_stays_within_the_picture() {
        let mut drawing = Annotation::new(1, AnnotationShape::Arrow, vec![[0.0, 1.0], [0.5, 0.5]]);
        drawing.color = Some([255, 0, 16]);
        let read = Annotation::from_body(drawing.to_body());
        assert_eq!(read.as_ref(), Some(&drawing));
        for color in ["#+12345", "#12345", "#1234567", "123456", "#12345g"] {
            assert_eq!(parse_color(color), None, "{color}");
        }
        drawing.points.push([1.01, 0.0]);
        assert!(drawing.check().is_err());
        assert_eq!(Annotation::from_body(drawing.to_body()), None);
        drawing.points = Vec::new();
        assert!(drawing.check().is_err());
    }
}
