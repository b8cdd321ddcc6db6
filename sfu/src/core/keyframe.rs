//! Keyframes: seeing where one starts, and asking for one at most every 500 ms.
//!
//! Only RTP payload descriptors and the codec's clear header byte are read, so that payloads
//! encrypted end to end pass.

use std::time::{Duration, Instant};

use super::codec::MediaCodec;

/// Shortest time between two requests to one source. Shorter makes encoders spend the bitrate on
/// keyframes as soon as several viewers lose packets; longer freezes a viewer longer.
pub(crate) const PLI_INTERVAL: Duration = Duration::from_millis(500);

/// Whether `payload` is the first packet of a keyframe.
pub(crate) fn starts_keyframe(codec: MediaCodec, payload: &[u8]) -> bool {
    match codec {
        MediaCodec::Opus => false,
        MediaCodec::Vp8 => vp8(payload).unwrap_or(false),
        MediaCodec::H264(_) => h264(payload).unwrap_or(false),
        MediaCodec::Vp9(_) => vp9(payload).unwrap_or(false),
        MediaCodec::Av1(_) => payload.first().is_some_and(|byte| byte & 0x08 != 0),
    }
}

/// RFC 7741 §4.2, §4.3: start of partition 0, then the P bit of the frame header.
fn vp8(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let starts = first & 0x10 != 0 && first & 0x07 == 0;
    let mut header = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(1)?;
        header += 1;
        if extension & 0x80 != 0 {
            let long = payload.get(header)? & 0x80 != 0;
            header += if long { 2 } else { 1 };
        }
        header += usize::from(extension & 0x40 != 0);
        header += usize::from(extension & 0x30 != 0);
    }
    Some(starts && payload.get(header)? & 0x01 == 0)
}

/// RFC 6184 §5.4: a parameter set or an IDR slice, alone, aggregated or as a first fragment.
fn h264(payload: &[u8]) -> Option<bool> {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    let key = |kind: u8| matches!(kind & 0x1F, IDR | SPS);
    match payload.first()? & 0x1F {
        24 => {
            let mut rest = &payload[1..];
            while let Some((size, body)) = rest.split_at_checked(2) {
                if key(*body.first()?) {
                    return Some(true);
                }
                let size = usize::from(u16::from_be_bytes([size[0], size[1]]));
                rest = body.get(size..)?;
            }
            Some(false)
        }
        28 => {
            let fragment = *payload.get(1)?;
            Some(fragment & 0x80 != 0 && key(fragment))
        }
        kind => Some(key(kind)),
    }
}

/// RFC 9628 §4.2: start of a frame that is not inter-predicted, on the lowest spatial layer.
fn vp9(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    let (picture_id, predicted) = (first & 0x80 != 0, first & 0x40 != 0);
    let (layers, starts) = (first & 0x20 != 0, first & 0x08 != 0);
    let mut header = 1;
    if picture_id {
        let long = payload.get(header)? & 0x80 != 0;
        header += if long { 2 } else { 1 };
    }
    let lowest = !layers || (payload.get(header)? >> 1) & 0x07 == 0;
    Some(starts && !predicted && lowest)
}

/// Requests to one source, however many receivers want them.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    last: Option<Instant>,
    wanted: bool,
}

impl Throttle {
    /// Somebody wants a keyframe.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe has started: everybody who waited has been served.
    pub(crate) fn served(&mut self) {
        self.wanted = false;
    }

    /// Whether to send a request now; if so, it counts as sent.
    pub(crate) fn due(&mut self, now: Instant) -> bool {
        let due = self.wanted && self.last.is_none_or(|last| last + PLI_INTERVAL <= now);
        if due {
            self.last = Some(now);
            self.wanted = false;
        }
        due
    }

    /// When a request that had to wait may be sent.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.last
            .filter(|_| self.wanted)
            .map(|last| last + PLI_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::codec::{H264, H264Profile};

    const H264_MODE_1: MediaCodec = MediaCodec::H264(H264 {
        mode: 1,
        profile: H264Profile::Baseline,
    });

    #[test]
    fn a_vp8_keyframe_is_known_by_descriptor_and_frame_header() {
        assert!(starts_keyframe(MediaCodec::Vp8, &[0x10, 0x00]));
        assert!(starts_keyframe(
            MediaCodec::Vp8,
            &[0x90, 0x80, 0x81, 0x02, 0x00]
        ));
        assert!(starts_keyframe(
            MediaCodec::Vp8,
            &[0x90, 0xE0, 0x01, 0x02, 0x03, 0x00]
        ));
        assert!(
            !starts_keyframe(MediaCodec::Vp8, &[0x10, 0x01]),
            "interframe"
        );
        assert!(
            !starts_keyframe(MediaCodec::Vp8, &[0x00, 0x00]),
            "continuation"
        );
        assert!(
            !starts_keyframe(MediaCodec::Vp8, &[0x11, 0x00]),
            "other partition"
        );
    }

    #[test]
    fn an_h264_keyframe_may_be_single_aggregated_or_fragmented() {
        assert!(starts_keyframe(H264_MODE_1, &[0x65]));
        assert!(starts_keyframe(
            H264_MODE_1,
            &[0x78, 0, 1, 0x67, 0, 1, 0x68]
        ));
        assert!(starts_keyframe(H264_MODE_1, &[0x7C, 0x85]));
        assert!(
            !starts_keyframe(H264_MODE_1, &[0x7C, 0x05]),
            "later fragment"
        );
        assert!(!starts_keyframe(H264_MODE_1, &[0x41]));
    }

    #[test]
    fn vp9_and_av1_say_it_in_their_first_bytes() {
        assert!(starts_keyframe(MediaCodec::Vp9(0), &[0x88, 0x01, 0x00]));
        assert!(!starts_keyframe(MediaCodec::Vp9(0), &[0xC8, 0x01, 0x00]));
        assert!(
            !starts_keyframe(MediaCodec::Vp9(0), &[0xA8, 0x01, 0x02]),
            "upper layer"
        );
        assert!(starts_keyframe(MediaCodec::Av1(0), &[0x08]));
        assert!(!starts_keyframe(MediaCodec::Av1(0), &[0x10]));
    }

    proptest! {
        #[test]
        fn no_payload_breaks_the_readers(payload in prop::collection::vec(any::<u8>(), 0..64)) {
            for codec in [MediaCodec::Vp8, H264_MODE_1, MediaCodec::Vp9(0), MediaCodec::Av1(0)] {
                let _ = starts_keyframe(codec, &payload);
            }
        }
    }

    #[test]
    fn cut_descriptors_are_no_keyframes() {
        for codec in [
            MediaCodec::Vp8,
            H264_MODE_1,
            MediaCodec::Vp9(0),
            MediaCodec::Av1(0),
        ] {
            assert!(!starts_keyframe(codec, &[]));
        }
        assert!(!starts_keyframe(MediaCodec::Vp8, &[0x90, 0x80, 0x81]));
        assert!(!starts_keyframe(H264_MODE_1, &[0x78, 0xFF, 0xFF, 0x41]));
    }

    #[test]
    fn many_wishes_make_one_request_per_interval() {
        let start = Instant::now();
        let mut throttle = Throttle::default();
        let mut sent = 0;
        for ms in 0..2_000 {
            throttle.want();
            sent += usize::from(throttle.due(start + Duration::from_millis(ms)));
        }
        assert_eq!(sent, 4);
        throttle.want();
        throttle.served();
        assert!(!throttle.due(start + Duration::from_secs(9)));
    }
}
