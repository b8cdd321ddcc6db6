//! Pictures of a camera without an encoder of its own, by VP8 in software: what a native peer films
//! and reads then. They carry their number in blocks of luma, as those of the browsers' tests do.

use lens_media_sdk::codec::{VideoDecoder, VideoEncoder, Vp8Decoder, Vp8Encoder};
use lens_media_sdk::{Codec, MediaError};

use crate::native::{Native, PERIOD_US, Read};

#[path = "../../media-sdk/tests/codecs/picture.rs"]
mod picture;

use picture::{Picture, number_in};

/// Has a native camera film raw pictures, with an encoder that follows what the camera is told.
pub fn film(camera: &mut Native) {
    let mut encoder = Vp8Encoder::new(300_000, (1_000_000 / PERIOD_US) as u32);
    let mut served = 0;
    camera.film_by(Codec::Vp8, move |number, wishes| {
        if wishes.target_bps > 0 {
            encoder.set_rate(wishes.target_bps, wishes.max_fps);
        }
        let wanted = wishes.keyframe_requests > served;
        served = wishes.keyframe_requests;
        let (picture, mut data) = (Picture::new(number, 0), Vec::new());
        let mut given = picture.borrowed();
        given.pts_us = u64::from(number) * PERIOD_US;
        let encoded = encoder.encode(&given, wanted, &mut data);
        let keyframe = encoded.expect("a picture that fits")?;
        Some((data, keyframe))
    });
}

/// Decodes each frame, and finds the number in its picture.
///
/// # Panics
/// When a frame cannot be decoded, or its number cannot be read.
pub fn reader() -> Read {
    let mut decoder = Vp8Decoder::new();
    Box::new(move |frame| {
        let mut number = None;
        let decoded: Result<(), MediaError> = decoder.decode(frame.data, &mut |shown| {
            number = Some(number_in(shown).expect("a number that can be read"));
        });
        decoded.expect("a frame that can be decoded");
        number
    })
}
