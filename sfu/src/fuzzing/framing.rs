//! Frames of ICE-TCP: however a stream is cut into reads, the frames are the same.
//!
//! Input: what the sizes of reads are drawn from (1 byte), then the stream.

use super::input::Input;
use crate::core::framing::{BadFrame, FrameReader, LONGEST, append};

pub(super) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let seed = input.byte();
    let stream = input.0;
    let (frames, ended) = cut(stream, [stream.len()].into_iter());
    let mut next = u32::from(seed);
    let sizes = std::iter::repeat_with(|| {
        next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::from((next >> 24) as u8) % (1 + usize::from(seed)) + 1
    });
    assert_eq!(cut(stream, sizes), (frames.clone(), ended), "reads matter");
    let mut again = Vec::new();
    for frame in &frames {
        assert!((1..=LONGEST).contains(&frame.len()));
        assert!(append(&mut again, frame));
    }
    assert!(stream.starts_with(&again), "frames are what was sent");
    if ended.is_ok() {
        let rest = stream.len() - again.len();
        assert!(rest < LONGEST + 2, "{rest} bytes are held back");
    }
}

/// All frames of a stream that comes in reads of these sizes, and whether it was sound.
fn cut(
    mut stream: &[u8],
    mut sizes: impl Iterator<Item = usize>,
) -> (Vec<Vec<u8>>, Result<(), BadFrame>) {
    let mut reader = FrameReader::default();
    let mut frames = Vec::new();
    while !stream.is_empty() {
        let (now, later) = stream.split_at(sizes.next().unwrap_or(1).min(stream.len()));
        stream = later;
        reader.push(now);
        loop {
            match reader.next() {
                Ok(Some(frame)) => frames.push(frame.to_vec()),
                Ok(None) => break,
                Err(bad) => return (frames, Err(bad)),
            }
        }
    }
    (frames, Ok(()))
}
