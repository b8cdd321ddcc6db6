//! The decoder reads what other encoders made; `samples/README.md` says which, and of what.

use crate::support::{Moving, is_keyframe, psnr};
use lens_vpx::Decoder;

const SIDES: [u32; 2] = [97, 63];

/// Frames of an IVF file: a head of 32 bytes, then each with one of 12.
fn frames_of(mut ivf: &[u8]) -> Vec<&[u8]> {
    assert_eq!(&ivf[..4], b"DKIF");
    ivf = &ivf[32..];
    let mut frames = Vec::new();
    while let Some(length) = ivf.first_chunk() {
        let (frame, rest) = ivf[12..].split_at(u32::from_le_bytes(*length) as usize);
        frames.push(frame);
        ivf = rest;
    }
    frames
}

/// How many pictures are shown, and how many frames show none; each like what it was made of.
fn watch(frames: &[&[u8]], least_db: f64) -> (u32, u32) {
    let (mut decoder, mut shown, mut hidden) = (Decoder::new(), 0, 0);
    for frame in frames {
        let Some(picture) = decoder.decode(frame).expect("a whole frame") else {
            hidden += 1;
            continue;
        };
        let likeness = psnr(&picture, &Moving::new(SIDES, shown, 0).borrowed());
        assert!(likeness > least_db, "picture {shown}: {likeness} dB");
        shown += 1;
    }
    (shown, hidden)
}

#[test]
fn hidden_frames_partitions_and_keyframes_of_an_offline_encoder() {
    let frames = frames_of(include_bytes!("samples/two-passes.ivf"));
    assert!(frames.iter().filter(|frame| is_keyframe(frame)).count() > 1);
    assert_eq!(watch(&frames, 28.0), (30, 2));
}

#[test]
fn the_simplest_profile() {
    let frames = frames_of(include_bytes!("samples/profile-3.ivf"));
    assert!(frames.iter().all(|frame| frame[0] >> 1 & 7 == 3));
    assert_eq!(watch(&frames, 26.0), (8, 0));
}

#[test]
fn a_keyframe_of_an_encoder_that_shares_no_code_with_libvpx() {
    let file = include_bytes!("samples/keyframe.webp");
    assert_eq!(&file[12..16], b"VP8 ");
    let length = u32::from_le_bytes([file[16], file[17], file[18], file[19]]) as usize;
    assert_eq!(watch(&[&file[20..20 + length]], 30.0), (1, 0));
}
