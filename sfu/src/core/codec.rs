//! Codecs as the forwarder tells them apart, whatever payload type a peer gave them.

/// RTP clock ticks per second of every video codec.
pub(crate) const VIDEO_CLOCK: u32 = 90_000;
/// Those of Opus (RFC 7587 §4.1).
pub(crate) const VOICE_CLOCK: u32 = 48_000;

/// A codec with the parameters that decide whether a receiver can take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaCodec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 6184.
    H264(H264),
    /// RFC 9628, by profile.
    Vp9(u8),
    /// AOMedia AV1, by profile.
    Av1(u8),
}

/// What must agree between two H.264 peers; the level may differ (RFC 6184 §8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct H264 {
    /// Packetisation mode.
    pub(crate) mode: u8,
    /// Profile.
    pub(crate) profile: H264Profile,
}

/// H.264 profiles, from the richest to the poorest a decoder may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum H264Profile {
    /// A subset of all the others.
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    /// Anything else, by its two bytes.
    Other(u16),
}

impl H264Profile {
    /// From the first two bytes of `profile-level-id` (RFC 6184 table 5).
    pub(crate) fn from_bytes(idc: u8, iop: u8) -> Self {
        let constrained = iop & 0x40 != 0;
        match (idc, iop) {
            (0x42, _) if constrained => Self::ConstrainedBaseline,
            (0x4D, _) if iop & 0x80 != 0 => Self::ConstrainedBaseline,
            (0x42, _) => Self::Baseline,
            (0x4D, _) => Self::Main,
            (0x64, 0x0C) => Self::ConstrainedHigh,
            (0x64, 0x00) => Self::High,
            _ => Self::Other(u16::from_be_bytes([idc, iop])),
        }
    }
}

impl MediaCodec {
    /// How well a receiver that negotiated `self` takes a stream of `stream`: 2 exactly, 1 because
    /// the stream is a subset, `None` not at all.
    pub(crate) fn takes(self, stream: Self) -> Option<u8> {
        if self == stream {
            return Some(2);
        }
        match (self, stream) {
            (Self::H264(own), Self::H264(other)) if own.mode == other.mode => {
                let subset = other.profile == H264Profile::ConstrainedBaseline
                    && !matches!(own.profile, H264Profile::Other(_));
                subset.then_some(1)
            }
            _ => None,
        }
    }

    /// Whether a stream may hold several sizes of its picture, told apart by dependency descriptors.
    pub(crate) fn is_scalable(self) -> bool {
        matches!(self, Self::Vp9(_) | Self::Av1(_))
    }

    /// RTP clock ticks per second.
    pub(crate) fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => VOICE_CLOCK,
            _ => VIDEO_CLOCK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn h264(mode: u8, profile: H264Profile) -> MediaCodec {
        MediaCodec::H264(H264 { mode, profile })
    }

    #[test]
    fn a_constrained_baseline_stream_fits_every_known_profile_of_its_mode() {
        let stream = h264(1, H264Profile::from_bytes(0x42, 0xE0));
        assert_eq!(h264(1, H264Profile::High).takes(stream), Some(1));
        assert_eq!(stream.takes(stream), Some(2));
        assert_eq!(h264(0, H264Profile::High).takes(stream), None);
        assert_eq!(stream.takes(h264(1, H264Profile::High)), None);
    }

    #[test]
    fn codecs_and_profiles_do_not_mix() {
        assert_eq!(MediaCodec::Vp9(0).takes(MediaCodec::Vp9(2)), None);
        assert_eq!(MediaCodec::Vp8.takes(MediaCodec::Av1(0)), None);
        assert_eq!(H264Profile::from_bytes(0x42, 0x00), H264Profile::Baseline);
        assert_eq!(H264Profile::from_bytes(0x64, 0x00), H264Profile::High);
    }
}
