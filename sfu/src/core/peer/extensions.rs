//! Between the media stack's extension values and ours.

use std::time::{Duration, SystemTime};

use str0m::rtp::{
    AbsCaptureTime, Extension, ExtensionMap as StackMap, ExtensionSerializer, ExtensionValues,
};

use crate::core::rtp::NTP_TO_UNIX;
use crate::core::rtp::descriptor;
use crate::core::rtp::header::{CaptureTime, ExtensionMap, Extensions};

/// The numbers that were agreed on.
pub(super) fn numbers(map: &StackMap) -> ExtensionMap {
    let number = |extension| map.id_of(extension).unwrap_or(0);
    ExtensionMap {
        audio_level: number(Extension::AudioLevel),
        transport_sequence: number(Extension::TransportSequenceNumber),
        mid: number(Extension::RtpMid),
        video_orientation: number(Extension::VideoOrientation),
        abs_capture_time: number(Extension::AbsoluteCaptureTime),
        rid: number(Extension::RtpStreamId),
        repaired_rid: number(Extension::RepairedRtpStreamId),
        descriptor: number(described()),
    }
}

/// The dependency descriptor, which the stack negotiates and only our own path reads and writes.
pub(super) fn described() -> Extension {
    Extension::with_serializer(descriptor::URI, OwnPathOnly)
}

#[derive(Debug)]
struct OwnPathOnly;

impl ExtensionSerializer for OwnPathOnly {
    fn write_to(&self, _: &mut [u8], _: &ExtensionValues) -> usize {
        0
    }

    fn parse_value(&self, _: &[u8], _: &mut ExtensionValues) -> bool {
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }
}

/// What the stack read.
pub(super) fn from_stack(values: &ExtensionValues) -> Extensions {
    let level = values.audio_level.map(i8::unsigned_abs);
    let voice = values.voice_activity.unwrap_or(false);
    Extensions {
        audio_level: level.map(|level| u8::from(voice) << 7 | level & 0x7F),
        video_orientation: values.video_orientation.map(|it| it as u8),
        abs_capture_time: values.abs_capture_time.as_ref().and_then(capture_time),
        transport_sequence: None,
    }
}

/// What the stack is to write.
pub(super) fn to_stack(values: &Extensions) -> ExtensionValues {
    let capture = values.abs_capture_time.as_ref();
    ExtensionValues {
        audio_level: values.audio_level.map(|it| -((it & 0x7F).cast_signed())),
        voice_activity: values.audio_level.map(|it| it & 0x80 != 0),
        video_orientation: values.video_orientation.map(|it| (it & 3).into()),
        abs_capture_time: capture.and_then(stack_capture_time),
        ..ExtensionValues::default()
    }
}

fn capture_time(time: &AbsCaptureTime) -> Option<CaptureTime> {
    let since = time.capture_time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.ok()?;
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    let ntp = (since.as_secs() + NTP_TO_UNIX) << 32 | fraction;
    let mut bytes = ntp.to_be_bytes().to_vec();
    if let Some(offset) = time.clock_offset {
        bytes.extend(offset.to_be_bytes());
    }
    CaptureTime::new(&bytes)
}

fn stack_capture_time(time: &CaptureTime) -> Option<AbsCaptureTime> {
    let (ntp, rest) = time.bytes().split_first_chunk::<8>()?;
    let ntp = u64::from_be_bytes(*ntp);
    let seconds = (ntp >> 32).checked_sub(NTP_TO_UNIX)?;
    let nanos = ((ntp & 0xFFFF_FFFF) * 1_000_000_000) >> 32;
    let since = Duration::new(seconds, nanos as u32);
    Some(AbsCaptureTime {
        capture_time: SystemTime::UNIX_EPOCH.checked_add(since)?,
        clock_offset: rest.first_chunk().copied().map(i64::from_be_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_through_the_stack() {
        let mut time = [0; 16];
        time[..8].copy_from_slice(&(0xE000_0000_8000_0000_u64).to_be_bytes());
        time[15] = 9;
        let values = Extensions {
            audio_level: Some(0xA5),
            video_orientation: Some(3),
            abs_capture_time: CaptureTime::new(&time),
            transport_sequence: None,
        };
        assert_eq!(from_stack(&to_stack(&values)), values);
        let nothing = Extensions::default();
        assert_eq!(from_stack(&to_stack(&nothing)), nothing);
    }
}
