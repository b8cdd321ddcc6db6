//! Raw pictures and sound, for software codecs. The default build has none: it takes and gives
//! encoded frames. A codec is a crate or feature that implements these.
//!
//! | feature | codec | needs |
//! |---|---|---|
//! | `openh264` | `H264Encoder`, `H264Decoder` | a C++ compiler; nasm, or it is 2.4 times slower |
//! | `vpx` | `Vp8Encoder`, `Vp8Decoder` | libvpx of the system, its headers, pkg-config |
//! | `opus` | `OpusEncoder`, `OpusDecoder` | libopus of the system |
//!
//! ```text
//! camera ─ I420 | NV12 ─▶ VideoEncoder ─▶ push_frame      on_frame ─▶ VideoDecoder ─▶ I420
//!                          ▲ set_rate ◀─ on_bitrate          after_gap: wants a keyframe
//!                          ▲ keyframe ◀─ on_keyframe_request
//! ```

#[cfg(feature = "openh264")]
mod h264;
#[cfg(feature = "openh264")]
mod h264_rate;
#[cfg(feature = "opus")]
mod opus;
mod picture;
#[cfg(feature = "vpx")]
mod vp8;

#[cfg(feature = "openh264")]
pub use h264::{H264Decoder, H264Encoder};
#[cfg(feature = "opus")]
pub use opus::{OpusDecoder, OpusEncoder};
pub use picture::{I420, Nv12};
#[cfg(feature = "vpx")]
pub use vp8::{Vp8Decoder, Vp8Encoder};

use crate::error::MediaError;
use crate::frame::Codec;

/// Encodes pictures.
pub trait VideoEncoder: Send {
    /// What it makes.
    fn codec(&self) -> Codec;

    /// Encodes a picture into `output`, which it clears first; returns whether it is a keyframe,
    /// or none when the encoder skipped the picture. A picture of another size than the one before
    /// becomes a keyframe.
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`] as [`I420::check`] says; `codec_failed`.
    fn encode(
        &mut self,
        picture: &I420<'_>,
        keyframe: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, MediaError>;

    /// Follows [`Observer::on_bitrate`](crate::Observer::on_bitrate): bits and pictures a second,
    /// from the next picture on, without a keyframe.
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
    /// Encodes one frame, 960 samples of each channel, into `output`, which it clears first.
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`] for another number of samples; `codec_failed`.
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
