//! What a participant tells its host.

use lens_protocol::id::ParticipantId;
use lens_protocol::peer::CommandOutcome;
use lens_protocol::signal::RosterEntry;

use crate::frame::{EncodedFrame, Track};
use crate::message::{Annotation, Chat, CommandId, CommandRequest};
use crate::state::State;

/// What a participant tells its host. Every method has an empty default.
///
/// Calls come one at a time and in order, on the participant's callback queue: a thread of its own,
/// or one of the host's (see [`Callbacks`](crate::Callbacks)). They never come from within a call
/// of the host's. A slow observer delays its own participant only: frames that wait too long are
/// dropped, oldest first, and counted; messages are not, and an observer that lets thousands of
/// them pile up ends its participant with `host_too_slow`. An observer that panics ends its
/// participant with `host_panicked`.
///
/// After `close()` has returned nothing is called, and the observer has been dropped, once.
pub trait Observer: Send + 'static {
    /// The state changed. Nothing comes after one that [is over](State::is_over). A state that the
    /// host brought about itself by `close()` is not told.
    fn on_state(&mut self, state: State) {
        let _ = state;
    }

    /// A new generation has taken over.
    fn on_generation(&mut self, generation: u32) {
        let _ = generation;
    }

    /// Who takes part now.
    fn on_roster(&mut self, participants: &[RosterEntry]) {
        let _ = participants;
    }

    /// Somebody is in a slot, and can be seen or heard.
    fn on_track(&mut self, track: &Track) {
        let _ = track;
    }

    /// They are gone from their slot.
    fn on_track_end(&mut self, track: &Track) {
        let _ = track;
    }

    /// A frame, due to be decoded and shown now. Its bytes may be used until this returns.
    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        let _ = (track, frame);
    }

    /// What the encoder may produce: at most `target_bps` bits per second of video and `max_fps`
    /// pictures a second. Told when it changes noticeably.
    fn on_bitrate(&mut self, target_bps: u32, max_fps: u32) {
        let _ = (target_bps, max_fps);
    }

    /// Somebody cannot go on without a keyframe: let the encoder make one now.
    fn on_keyframe_request(&mut self) {}

    /// Without connection for 60 s, capture has to stop: nobody films for nobody unknowingly.
    /// Frames are refused until [`Participant::resume_capture`](crate::Participant::resume_capture).
    fn on_capture_stopped(&mut self) {}

    /// This participant hears what is said from now on, and what they say is heard here. Told for
    /// each of the others, and again after either side had a new connection. What is said before
    /// reaches only those who hear already: chat, commands and drawings are kept by nobody.
    fn on_talk_ready(&mut self, participant: ParticipantId) {
        let _ = participant;
    }

    /// A line of talk from another participant.
    fn on_chat(&mut self, chat: &Chat) {
        let _ = chat;
    }

    /// A viewer asks for something. Answer it, in your own time, with
    /// [`Participant::reply_command`](crate::Participant::reply_command); the customer may refuse.
    fn on_command(&mut self, request: &CommandRequest) {
        let _ = request;
    }

    /// What became of a command of ours.
    fn on_command_reply(&mut self, id: CommandId, outcome: CommandOutcome) {
        let _ = (id, outcome);
    }

    /// Somebody draws on the picture.
    fn on_annotation(&mut self, from: ParticipantId, annotation: &Annotation) {
        let _ = (from, annotation);
    }

    /// Somebody takes one drawing of theirs away, or all of them.
    fn on_annotation_clear(&mut self, from: ParticipantId, id: Option<u64>) {
        let _ = (from, id);
    }

    /// Key agreement, from another participant.
    fn on_key_message(&mut self, from: ParticipantId, payload: &str) {
        let _ = (from, payload);
    }
}

/// An observer that wants to know nothing.
impl Observer for () {}
