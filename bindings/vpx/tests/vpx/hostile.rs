//! Bytes that no encoder made: each is refused by name or shows a picture, and the next keyframe is
//! shown whatever came before. Once more in valgrind, which sees what libvpx reads beyond its bytes.

use std::process::Command;

use crate::support::{IN_VALGRIND, Moving, frames, in_valgrind, is_keyframe, likeness};
use fastrand::Rng;
use lens_vpx::{Decoder, Error};

const SIDES: [u32; 2] = [97, 63];

/// The decoder still reads what an encoder makes.
fn recovers(decoder: &mut Decoder, keyframe: &[u8]) {
    let likeness = likeness(decoder, keyframe, &Moving::new(SIDES, 0, 0));
    assert!(likeness > 30.0, "{likeness} dB");
}

/// Frames whose bytes are exactly as long as they are, so that reading on is seen.
fn decode(decoder: &mut Decoder, frame: &[u8]) -> Result<bool, Error> {
    let exact: Box<[u8]> = frame.into();
    let shown = decoder.decode(&exact)?;
    if let Some(picture) = shown {
        // Every sample can be read.
        let samples = (0..3).flat_map(|plane| picture.rows(plane)).flatten();
        let sum: u64 = samples.map(|sample| u64::from(*sample)).sum();
        std::hint::black_box(sum);
    }
    Ok(shown.is_some())
}

#[test]
fn garbage_is_refused_by_name() {
    let frames = frames(SIDES, 500_000, 3);
    let mut decoder = Decoder::new();
    let needs = Err(Error::NeedsKeyframe);
    assert_eq!(decode(&mut decoder, &frames[1]), needs, "before the first");
    let named = |result| matches!(result, Err(Error::NoFrame { .. }));
    assert!(named(decode(&mut decoder, &[])));
    assert!(named(decode(&mut decoder, &[0x9d; 2])));
    assert!(named(decode(&mut decoder, &[0; 2_000])));
    let mut huge = frames[0].clone();
    huge[6..10].fill(0xFF);
    let (width, height) = (16_383, 16_383);
    let too_large = Err(Error::TooLarge { width, height });
    assert_eq!(decode(&mut decoder, &huge), too_large);
    recovers(&mut decoder, &frames[0]);
    assert!(decode(&mut decoder, &frames[1]) == Ok(true));
}

#[test]
fn after_a_frame_that_was_refused_nothing_is_shown_before_a_keyframe() {
    let frames = frames(SIDES, 500_000, 4);
    let mut decoder = Decoder::new();
    recovers(&mut decoder, &frames[0]);
    let cut = &frames[1][..frames[1].len() / 2];
    let refused = decode(&mut decoder, cut).expect_err("half a frame");
    assert!(matches!(refused, Error::Library { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.starts_with("libvpx refuses a frame: "), "{text}");
    for frame in &frames[2..] {
        assert_eq!(decode(&mut decoder, frame), Err(Error::NeedsKeyframe));
    }
    recovers(&mut decoder, &frames[0]);
}

#[test]
fn a_frame_cut_anywhere_is_survived() {
    let frames = frames(SIDES, 300_000, 2);
    let mut decoder = Decoder::new();
    for frame in &frames {
        for length in (0..frame.len()).step_by(if in_valgrind() { 17 } else { 1 }) {
            recovers(&mut decoder, &frames[0]);
            let cut = decode(&mut decoder, &frame[..length]);
            // The last bytes of a frame may say nothing.
            let short = frame.len() - length > 8;
            assert!(cut.is_err() || !short, "{length} of {}", frame.len());
        }
    }
}

#[test]
fn frames_with_wrong_bytes_are_survived() {
    let seeds = if in_valgrind() { 20 } else { 400 };
    (0..seeds).for_each(survive);
}

/// Streams of which some frames have other bytes, are cut, glued, left out or made up.
fn survive(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let frames = frames(SIDES, 300_000, 6);
    let mut decoder = Decoder::new();
    for frame in &frames {
        let mut spoilt = frame.clone();
        match random.u8(..6) {
            0 => {}
            1 => spoilt.truncate(random.usize(..=frame.len())),
            2 => spoilt.extend(std::iter::repeat_with(|| random.u8(..)).take(40)),
            3 => spoilt
                .iter_mut()
                .skip(10)
                .for_each(|byte| *byte = random.u8(..)),
            4 => continue,
            _ => {
                for _ in 0..random.usize(1..8) {
                    let at = random.usize(..spoilt.len());
                    spoilt[at] ^= 1 << random.u8(..8);
                }
            }
        }
        // Sides that a flipped bit made are kept small: memory is not what is tried here.
        if is_keyframe(&spoilt) && spoilt.len() > 9 {
            (spoilt[7], spoilt[9]) = (spoilt[7] & 0xC1, spoilt[9] & 0xC1);
        }
        let _ = decode(&mut decoder, &spoilt);
    }
    recovers(&mut decoder, &frames[0]);
}

/// These tests, a part of the long ones, and those of pictures with every kind of sides.
#[test]
fn valgrind_finds_no_byte_read_or_written_that_is_not_theirs() {
    let own = std::env::current_exe().expect("a test has a path");
    let run = Command::new("timeout")
        .args([
            "--signal=KILL",
            "280",
            "valgrind",
            "--quiet",
            "--error-exitcode=9",
        ])
        .args(["--leak-check=full", "--show-leak-kinds=definite"])
        .args(["--errors-for-leak-kinds=definite"])
        .arg(own)
        .args([
            "--test-threads=1",
            "--skip",
            "valgrind",
            "hostile",
            "pictures::sides",
        ])
        .env(IN_VALGRIND, "1")
        .output()
        .expect("valgrind is installed");
    let words = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}\n{words}", run.status);
}
