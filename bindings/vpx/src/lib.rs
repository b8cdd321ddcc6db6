//! VP8 (RFC 6386) by the system's libvpx: pictures in I420 to frames, and back. What the MediaSDK's
//! feature `vpx` stands on.
//!
//! ```text
//! Picture ─▶ Encoder::encode ─▶ frame      frame ─▶ Decoder::decode ─▶ Picture
//!             ▲ set_rate, no keyframe               refuses by name, waits for a keyframe
//! ```
//!
//! What it promises:
//! - Another bitrate costs no keyframe, and a keyframe that was asked for comes, with the next picture.
//! - A decoded picture borrows from its decoder, and cannot outlive it.
//! - Whatever bytes a decoder is given, the answer is a picture or an [`Error`]. Their header is judged
//!   here, before C sees them: what it says of the picture's size decides how much memory is taken.
//!
//! `src/shim.c` hides the structures of libvpx, whose layout differs between versions, so that what is
//! compiled fits the headers that are there; `src/ffi.rs` alone calls it, and alone has `unsafe`. Without
//! the feature `system` the crate is empty and needs neither library nor headers.
//!
//! Left out: VP9, threads, layers, alpha, two passes. Start with [`Encoder`] and [`Decoder`].

#![cfg(feature = "system")]

mod clock;
mod decoder;
mod encoder;
mod error;
mod ffi;
mod header;
mod picture;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::Error;
pub use picture::Picture;
