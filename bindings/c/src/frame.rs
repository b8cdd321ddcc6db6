//! Encoded frames, and where they come from.

use lens_media_sdk::{Codec, EncodedFrame, MediaKind, Rotation, Track};
use std::ffi::c_char;

use crate::abi::{Sized32, bytes, init, lens_id, lens_status};
use crate::handles::guard;
use crate::last_error::Refusal;

/// Pictures or voices: one of `LENS_MEDIA_*`.
pub type lens_media = i32;
/// Pictures.
pub const LENS_MEDIA_VIDEO: lens_media = 1;
/// Voices.
pub const LENS_MEDIA_AUDIO: lens_media = 2;

/// How a frame is encoded: one of `LENS_CODEC_*`; 0 when none is known.
pub type lens_codec = i32;
/// RFC 6386; every Lens peer takes it.
pub const LENS_CODEC_VP8: lens_codec = 1;
/// ITU-T H.264 as an Annex B byte stream (start codes), constrained baseline; where the media server
/// offered it.
pub const LENS_CODEC_H264: lens_codec = 2;
/// RFC 6716 at 48 kHz; one packet is one frame.
pub const LENS_CODEC_OPUS: lens_codec = 3;

pub(crate) fn media_kind(media: lens_media) -> Result<MediaKind, Refusal> {
    match media {
        LENS_MEDIA_VIDEO => Ok(MediaKind::Video),
        LENS_MEDIA_AUDIO => Ok(MediaKind::Audio),
        _ => Err(Refusal::argument("media is none of LENS_MEDIA_*")),
    }
}

const fn media_of(kind: MediaKind) -> lens_media {
    match kind {
        MediaKind::Video => LENS_MEDIA_VIDEO,
        MediaKind::Audio => LENS_MEDIA_AUDIO,
    }
}

pub(crate) const fn codec_of(codec: Codec) -> lens_codec {
    match codec {
        Codec::Vp8 => LENS_CODEC_VP8,
        Codec::H264 => LENS_CODEC_H264,
        Codec::Opus => LENS_CODEC_OPUS,
        _ => 0,
    }
}

/// One encoded frame, whole: a picture, or a piece of voice. `lens_encoded_frame_init` fills it with
/// zeros.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_encoded_frame {
    /// `sizeof(lens_encoded_frame)`, set by `lens_encoded_frame_init`.
    pub struct_size: u32,
    /// One of `LENS_CODEC_*`.
    pub codec: lens_codec,
    /// The encoded bytes. A call that takes a frame copies them before it returns; a callback that
    /// gets one may use them until it returns.
    pub data: *const u8,
    /// How many bytes: 1 to 2,097,152 (2 MiB).
    pub length: usize,
    /// When it was captured, in microseconds of the sender's own count, rising within a track. A
    /// receiver sees another count of the same pace.
    pub pts_us: u64,
    /// 1 when a decoder can begin with it, else 0. Always 1 for voices.
    pub keyframe: u8,
    /// In received frames: 1 when frames are missing before this one. Ignored in those you send.
    pub after_gap: u8,
    /// How the picture has to be turned clockwise to stand upright, in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
    /// 0.
    pub reserved: u32,
}

// SAFETY: it begins with its size; zeros are numbers and NULL.
unsafe impl Sized32 for lens_encoded_frame {}

impl lens_encoded_frame {
    pub(crate) fn of(frame: &EncodedFrame<'_>) -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            codec: codec_of(frame.codec),
            data: frame.data.as_ptr(),
            length: frame.data.len(),
            pts_us: frame.pts_us,
            keyframe: frame.keyframe.into(),
            after_gap: frame.after_gap.into(),
            rotation: frame.rotation.degrees(),
            reserved: 0,
        }
    }

    /// # Safety
    /// Its `data` points to `length` readable bytes, or is NULL, for as long as the frame is used.
    pub(crate) unsafe fn to_frame<'a>(self) -> Result<EncodedFrame<'a>, Refusal> {
        // SAFETY: the caller's promise.
        let data = unsafe { bytes(self.data, self.length, "frame.data") }?;
        let frame = match self.codec {
            LENS_CODEC_VP8 => {
                EncodedFrame::video(Codec::Vp8, data, self.pts_us, self.keyframe != 0)
            }
            LENS_CODEC_H264 => {
                EncodedFrame::video(Codec::H264, data, self.pts_us, self.keyframe != 0)
            }
            LENS_CODEC_OPUS => EncodedFrame::audio(data, self.pts_us),
            _ => return Err(Refusal::argument("frame.codec is none of LENS_CODEC_*")),
        };
        let rotation = Rotation::from_degrees(self.rotation);
        let rotation =
            rotation.ok_or_else(|| Refusal::argument("frame.rotation is not 0, 90, 180 or 270"))?;
        Ok(frame.rotated(rotation))
    }
}

/// Fills the frame with zeros and its size. `struct_size` is `sizeof(lens_encoded_frame)`.
///
/// # Safety
/// `frame` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_encoded_frame_init(
    frame: *mut lens_encoded_frame,
    struct_size: u32,
) -> lens_status {
    let empty = lens_encoded_frame {
        struct_size,
        codec: 0,
        data: std::ptr::null(),
        length: 0,
        pts_us: 0,
        keyframe: 0,
        after_gap: 0,
        rotation: 0,
        reserved: 0,
    };
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(frame, struct_size, empty) })
}

/// Where received frames come from: a slot of the participant's layout, and who is in it. Borrowed
/// until the callback returns, with all it points to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_track {
    /// `sizeof(lens_track)` of the library.
    pub struct_size: u32,
    /// One of `LENS_MEDIA_*`.
    pub media: lens_media,
    /// The section's `a=mid`, `mid_length` bytes of ASCII; names the track within one generation.
    pub mid: *const c_char,
    /// How many.
    pub mid_length: usize,
    /// Whose it is; all zero while no roster has said so.
    pub participant: lens_id,
}

impl lens_track {
    /// Borrows the track's mid.
    pub(crate) fn of(track: &Track) -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            media: media_of(track.kind),
            mid: track.mid.as_ptr().cast(),
            mid_length: track.mid.len(),
            participant: lens_id::maybe(track.participant),
        }
    }
}
