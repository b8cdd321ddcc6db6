//! Why a picture or a frame was refused.

/// Why a call did not do what was asked. The encoder or decoder can be used further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture does not fit its sides and strides.
    #[error("{what} must be {range}")]
    OutOfRange {
        /// Which part of it.
        what: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// A frame that ends before its header does, or whose header says what cannot be (RFC 6386 §9.1).
    #[error("this is no frame of VP8: {reason}")]
    NoFrame {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The frame's picture has more than 36,864 blocks of 16 × 16 pixels.
    #[error("a picture of {width} × {height} is larger than this decoder takes")]
    TooLarge {
        /// In pixels, as the frame says.
        width: u32,
        /// In pixels, as the frame says.
        height: u32,
    },
    /// The frame builds upon others, which never came or could not be read.
    #[error("the decoder waits for a keyframe")]
    NeedsKeyframe,
    /// libvpx refused.
    #[error("libvpx refuses {what}: {reason} (code {code})")]
    Library {
        /// What it was given.
        what: &'static str,
        /// In its own words.
        reason: String,
        /// Its `vpx_codec_err_t`.
        code: i32,
    },
}
