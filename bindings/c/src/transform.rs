//! A stage of the host's that each frame passes: encryption, measurement, a watermark.

use std::ffi::c_void;
use std::panic::resume_unwind;

use lens_media_sdk::{FrameInfo, FrameTransform};

use crate::abi::{Sized32, init, lens_status};
use crate::callbacks::{Taking, UserData, call, lens_destroy_fn};
use crate::frame::{codec_of, lens_codec};
use crate::handles::guard;
use crate::last_error::Refusal;

/// What becomes of a frame: one of `LENS_TRANSFORM_*`.
pub type lens_transformed = i32;
/// It goes on.
pub const LENS_TRANSFORM_PASS: lens_transformed = 0;
/// It is dropped. At the sender it is counted in `frames_dropped_sending` and a keyframe is asked
/// for; at the receiver it is not given out.
pub const LENS_TRANSFORM_DROP: lens_transformed = 1;

/// How many bytes a frame may grow by in a transform.
pub const LENS_TRANSFORM_ROOM: usize = 1024;

/// What a transform is told of a frame. Borrowed until the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_frame_info {
    /// `sizeof(lens_frame_info)` of the library.
    pub struct_size: u32,
    /// One of `LENS_CODEC_*`.
    pub codec: lens_codec,
    /// Its time, as in `lens_encoded_frame`.
    pub pts_us: u64,
    /// 1 when a decoder can begin with it, else 0. Always 1 for voices.
    pub keyframe: u8,
    /// 0.
    pub reserved: [u8; 7],
}

/// A stage that each frame passes, named by `lens_participant_config`. `lens_frame_transform_init`
/// fills it with zeros; `transform` has to be set.
///
/// A sender's stage runs on the thread that calls `lens_participant_push_frame`, before that
/// returns; a receiver's on the participant's callback queue, right before `on_frame`. Each is called
/// one at a time and sees every frame in order, but the two of one participant may run at the same
/// time. Every function of this library may be called from them, except that a sender's stage must
/// not push frames of its own participant, nor wait for a thread that does
/// (`LENS_STATUS_INVALID_STATE` for the push). No frame enters a stage, or passes by it, once its
/// participant is closed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_frame_transform {
    /// `sizeof(lens_frame_transform)`, set by `lens_frame_transform_init`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Handed to each of the functions below. May be NULL.
    pub user_data: *mut c_void,
    /// Called once, after the last `transform`: when the participant is closed, a receiver's also
    /// when it fails or ends otherwise; or, for a sender's stage, on the thread that was in
    /// `transform` then, when it returns. May be NULL.
    pub destroy: lens_destroy_fn,
    /// Changes a frame in place; required. Returns one of `LENS_TRANSFORM_*`.
    ///
    /// `data` is memory of the library's, valid and writable until this returns: `*length` bytes of
    /// the frame, and room behind them up to `capacity` (`LENS_TRANSFORM_ROOM` bytes more). Write to
    /// `length` how long the frame is then, at most `capacity`; 0 drops it.
    ///
    /// Anything else that is returned, a length beyond `capacity`, and `lens_callback_failed` called
    /// from here, end the participant with `LENS_STATUS_HOST_PANICKED`, and no other;
    /// `lens_participant_push_frame` then answers the same.
    ///
    /// What the media server reads of a frame has to stay as it is: the first byte of VP8, the start
    /// codes and first bytes of H.264's units. Encryption begins behind them.
    pub transform: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            info: *const lens_frame_info,
            data: *mut u8,
            length: *mut usize,
            capacity: usize,
        ) -> lens_transformed,
    >,
}

// SAFETY: it begins with its size; zeros are NULL.
unsafe impl Sized32 for lens_frame_transform {}

/// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_frame_transform)`.
///
/// # Safety
/// `transform` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_frame_transform_init(
    transform: *mut lens_frame_transform,
    struct_size: u32,
) -> lens_status {
    let empty = lens_frame_transform {
        struct_size,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        destroy: None,
        transform: None,
    };
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(transform, struct_size, empty) })
}

/// The table as the Rust library sees it.
pub(crate) struct Stage {
    table: lens_frame_transform,
    user_data: UserData,
}

// SAFETY: the table is functions and a number; its pointer is handed on only, as `UserData` says.
unsafe impl Send for Stage {}

impl Stage {
    pub(crate) fn new(table: lens_frame_transform, name: &str) -> Result<Self, Refusal> {
        if table.transform.is_none() {
            return Err(Refusal::argument(format!("{name}.transform is NULL")));
        }
        let user_data = UserData::new(table.user_data, table.destroy);
        Ok(Self { table, user_data })
    }

    pub(crate) fn taking(&self) -> Taking {
        self.user_data.taking()
    }
}

impl FrameTransform for Stage {
    fn transform(&mut self, info: FrameInfo, mut data: Vec<u8>) -> Option<Vec<u8>> {
        let transform = self.table.transform?;
        let info = lens_frame_info {
            struct_size: size_of::<lens_frame_info>() as u32,
            codec: codec_of(info.codec),
            pts_us: info.pts_us,
            keyframe: info.keyframe.into(),
            reserved: [0; 7],
        };
        let mut length = data.len();
        let capacity = length + LENS_TRANSFORM_ROOM;
        data.resize(capacity, 0);
        let (bytes, user_data) = (data.as_mut_ptr(), self.user_data.pointer());
        let mut told = LENS_TRANSFORM_DROP;
        call(|| {
            // SAFETY: the host gave both together; `data` has `capacity` bytes, and all that is
            // pointed to lives until the call returns.
            told =
                unsafe { transform(user_data, &raw const info, bytes, &raw mut length, capacity) };
        });
        match told {
            LENS_TRANSFORM_PASS if length <= capacity => {
                data.truncate(length);
                Some(data)
            }
            LENS_TRANSFORM_DROP => None,
            _ => resume_unwind(Box::new("a transform of the host's failed")),
        }
    }
}
