//! Opus by libopus, the system's own: voice at 48 kHz, 20 ms a packet, with in-band repair.

use opusic_c::{Application, Bitrate, Channels, Decoder, Encoder, InbandFec, SampleRate, Signal};

use super::{AudioDecoder, AudioEncoder};
use crate::error::MediaError;
use crate::frame::Codec;

/// Samples of a channel in 20 ms.
const FRAME: usize = 960;
/// Longest packet that can come: 120 ms (RFC 6716 §2.1.4).
const MOST: usize = 6 * FRAME;
/// Longest packet that is made, in bytes: one frame (RFC 6716 §3.4).
const MOST_BYTES: usize = 1_275;

/// Makes Opus.
pub struct OpusEncoder {
    encoder: Encoder,
    channels: usize,
    /// Samples as the wrapper takes them, by their bits.
    bits: Vec<u16>,
}

/// Reads Opus.
pub struct OpusDecoder {
    decoder: Decoder,
    channels: usize,
    bits: Vec<u16>,
}

impl std::fmt::Debug for OpusEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpusEncoder").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OpusDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpusDecoder").finish_non_exhaustive()
    }
}

impl OpusEncoder {
    /// An encoder of voice with one channel or two, for so many bits a second (6,000 to 510,000).
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`] for another number of channels; `codec_failed`.
    pub fn new(channels: usize, target_bps: u32) -> Result<Self, MediaError> {
        let layout = layout(channels)?;
        let encoder = Encoder::new(layout, SampleRate::Hz48000, Application::Voip);
        let mut encoder = encoder.map_err(failed)?;
        encoder.set_signal(Signal::Voice).map_err(failed)?;
        encoder.set_inband_fec(InbandFec::Mode1).map_err(failed)?;
        encoder.set_packet_loss(5).map_err(failed)?;
        let mut made = Self {
            encoder,
            channels,
            bits: Vec::with_capacity(FRAME * channels),
        };
        made.set_rate(target_bps)?;
        Ok(made)
    }

    /// Another bitrate, in bits per second, from the next packet on.
    ///
    /// # Errors
    /// `codec_failed`.
    pub fn set_rate(&mut self, target_bps: u32) -> Result<(), MediaError> {
        let rate = Bitrate::Value(target_bps.clamp(6_000, 510_000));
        self.encoder.set_bitrate(rate).map_err(failed)
    }
}

impl AudioEncoder for OpusEncoder {
    fn encode(&mut self, samples: &[i16], output: &mut Vec<u8>) -> Result<(), MediaError> {
        if samples.len() != FRAME * self.channels {
            return Err(MediaError::OutOfRange {
                what: "the number of samples",
                range: "20 ms: 960 of each channel",
            });
        }
        self.bits.clear();
        let bits = samples.iter().map(|sample| sample.cast_unsigned());
        self.bits.extend(bits);
        output.clear();
        output.resize(MOST_BYTES, 0);
        let length = self.encoder.encode_to_slice(&self.bits, output);
        output.truncate(length.map_err(failed)?);
        Ok(())
    }
}

impl OpusDecoder {
    /// A decoder that gives one channel or two.
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`] for another number of channels; `codec_failed`.
    pub fn new(channels: usize) -> Result<Self, MediaError> {
        let decoder = Decoder::new(layout(channels)?, SampleRate::Hz48000);
        Ok(Self {
            decoder: decoder.map_err(failed)?,
            channels,
            bits: vec![0; MOST * channels],
        })
    }
}

impl AudioDecoder for OpusDecoder {
    fn decode(&mut self, packet: &[u8], samples: &mut Vec<i16>) -> Result<(), MediaError> {
        samples.clear();
        // Of a lost packet the decoder fills what it is given: one frame.
        let room = if packet.is_empty() { FRAME } else { MOST } * self.channels;
        let room = self.bits.get_mut(..room).unwrap_or_default();
        let count = self.decoder.decode_to_slice(packet, room, false);
        let count = count.map_err(failed)? * self.channels;
        let bits = self.bits.iter().take(count);
        samples.extend(bits.map(|bits| bits.cast_signed()));
        Ok(())
    }
}

fn layout(channels: usize) -> Result<Channels, MediaError> {
    match channels {
        1 => Ok(Channels::Mono),
        2 => Ok(Channels::Stereo),
        _ => Err(MediaError::OutOfRange {
            what: "the number of channels",
            range: "1 or 2",
        }),
    }
}

fn failed(code: opusic_c::ErrorCode) -> MediaError {
    MediaError::Codec {
        codec: Codec::Opus,
        reason: code.message().to_owned(),
    }
}
