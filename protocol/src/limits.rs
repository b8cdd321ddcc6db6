//! Caps on everything a stranger can send. One list, so that doors, SDKs and docs agree.

/// Longest SDP taken, in bytes. Chromium's answer to a full slot layout is about 12 KiB.
pub const SDP_BYTES: usize = 64 * 1024;
/// Most `m=` sections in one SDP.
pub const SDP_MEDIA_SECTIONS: usize = 64;
/// Longest JSON request body, in bytes.
pub const JSON_BYTES: usize = 256 * 1024;
/// Longest identifier or external id, in characters.
pub const ID_CHARS: usize = 128;
/// Most ICE candidates in one answer or request.
pub const CANDIDATES: usize = 20;
/// Longest signalling message, in bytes: an answer at its cap plus the envelope.
pub const SIGNAL_BYTES: usize = 96 * 1024;
/// Longest chat line, in characters.
pub const CHAT_CHARS: usize = 2_000;
/// Longest display name, in characters.
pub const NAME_CHARS: usize = 80;
/// Longest reference or note field, in characters.
pub const NOTE_CHARS: usize = 2_000;
/// Longest password, in bytes. Longer ones would only cost hashing time.
pub const PASSWORD_BYTES: usize = 256;
/// Most participants of one conference.
pub const PARTICIPANTS: u8 = 16;
/// Video bitrates that a conference may be limited to, in kilobits per second. Below, no picture
/// is of use; above, one camera would fill a link.
pub const VIDEO_KBPS: std::ops::RangeInclusive<u32> = 100..=20_000;
/// Longest wish of a participant to the streaming server, in bytes ([`crate::wish`]).
pub const WISH_BYTES: usize = 256;
/// Most wishes a second from one participant. A page that follows its window's size tells four.
pub const WISHES_PER_S: u32 = 10;
/// Most lines of a picture that a viewer may wish for: 8K.
pub const PICTURE_LINES: u16 = 4_320;
