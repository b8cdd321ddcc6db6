//! Participants: their life, and what media they send.

use std::ffi::c_char;
use std::mem::offset_of;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lens_media_sdk::{FrameTransform, Participant, ParticipantConfig, Role};

use crate::abi::{Sized32, check_pointer, init, lens_id, lens_status, put, read, text};
use crate::callbacks::Taking;
use crate::engine::{self, EngineBox, lens_engine};
use crate::frame::{lens_encoded_frame, lens_media, media_kind};
use crate::handles::{Handles, guard};
use crate::last_error::Refusal;
use crate::network::{Network, lens_network};
use crate::observer::{Table, lens_observer};
use crate::transform::{Stage, lens_frame_transform};

/// Names a participant; never 0. Handles may be copied and used from every thread. After
/// `lens_participant_close` calls answer `LENS_STATUS_CLOSED`; after `lens_participant_destroy`, or
/// the end of its engine, `LENS_STATUS_INVALID_HANDLE`.
pub type lens_participant = u64;

/// What a participant does in the conference: one of `LENS_ROLE_*`.
pub type lens_role = i32;
/// Sends the camera and a voice. At most one per conference.
pub const LENS_ROLE_CAMERA: lens_role = 1;
/// Receives the camera; sends a voice.
pub const LENS_ROLE_VIEWER: lens_role = 2;

/// Where a participant stands: one of `LENS_STATE_*`.
pub type lens_state = i32;
/// No offer has come yet.
pub const LENS_STATE_NEW: lens_state = 0;
/// The first connection is being made.
pub const LENS_STATE_CONNECTING: lens_state = 1;
/// Media can flow.
pub const LENS_STATE_CONNECTED: lens_state = 2;
/// Media could flow; a new path or a new generation is being made.
pub const LENS_STATE_RECONNECTING: lens_state = 3;
/// Closed by the host, or by the server's goodbye. Never left.
pub const LENS_STATE_CLOSED: lens_state = 4;
/// It cannot go on. Never left.
pub const LENS_STATE_FAILED: lens_state = 5;

/// How a participant is set up. `lens_participant_config_init` fills it with its defaults; the role
/// has to be set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_participant_config {
    /// `sizeof(lens_participant_config)`, set by `lens_participant_config_init`.
    pub struct_size: u32,
    /// One of `LENS_ROLE_*`. The offer's layout decides what it can send.
    pub role: lens_role,
    /// After how many milliseconds a signal that nothing is reported of counts as failed. 1,000 to
    /// 120,000; default 10,000.
    pub signal_timeout_ms: u32,
    /// Most kilobits per second of video it sends; the server's limit holds beside it. 50 to 20,000;
    /// default 2,500.
    pub max_video_kbps: u32,
    /// Most pictures a second that the encoder is told. 1 to 120; default 30.
    pub max_fps: u32,
    /// Shortest wait of received frames, in milliseconds. 0 to `playout_max_ms`; default
    /// 20.
    pub playout_min_ms: u32,
    /// Longest wait of received frames, in milliseconds. At most 2,000; default 250.
    pub playout_max_ms: u32,
    /// Most frames of a kind that wait for a slow thread or host, in either direction, before the
    /// oldest is dropped. 1 to 1,000; default 30.
    pub frame_queue: u32,
    /// Most messages that wait for the connection, before more are refused with
    /// `LENS_STATUS_WOULD_BLOCK`. 1 to 10,000; default 64.
    pub message_queue: u32,
    /// 0.
    pub reserved: u32,
    /// A stage that each frame passes before it is sent; NULL for none. The table is copied when the
    /// participant is made.
    pub sender_transform: *const lens_frame_transform,
    /// A stage that each received frame passes before it is given out; NULL for none. Copied, too.
    pub receiver_transform: *const lens_frame_transform,
}

// SAFETY: it begins with its size; zeros are numbers and NULL.
unsafe impl Sized32 for lens_participant_config {
    const VERSION_1: usize = offset_of!(Self, sender_transform);
}

