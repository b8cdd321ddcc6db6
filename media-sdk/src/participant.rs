//! One endpoint in a conference.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::id::ParticipantId;
use lens_protocol::media::Role;
use lens_protocol::peer::{CommandOutcome, PeerBody};
use lens_protocol::signal::RosterEntry;

use crate::code::{Code, SdkCode};
use crate::core::{Input, OwnedFrame, SessionConfig, SignalReport, command_body};
use crate::driver::{EngineHandle, Host, Mailbox, SenderStage};
use crate::error::MediaError;
use crate::frame::{EncodedFrame, FrameInfo, FrameTransform, MediaKind};
use crate::message::{self, Annotation, Command, CommandId};
use crate::network::{INetwork, InboundSignal, OfferReason, SignalId};
use crate::observer::Observer;
use crate::shared::{Outgoing, Shared, View, lock};
use crate::state::State;
use crate::stats::Stats;

/// How a participant is set up.
#[non_exhaustive]
pub struct ParticipantConfig {
    /// What it does in the conference. The offer's layout decides what it can send.
    pub role: Role,
    /// After how long a signal that nothing is reported of counts as failed. 1 to 120 s; 10 s.
    pub signal_timeout: Duration,
    /// Most kilobits per second of video it sends; the server's limit holds beside it. 50 to
    /// 20,000; 2,500.
    pub max_video_kbps: u32,
    /// Most pictures a second that the encoder is told. 1 to 120; 30.
    pub max_fps: u32,
    /// Shortest wait of received frames. Default 20 ms, least 0.
    pub playout_min: Duration,
    /// Longest wait of received frames. Default 250 ms, most 2 s.
    pub playout_max: Duration,
    /// Most frames of a kind that wait for a slow thread or host, in either direction, before the
    /// oldest is dropped. 1 to 1,000; 30.
    pub frame_queue: usize,
    /// Most messages that wait for the connection, before more are refused. 1 to 10,000; 64.
    pub message_queue: usize,
    /// A stage that each frame passes before it is sent.
    pub sender_transform: Option<Box<dyn FrameTransform>>,
    /// A stage that each received frame passes before it is given out.
    pub receiver_transform: Option<Box<dyn FrameTransform>>,
}

impl ParticipantConfig {
    /// The usual set-up of a role.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            signal_timeout: Duration::from_secs(10),
            max_video_kbps: 2_500,
            max_fps: 30,
            playout_min: Duration::from_millis(20),
            playout_max: Duration::from_millis(250),
            frame_queue: 30,
            message_queue: 64,
            sender_transform: None,
            receiver_transform: None,
        }
    }

    fn check(&self) -> Result<(), MediaError> {
        let seconds = Duration::from_secs;
        let wrong = |what, range| Err(MediaError::OutOfRange { what, range });
        if !(seconds(1)..=seconds(120)).contains(&self.signal_timeout) {
            return wrong("signal_timeout", "1 to 120 s");
        }
        if !(50..=20_000).contains(&self.max_video_kbps) {
            return wrong("max_video_kbps", "50 to 20,000");
        }
        if !(1..=120).contains(&self.max_fps) {
            return wrong("max_fps", "1 to 120");
        }
        if self.playout_min > self.playout_max || self.playout_max > seconds(2) {
            return wrong("playout_min and playout_max", "rising, at most 2 s");
        }
        if !(1..=1_000).contains(&self.frame_queue) {
            return wrong("frame_queue", "1 to 1,000");
        }
        if !(1..=10_000).contains(&self.message_queue) {
            return wrong("message_queue", "1 to 10,000");
        }
        Ok(())
    }
}

impl std::fmt::Debug for ParticipantConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParticipantConfig")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// One endpoint in a conference: a camera or a viewer. Cheap to clone; all clones are the same.
///
/// Dropping the last clone closes it. An observer that keeps one keeps its participant alive until
/// `close()`: let it keep a [`WeakParticipant`].
#[derive(Clone)]
pub struct Participant {
    owner: Arc<Owner>,
}

struct Owner {
    shared: Arc<Shared>,
    next_id: AtomicU64,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.engine.close(&self.shared);
    }
}

/// A participant that is not kept alive by this handle.
#[derive(Clone)]
pub struct WeakParticipant {
    owner: Weak<Owner>,
}

