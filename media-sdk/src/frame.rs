//! Frames: what an encoder gives and a decoder takes.

use std::fmt;

use lens_protocol::id::ParticipantId;

/// A picture or a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Pictures.
    Video,
    /// Voices.
    Audio,
}

impl MediaKind {
    /// Its name, the same in every face.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a frame is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// RFC 6386; every Lens peer takes it.
    Vp8,
    /// ITU-T H.264 as an Annex B byte stream (start codes), constrained baseline; where the media
    /// server offered it.
    H264,
    /// RFC 6716, at 48 kHz; one packet is one frame.
    Opus,
}

impl Codec {
    /// Its name, the same in every face.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vp8 => "vp8",
            Self::H264 => "h264",
            Self::Opus => "opus",
        }
    }

    /// What it encodes.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Vp8 | Self::H264 => MediaKind::Video,
            Self::Opus => MediaKind::Audio,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a picture has to be turned clockwise to stand upright (3GPP TS 26.114, CVO).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Not at all.
    #[default]
    Upright,
    /// By a quarter.
    Quarter,
    /// By half a turn.
    Half,
    /// By three quarters.
    ThreeQuarters,
}

impl Rotation {
    /// In degrees: 0, 90, 180 or 270.
    pub const fn degrees(self) -> u16 {
        match self {
            Self::Upright => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    /// The rotation of so many degrees; none for other values.
    pub const fn from_degrees(degrees: u16) -> Option<Self> {
        match degrees {
            0 => Some(Self::Upright),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }
}

/// One encoded frame, whole: a picture, or 20 ms of voice.
///
/// Its bytes are borrowed. A call that takes a frame copies them before it returns; a callback
/// that gets one may use them until it returns.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedFrame<'a> {
    /// How it is encoded.
    pub codec: Codec,
    /// The encoded bytes, at most [`EncodedFrame::MOST_BYTES`].
    pub data: &'a [u8],
    /// When it was captured, in microseconds of the sender's own count; rising within a track. The
    /// receiver sees another count, of the same pace.
    pub pts_us: u64,
    /// Whether a decoder can begin with it. Always true for voices.
    pub keyframe: bool,
    /// How the picture has to be turned.
    pub rotation: Rotation,
    /// For received frames: frames are missing before this one.
    pub after_gap: bool,
}

impl<'a> EncodedFrame<'a> {
    /// Longest frame taken, in bytes.
    pub const MOST_BYTES: usize = 2 * 1024 * 1024;

    /// A picture.
    pub const fn video(codec: Codec, data: &'a [u8], pts_us: u64, keyframe: bool) -> Self {
        Self {
            codec,
            data,
            pts_us,
            keyframe,
            rotation: Rotation::Upright,
            after_gap: false,
        }
    }

    /// A piece of voice.
    pub const fn audio(data: &'a [u8], pts_us: u64) -> Self {
        Self::video(Codec::Opus, data, pts_us, true)
    }

    /// The same, to be turned.
    #[must_use]
    pub const fn rotated(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }
}

impl fmt::Debug for EncodedFrame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedFrame")
            .field("codec", &self.codec)
            .field("bytes", &self.data.len())
            .field("pts_us", &self.pts_us)
            .field("keyframe", &self.keyframe)
            .finish_non_exhaustive()
    }
}

/// Where received frames come from: a slot of the participant's layout and who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Track {
    /// The section's `a=mid`, valid for one generation.
    pub mid: String,
    /// What it carries.
    pub kind: MediaKind,
    /// Whose it is; none while no roster has said so.
    pub participant: Option<ParticipantId>,
}

/// What a [`FrameTransform`] is told of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameInfo {
    /// How it is encoded.
    pub codec: Codec,
    /// Whether a decoder can begin with it.
    pub keyframe: bool,
    /// Its time, as in [`EncodedFrame::pts_us`].
    pub pts_us: u64,
}

/// A stage that each frame passes: encryption, measurement, a watermark. The default is none.
///
/// A sender's stage runs on the thread that pushes the frame, before anything else sees it; a
/// receiver's on the callback queue, right before the observer. Each is called one at a time, and
/// sees every frame in order. A panic ends its participant with `host_panicked`, and no other. A
/// sender's stage must not push frames of its own participant, by way of others neither. Once the
/// participant is closed no frame enters it; who waits for it then is told so.
///
/// What the media server reads of a frame has to stay: the first byte of VP8, and the start codes
/// and first bytes of H.264's units.
pub trait FrameTransform: Send + 'static {
    /// Gives the frame that goes on, longer or shorter as it wants. None, or nothing in it, drops
    /// it: at the sender it is counted in `frames_dropped_sending` and a keyframe is asked for, at
    /// the receiver it is not given out.
    fn transform(&mut self, info: FrameInfo, data: Vec<u8>) -> Option<Vec<u8>>;
}
