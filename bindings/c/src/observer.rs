//! What a participant tells its host, as a table of functions.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

use lens_media_sdk::{
    Annotation, Chat, CommandId, CommandOutcome, CommandRequest, EncodedFrame, Observer, Role,
    RosterEntry, State, Track,
};
use lens_protocol::id::ParticipantId;

use crate::abi::{Sized32, init, lens_id, lens_status};
use crate::annotation::lens_annotation;
use crate::callbacks::{Taking, UserData, call, lens_destroy_fn};
use crate::command::{lens_command, lens_outcome, outcome_of};
use crate::frame::{lens_encoded_frame, lens_track};
use crate::handles::guard;
use crate::participant::{LENS_ROLE_CAMERA, LENS_ROLE_VIEWER, lens_role, lens_state};

/// Somebody who takes part. Borrowed until the callback returns, with all it points to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_roster_entry {
    /// `sizeof(lens_roster_entry)` of the library.
    pub struct_size: u32,
    /// One of `LENS_ROLE_*`.
    pub role: lens_role,
    /// Who.
    pub participant: lens_id,
    /// Their name, `name_length` bytes of UTF-8.
    pub name: *const c_char,
    /// How many.
    pub name_length: usize,
}

/// What a participant tells its host. `lens_observer_init` fills it with zeros; set the functions
/// you want, NULL is nothing.
///
/// Calls come one at a time and in order, on the participant's callback queue: a thread of the
/// library's, or one that you lend (`lens_engine_run_callbacks`). They never come from within a call
/// of yours. Every function of this library may be called from them, `lens_participant_close`,
/// `lens_participant_destroy` and `lens_engine_destroy` as well. All pointers are borrowed until the
/// callback returns.
///
/// A slow host delays its own participant only: frames that wait too long are dropped, oldest first,
/// and counted (`frames_dropped_queue`); messages are not, and a host that lets thousands of them
/// pile up ends its participant with `LENS_STATUS_HOST_TOO_SLOW`. Exceptions must not leave a
/// callback: see `lens_callback_failed`.
///
/// After `lens_participant_close` has returned, nothing is called any more.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_observer {
    /// `sizeof(lens_observer)`, set by `lens_observer_init`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Handed to each of the functions below. May be NULL.
    pub user_data: *mut c_void,
    /// Called once, after the last callback. May be NULL.
    pub destroy: lens_destroy_fn,
    /// The state changed (`LENS_STATE_*`). `code` says why it failed; else it is 0. Nothing comes
    /// after `LENS_STATE_CLOSED` and `LENS_STATE_FAILED`. The end that `lens_participant_close`
    /// brings is not told.
    pub on_state:
        Option<unsafe extern "C" fn(user_data: *mut c_void, state: lens_state, code: lens_status)>,
    /// A new generation has taken over.
    pub on_generation: Option<unsafe extern "C" fn(user_data: *mut c_void, generation: u32)>,
    /// Who takes part now: `count` pointers.
    pub on_roster: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            entries: *const *const lens_roster_entry,
            count: usize,
        ),
    >,
    /// Somebody is in a slot, and can be seen or heard.
    pub on_track: Option<unsafe extern "C" fn(user_data: *mut c_void, track: *const lens_track)>,
    /// They are gone from their slot.
    pub on_track_end:
        Option<unsafe extern "C" fn(user_data: *mut c_void, track: *const lens_track)>,
    /// A frame, due to be decoded and shown now.
    pub on_frame: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            track: *const lens_track,
            frame: *const lens_encoded_frame,
        ),
    >,
    /// What the encoder may produce: at most `target_bps` bits per second of video and `max_fps`
    /// pictures a second. Told when it changes noticeably.
    pub on_bitrate:
        Option<unsafe extern "C" fn(user_data: *mut c_void, target_bps: u32, max_fps: u32)>,
    /// Somebody cannot go on without a keyframe: let the encoder make one now.
    pub on_keyframe_request: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Without connection for 60 s, capture has to stop: nobody films for nobody unknowingly. Frames
    /// are refused until `lens_participant_resume_capture`.
    pub on_capture_stopped: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// A line of talk from another participant: `length` bytes of UTF-8, and the sender's count.
    pub on_chat: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            from: *const lens_id,
            id: u64,
            text: *const c_char,
            length: usize,
        ),
    >,
    /// A viewer asks for something. Answer it, in your own time, with `lens_command_reply` and this
    /// `id`; the customer may refuse. `from` is all zero when it came by signalling.
    pub on_command: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            id: u64,
            from: *const lens_id,
            command: *const lens_command,
        ),
    >,
    /// What became of a command of ours: `id` as `lens_command_send` gave it.
    pub on_command_reply:
        Option<unsafe extern "C" fn(user_data: *mut c_void, id: u64, outcome: lens_outcome)>,
    /// Somebody draws on the picture.
    pub on_annotation: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            from: *const lens_id,
            annotation: *const lens_annotation,
        ),
    >,
    /// Somebody takes one drawing of theirs away, or all of them when `id` is NULL.
    pub on_annotation_clear:
        Option<unsafe extern "C" fn(user_data: *mut c_void, from: *const lens_id, id: *const u64)>,
    /// Key agreement, from another participant: `length` bytes of UTF-8.
    pub on_key_message: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            from: *const lens_id,
            payload: *const c_char,
            length: usize,
        ),
    >,
    /// This participant hears what is said from now on, and what they say is heard here. Told for
    /// each of the others, and again after either side had a new connection. What is said before
    /// reaches only those who hear already: chat, commands and drawings are kept by nobody.
    pub on_talk_ready:
        Option<unsafe extern "C" fn(user_data: *mut c_void, participant: *const lens_id)>,
}

