//! What a participant's handles and its engine's thread both hold.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lens_protocol::id::ParticipantId;
use lens_protocol::media::Role;
use lens_protocol::peer::PeerBody;
use lens_protocol::signal::RosterEntry;

use crate::core::OwnedFrame;
use crate::driver::{EngineHandle, Mailbox, SenderStage};
use crate::frame::{Codec, MediaKind};
use crate::state::State;
use crate::stats::Stats;

/// Both sides of a participant.
pub(crate) struct Shared {
    /// Names it to the engine.
    pub(crate) key: u64,
    pub(crate) role: Role,
    pub(crate) engine: Arc<EngineHandle>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) view: Mutex<View>,
    pub(crate) outgoing: Mutex<Outgoing>,
    pub(crate) sender_stage: SenderStage,
    /// Most pictures that wait for the engine's thread.
    pub(crate) most_pictures: usize,
    /// Most messages that wait for the connection.
    pub(crate) most_messages: usize,
}

/// What the engine's thread last saw.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub(crate) state: State,
    pub(crate) id: Option<ParticipantId>,
    pub(crate) generation: u32,
    pub(crate) stats: Stats,
    pub(crate) roster: Vec<RosterEntry>,
    /// Whether there is a slot for sending video, and for voices; none before an offer.
    pub(crate) slots: Option<[bool; 2]>,
    /// Codecs that the server takes, once connected.
    pub(crate) codecs: Option<Vec<Codec>>,
    pub(crate) capture_stopped: bool,
}

/// What waits for the engine's thread.
#[derive(Default)]
pub(crate) struct Outgoing {
    pub(crate) frames: VecDeque<OwnedFrame>,
    /// Dropped before the thread came: pictures, voices.
    pub(crate) lost: [u64; 2],
    pub(crate) messages: VecDeque<PeerBody>,
    /// Messages that the thread has and the connection has not.
    pub(crate) handed_over: usize,
    /// The thread has been told to look.
    pub(crate) told: bool,
}

impl Outgoing {
    /// Adds a frame; the oldest of its kind goes when there are too many.
    pub(crate) fn push_frame(&mut self, frame: OwnedFrame, most: usize) {
        let kind = frame.codec.kind();
        self.frames.push_back(frame);
        let same = |frame: &&OwnedFrame| frame.codec.kind() == kind;
        if self.frames.iter().filter(same).count() <= most.max(1) {
            return;
        }
        if let Some(oldest) = self
            .frames
            .iter()
            .position(|frame| frame.codec.kind() == kind)
        {
            self.frames.remove(oldest);
            let index = usize::from(kind == MediaKind::Audio);
            self.lost[index] += 1;
        }
    }
}

/// A lock that goes on after a panic: what it guards is valid at each of its steps.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
