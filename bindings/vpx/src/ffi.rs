//! The border to C, `src/shim.c`: the one file of this crate with `unsafe`. Both sides of each function
//! stand there and here, and must stay alike.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int};
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::{self, NonNull};

use crate::error::Error;
use crate::picture::{self, Picture};

/// Libvpx's `cpu_used` for real time: how much less thorough than it could be, from -1 to -16.
/// WebRTC's for each: phones would fall behind and grow hot with a desktop's, and a desktop's picture
/// would be worse than it need be with a phone's.
const SPEED: i32 = if cfg!(any(target_arch = "aarch64", target_arch = "arm")) {
    -12
} else {
    -6
};

/// An object of the shim's. Neither made nor moved by Rust.
#[repr(C)]
struct Opaque {
    _bytes: [u8; 0],
    _not_ours: PhantomData<(*mut u8, PhantomPinned)>,
}

/// `struct lens_vpx_picture`.
#[repr(C)]
struct RawPicture {
    planes: [*const u8; 3],
    width: u32,
    height: u32,
    luma_stride: i32,
    chroma_stride: i32,
}

/// `struct lens_vpx_frame`.
#[repr(C)]
struct RawFrame {
    data: *const u8,
    length: usize,
}

unsafe extern "C" {
    fn lens_vpx_encoder_new(
        width: u32,
        height: u32,
        kbps: u32,
        fps: u32,
        speed: i32,
        made: *mut *mut Opaque,
    ) -> c_int;
    fn lens_vpx_encoder_free(encoder: *mut Opaque);
    fn lens_vpx_encoder_rate(encoder: *mut Opaque, kbps: u32, fps: u32) -> c_int;
    fn lens_vpx_encoder_encode(
        encoder: *mut Opaque,
        picture: *const RawPicture,
        at: i64,
        lasts: u32,
        keyframe: i32,
        frame: *mut RawFrame,
    ) -> c_int;
    fn lens_vpx_encoder_detail(encoder: *mut Opaque) -> *const c_char;
    fn lens_vpx_decoder_new(made: *mut *mut Opaque) -> c_int;
    fn lens_vpx_decoder_free(decoder: *mut Opaque);
    fn lens_vpx_decoder_decode(decoder: *mut Opaque, data: *const u8, length: u32) -> c_int;
    fn lens_vpx_decoder_picture(decoder: *const Opaque, picture: *mut RawPicture) -> c_int;
    fn lens_vpx_decoder_detail(decoder: *mut Opaque) -> *const c_char;
    fn lens_vpx_meaning(code: i32) -> *const c_char;
}

/// Bits, in thousands, and pictures a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) kbps: u32,
    pub(crate) fps: u32,
}

/// An encoder of libvpx, for pictures of one size.
#[derive(Debug)]
pub(crate) struct RawEncoder {
    object: NonNull<Opaque>,
    sides: [u32; 2],
}

/// A decoder of libvpx.
#[derive(Debug)]
pub(crate) struct RawDecoder {
    object: NonNull<Opaque>,
}

// SAFETY: libvpx keeps nothing that belongs to a thread, only in the object; the tables that it fills
// once it fills under a lock (vpx_ports/vpx_once.h). With one thread set, it starts none.
unsafe impl Send for RawEncoder {}
// SAFETY: as above.
unsafe impl Send for RawDecoder {}

impl RawEncoder {
    pub(crate) fn new(sides: [u32; 2], rate: Rate) -> Result<Self, Error> {
        let ([width, height], mut made) = (sides, ptr::null_mut());
        // SAFETY: `made` outlives the call; nothing else is a pointer.
        let code = unsafe {
            lens_vpx_encoder_new(width, height, rate.kbps, rate.fps, SPEED, &raw mut made)
        };
        let object = made_whole("an encoder", code, made)?;
        Ok(Self { object, sides })
    }

    pub(crate) fn set_rate(&mut self, rate: Rate) -> Result<(), Error> {
        // SAFETY: the object is ours and lives until we are dropped.
        let code = unsafe { lens_vpx_encoder_rate(self.object.as_ptr(), rate.kbps, rate.fps) };
        self.judge("a bitrate", code)
    }

    /// Encodes a picture of this encoder's size; none when it was skipped. `at_us` grows.
    pub(crate) fn encode(
        &mut self,
        picture: &Picture<'_>,
        at_us: i64,
        lasts_us: u32,
        keyframe: bool,
    ) -> Result<Option<&[u8]>, Error> {
        assert_eq!(self.sides, [picture.width(), picture.height()]);
        let stride = |plane: usize| i32::try_from(picture.strides()[plane]).unwrap_or(i32::MAX);
        let given = RawPicture {
            planes: picture.planes().map(<[u8]>::as_ptr),
            width: picture.width(),
            height: picture.height(),
            luma_stride: stride(0),
            chroma_stride: stride(1),
        };
        let mut frame = RawFrame {
            data: ptr::null(),
            length: 0,
        };
        // SAFETY: the object is ours; `given` and `frame` outlive the call. `Picture::new` has checked that
        // the planes hold as many rows as sides and strides say, and that strides fit an `int`; the
        // shim reads no more, and keeps none of these pointers.
        let code = unsafe {
            let (picture, frame) = (&raw const given, &raw mut frame);
            let object = self.object.as_ptr();
            lens_vpx_encoder_encode(object, picture, at_us, lasts_us, keyframe.into(), frame)
        };
        self.judge("a picture", code)?;
        if frame.length == 0 || frame.data.is_null() {
            return Ok(None);
        }
        // SAFETY: the shim hands out so many bytes of the object's, valid until its next call, for
        // which the caller has to end this borrow.
        Ok(Some(unsafe {
            std::slice::from_raw_parts(frame.data, frame.length)
        }))
    }

