//! Raw pictures and sound, for software codecs. The default build has none: it takes and gives
//! encoded frames. A codec is a crate or feature that implements these.

use crate::error::MediaError;
use crate::frame::{Codec, Rotation};

/// A raw picture in I420 (planar YUV 4:2:0, BT.601 limited range), borrowed.
#[derive(Clone, Copy)]
pub struct I420<'a> {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Planes in the order Y, U, V: `height`, `height / 2` and `height / 2` rows.
    pub planes: [&'a [u8]; 3],
    /// Bytes from one row to the next, of each plane.
    pub strides: [usize; 3],
    /// How it has to be turned.
    pub rotation: Rotation,
    /// When it was captured, in microseconds.
    pub pts_us: u64,
}

/// Encodes pictures.
pub trait VideoEncoder: Send {
    /// What it makes.
    fn codec(&self) -> Codec;

    /// Encodes a picture into `output`, which it clears first; returns whether it is a keyframe,
    /// or none when the encoder skipped the picture.
    ///
    /// # Errors
    /// `codec_failed`.
    fn encode(
        &mut self,
        picture: &I420<'_>,
        keyframe: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, MediaError>;

    /// Follows [`Observer::on_bitrate`](crate::Observer::on_bitrate).
    fn set_rate(&mut self, target_bps: u32, max_fps: u32);
}

/// Decodes pictures.
pub trait VideoDecoder: Send {
    /// What it takes.
    fn codec(&self) -> Codec;

    /// Decodes a frame and shows the picture, if there is one, to `show`.
    ///
    /// # Errors
    /// `codec_failed`; a keyframe may help.
    fn decode(&mut self, data: &[u8], show: &mut dyn FnMut(&I420<'_>)) -> Result<(), MediaError>;
}

/// Encodes sound: 48 kHz, 16 bit, interleaved, 20 ms at a time.
pub trait AudioEncoder: Send {
    /// Encodes one frame into `output`, which it clears first.
    ///
    /// # Errors
    /// `codec_failed`.
    fn encode(&mut self, samples: &[i16], output: &mut Vec<u8>) -> Result<(), MediaError>;
}

/// Decodes sound to 48 kHz, 16 bit, interleaved.
pub trait AudioDecoder: Send {
    /// Decodes one packet into `samples`, which it clears first; an empty packet conceals a lost
    /// one.
    ///
    /// # Errors
    /// `codec_failed`.
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<(), MediaError>;
}