// SAFETY: it begins with its size; zeros are NULL.
unsafe impl Sized32 for lens_observer {
    const VERSION_1: usize = offset_of!(Self, on_talk_ready);
}

/// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_observer)`.
///
/// # Safety
/// `observer` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_observer_init(
    observer: *mut lens_observer,
    struct_size: u32,
) -> lens_status {
    let empty = lens_observer {
        struct_size,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        destroy: None,
        on_state: None,
        on_generation: None,
        on_roster: None,
        on_track: None,
        on_track_end: None,
        on_frame: None,
        on_bitrate: None,
        on_keyframe_request: None,
        on_capture_stopped: None,
        on_chat: None,
        on_command: None,
        on_command_reply: None,
        on_annotation: None,
        on_annotation_clear: None,
        on_key_message: None,
        on_talk_ready: None,
    };
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(observer, struct_size, empty) })
}

/// The table as the Rust library sees it.
pub(crate) struct Table {
    table: lens_observer,
    user_data: UserData,
}

// SAFETY: the table is functions and a number; its pointer is handed on only, as `UserData` says.
unsafe impl Send for Table {}

impl Table {
    pub(crate) fn new(table: lens_observer) -> Self {
        let user_data = UserData::new(table.user_data, table.destroy);
        Self { table, user_data }
    }

    pub(crate) fn taking(&self) -> Taking {
        self.user_data.taking()
    }
}

/// Calls a function of the table, where the host has set it.
macro_rules! tell {
    ($self:ident . $function:ident ( $($argument:expr),* )) => {
        if let Some(function) = $self.table.$function {
            let user_data = $self.user_data.pointer();
            // SAFETY: the host gave both together; what is pointed to lives until it returns.
            call(|| unsafe { function(user_data $(, $argument)*) });
        }
    };
}

impl Observer for Table {
    fn on_state(&mut self, state: State) {
        let code = state.code().map_or(0, |code| code.c_status());
        tell!(self.on_state(state.c_state(), code));
    }

    fn on_generation(&mut self, generation: u32) {
        tell!(self.on_generation(generation));
    }

    fn on_roster(&mut self, participants: &[RosterEntry]) {
        let entries: Vec<_> = participants.iter().map(entry_of).collect();
        let pointers: Vec<_> = entries.iter().map(std::ptr::from_ref).collect();
        tell!(self.on_roster(pointers.as_ptr(), pointers.len()));
    }

    fn on_track(&mut self, track: &Track) {
        let track = lens_track::of(track);
        tell!(self.on_track(&raw const track));
    }

    fn on_track_end(&mut self, track: &Track) {
        let track = lens_track::of(track);
        tell!(self.on_track_end(&raw const track));
    }

    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        let (track, frame) = (lens_track::of(track), lens_encoded_frame::of(frame));
        tell!(self.on_frame(&raw const track, &raw const frame));
    }

    fn on_bitrate(&mut self, target_bps: u32, max_fps: u32) {
        tell!(self.on_bitrate(target_bps, max_fps));
    }

    fn on_keyframe_request(&mut self) {
        tell!(self.on_keyframe_request());
    }

    fn on_capture_stopped(&mut self) {
        tell!(self.on_capture_stopped());
    }

    fn on_talk_ready(&mut self, participant: ParticipantId) {
        let participant = lens_id::new(participant);
        tell!(self.on_talk_ready(&raw const participant));
    }

    fn on_chat(&mut self, chat: &Chat) {
        let (from, text) = (lens_id::new(chat.from), &chat.text);
        tell!(self.on_chat(&raw const from, chat.id, text.as_ptr().cast(), text.len()));
    }

    fn on_command(&mut self, request: &CommandRequest) {
        let (from, command) = (
            lens_id::maybe(request.from),
            lens_command::of(&request.command),
        );
        tell!(self.on_command(request.id, &raw const from, &raw const command));
    }

    fn on_command_reply(&mut self, id: CommandId, outcome: CommandOutcome) {
        tell!(self.on_command_reply(id, outcome_of(outcome)));
    }

    fn on_annotation(&mut self, from: ParticipantId, annotation: &Annotation) {
        let (from, annotation) = (lens_id::new(from), lens_annotation::of(annotation));
        tell!(self.on_annotation(&raw const from, &raw const annotation));
    }

    fn on_annotation_clear(&mut self, from: ParticipantId, id: Option<u64>) {
        let from = lens_id::new(from);
        let id = id.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        tell!(self.on_annotation_clear(&raw const from, id));
    }

    fn on_key_message(&mut self, from: ParticipantId, payload: &str) {
        let from = lens_id::new(from);
        tell!(self.on_key_message(&raw const from, payload.as_ptr().cast(), payload.len()));
    }
}

fn entry_of(entry: &RosterEntry) -> lens_roster_entry {
    lens_roster_entry {
        struct_size: size_of::<lens_roster_entry>() as u32,
        role: match entry.role {
            Role::Camera => LENS_ROLE_CAMERA,
            Role::Viewer => LENS_ROLE_VIEWER,
        },
        participant: lens_id::new(entry.participant),
        name: entry.display_name.as_ptr().cast(),
        name_length: entry.display_name.len(),
    }
}
