//! H264 by OpenH264, whose sources the crate of that name brings: constrained baseline, one slice
//! and one layer, as every peer takes it.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig, Flush};
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, Profile, RateControlMode,
    SpsPpsStrategy, UsageType,
};
use openh264::formats::YUVSource;

use super::{I420, VideoDecoder, VideoEncoder, h264_rate};
use crate::error::MediaError;
use crate::frame::{Codec, Rotation};

/// Least that is asked of the encoder, in bits per second; below, it only skips pictures.
const LEAST_BPS: u32 = 30_000;

/// Makes H264. Pictures that would exceed the bitrate are skipped.
pub struct H264Encoder {
    encoder: Encoder,
    /// Of the picture before.
    size: Option<(u32, u32)>,
    rate: (u32, u32),
    /// The rate has changed since.
    changed: bool,
    memory: Vec<u8>,
}

impl std::fmt::Debug for H264Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("H264Encoder").finish_non_exhaustive()
    }
}

impl H264Encoder {
    /// An encoder for so many bits and pictures a second.
    ///
    /// # Errors
    /// `codec_failed`.
    pub fn new(target_bps: u32, max_fps: u32) -> Result<Self, MediaError> {
        let rate = (target_bps.max(LEAST_BPS), max_fps.max(1));
        Ok(Self {
            encoder: encoder(rate)?,
            size: None,
            rate,
            changed: false,
            memory: Vec::new(),
        })
    }
}

fn encoder((target_bps, max_fps): (u32, u32)) -> Result<Encoder, MediaError> {
    let config = EncoderConfig::new()
        .bitrate(BitRate::from_bps(target_bps))
        .max_frame_rate(FrameRate::from_hz(max_fps as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .complexity(Complexity::Low)
        .sps_pps_strategy(SpsPpsStrategy::ConstantId)
        // Threads of its own would have to be counted, and a phone's picture needs none.
        .num_threads(1);
    Encoder::with_api_config(OpenH264API::from_source(), config).map_err(failed)
}

impl VideoEncoder for H264Encoder {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn encode(
        &mut self,
        picture: &I420<'_>,
        keyframe: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, MediaError> {
        picture.check()?;
        output.clear();
        let size = (picture.width, picture.height);
        if self.size.is_some_and(|former| former != size) {
            // What the encoder does about it by itself keeps the rate it was made with.
            self.encoder = encoder(self.rate)?;
            (self.size, self.changed) = (None, false);
        }
        if std::mem::take(&mut self.changed) && self.size.is_some() {
            h264_rate::set(&mut self.encoder, self.rate)?;
        }
        if keyframe && self.size.is_some() {
            self.encoder.force_intra_frame();
        }
        self.size = Some(size);
        // The encoder takes one stride for both chromas only.
        let packed = match picture.strides[1] == picture.strides[2] {
            true => *picture,
            false => picture.packed(&mut self.memory)?,
        };
        let time = openh264::Timestamp::from_millis(picture.pts_us / 1_000);
        let encoded = self.encoder.encode_at(&Source(packed), time);
        let encoded = encoded.map_err(failed)?;
        let kind = encoded.frame_type();
        encoded.write_vec(output);
        Ok(match kind {
            FrameType::IDR => Some(true),
            _ if output.is_empty() => None,
            _ => Some(false),
        })
    }

    fn set_rate(&mut self, target_bps: u32, max_fps: u32) {
        let rate = (target_bps.max(LEAST_BPS), max_fps.max(1));
        self.changed |= self.rate != rate;
        self.rate = rate;
        if self.size.is_none()
            && self.changed
            && let Ok(encoder) = encoder(rate)
        {
            (self.encoder, self.changed) = (encoder, false);
        }
    }
}

struct Source<'a>(I420<'a>);

impl YUVSource for Source<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width as usize, self.0.height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        self.0.strides.into()
    }

    fn y(&self) -> &[u8] {
        self.0.planes[0]
    }

    fn u(&self) -> &[u8] {
        self.0.planes[1]
    }

    fn v(&self) -> &[u8] {
        self.0.planes[2]
    }
}

/// Reads H264.
pub struct H264Decoder {
    decoder: Decoder,
}

impl std::fmt::Debug for H264Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("H264Decoder").finish_non_exhaustive()
    }
}

impl H264Decoder {
    /// A decoder that waits for a keyframe.
    ///
    /// # Errors
    /// `codec_failed`.
    pub fn new() -> Result<Self, MediaError> {
        // Each frame is a picture of its own: nothing waits inside.
        let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), config);
        Ok(Self {
            decoder: decoder.map_err(failed)?,
        })
    }
}

impl VideoDecoder for H264Decoder {
    fn codec(&self) -> Codec {
        Codec::H264
    }

    fn decode(&mut self, data: &[u8], show: &mut dyn FnMut(&I420<'_>)) -> Result<(), MediaError> {
        let Some(picture) = self.decoder.decode(data).map_err(failed)? else {
            return Ok(());
        };
        let (width, height) = picture.dimensions();
        let side = |side: usize| u32::try_from(side).unwrap_or(0);
        let shown = I420 {
            width: side(width),
            height: side(height),
            planes: [picture.y(), picture.u(), picture.v()],
            strides: picture.strides().into(),
            rotation: Rotation::Upright,
            pts_us: 0,
        };
        shown.check()?;
        show(&shown);
        Ok(())
    }
}

pub(super) fn failed(error: openh264::Error) -> MediaError {
    MediaError::Codec {
        codec: Codec::H264,
        reason: error.to_string(),
    }
}
