//! VP8 by libvpx, the system's own, through `bindings/vpx`.

use super::{I420, VideoDecoder, VideoEncoder};
use crate::error::MediaError;
use crate::frame::{Codec, Rotation};

/// Makes VP8. Pictures that would exceed the bitrate are skipped.
#[derive(Debug)]
pub struct Vp8Encoder {
    encoder: lens_vpx::Encoder,
    memory: Vec<u8>,
}

impl Vp8Encoder {
    /// An encoder for so many bits and pictures a second.
    pub fn new(target_bps: u32, max_fps: u32) -> Self {
        Self {
            encoder: lens_vpx::Encoder::new(target_bps, max_fps),
            memory: Vec::new(),
        }
    }
}

impl VideoEncoder for Vp8Encoder {
    fn codec(&self) -> Codec {
        Codec::Vp8
    }

    fn encode(
        &mut self,
        picture: &I420<'_>,
        keyframe: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, MediaError> {
        picture.check()?;
        // The encoder takes one stride for both chromas only.
        let packed = match picture.strides[1] == picture.strides[2] {
            true => *picture,
            false => picture.packed(&mut self.memory)?,
        };
        let [luma, chroma, _] = packed.strides;
        let sides = [packed.width, packed.height];
        let given = lens_vpx::Picture::new(sides, packed.planes, [luma, chroma]);
        let encoded =
            given.and_then(|given| (self.encoder).encode(&given, picture.pts_us, keyframe, output));
        encoded.map_err(failed)
    }

    fn set_rate(&mut self, target_bps: u32, max_fps: u32) {
        self.encoder.set_rate(target_bps, max_fps);
    }
}

/// Reads VP8. Of a picture with odd sides, which other makes of peers send, the last column or row is
/// not shown: [`I420`] has even ones.
#[derive(Debug, Default)]
pub struct Vp8Decoder {
    decoder: lens_vpx::Decoder,
}

impl Vp8Decoder {
    /// A decoder that waits for a keyframe.
    pub const fn new() -> Self {
        Self {
            decoder: lens_vpx::Decoder::new(),
        }
    }
}

impl VideoDecoder for Vp8Decoder {
    fn codec(&self) -> Codec {
        Codec::Vp8
    }

    fn decode(&mut self, data: &[u8], show: &mut dyn FnMut(&I420<'_>)) -> Result<(), MediaError> {
        let Some(picture) = self.decoder.decode(data).map_err(failed)? else {
            return Ok(());
        };
        let [luma, chroma] = picture.strides();
        let shown = I420 {
            width: picture.width() & !1,
            height: picture.height() & !1,
            planes: picture.planes(),
            strides: [luma, chroma, chroma],
            rotation: Rotation::Upright,
            pts_us: 0,
        };
        shown.check()?;
        show(&shown);
        Ok(())
    }
}

fn failed(error: lens_vpx::Error) -> MediaError {
    match error {
        lens_vpx::Error::OutOfRange { what, range } => MediaError::OutOfRange { what, range },
        other => MediaError::Codec {
            codec: Codec::Vp8,
            reason: other.to_string(),
        },
    }
}