impl lens_participant_config {
    fn defaults() -> Self {
        let config = ParticipantConfig::new(Role::Camera);
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            struct_size: size_of::<Self>() as u32,
            role: 0,
            signal_timeout_ms: ms(config.signal_timeout),
            max_video_kbps: config.max_video_kbps,
            max_fps: config.max_fps,
            playout_min_ms: ms(config.playout_min),
            playout_max_ms: ms(config.playout_max),
            frame_queue: count(config.frame_queue),
            message_queue: count(config.message_queue),
            reserved: 0,
            sender_transform: std::ptr::null(),
            receiver_transform: std::ptr::null(),
        }
    }

    fn to_config(self) -> Result<ParticipantConfig, Refusal> {
        let ms = |time: u32| Duration::from_millis(time.into());
        let mut config = ParticipantConfig::new(match self.role {
            LENS_ROLE_CAMERA => Role::Camera,
            LENS_ROLE_VIEWER => Role::Viewer,
            _ => return Err(Refusal::argument("config.role is none of LENS_ROLE_*")),
        });
        config.signal_timeout = ms(self.signal_timeout_ms);
        config.max_video_kbps = self.max_video_kbps;
        config.max_fps = self.max_fps;
        config.playout_min = ms(self.playout_min_ms);
        config.playout_max = ms(self.playout_max_ms);
        config.frame_queue = self.frame_queue as usize;
        config.message_queue = self.message_queue as usize;
        Ok(config)
    }
}

/// A stage of the host's; none for NULL.
///
/// # Safety
/// `table` is NULL, or points to a struct whose first field is its size.
unsafe fn stage(
    table: *const lens_frame_transform,
    name: &str,
) -> Result<Option<Box<Stage>>, Refusal> {
    if table.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let stage = Stage::new(unsafe { read(table, name) }?, name)?;
    Ok(Some(Box::new(stage)))
}

/// A participant, and whose list its handle is in.
struct ParticipantBox {
    participant: Participant,
    engine: Weak<EngineBox>,
}

static PARTICIPANTS: Handles<ParticipantBox> = Handles::new();

pub(crate) fn find(participant: lens_participant) -> Result<Participant, Refusal> {
    Ok(PARTICIPANTS.find(participant)?.participant.clone())
}

/// The participant of a handle, for Rust that is linked with this face.
pub fn participant_of(participant: lens_participant) -> Option<Participant> {
    find(participant).ok()
}

pub(crate) fn live() -> usize {
    PARTICIPANTS.len()
}

/// Releases the handle of a participant whose engine ends.
pub(crate) fn release(participant: lens_participant) {
    // Destroyed by the host meanwhile: then it is gone.
    let _ = PARTICIPANTS.remove(participant);
}

/// Fills the configuration with its defaults. `struct_size` is `sizeof(lens_participant_config)`.
///
/// # Safety
/// `config` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_config_init(
    config: *mut lens_participant_config,
    struct_size: u32,
) -> lens_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(config, struct_size, lens_participant_config::defaults()) })
}

