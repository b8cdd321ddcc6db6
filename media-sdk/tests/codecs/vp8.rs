//! VP8, by the suite for pictures. What is its library's own is tried in `bindings/vpx/tests`.

use lens_media_sdk::codec::{I420, VideoDecoder, VideoEncoder, Vp8Decoder, Vp8Encoder};
use lens_media_sdk::{Codec, MediaError, Rotation, SdkCode};

use crate::picture::{FPS, HEIGHT, Picture, WIDTH};
use crate::video::{Kind, suite};

struct Vp8;

impl Kind for Vp8 {
    const CODEC: Codec = Codec::Vp8;

    fn encoder(bps: u32) -> Box<dyn VideoEncoder> {
        Box::new(Vp8Encoder::new(bps, FPS))
    }

    fn decoder() -> Box<dyn VideoDecoder> {
        Box::new(Vp8Decoder::new())
    }

    /// RFC 6386 §9.1.
    fn is_keyframe(frame: &[u8]) -> bool {
        frame[0] & 1 == 0
    }
}

suite!(Vp8);

#[test]
fn chromas_may_have_strides_of_their_own() {
    let (mut encoder, mut decoder) = (Vp8::encoder(1_000_000), Vp8::decoder());
    let picture = Picture::new(3, 0);
    // V has something else behind each row.
    let v = [[138; WIDTH / 2], [238; WIDTH / 2]]
        .concat()
        .repeat(HEIGHT / 2);
    let mut own = picture.borrowed();
    (own.planes[2], own.strides[2]) = (&v, WIDTH);
    let mut data = Vec::new();
    let encoded = encoder.encode(&own, false, &mut data);
    assert_eq!(encoded.expect("valid"), Some(true));
    let mut levels = [0; 2];
    let mut show = |shown: &I420<'_>| {
        levels = [40, 41].map(|y| shown.planes[2][y * shown.strides[2] + 80]);
    };
    decoder.decode(&data, &mut show).expect("just encoded");
    let like = levels.iter().all(|level| level.abs_diff(138) < 8);
    assert!(like, "{levels:?}");
}

#[test]
fn a_stride_that_libvpx_cannot_count_with_is_refused_by_name() {
    let memory = vec![0; (1 << 20) + 8];
    let picture = I420 {
        width: 2,
        height: 2,
        planes: [&memory; 3],
        strides: [(1 << 20) + 1, 1, 1],
        rotation: Rotation::Upright,
        pts_us: 0,
    };
    match Vp8::encoder(1_000_000).encode(&picture, false, &mut Vec::new()) {
        Err(MediaError::OutOfRange { what, .. }) => assert_eq!(what, "the stride of luma"),
        other => panic!("{other:?}"),
    }
}

/// Other makes of peers send them; `bindings/vpx/tests/vpx/samples` has one of 97 × 63.
#[test]
fn of_odd_sides_the_last_column_and_row_are_not_shown() {
    let file = include_bytes!("../../../bindings/vpx/tests/vpx/samples/keyframe.webp");
    let (mut decoder, mut sides) = (Vp8::decoder(), None);
    let mut show = |shown: &I420<'_>| sides = Some((shown.width, shown.height));
    decoder.decode(&file[20..], &mut show).expect("a keyframe");
    assert_eq!(sides, Some((96, 62)));
}

#[test]
fn a_keyframe_that_says_it_is_huge_costs_no_memory() {
    let mut huge = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xFF, 0x3F, 0xFF, 0x3F];
    huge.resize(2_000, 0xA5);
    let refused = Vp8::decoder().decode(&huge, &mut |_| panic!("nothing to show"));
    let refused = refused.expect_err("too large");
    assert_eq!(refused.code(), SdkCode::CodecFailed.into());
    assert!(
        matches!(&refused, MediaError::Codec { reason, .. } if reason.contains("16383 × 16383"))
    );
}
