//! Software codecs: what goes in comes out, follows the bitrate and begins anew on request.
//! With none of the features there is nothing to test.

#![cfg(any(feature = "openh264", feature = "opus", feature = "vpx"))]

#[cfg(feature = "openh264")]
mod h264;
#[cfg(any(feature = "openh264", feature = "vpx"))]
mod picture;
#[cfg(feature = "opus")]
mod sound;
#[cfg(any(feature = "openh264", feature = "vpx"))]
mod video;
#[cfg(feature = "vpx")]
mod vp8;
