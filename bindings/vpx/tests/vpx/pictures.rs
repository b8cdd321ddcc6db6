//! What goes in comes out: like it, of any size, with any strides.

use crate::support::{FPS, Moving, encode, frames, in_valgrind, is_keyframe, likeness};
use lens_vpx::{Decoder, Encoder, Error, Picture};

#[test]
fn a_moving_picture_comes_out_as_it_went_in() {
    let (mut encoder, mut decoder) = (Encoder::new(800_000, FPS), Decoder::new());
    let (mut shown, mut worst) = (0, f64::INFINITY);
    for n in 0..90 {
        let picture = Moving::new([320, 240], n, 0);
        if let Some(frame) = encode(&mut encoder, &picture, n, false) {
            assert_eq!(is_keyframe(&frame), n == 0, "picture {n}");
            worst = worst.min(likeness(&mut decoder, &frame, &picture));
            shown += 1;
        }
    }
    assert!(shown >= 85, "{shown} of 90");
    assert!(worst > 32.0, "{worst} dB");
}

#[test]
fn sides_may_be_odd_and_strides_long() {
    let mut sides = vec![[15, 17], [17, 18], [97, 63], [319, 241]];
    if !in_valgrind() {
        // Of a picture with no more than 16 rows, libvpx 1.12 makes a choice of its encoder's by memory
        // that it never set. Valgrind says so; nothing else comes of it.
        sides.extend([[1, 1], [2, 1], [33, 16]]);
    }
    for (sides, gap) in sides.into_iter().flat_map(|it| [(it, 0), (it, 13)]) {
        let (mut encoder, mut decoder) = (Encoder::new(2_000_000, FPS), Decoder::new());
        for n in 0..5 {
            let picture = Moving::new(sides, n, gap);
            if let Some(frame) = encode(&mut encoder, &picture, n, false) {
                let likeness = likeness(&mut decoder, &frame, &picture);
                assert!(likeness > 30.0, "{sides:?} {gap}: {likeness} dB");
            }
        }
    }
}

#[test]
fn another_size_begins_with_a_keyframe_on_both_sides() {
    let (mut encoder, mut decoder) = (Encoder::new(1_000_000, FPS), Decoder::new());
    let sides = [[320, 240], [160, 120], [640, 480], [321, 239]];
    for n in 0..12 {
        let picture = Moving::new(sides[n as usize / 3], n, 0);
        let frame = encode(&mut encoder, &picture, n, false);
        let Some(frame) = frame else {
            assert!(n % 3 > 0, "a first one is skipped: {n}");
            continue;
        };
        assert_eq!(is_keyframe(&frame), n % 3 == 0, "picture {n}");
        assert!(likeness(&mut decoder, &frame, &picture) > 30.0);
    }
}

#[test]
fn a_frame_that_shows_nothing_is_no_error() {
    let mut frames = frames([64, 64], 500_000, 2);
    // The bit that has a frame shown (RFC 6386 §9.1).
    frames[1][0] &= !0x10;
    let mut decoder = Decoder::new();
    assert!(decoder.decode(&frames[0]).expect("a keyframe").is_some());
    assert_eq!(decoder.decode(&frames[1]), Ok(None));
}

#[test]
fn a_picture_with_a_short_stride_cannot_be_made() {
    let memory = [0; 64 * 64];
    let planes = [&memory[..]; 3];
    let refused = Picture::new([64, 64], planes, [63, 32]);
    assert!(matches!(
        refused,
        Err(Error::OutOfRange {
            what: "the stride of luma",
            ..
        })
    ));
}