impl WeakParticipant {
    /// The participant, while somebody keeps it.
    pub fn upgrade(&self) -> Option<Participant> {
        let owner = self.owner.upgrade()?;
        Some(Participant { owner })
    }
}

impl std::fmt::Debug for WeakParticipant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakParticipant").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Participant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Participant")
            .field("role", &self.role())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Participant {
    pub(crate) fn create(
        engine: &Arc<EngineHandle>,
        mut config: ParticipantConfig,
        network: Arc<dyn INetwork>,
        observer: Box<dyn Observer>,
    ) -> Result<Self, MediaError> {
        config.check()?;
        let transform = config.receiver_transform.take();
        let host = Host::new(observer, network, transform);
        let key = engine.new_key();
        let mailbox = Mailbox::new(host, config.frame_queue, key, engine);
        let shared = Arc::new(Shared {
            key,
            role: config.role,
            engine: Arc::clone(engine),
            mailbox,
            view: Mutex::new(View::default()),
            outgoing: Mutex::new(Outgoing::default()),
            sender_stage: SenderStage::new(config.sender_transform.take()),
            most_pictures: config.frame_queue,
            most_messages: config.message_queue,
        });
        let session = SessionConfig {
            signal_timeout: config.signal_timeout,
            max_video_bps: config.max_video_kbps * 1_000,
            max_fps: config.max_fps,
            playout: (config.playout_min, config.playout_max),
            tcp: engine.uses_tcp(),
        };
        engine.add(&shared, session)?;
        let next_id = AtomicU64::new(1);
        Ok(Self {
            owner: Arc::new(Owner { shared, next_id }),
        })
    }

    /// A handle that does not keep the participant alive.
    pub fn downgrade(&self) -> WeakParticipant {
        WeakParticipant {
            owner: Arc::downgrade(&self.owner),
        }
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.shared().role
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        lock(&self.shared().view).state
    }

    /// Its id, once an offer has named it.
    pub fn id(&self) -> Option<ParticipantId> {
        lock(&self.shared().view).id
    }

    /// The generation that plays, or is about to; 0 before the first.
    pub fn generation(&self) -> u32 {
        lock(&self.shared().view).generation
    }

    /// Who takes part, as the last roster said.
    pub fn participants(&self) -> Vec<RosterEntry> {
        lock(&self.shared().view).roster.clone()
    }

    /// Figures of the last few hundred milliseconds; the last ones when it is over.
    pub fn stats(&self) -> Stats {
        let mut stats = lock(&self.shared().view).stats.clone();
        stats.frames_dropped_queue = self.shared().mailbox.frames_dropped();
        stats.frames_delivered = stats
            .frames_delivered
            .saturating_sub(stats.frames_dropped_queue);
        stats
    }

    /// Takes a signal that arrived. Duplicates, late ones and unknown kinds are harmless.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn receive(&self, signal: InboundSignal) -> Result<(), MediaError> {
        self.input(Input::Signal(signal))
    }

    /// The host reports that a signal of ours reached the server. From any thread, also late.
    pub fn signal_sent(&self, id: SignalId) {
        let _ = self.input(Input::Report(id, SignalReport::Sent));
    }

    /// The host reports that a signal could not be carried, and whether trying again can help: then
    /// the library does, after a pause.
    pub fn signal_failed(&self, id: SignalId, retryable: bool) {
        let _ = self.input(Input::Report(id, SignalReport::Failed { retryable }));
    }

    /// The host reports that the server refused a signal, and with which code; the library knows
    /// what follows from each. Better than [`signal_failed`](Self::signal_failed) where the code
    /// is at hand.
    pub fn signal_refused(&self, id: SignalId, code: ErrorCode) {
        let _ = self.input(Input::Report(id, SignalReport::Refused(code)));
    }

    /// Asks for a new generation: after the host was started anew, or by a person's wish.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn request_offer(&self, reason: OfferReason) -> Result<(), MediaError> {
        self.input(Input::RequestOffer(reason))
    }

    /// Sends a frame. Its bytes are copied before this returns.
    ///
    /// It is sent when there is a connection and the frame can be decoded at the other end; if not
    /// it is dropped, counted, and a keyframe is asked for where one is missing.
    ///
    /// # Errors
    /// When it is closed, capture has stopped, there is no slot, the server does not take the
    /// codec, the frame is empty or too large, the transform panicked, or was to wait for itself.
    pub fn push_frame(&self, frame: &EncodedFrame<'_>) -> Result<(), MediaError> {
        let shared = self.shared();
        let kind = frame.codec.kind();
        self.check_frame(frame)?;
        let info = FrameInfo {
            codec: frame.codec,
            keyframe: frame.keyframe,
            pts_us: frame.pts_us,
        };
        let Some(data) = self.transform(info, frame.data)? else {
            let mut outgoing = lock(&shared.outgoing);
            outgoing.lost[usize::from(kind == MediaKind::Audio)] += 1;
            self.tell(&mut outgoing);
            return Ok(());
        };
        let owned = OwnedFrame {
            codec: frame.codec,
            data: Arc::from(data),
            pts_us: frame.pts_us,
            keyframe: frame.keyframe || kind == MediaKind::Audio,
            rotation: frame.rotation,
            after_gap: false,
        };
        let mut outgoing = lock(&shared.outgoing);
        outgoing.push_frame(owned, shared.most_pictures);
        self.tell(&mut outgoing);
        Ok(())
    }

    /// Stops or resumes sending a kind of media. The slot stays.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn set_muted(&self, kind: MediaKind, muted: bool) -> Result<(), MediaError> {
        self.input(Input::Mute(kind, muted))
    }

    /// Stops or resumes sending everything.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn set_paused(&self, paused: bool) -> Result<(), MediaError> {
        self.set_muted(MediaKind::Video, paused)?;
        self.set_muted(MediaKind::Audio, paused)
    }

    /// Begins capture anew after it had stopped: a person's wish, not a program's.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn resume_capture(&self) -> Result<(), MediaError> {
        self.input(Input::ResumeCapture)
    }

    /// Asks the sender of each received picture for a keyframe, at most every 500 ms.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn request_keyframe(&self) -> Result<(), MediaError> {
        self.input(Input::RequestKeyframe)
    }

    /// Says something to all others over the data channel; returns its number. It is kept by
    /// nobody: what has to be on record goes through the website's chat.
    ///
    /// # Errors
    /// [`MediaError::WouldBlock`] while too many messages wait, [`MediaError::OutOfRange`] unless
    /// it has 1 to 2,000 characters, [`MediaError::Closed`].
    pub fn send_chat(&self, text: &str) -> Result<u64, MediaError> {
        message::check_chat(text)?;
        let id = self.next_id();
        let text = text.to_owned();
        self.message(PeerBody::Chat { id, text })?;
        Ok(id)
    }

    /// Asks the camera's host for something; the answer comes as
    /// [`Observer::on_command_reply`] with the id returned here.
    ///
    /// # Errors
    /// As [`send_chat`](Self::send_chat).
    pub fn send_command(&self, command: &Command) -> Result<CommandId, MediaError> {
        command.check()?;
        let id = self.next_id();
        self.message(command_body(id, command))?;
        Ok(id)
    }

    /// Answers a command ([`Observer::on_command`]). A second answer to the same one is ignored.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn reply_command(&self, id: CommandId, outcome: CommandOutcome) -> Result<(), MediaError> {
        self.input(Input::Reply(id, outcome))
    }

    /// Draws on the camera's picture, for all others.
    ///
    /// # Errors
    /// As [`send_chat`](Self::send_chat); [`MediaError::OutOfRange`] outside the picture.
    pub fn send_annotation(&self, annotation: &Annotation) -> Result<(), MediaError> {
        annotation.check()?;
        self.message(annotation.to_body())
    }

    /// Takes one drawing of ours away, or all of them.
    ///
    /// # Errors
    /// As [`send_chat`](Self::send_chat).
    pub fn clear_annotations(&self, id: Option<u64>) -> Result<(), MediaError> {
        self.message(PeerBody::AnnotationClear { id })
    }

    /// Sends a key message to another participant, through signalling.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn send_key_message(&self, to: ParticipantId, payload: &str) -> Result<(), MediaError> {
        self.input(Input::KeyMessage(to, payload.to_owned()))
    }

    /// Says that the system's network changed; see [`Engine::network_changed`](crate::Engine::network_changed).
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn network_changed(&self) -> Result<(), MediaError> {
        self.shared().engine.network_changed();
        self.input(Input::NetworkChanged)
    }

    /// Says goodbye through signalling, waits for it at most 3 s, then closes; the observer is told
    /// `Closed`. Returns at once.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    pub fn leave(&self, reason: Option<&str>) -> Result<(), MediaError> {
        self.input(Input::Leave(reason.map(str::to_owned)))
    }

    /// Breaks the library inside, on its own thread: for tests of what becomes of it.
    ///
    /// # Errors
    /// [`MediaError::Closed`].
    #[cfg(feature = "test-hooks")]
    pub fn panic_on_request(&self) -> Result<(), MediaError> {
        self.input(Input::Panic)
    }

    /// Ends it. Idempotent; from any thread and any callback.
    ///
    /// From another thread it returns after the last callback, and the observer and network have
    /// been dropped. From one of its own callbacks it returns at once, and that callback is the
    /// last one. Where participants close each other from their callbacks at the same time, one
    /// returns before the other's callback has ended.
    pub fn close(&self) {
        let shared = self.shared();
        shared.engine.close(shared);
        shared.mailbox.wait_closed();
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }

    fn next_id(&self) -> u64 {
        self.owner.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn check_open(&self) -> Result<(), MediaError> {
        match self.state().is_over() {
            true => Err(MediaError::Closed),
            false => Ok(()),
        }
    }

    fn input(&self, input: Input<'static>) -> Result<(), MediaError> {
        self.check_open()?;
        self.shared().engine.input(self.shared().key, input);
        Ok(())
    }

    fn check_frame(&self, frame: &EncodedFrame<'_>) -> Result<(), MediaError> {
        let kind = frame.codec.kind();
        let view = lock(&self.shared().view);
        if view.state.is_over() {
            return Err(MediaError::Closed);
        }
        if view.capture_stopped {
            return Err(MediaError::CaptureStopped);
        }
        if view
            .slots
            .is_some_and(|slots| !slots[usize::from(kind == MediaKind::Audio)])
        {
            return Err(MediaError::NoSlot(kind));
        }
        if view
            .codecs
            .as_ref()
            .is_some_and(|codecs| !codecs.contains(&frame.codec))
        {
            return Err(MediaError::CodecNotNegotiated(frame.codec));
        }
        check_length(frame.data.len())
    }

    fn transform(&self, info: FrameInfo, data: &[u8]) -> Result<Option<Vec<u8>>, MediaError> {
        let shared = self.shared();
        let transformed = shared.sender_stage.pass(info, data);
        if matches!(transformed, Err(MediaError::TransformPanicked)) {
            let code = Code::Sdk(SdkCode::HostPanicked);
            shared.engine.input(shared.key, Input::Fail(code));
        }
        // Ended meanwhile, by the server: nobody needs it any more.
        if self.state().is_over() {
            shared.sender_stage.let_go();
        }
        let transformed = transformed?;
        let transformed = transformed.filter(|data| !data.is_empty());
        check_length(transformed.as_ref().map_or(1, Vec::len))?;
        Ok(transformed)
    }

    fn message(&self, body: PeerBody) -> Result<(), MediaError> {
        self.check_open()?;
        let shared = self.shared();
        let mut outgoing = lock(&shared.outgoing);
        let waiting = outgoing.messages.len() + outgoing.handed_over;
        if waiting >= shared.most_messages {
            return Err(MediaError::WouldBlock { waiting });
        }
        outgoing.messages.push_back(body);
        self.tell(&mut outgoing);
        Ok(())
    }

    /// Tells the engine's thread to look, unless it was told already.
    fn tell(&self, outgoing: &mut Outgoing) {
        if !std::mem::replace(&mut outgoing.told, true) {
            self.shared().engine.look(self.shared().key);
        }
    }
}

fn check_length(bytes: usize) -> Result<(), MediaError> {
    if (1..=EncodedFrame::MOST_BYTES).contains(&bytes) {
        return Ok(());
    }
    Err(MediaError::OutOfRange {
        what: "a frame",
        range: "1 byte to 2 MiB",
    })
}