    fn judge(&mut self, what: &'static str, code: c_int) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the object is ours, and its text valid until its next call.
        let detail = unsafe { text(lens_vpx_encoder_detail(self.object.as_ptr())) };
        Err(refused(what, code, detail))
    }
}

impl Drop for RawEncoder {
    fn drop(&mut self) {
        // SAFETY: the object is ours, and nothing borrows from it any more.
        unsafe { lens_vpx_encoder_free(self.object.as_ptr()) }
    }
}

impl RawDecoder {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut made = ptr::null_mut();
        // SAFETY: `made` outlives the call.
        let code = unsafe { lens_vpx_decoder_new(&raw mut made) };
        let object = made_whole("a decoder", code, made)?;
        Ok(Self { object })
    }

    /// Decodes a frame whose header was judged.
    pub(crate) fn decode(&mut self, frame: &[u8]) -> Result<(), Error> {
        let length = u32::try_from(frame.len()).map_err(|_| Error::NoFrame {
            reason: "it has 4 GiB or more",
        })?;
        // SAFETY: the object is ours; the bytes outlive the call, which keeps no pointer to them.
        let code = unsafe { lens_vpx_decoder_decode(self.object.as_ptr(), frame.as_ptr(), length) };
        if code == 0 {
            return Ok(());
        }
        // SAFETY: the object is ours, and its text valid until its next call.
        let detail = unsafe { text(lens_vpx_decoder_detail(self.object.as_ptr())) };
        Err(refused("a frame", code, detail))
    }

    /// The last frame's picture; none when it has none to show.
    pub(crate) fn picture(&self) -> Result<Option<Picture<'_>>, Error> {
        let mut raw = RawPicture {
            planes: [ptr::null(); 3],
            width: 0,
            height: 0,
            luma_stride: 0,
            chroma_stride: 0,
        };
        // SAFETY: the object is ours; `raw` outlives the call.
        let code = unsafe { lens_vpx_decoder_picture(self.object.as_ptr(), &raw mut raw) };
        if code != 0 {
            return Err(refused("a picture's layout", code, None));
        }
        if raw.width == 0 {
            return Ok(None);
        }
        let sides = [raw.width, raw.height];
        let stride = |stride: i32| usize::try_from(stride).unwrap_or(0);
        let strides = [stride(raw.luma_stride), stride(raw.chroma_stride)];
        let plane = |index: usize| {
            let [width, height] = picture::sides_of(sides, index);
            let length = strides[index.min(1)] * height.saturating_sub(1) + width;
            // SAFETY: libvpx's picture has `height` rows of `width` samples, each a stride from
            // the one before; it is valid and unchanged until the object's next call, for which the caller
            // has to end this borrow.
            unsafe { std::slice::from_raw_parts(raw.planes[index], length) }
        };
        Picture::new(sides, [plane(0), plane(1), plane(2)], strides).map(Some)
    }
}

impl Drop for RawDecoder {
    fn drop(&mut self) {
        // SAFETY: the object is ours, and nothing borrows from it any more.
        unsafe { lens_vpx_decoder_free(self.object.as_ptr()) }
    }
}

fn made_whole(
    what: &'static str,
    code: c_int,
    made: *mut Opaque,
) -> Result<NonNull<Opaque>, Error> {
    match NonNull::new(made) {
        Some(object) if code == 0 => Ok(object),
        _ => Err(refused(what, code, None)),
    }
}

fn refused(what: &'static str, code: c_int, detail: Option<String>) -> Error {
    // SAFETY: any code is answered with a text of the library's own, which stays.
    let meaning = unsafe { text(lens_vpx_meaning(code)) }.unwrap_or_default();
    let reason = match detail {
        Some(detail) => format!("{meaning}: {detail}"),
        None => meaning,
    };
    Error::Library { what, reason, code }
}

/// Copies a text of C's.
///
/// # Safety
/// It is null, or ends with a zero and does not change during this call.
unsafe fn text(words: *const c_char) -> Option<String> {
    // SAFETY: as this function's own.
    let words = (!words.is_null()).then(|| unsafe { CStr::from_ptr(words) });
    words.map(|words| words.to_string_lossy().into_owned())
}