/// Makes a participant that waits for its first offer (`lens_participant_receive`), and writes its
/// handle to `participant`. No callback runs before the first signal is received. `config` and the
/// tables are copied; `observer` may be NULL.
///
/// When it succeeds, the `user_data` of all tables, those of the transforms as well, are the library's
/// until it calls their `destroy`. When it fails they stay yours, `destroy` is not called, and the
/// handle is 0.
///
/// `LENS_STATUS_INVALID_ARGUMENT` for a NULL pointer, a struct without its size, or a field outside
/// its range; `LENS_STATUS_INVALID_HANDLE`; `LENS_STATUS_CLOSED` when the engine is being destroyed;
/// `LENS_STATUS_IO` when the system gives no thread; `LENS_STATUS_NO_MEMORY` when 32,000
/// participants are in use.
///
/// # Safety
/// The pointers are NULL, or point to structs whose first field is their size; `user_data` and the
/// functions may be used from any thread, one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_create(
    engine: lens_engine,
    config: *const lens_participant_config,
    network: *const lens_network,
    observer: *const lens_observer,
    participant: *mut lens_participant,
) -> lens_status {
    guard(|| {
        // SAFETY: the caller's promise.
        unsafe { put(participant, 0, "participant") }?;
        let owner = engine::find(engine)?;
        // SAFETY: the caller's promise.
        let config = unsafe { read(config, "config") }?;
        // SAFETY: the caller's promise.
        let sender = unsafe { stage(config.sender_transform, "config.sender_transform") }?;
        // SAFETY: the caller's promise.
        let receiver = unsafe { stage(config.receiver_transform, "config.receiver_transform") }?;
        let mut config = config.to_config()?;
        // SAFETY: the caller's promise.
        let network = Network::new(unsafe { read(network, "network") }?);
        network.check()?;
        let observer = match observer.is_null() {
            true => None,
            // SAFETY: the caller's promise.
            false => Some(Table::new(unsafe { read(observer, "observer") }?)),
        };
        let mut taking = vec![network.taking()];
        taking.extend(observer.as_ref().map(Table::taking));
        taking.extend(
            [&sender, &receiver]
                .into_iter()
                .flatten()
                .map(|it| it.taking()),
        );
        config.sender_transform = sender.map(|stage| stage as Box<dyn FrameTransform>);
        config.receiver_transform = receiver.map(|stage| stage as Box<dyn FrameTransform>);
        let network = Arc::new(network);
        let created = match observer {
            Some(observer) => owner.engine.create_participant(config, network, observer),
            None => owner.engine.create_participant(config, network, ()),
        }?;
        let made = insert(&owner, created)?;
        taking.into_iter().for_each(Taking::take);
        // SAFETY: the caller's promise.
        unsafe { put(participant, made, "participant") }
    })
}

fn insert(owner: &Arc<EngineBox>, participant: Participant) -> Result<u64, Refusal> {
    let engine = Arc::downgrade(owner);
    let made = PARTICIPANTS.insert(Arc::new(ParticipantBox {
        participant,
        engine,
    }))?;
    if !owner.add(made) {
        release(made);
        return Err(engine::gone());
    }
    Ok(made)
}

/// Ends the participant. From any thread and any callback, as often as you like.
///
/// From another thread it returns after the last callback, and each `destroy` has been called; a
/// sender's transform in use apart (`lens_frame_transform`). From one of its own callbacks it returns
/// at once; that callback is the last one, and `destroy` is called when it returns.
///
/// The handle stays valid for `lens_participant_state`, `_id` and `_stats`, reports of signals are
/// ignored, and other calls answer `LENS_STATUS_CLOSED`; release it with `lens_participant_destroy`.
///
/// Where participants close each other from their callbacks, transforms or a `destroy`, at the same
/// time, one of these calls returns before the other's callback has ended: nobody waits for ever.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_close(participant: lens_participant) -> lens_status {
    guard(|| {
        find(participant)?.close();
        Ok(())
    })
}

/// Closes the participant as `lens_participant_close` does, and releases its handle.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_destroy(participant: lens_participant) -> lens_status {
    guard(|| {
        // Closed first: callbacks that still run find their handle valid.
        find(participant)?.close();
        let removed = PARTICIPANTS.remove(participant)?;
        if let Some(engine) = removed.engine.upgrade() {
            engine.forget(participant);
        }
        Ok(())
    })
}

/// Says goodbye through signalling, waits for it at most 3 s, then closes; the observer is told
/// `LENS_STATE_CLOSED`. Returns at once. `reason` is UTF-8 of `length` bytes; NULL for none.
///
/// `LENS_STATUS_INVALID_ARGUMENT` when the reason is no UTF-8; `LENS_STATUS_CLOSED`.
///
/// # Safety
/// `reason` points to `length` readable bytes, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_leave(
    participant: lens_participant,
    reason: *const c_char,
    length: usize,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        // SAFETY: the caller's promise.
        let reason = unsafe { text(reason, length, "reason") }?;
        Ok(found.leave(Some(reason).filter(|reason| !reason.is_empty()))?)
    })
}

