//! Frames to pictures.

use crate::error::Error;
use crate::ffi::RawDecoder;
use crate::header::{self, Kind};
use crate::picture::Picture;

/// Reads VP8, on the caller's thread. Nothing is concealed: a frame that cannot be read whole shows
/// nothing, nor does any that builds upon it.
#[derive(Debug)]
pub struct Decoder {
    /// None before the first keyframe, and after a frame that was refused: what libvpx knew is not built
    /// upon further, since the broken frame may have been meant to change any part of it.
    raw: Option<RawDecoder>,
}

impl Decoder {
    /// A decoder that waits for a keyframe.
    pub const fn new() -> Self {
        Self { raw: None }
    }

    /// Decodes a frame; the picture, if it has one to show, is valid until the next call. A picture may
    /// be of another size than the one before, and of odd sides.
    ///
    /// # Errors
    /// [`Error::NoFrame`], [`Error::TooLarge`], or [`Error::Library`] when it cannot be read whole: until
    /// the next keyframe follows [`Error::NeedsKeyframe`]. The decoder can be used further.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        // Put back below, unless the frame is refused.
        let former = self.raw.take();
        let mut raw = match (header::judge(frame)?, former) {
            (_, Some(raw)) => raw,
            (Kind::Key, None) => RawDecoder::new()?,
            (Kind::Inter, None) => return Err(Error::NeedsKeyframe),
        };
        raw.decode(frame)?;
        self.raw.insert(raw).picture()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
