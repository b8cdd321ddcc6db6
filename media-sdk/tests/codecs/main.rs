//! Software codecs: what goes in comes out, follows the bitrate and begins anew on request.
//! With none of the features there is nothing to test.

#![cfg(any(feature = "openh264", feature = "opus"))]

#[cfg(feature = "opus")]
mod sound;
#[cfg(feature = "openh264")]
mod video;
