//! Packets that carry their number, so that order, loss and pauses are facts.

use std::time::Duration;

/// Time between two packets of one kind.
pub const PACE: Duration = Duration::from_millis(20);
/// RTP clock of video.
pub const VIDEO_CLOCK: u32 = 90_000;
/// RTP clock of voices.
pub const AUDIO_CLOCK: u32 = 48_000;

const VIDEO_BYTES: usize = 1_000;
const MARK: [u8; 4] = *b"LENS";

/// A VP8 packet (RFC 7741): descriptor with a 15-bit picture id, keyframe header of 640 × 480,
/// filling, number.
pub fn video(number: u32) -> Vec<u8> {
    let picture = (number & 0x7fff) as u16 | 0x8000;
    let mut payload = vec![0x90, 0x80];
    payload.extend(picture.to_be_bytes());
    payload.extend([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    payload.resize(VIDEO_BYTES - 8, 0xa5);
    payload.extend(MARK);
    payload.extend(number.to_be_bytes());
    payload
}

/// An Opus packet (RFC 6716): one frame of 20 ms, filling, number.
pub fn voice(number: u32) -> Vec<u8> {
    let mut payload = vec![0x78; 40];
    payload.extend(MARK);
    payload.extend(number.to_be_bytes());
    payload
}

/// RTP timestamp of a packet sent at [`PACE`].
pub fn timestamp(number: u32, clock: u32) -> u32 {
    number.wrapping_mul(clock / 50)
}

/// The number at the end of a payload of either kind.
pub fn number_of(payload: &[u8]) -> Option<u32> {
    let (head, number) = payload.split_last_chunk::<4>()?;
    head.ends_with(&MARK).then(|| u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_carry_their_number_and_padding_carries_none() {
        for number in [0, 1, 0x7fff, 0x8000, u32::MAX] {
            assert_eq!(number_of(&video(number)), Some(number));
            assert_eq!(number_of(&voice(number)), Some(number));
        }
        assert_eq!(number_of(&[0; 255]), None);
        assert_eq!(number_of(b"LEN"), None);
    }
}
