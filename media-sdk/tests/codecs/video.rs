//! One suite for all codecs of pictures: numbered pictures through encoder and decoder.

#![allow(clippy::panic, reason = "tests")]

use lens_media_sdk::codec::{I420, Nv12, VideoDecoder, VideoEncoder};
use lens_media_sdk::{Codec, MediaError, SdkCode};

use crate::picture::{FPS, HEIGHT, Picture, WIDTH, number_in};

/// A codec under test.
pub(crate) trait Kind {
    const CODEC: Codec;

    fn encoder(bps: u32) -> Box<dyn VideoEncoder>;

    fn decoder() -> Box<dyn VideoDecoder>;

    /// What a frame says of itself, by the codec's own specification.
    fn is_keyframe(frame: &[u8]) -> bool;
}

/// The suite for a codec.
macro_rules! suite {
    ($kind:ty: $($name:ident)*) => {
        $(#[test] fn $name() { crate::video::$name::<$kind>() })*
    };
    ($kind:ty) => {
        crate::video::suite! { $kind:
            each_picture_comes_out_as_it_went_in_whatever_its_strides_and_layout
            a_moving_picture_stays_like_itself
            a_keyframe_comes_when_one_is_wanted_and_a_decoder_can_begin_with_it
            half_the_bitrate_makes_half_the_bytes_and_the_way_back_is_open
            what_does_not_fit_is_refused_by_name_and_changes_nothing
            what_is_no_frame_is_an_error_and_the_next_keyframe_is_shown
            another_size_begins_with_a_keyframe
        }
    };
}
pub(crate) use suite;

struct Frame {
    data: Vec<u8>,
    keyframe: bool,
}

/// Encodes a picture; what came of it.
fn encode<K: Kind>(
    encoder: &mut dyn VideoEncoder,
    picture: &I420<'_>,
    wanted: bool,
) -> Option<Frame> {
    let mut data = Vec::new();
    let encoded = encoder.encode(picture, wanted, &mut data);
    let keyframe = encoded.expect("a valid picture")?;
    assert_eq!(keyframe, K::is_keyframe(&data), "it says so of itself");
    Some(Frame { data, keyframe })
}

/// The numbers of what is decoded.
fn decode(decoder: &mut dyn VideoDecoder, data: &[u8]) -> Vec<Option<u32>> {
    let mut numbers = Vec::new();
    let mut show = |shown: &I420<'_>| {
        assert_eq!((shown.width, shown.height), (WIDTH as u32, HEIGHT as u32));
        // The middle of each chroma plane.
        for (plane, level) in [(1, 118_u8), (2, 138)] {
            let at = HEIGHT / 4 * shown.strides[plane] + WIDTH / 4;
            let found = shown.planes[plane][at];
            assert!(found.abs_diff(level) < 8, "plane {plane}: {found}");
        }
        numbers.push(number_in(shown));
    };
    decoder
        .decode(data, &mut show)
        .expect("what was just encoded");
    numbers
}

pub(crate) fn each_picture_comes_out_as_it_went_in_whatever_its_strides_and_layout<K: Kind>() {
    for (gap, as_nv12) in [(0, false), (48, false), (0, true), (48, true)] {
        let (mut encoder, mut decoder) = (K::encoder(2_000_000), K::decoder());
        assert_eq!((encoder.codec(), decoder.codec()), (K::CODEC, K::CODEC));
        let mut seen = 0;
        for number in 4_090..4_120 {
            let picture = Picture::new(number, gap);
            let (mut nv12, mut i420) = (Vec::new(), Vec::new());
            let mut given = picture.borrowed();
            if as_nv12 {
                let camera: Nv12<'_> = given.to_nv12(&mut nv12).expect("valid");
                given = camera.to_i420(&mut i420).expect("valid");
            }
            let Some(frame) = encode::<K>(&mut *encoder, &given, false) else {
                continue;
            };
            assert_eq!(frame.keyframe, seen == 0, "picture {number}");
            let numbers = decode(&mut *decoder, &frame.data);
            assert_eq!(numbers, [Some(number)], "gap {gap}, NV12 {as_nv12}");
            seen += 1;
        }
        assert!(seen >= 25, "{seen} of 30 with gap {gap}");
    }
}

pub(crate) fn a_moving_picture_stays_like_itself<K: Kind>() {
    let (mut encoder, mut decoder) = (K::encoder(4_000_000), K::decoder());
    let mut likenesses = Vec::new();
    for number in 0..60 {
        let picture = Picture::new(number, 0);
        let Some(frame) = encode::<K>(&mut *encoder, &picture.borrowed(), false) else {
            continue;
        };
        let mut show = |shown: &I420<'_>| likenesses.push(likeness(shown, &picture.borrowed()));
        let decoded = decoder.decode(&frame.data, &mut show);
        decoded.expect("what was just encoded");
    }
    let worst = likenesses.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(likenesses.len() > 50, "{} of 60", likenesses.len());
    // Its grain moves, and costs; the picture before or after has less than 15 dB.
    assert!(worst > 22.0, "{worst} dB");
}

