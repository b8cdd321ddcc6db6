//! H264, by the suite for pictures.

use lens_media_sdk::Codec;
use lens_media_sdk::codec::{H264Decoder, H264Encoder, VideoDecoder, VideoEncoder};

use crate::picture::FPS;
use crate::video::{Kind, suite};

struct H264;

impl Kind for H264 {
    const CODEC: Codec = Codec::H264;

    fn encoder(bps: u32) -> Box<dyn VideoEncoder> {
        Box::new(H264Encoder::new(bps, FPS).expect("an encoder"))
    }

    fn decoder() -> Box<dyn VideoDecoder> {
        Box::new(H264Decoder::new().expect("a decoder"))
    }

    /// A byte stream (ITU-T H.264 Annex B) that begins with parameters.
    fn is_keyframe(frame: &[u8]) -> bool {
        assert_eq!(frame[..4], [0, 0, 0, 1], "a byte stream");
        frame[4] & 0x1F == 7
    }
}

suite!(H264);
