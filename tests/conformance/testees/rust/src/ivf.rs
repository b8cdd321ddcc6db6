//! IVF, the simplest file of encoded frames: a head of 32 bytes, and 12 before each frame.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

const HEAD: usize = 32;
const FRAME_HEAD: usize = 12;

/// The frames of a file, in order.
pub(crate) fn read(path: &Path) -> io::Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.get(HEAD..).unwrap_or_default();
    let mut frames = Vec::new();
    while let Some((head, more)) = rest.split_at_checked(FRAME_HEAD) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some((frame, behind)) = more.split_at_checked(length) else {
            break;
        };
        frames.push(frame.to_vec());
        rest = behind;
    }
    Ok(frames)
}

/// Whether a VP8 frame is a keyframe (RFC 6386 §9.1).
pub(crate) fn is_keyframe(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// Width and height of a VP8 keyframe (RFC 6386 §9.1).
fn size_of(frame: &[u8]) -> Option<(u16, u16)> {
    let size = frame.get(6..10).filter(|_| is_keyframe(frame))?;
    let width = u16::from_le_bytes([size[0], size[1]]) & 0x3fff;
    let height = u16::from_le_bytes([size[2], size[3]]) & 0x3fff;
    Some((width, height))
}

/// Writes a file, frame by frame, from the first keyframe on.
pub(crate) struct Writer {
    file: File,
    begun: bool,
}

impl Writer {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        Ok(Self { file, begun: false })
    }

    /// Whether the frame was written.
    pub(crate) fn write(&mut self, frame: &[u8], pts_us: u64) -> io::Result<bool> {
        if !self.begun {
            let Some(size) = size_of(frame) else {
                return Ok(false);
            };
            self.begin(size)?;
        }
        let mut bytes = Vec::with_capacity(FRAME_HEAD + frame.len());
        bytes.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&pts_us.to_le_bytes());
        bytes.extend_from_slice(frame);
        self.file.write_all(&bytes)?;
        Ok(true)
    }

    fn begin(&mut self, (width, height): (u16, u16)) -> io::Result<()> {
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(b"DKIF\0\0\x20\0VP80");
        head.extend_from_slice(&width.to_le_bytes());
        head.extend_from_slice(&height.to_le_bytes());
        // Ticks of a microsecond; the number of frames is not known yet.
        head.extend_from_slice(&1_000_000_u32.to_le_bytes());
        head.extend_from_slice(&1_u32.to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        self.begun = true;
        self.file.write_all(&head)
    }
}