/// Peak signal to noise of luma, in dB.
fn likeness(one: &I420<'_>, other: &I420<'_>) -> f64 {
    let row = |picture: &I420<'_>, y: usize| {
        let start = y * picture.strides[0];
        picture.planes[0][start..start + WIDTH].to_vec()
    };
    let squares: f64 = (0..HEIGHT)
        .flat_map(|y| row(one, y).into_iter().zip(row(other, y)))
        .map(|(one, other)| f64::from(one.abs_diff(other)).powi(2))
        .sum();
    10.0 * (255.0 * 255.0 * (WIDTH * HEIGHT) as f64 / squares.max(1e-9)).log10()
}

pub(crate) fn a_keyframe_comes_when_one_is_wanted_and_a_decoder_can_begin_with_it<K: Kind>() {
    let mut encoder = K::encoder(1_000_000);
    for number in 0..40 {
        let picture = Picture::new(number, 0);
        let frame = encode::<K>(&mut *encoder, &picture.borrowed(), number == 30);
        if number == 30 {
            let frame = frame.expect("it is not skipped");
            assert!(frame.keyframe);
            assert_eq!(decode(&mut *K::decoder(), &frame.data), [Some(30)]);
        } else if let Some(frame) = frame {
            assert_eq!(frame.keyframe, number == 0, "picture {number}");
        }
    }
}

/// Bytes of three seconds, after one for the encoder to settle.
fn bytes<K: Kind>(encoder: &mut dyn VideoEncoder, from: u32) -> usize {
    let mut bytes = 0;
    for number in from..from + 4 * FPS {
        let picture = Picture::new(number, 0);
        let frame = encode::<K>(encoder, &picture.borrowed(), false);
        let Some(frame) = frame else { continue };
        assert!(!frame.keyframe || number == 0, "a change costs no keyframe");
        if number >= from + FPS {
            bytes += frame.data.len();
        }
    }
    bytes
}

pub(crate) fn half_the_bitrate_makes_half_the_bytes_and_the_way_back_is_open<K: Kind>() {
    let mut encoder = K::encoder(600_000);
    let full = bytes::<K>(&mut *encoder, 0);
    encoder.set_rate(300_000, FPS);
    let half = bytes::<K>(&mut *encoder, 4 * FPS);
    encoder.set_rate(600_000, FPS);
    let again = bytes::<K>(&mut *encoder, 8 * FPS);
    let target = 600_000 / 8 * 3;
    assert!(
        (target * 7 / 10..target * 13 / 10).contains(&full),
        "{full}"
    );
    assert!(
        (full * 35 / 100..full * 65 / 100).contains(&half),
        "{half} of {full}"
    );
    assert!(
        (full * 7 / 10..full * 13 / 10).contains(&again),
        "{again} of {full}"
    );
}

pub(crate) fn what_does_not_fit_is_refused_by_name_and_changes_nothing<K: Kind>() {
    let mut encoder = K::encoder(1_000_000);
    let picture = Picture::new(7, 0);
    let good = picture.borrowed();
    let strides = [WIDTH, WIDTH / 4, WIDTH / 2];
    let mut data = Vec::new();
    for (wrong, name) in [
        (I420 { width: 319, ..good }, "the picture's width"),
        (I420 { height: 9, ..good }, "the picture's height"),
        (I420 { strides, ..good }, "the stride of plane U"),
    ] {
        match encoder.encode(&wrong, false, &mut data) {
            Err(MediaError::OutOfRange { what, .. }) => assert_eq!(what, name),
            other => panic!("{other:?}"),
        }
    }
    let frame = encode::<K>(&mut *encoder, &good, false).expect("the first is not skipped");
    assert_eq!(decode(&mut *K::decoder(), &frame.data), [Some(7)]);
}

pub(crate) fn what_is_no_frame_is_an_error_and_the_next_keyframe_is_shown<K: Kind>() {
    let mut decoder = K::decoder();
    let garbage: Vec<u8> = (0..2_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let code = |result: Result<(), MediaError>| result.err().map(|error| error.code());
    let broken = [&[0, 0, 0, 1, 0x65][..], &garbage].concat();
    let shown = code(decoder.decode(&broken, &mut |_| panic!("nothing to show")));
    assert_eq!(shown, Some(SdkCode::CodecFailed.into()));
    let mut encoder = K::encoder(1_000_000);
    let frame = encode::<K>(&mut *encoder, &Picture::new(9, 0).borrowed(), false);
    let frame = frame.expect("the first is not skipped");
    assert_eq!(decode(&mut *decoder, &frame.data), [Some(9)]);
}

pub(crate) fn another_size_begins_with_a_keyframe<K: Kind>() {
    let mut encoder = K::encoder(1_000_000);
    let picture = Picture::new(3, 0);
    let large = picture.borrowed();
    let small = I420 {
        width: 160,
        height: 120,
        ..large
    };
    for (given, keyframe) in [(large, true), (large, false), (small, true), (small, false)] {
        let frame = encode::<K>(&mut *encoder, &given, false);
        assert!(frame.is_none_or(|frame| frame.keyframe == keyframe));
    }
}
