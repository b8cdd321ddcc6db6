//! Another rate for a running H264 encoder, without a keyframe: the one place of this crate with
//! `unsafe`. The safe interface of openh264 takes a rate when an encoder is made, and making
//! another one costs a keyframe, which is the last thing that a way that has become narrow can carry.

#![allow(unsafe_code)]

use std::ffi::c_int;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_FRAME_RATE, ENCODER_OPTION_MAX_BITRATE,
    LAYER_NUM, SBitrateInfo, SPATIAL_LAYER_0, SPATIAL_LAYER_ALL,
};

use crate::error::MediaError;
use crate::frame::Codec;

/// Sets bits and pictures a second. The encoder must have encoded a picture.
pub(super) fn set(encoder: &mut Encoder, (bps, fps): (u32, u32)) -> Result<(), MediaError> {
    let bps = c_int::try_from(bps).unwrap_or(c_int::MAX / 2);
    let mut fps = fps as f32;
    option(encoder, ENCODER_OPTION_FRAME_RATE, &mut fps);
    // Neither may cross the other: downwards the rate goes first, upwards its limit does.
    let most = bps.saturating_mul(2);
    bitrate(encoder, ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL, bps);
    bitrate(encoder, ENCODER_OPTION_MAX_BITRATE, SPATIAL_LAYER_0, most);
    match bitrate(encoder, ENCODER_OPTION_BITRATE, SPATIAL_LAYER_ALL, bps) {
        0 => Ok(()),
        code => Err(MediaError::Codec {
            codec: Codec::H264,
            reason: format!("the encoder refuses {bps} bit/s with code {code}"),
        }),
    }
}

fn bitrate(encoder: &mut Encoder, name: ENCODER_OPTION, layer: LAYER_NUM, bps: c_int) -> c_int {
    let mut info = SBitrateInfo {
        iLayer: layer,
        iBitrate: bps,
    };
    option(encoder, name, &mut info)
}

/// Sets an option; each caller gives it the type that `codec_app_def.h` says the option has.
fn option<T>(encoder: &mut Encoder, name: ENCODER_OPTION, value: &mut T) -> c_int {
    // SAFETY: the value is of the option's type and outlives the call, which reads it and keeps no
    // pointer (`CWelsH264SVCEncoder::SetOption`). None of the three options is one that the wrapper
    // relies on: it writes them once, when the encoder gets its first picture.
    unsafe {
        let raw = encoder.raw_api();
        raw.set_option(name, (&raw mut *value).cast())
    }
}
