//! The bitrate is kept, another one costs no keyframe, and a keyframe comes when one is wanted.

use crate::support::{FPS, Moving, at, encode, is_keyframe, likeness, noise};
use lens_vpx::{Decoder, Encoder};

const SIDES: [u32; 2] = [320, 240];

/// Bits of a second of `picture`s from number `from` on; no keyframe but the first.
fn second(encoder: &mut Encoder, from: u32, picture: impl Fn(u32) -> Moving) -> usize {
    let sizes = (from..from + FPS).filter_map(|n| {
        let frame = encode(encoder, &picture(n), n, false)?;
        assert!(!is_keyframe(&frame) || n == 0, "a change costs no keyframe");
        Some(frame.len() * 8)
    });
    sizes.sum()
}

/// Moves, and has grains that no encoder can foresee.
fn grainy(n: u32) -> Moving {
    let mut random = fastrand::Rng::with_seed(u64::from(n));
    let mut picture = Moving::new(SIDES, n, 0);
    picture.shake(|| random.u8(..24));
    picture
}

#[test]
fn another_bitrate_holds_within_a_second_without_a_keyframe() {
    let mut encoder = Encoder::new(600_000, FPS);
    let mut from = 0;
    for bps in [600_000, 200_000, 900_000, 300_000] {
        encoder.set_rate(bps, FPS);
        let mut next = || {
            from += FPS;
            second(&mut encoder, from - FPS, grainy)
        };
        let adapting = next();
        let held = (next() + next()) / 2;
        let target = bps as usize;
        assert!(
            (target * 75 / 100..target * 120 / 100).contains(&held),
            "{held} of {bps}"
        );
        // Within the second: none that follows is more than the buffer's worth above it.
        assert!(adapting < target * 180 / 100, "{adapting} of {bps}");
    }
}

#[test]
fn a_camera_that_is_slower_than_it_may_be_gets_all_its_bits() {
    let mut encoder = Encoder::new(300_000, FPS);
    let mut bits = [0, 0];
    for n in 0..40 {
        let mut frame = Vec::new();
        let (picture, at_us) = (grainy(n), u64::from(n) * 100_000);
        let made = encoder.encode(&picture.borrowed(), at_us, false, &mut frame);
        made.expect("a picture that fits");
        bits[usize::from(n >= 20)] += frame.len() * 8;
    }
    // The latter two seconds.
    assert!((450_000..750_000).contains(&bits[1]), "{bits:?}");
}

#[test]
fn a_keyframe_comes_when_one_is_wanted_and_a_decoder_can_begin_with_it() {
    let mut encoder = Encoder::new(500_000, FPS);
    for n in 0..60 {
        let picture = Moving::new(SIDES, n, 0);
        let frame = encode(&mut encoder, &picture, n, n == 40);
        let keyframe = frame.as_deref().is_some_and(is_keyframe);
        assert_eq!(keyframe, n == 0 || n == 40, "picture {n}");
        if n == 40 {
            let frame = frame.expect("it is not skipped");
            assert!(likeness(&mut Decoder::new(), &frame, &picture) > 25.0);
        }
    }
}

#[test]
fn what_is_too_much_for_the_rate_is_skipped_and_a_wanted_keyframe_is_not() {
    let mut encoder = Encoder::new(0, FPS);
    let mut skipped = 0;
    for n in 0..90 {
        let wanted = n % 20 == 19;
        let frame = encode(&mut encoder, &noise(SIDES, n.into()), n, wanted);
        let keyframe = frame.as_deref().is_some_and(is_keyframe);
        assert_eq!(keyframe, n == 0 || wanted, "picture {n}");
        skipped += u32::from(frame.is_none());
    }
    assert!(skipped > 30, "{skipped} of 90");
}

#[test]
fn a_camera_that_paused_is_owed_nothing() {
    let mut encoder = Encoder::new(300_000, FPS);
    let mut largest = 0;
    for n in 0..90 {
        let pause = if n < 60 { 0 } else { 3_000_000 };
        let mut frame = Vec::new();
        let made = encoder.encode(&grainy(n).borrowed(), at(n) + pause, false, &mut frame);
        made.expect("a picture that fits");
        if n >= 30 {
            largest = largest.max(frame.len() * 8);
        }
    }
    // A quarter of a second's share at most, of sixty that passed.
    assert!(largest < 100_000, "{largest}");
}
