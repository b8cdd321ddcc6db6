//! A frame's header (RFC 6386 §9.1), read before libvpx sees the frame: memory for the picture is
//! taken on this alone.

use crate::error::Error;

/// Most blocks of 16 × 16 pixels in a picture: 4096 × 2304, as level 5.2 of H264, beyond which OpenH264
/// refuses too. Libvpx by itself takes 16,383 × 16,383, for which ten bytes of a stranger's would have
/// it reserve 2 GB.
const MOST_BLOCKS: u32 = 36_864;
/// Of the part that each frame has.
const TAG: usize = 3;
/// Of a keyframe's whole header.
const WHOLE: usize = 10;

/// What kind of frame this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Stands alone.
    Key,
    /// Builds upon former ones.
    Inter,
}

/// Judges a frame by its first bytes.
pub(crate) fn judge(frame: &[u8]) -> Result<Kind, Error> {
    let no = |reason| Error::NoFrame { reason };
    let tag: &[u8; TAG] = frame.first_chunk().ok_or(no("it has less than 3 bytes"))?;
    if first_partition(*tag) > frame.len() {
        return Err(no("its first partition is longer than it is"));
    }
    if tag[0] & 1 == 1 {
        return Ok(Kind::Inter);
    }
    let whole = frame.first_chunk::<WHOLE>();
    let &[_, _, _, start @ .., w0, w1, h0, h1] =
        whole.ok_or(no("it is a keyframe of less than 10 bytes"))?;
    if start != [0x9d, 0x01, 0x2a] {
        return Err(no("it is a keyframe without its start code"));
    }
    // The two bits above ask for the picture to be scaled when it is shown, which nobody does.
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
    let (width, height) = (side([w0, w1]), side([h0, h1]));
    if width == 0 || height == 0 {
        return Err(no("its picture has no pixels"));
    }
    if width.div_ceil(16) * height.div_ceil(16) > MOST_BLOCKS {
        return Err(Error::TooLarge { width, height });
    }
    Ok(Kind::Key)
}

/// Whether a frame that [`judge`] passed, or an encoder made, is a keyframe.
pub(crate) fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Bytes of the first partition.
fn first_partition(tag: [u8; TAG]) -> usize {
    let [low, middle, high] = tag.map(usize::from);
    (low | middle << 8 | high << 16) >> 5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyframe(width: u16, height: u16) -> Vec<u8> {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [&[0x10, 0, 0, 0x9d, 0x01, 0x2a][..], &sides].concat()
    }

    #[test]
    fn a_frame_is_judged_by_its_header() {
        assert_eq!(judge(&keyframe(640, 480)), Ok(Kind::Key));
        assert_eq!(judge(&[0x11, 0, 0]), Ok(Kind::Inter));
        // 1 × 1, with all bits for scaling.
        assert_eq!(judge(&keyframe(0xC001, 0xC001)), Ok(Kind::Key));
        let refused = |frame: &[u8]| matches!(judge(frame), Err(Error::NoFrame { .. }));
        assert!(refused(&[]) && refused(&[0x11, 0]));
        // First partitions of 1 and of 4 bytes.
        assert_eq!(judge(&[0x31, 0, 0, 0]), Ok(Kind::Inter));
        assert!(refused(&[0x91, 0, 0]));
        assert!(refused(&keyframe(640, 480)[..9]));
        assert!(refused(&keyframe(0, 480)) && refused(&keyframe(640, 0xC000)));
        let mut wrong = keyframe(640, 480);
        wrong[3] = 0x9c;
        assert!(refused(&wrong));
    }

    #[test]
    fn a_picture_may_have_as_many_blocks_as_level_5_2() {
        assert_eq!(judge(&keyframe(4_096, 2_304)), Ok(Kind::Key));
        assert_eq!(judge(&keyframe(2_304, 4_096)), Ok(Kind::Key));
        let too_large = |width, height| judge(&keyframe(width as u16, height as u16));
        for (width, height) in [(4_097, 2_304), (4_096, 2_305), (16_383, 16_383)] {
            let expected = Err(Error::TooLarge { width, height });
            assert_eq!(too_large(width, height), expected);
        }
    }
}