/// Writes where the participant stands (`LENS_STATE_*`) to `state`, and why it failed, else 0, to
/// `code`, which may be NULL. Also after close.
///
/// # Safety
/// `state` points to a writable number; `code` as well, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_state(
    participant: lens_participant,
    state: *mut lens_state,
    code: *mut lens_status,
) -> lens_status {
    guard(|| {
        let found = find(participant)?.state();
        check_pointer(state, "state")?;
        if !code.is_null() {
            // SAFETY: the caller's promise.
            unsafe { put(code, found.code().map_or(0, |code| code.c_status()), "code") }?;
        }
        // SAFETY: the caller's promise.
        unsafe { put(state, found.c_state(), "state") }
    })
}

/// Writes the participant's id, all zero before the first offer, to `id`, and the generation that
/// plays, or is about to, 0 before the first, to `generation`. Either may be NULL. Also after close.
///
/// # Safety
/// The pointers are NULL or point to writable values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_id(
    participant: lens_participant,
    id: *mut lens_id,
    generation: *mut u32,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        if !id.is_null() {
            // SAFETY: the caller's promise.
            unsafe { put(id, lens_id::maybe(found.id()), "id") }?;
        }
        if !generation.is_null() {
            // SAFETY: the caller's promise.
            unsafe { put(generation, found.generation(), "generation") }?;
        }
        Ok(())
    })
}

/// Sends a frame. Its bytes are copied before this returns. It is sent when there is a connection and
/// the frame can be decoded at the other end; if not it is dropped and counted, and a keyframe is
/// asked for where one is missing: that is no error.
///
/// `LENS_STATUS_INVALID_ARGUMENT` for an empty or too large frame or a field outside its range,
/// `LENS_STATUS_INVALID_STATE` when the offer has no slot for it, capture has stopped, or its
/// transform waits for this thread, `LENS_STATUS_HOST_PANICKED` when its transform failed
/// (`lens_frame_transform`), `LENS_STATUS_UNSUPPORTED` when the server does not take the codec,
/// `LENS_STATUS_CLOSED`.
///
/// # Safety
/// `frame` is a valid frame, its `data` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_push_frame(
    participant: lens_participant,
    frame: *const lens_encoded_frame,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        // SAFETY: the caller's promise.
        let frame = unsafe { read(frame, "frame")?.to_frame() }?;
        Ok(found.push_frame(&frame)?)
    })
}

/// Stops (`muted` other than 0) or resumes sending pictures or voices. `media` is one of
/// `LENS_MEDIA_*`. Frames that are pushed meanwhile are dropped and counted; that is no error.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_set_muted(
    participant: lens_participant,
    media: lens_media,
    muted: i32,
) -> lens_status {
    guard(|| Ok(find(participant)?.set_muted(media_kind(media)?, muted != 0)?))
}

/// Stops (`paused` other than 0) or resumes sending everything: the same as muting, or not, both
/// pictures and voices.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_set_paused(
    participant: lens_participant,
    paused: i32,
) -> lens_status {
    guard(|| Ok(find(participant)?.set_paused(paused != 0)?))
}

/// Begins capture anew after it had stopped (`on_capture_stopped`): a person's wish, not a
/// program's.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_resume_capture(participant: lens_participant) -> lens_status {
    guard(|| Ok(find(participant)?.resume_capture()?))
}

/// Asks the sender of each received picture for a keyframe, at most every 500 ms.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_request_keyframe(participant: lens_participant) -> lens_status {
    guard(|| Ok(find(participant)?.request_keyframe()?))
}

/// Says that the system's network changed: a new path is looked for. Harmless at any time.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_network_changed(participant: lens_participant) -> lens_status {
    guard(|| Ok(find(participant)?.network_changed()?))
}
