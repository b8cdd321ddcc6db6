//! Numbers that stand for the library's enums on the way between Rust and Java.
//!
//! They are the ordinals of Java's enums, in the order written there; `drift.rs` holds both
//! together by name. States and codes have the integers of the C face.

use jni::Env;
use jni::objects::JString;
use lens_media_sdk::{
    AnnotationShape, Codec, CommandOutcome, Facing, MediaKind, OfferReason, OutboundBody, Role,
    Rotation, State, Transport,
};
use lens_protocol::ErrorCode;
use lens_protocol::id::ParticipantId;

use crate::failure::Failure;

/// A type that crosses the border as a number.
pub(crate) trait Ordinal: Copy + PartialEq + 'static {
    /// In the order of Java's enum.
    const ALL: &'static [Self];

    /// The number.
    fn ordinal(self) -> i32 {
        let place = Self::ALL.iter().position(|one| *one == self);
        // A variant that is younger than this face: Java's lookup answers with null.
        place.map_or(-1, |place| i32::try_from(place).unwrap_or(-1))
    }

    /// The type of a number.
    fn from_ordinal(ordinal: i32) -> Result<Self, Failure> {
        let place = usize::try_from(ordinal).ok();
        let found = place.and_then(|place| Self::ALL.get(place)).copied();
        found.ok_or(Failure::Argument("a value is none of its enum"))
    }
}

macro_rules! ordinals {
    ($($kind:ty: $($one:expr),+;)+) => {
        $(impl Ordinal for $kind { const ALL: &'static [Self] = &[$($one),+]; })+
    };
}

ordinals! {
    Role: Role::Camera, Role::Viewer;
    MediaKind: MediaKind::Video, MediaKind::Audio;
    Codec: Codec::Vp8, Codec::H264, Codec::Opus;
    Facing: Facing::Front, Facing::Back;
    OfferReason: OfferReason::Reload, OfferReason::Restart, OfferReason::Network,
        OfferReason::Failed;
    CommandOutcome: CommandOutcome::Done, CommandOutcome::Refused, CommandOutcome::Unsupported,
        CommandOutcome::Failed;
    AnnotationShape: AnnotationShape::Stroke, AnnotationShape::Arrow, AnnotationShape::Ellipse,
        AnnotationShape::Rectangle, AnnotationShape::Point, AnnotationShape::Text;
    Transport: Transport::Udp, Transport::Tcp;
}

/// The place of a signal's kind in Java's `SignalKind`.
pub(crate) const fn signal_kind(body: &OutboundBody) -> i32 {
    match body {
        OutboundBody::Answer { .. } => 0,
        OutboundBody::OfferRequest { .. } => 1,
        OutboundBody::CommandReply { .. } => 2,
        OutboundBody::KeyMessage { .. } => 3,
        OutboundBody::Bye { .. } => 4,
        _ => -1,
    }
}

/// State and code in one number: the code above, the state below.
pub(crate) fn packed_state(state: State) -> i64 {
    (i64::from(code_of(state)) << 32) | i64::from(state.c_state())
}

/// The integer of what a state failed of; 0 when it did not.
pub(crate) fn code_of(state: State) -> i32 {
    state.code().map_or(0, lens_media_sdk::Code::c_status)
}

/// A server's code by its integer.
pub(crate) fn error_code(integer: i32) -> Result<ErrorCode, Failure> {
    let mut all = ErrorCode::ALL.iter();
    let found = all.find(|code| code.c_status() == integer);
    found.copied().ok_or(Failure::Argument(
        "only codes of the server can refuse a signal",
    ))
}

/// A rotation by its degrees.
pub(crate) fn rotation(degrees: i32) -> Result<Rotation, Failure> {
    let known = u16::try_from(degrees).ok().and_then(Rotation::from_degrees);
    known.ok_or(Failure::Argument(
        "rotation must be 0, 90, 180 or 270 degrees",
    ))
}

/// A participant's id.
pub(crate) fn participant_id(text: &str) -> Result<ParticipantId, Failure> {
    let id = text.parse();
    id.map_err(|_| Failure::Argument("this is no id of a participant"))
}

/// The text of a Java string.
pub(crate) fn text(env: &Env<'_>, string: &JString<'_>) -> Result<String, Failure> {
    if string.is_null() {
        return Err(Failure::Argument("a text is null"));
    }
    Ok(from_modified_utf8(string.mutf8_chars(env)?.to_bytes()))
}

/// A Java string may hold half a surrogate pair: each is one U+FFFD here. The `jni` crate's own
/// conversion would then read the whole text as UTF-8, and lose its NULs and emoji as well.
fn from_modified_utf8(bytes: &[u8]) -> String {
    let low = |byte: u8| u16::from(byte & 0x3f);
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    // Well-formed, as it is the virtual machine's: what is not becomes a replacement, too.
    loop {
        let (unit, after) = match rest {
            [] => break,
            [one @ ..0x80, after @ ..] => (u16::from(*one), after),
            [one @ 0xc0..0xe0, two, after @ ..] => (u16::from(one & 0x1f) << 6 | low(*two), after),
            [one @ 0xe0..0xf0, two, three, after @ ..] => (
                u16::from(one & 0x0f) << 12 | low(*two) << 6 | low(*three),
                after,
            ),
            [_, after @ ..] => (0xfffd, after),
        };
        units.push(unit);
        rest = after;
    }
    String::from_utf16_lossy(&units)
}

/// The text of a Java string that may be null.
pub(crate) fn optional_text(
    env: &Env<'_>,
    string: &JString<'_>,
) -> Result<Option<String>, Failure> {
    match string.is_null() {
        true => Ok(None),
        false => text(env, string).map(Some),
    }
}

/// A number that Java has as a `long` and that is never negative.
pub(crate) fn unsigned(number: i64) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Argument("a number must not be negative"))
}

/// A number of Rust's as Java's `long`: what is beyond it is its largest.
pub(crate) fn long(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use lens_media_sdk::{Code, SdkCode};

    use super::*;

    #[test]
    fn a_number_outside_an_enum_is_refused() {
        assert_eq!(Codec::from_ordinal(2).ok(), Some(Codec::Opus));
        assert!(Codec::from_ordinal(3).is_err());
        assert!(Codec::from_ordinal(-1).is_err());
        assert!(rotation(45).is_err() && rotation(-90).is_err());
        assert!(error_code(SdkCode::Closed.c_status()).is_err());
    }

    #[test]
    fn half_a_surrogate_pair_costs_itself_alone() {
        let text = b"a\xed\xa0\xbdb \xc0\x80 \xc3\xa9 \xed\xa0\xbd\xed\xb8\x80";
        assert_eq!(from_modified_utf8(text), "a\u{fffd}b \0 \u{e9} \u{1f600}");
        assert_eq!(from_modified_utf8(b"a\xe2\x82"), "a\u{fffd}\u{fffd}");
    }

    #[test]
    fn a_state_and_its_code_fit_in_one_number() {
        let failed = State::Failed(Code::Server(ErrorCode::ConferenceEnded));
        let packed = packed_state(failed);
        assert_eq!(
            packed >> 32,
            i64::from(ErrorCode::ConferenceEnded.c_status())
        );
        assert_eq!(packed & 0xff, 5);
        assert_eq!(packed_state(State::Connected), 2);
    }
}
