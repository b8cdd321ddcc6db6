//! Between the media stack's payload parameters and our codecs.

use lens_protocol::media::VideoCodec;
use str0m::format::{Codec, CodecConfig, PayloadParams};

use crate::core::codec::{H264, H264Profile, MediaCodec};

/// H.264 in packetisation mode 1: payload type, RTX, profile and level.
const H264_MODE_1: [(u8, u8, u32); 4] = [
    (108, 109, 0x42_e0_1f),
    (127, 121, 0x42_00_1f),
    (123, 119, 0x4d_00_1f),
    (114, 115, 0x64_00_1f),
];

/// Fills `config` with Opus and the video codecs in order of preference; VP8 is always among them.
pub(super) fn configure(config: &mut CodecConfig, preferred: &[VideoCodec]) {
    config.clear();
    config.enable_opus(true, false);
    let vp8_missing = !preferred.contains(&VideoCodec::Vp8);
    let fallback = vp8_missing.then_some(VideoCodec::Vp8);
    for codec in preferred.iter().copied().chain(fallback) {
        match codec {
            VideoCodec::Vp8 => config.enable_vp8(true),
            VideoCodec::Vp9 => config.enable_vp9(true),
            VideoCodec::Av1 => config.enable_av1(true),
            VideoCodec::H264 => {
                config.enable_h264(false);
                for (pt, rtx, profile_level) in H264_MODE_1 {
                    config.add_h264(pt.into(), Some(rtx.into()), true, profile_level);
                }
            }
        }
    }
}

/// Our name for what `params` describe; `None` for what is never forwarded.
pub(super) fn describe(params: &PayloadParams) -> Option<MediaCodec> {
    let spec = params.spec();
    let format = spec.format;
    match spec.codec {
        Codec::Opus => Some(MediaCodec::Opus),
        Codec::Vp8 => Some(MediaCodec::Vp8),
        Codec::Vp9 => u8::try_from(format.profile_id.unwrap_or(0))
            .ok()
            .map(MediaCodec::Vp9),
        Codec::Av1 => Some(MediaCodec::Av1(format.profile.unwrap_or(0))),
        Codec::H264 => {
            // RFC 6184 §8.1: absent means Baseline, level 1.
            let [_, idc, iop, _] = format.profile_level_id.unwrap_or(0x42_00_0a).to_be_bytes();
            Some(MediaCodec::H264(H264 {
                mode: format.packetization_mode.unwrap_or(0),
                profile: H264Profile::from_bytes(idc, iop),
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(preferred: &[VideoCodec]) -> Vec<MediaCodec> {
        let mut config = CodecConfig::empty();
        configure(&mut config, preferred);
        config.params().iter().filter_map(describe).collect()
    }

    #[test]
    fn preference_is_kept_and_vp8_is_never_missing() {
        let names = names(&[VideoCodec::Av1]);
        let expected = [MediaCodec::Opus, MediaCodec::Av1(0), MediaCodec::Vp8];
        assert_eq!(names, expected);
    }

    #[test]
    fn h264_is_offered_in_packetisation_mode_1_only() {
        let modes = names(&[VideoCodec::H264]);
        let h264 = modes.iter().filter_map(|codec| match codec {
            MediaCodec::H264(h264) => Some(h264.mode),
            _ => None,
        });
        assert_eq!(h264.collect::<Vec<_>>(), [1; 4]);
    }
}
