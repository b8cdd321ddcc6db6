//! One participant's callbacks: a bounded queue, run one at a time and in order.
//!
//! ```text
//! engine's thread ── push ──▶ queue ──▶ run_one ──▶ Host (observer, network, transform)
//!                                          └─ the host is out of the mailbox while it runs
//! close: nothing begins any more; the host is dropped by whoever holds it, once
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::ThreadId;

use super::EngineHandle;
use super::waiting::{Waiting, place_of};
use crate::code::{Code, SdkCode};
use crate::core::{Event, Input, OwnedFrame};
use crate::engine::Callbacks;
use crate::error::MediaError;
use crate::frame::{FrameInfo, FrameTransform, MediaKind, Track};
use crate::network::INetwork;
use crate::observer::Observer;
use crate::shared::lock;

/// Most events that are no frames. A host that is so far behind has stopped; none of them may be
/// dropped, so its participant ends.
const MOST_EVENTS: usize = 4_096;

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a callback.
pub(super) fn is_callback() -> bool {
    IN_CALLBACK.get()
}

/// What the host program brought.
pub(crate) struct Host {
    observer: Box<dyn Observer>,
    network: Arc<dyn INetwork>,
    transform: Option<Box<dyn FrameTransform>>,
}

impl Host {
    pub(crate) fn new(
        observer: Box<dyn Observer>,
        network: Arc<dyn INetwork>,
        transform: Option<Box<dyn FrameTransform>>,
    ) -> Self {
        Self {
            observer,
            network,
            transform,
        }
    }

    fn run(&mut self, event: Event) {
        let observer = &mut self.observer;
        match event {
            Event::Send(signal) => self.network.send(signal),
            Event::State(state) => observer.on_state(state),
            Event::Generation(generation) => observer.on_generation(generation),
            Event::Roster(roster) => observer.on_roster(&roster),
            Event::Track(track) => observer.on_track(&track),
            Event::TrackEnd(track) => observer.on_track_end(&track),
            Event::Frame(track, frame) => self.frame(&track, frame),
            Event::Bitrate {
                target_bps,
                max_fps,
            } => observer.on_bitrate(target_bps, max_fps),
            Event::KeyframeRequest => observer.on_keyframe_request(),
            Event::CaptureStopped => observer.on_capture_stopped(),
            Event::TalkReady(participant) => observer.on_talk_ready(participant),
            Event::Chat(chat) => observer.on_chat(&chat),
            Event::Command(request) => observer.on_command(&request),
            Event::CommandReply(id, outcome) => observer.on_command_reply(id, outcome),
            Event::Annotation(from, annotation) => observer.on_annotation(from, &annotation),
            Event::AnnotationClear(from, id) => observer.on_annotation_clear(from, id),
            Event::KeyMessage(from, payload) => observer.on_key_message(from, &payload),
        }
    }

    fn frame(&mut self, track: &Track, frame: OwnedFrame) {
        let Some(stage) = &mut self.transform else {
            return self.observer.on_frame(track, &frame.borrowed());
        };
        let info = FrameInfo {
            codec: frame.codec,
            keyframe: frame.keyframe,
            pts_us: frame.pts_us,
        };
        let transformed = stage.transform(info, frame.data.to_vec());
        if let Some(data) = transformed.filter(|data| !data.is_empty()) {
            let mut shown = frame.borrowed();
            shown.data = &data;
            self.observer.on_frame(track, &shown);
        }
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits, or is of no interest any more.
    Kept,
    /// Older frames made room for it: how many, and whether a keyframe is needed to go on.
    Dropped { frames: u64, broken: bool },
    /// The host has stopped taking events.
    Overflow,
}

/// The queue.
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    changed: Condvar,
    key: u64,
    most_frames: usize,
    engine: Weak<EngineHandle>,
    hosts_threads: bool,
    frames_dropped: AtomicU64,
}

struct Inner {
    queue: VecDeque<Event>,
    /// Out while it runs, gone when it is over.
    host: Option<Host>,
    /// Who has the host.
    running: Option<ThreadId>,
    /// Nothing begins any more.
    closed: bool,
    /// What waits is the last.
    ending: bool,
    /// A thread that is lent will come.
    scheduled: bool,
}

impl Mailbox {
    pub(crate) fn new(
        host: Host,
        most_frames: usize,
        key: u64,
        engine: &Arc<EngineHandle>,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                host: Some(host),
                running: None,
                closed: false,
                ending: false,
                scheduled: false,
            }),
            changed: Condvar::new(),
            key,
            most_frames,
            hosts_threads: engine.config().callbacks == Callbacks::Host,
            engine: Arc::downgrade(engine),
            frames_dropped: AtomicU64::new(0),
        })
    }

    pub(super) fn start_thread(self: &Arc<Self>) -> Result<(), MediaError> {
        let mailbox = Arc::clone(self);
        let thread = std::thread::Builder::new().name("lens-callback".to_owned());
        let spawned = thread.spawn(move || mailbox.serve());
        spawned.map(|_| ()).map_err(|source| MediaError::System {
            what: "a thread",
            source,
        })
    }

    /// Frames that made room for later ones.
    pub(crate) fn frames_dropped(&self) -> u64 {
        self.frames_dropped.load(Ordering::Relaxed)
    }

    /// Puts an event in the queue.
    pub(super) fn push(self: &Arc<Self>, event: Event) -> Pushed {
        let mut inner = lock(&self.inner);
        if inner.closed || inner.ending {
            return Pushed::Kept;
        }
        let pushed = inner.push(event, self.most_frames);
        if let Pushed::Dropped { frames, .. } = pushed {
            self.frames_dropped.fetch_add(frames, Ordering::Relaxed);
        }
        self.wake(inner);
        pushed
    }

    /// Puts the last event in the queue.
    pub(super) fn finish(self: &Arc<Self>, last: Event) {
        let mut inner = lock(&self.inner);
        if !inner.closed && !inner.ending {
            inner.queue.push_back(last);
            inner.ending = true;
            self.wake(inner);
        }
    }

    /// Lets nothing begin any more; true the first time. The host is dropped here unless it runs.
    pub(super) fn close(&self) -> bool {
        let mut inner = lock(&self.inner);
        if inner.closed {
            return false;
        }
        inner.closed = true;
        let queue = std::mem::take(&mut inner.queue);
        self.let_go(inner);
        drop(queue);
        true
    }

    /// Waits until no callback runs, unless this is one, or one that waits for this thread: two
    /// that close each other from their callbacks would wait for ever.
    pub(crate) fn wait_closed(&self) {
        let me = std::thread::current().id();
        let mut inner = lock(&self.inner);
        while let Some(running) = inner.running.filter(|running| *running != me) {
            let Some(_waiting) = Waiting::begin(me, place_of(self), running) else {
                return;
            };
            let woken = self.changed.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs callbacks until it is over.
    fn serve(&self) {
        let mut inner = lock(&self.inner);
        loop {
            if inner.closed && inner.running.is_none() {
                return;
            }
            if inner.queue.is_empty() || inner.running.is_some() {
                let woken = self.changed.wait(inner);
                inner = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(inner);
            self.run_one();
            inner = lock(&self.inner);
        }
    }

    /// Runs one callback on a thread that is lent, and comes back for the rest.
    pub(super) fn run_turn(self: &Arc<Self>) {
        self.run_one();
        let mut inner = lock(&self.inner);
        inner.scheduled = false;
        if !inner.queue.is_empty() && !inner.closed {
            self.wake(inner);
        }
    }

    fn run_one(&self) {
        let mut inner = lock(&self.inner);
        if inner.closed || inner.running.is_some() {
            return;
        }
        let (Some(event), Some(mut host)) = (inner.queue.pop_front(), inner.host.take()) else {
            return;
        };
        inner.running = Some(std::thread::current().id());
        drop(inner);
        let outer = IN_CALLBACK.replace(true);
        let ran = catch_unwind(AssertUnwindSafe(|| host.run(event)));
        IN_CALLBACK.set(outer);
        let mut inner = lock(&self.inner);
        inner.host = Some(host);
        inner.running = None;
        if ran.is_err() {
            inner.closed = true;
            inner.queue.clear();
            self.fail();
        } else if inner.ending && inner.queue.is_empty() {
            inner.closed = true;
        }
        match inner.closed {
            true => self.let_go(inner),
            false => self.changed.notify_all(),
        }
    }

    /// Drops the host, unless it runs: then whoever runs it does. Ends with nothing held.
    fn let_go<'a>(&'a self, mut inner: MutexGuard<'a, Inner>) {
        if let Some(host) = inner.host.take() {
            // Who waits for the end waits for this, too.
            inner.running = Some(std::thread::current().id());
            drop(inner);
            let outer = IN_CALLBACK.replace(true);
            // The host's own `drop` may panic as well.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(host)));
            IN_CALLBACK.set(outer);
            inner = lock(&self.inner);
            inner.running = None;
            Waiting::end(place_of(self));
        }
        self.changed.notify_all();
    }

    fn wake(self: &Arc<Self>, mut inner: MutexGuard<'_, Inner>) {
        if !self.hosts_threads {
            self.changed.notify_all();
            return;
        }
        if !std::mem::replace(&mut inner.scheduled, true) {
            drop(inner);
            if let Some(engine) = self.engine.upgrade() {
                engine.schedule(Arc::clone(self));
            }
        }
    }

    fn fail(&self) {
        if let Some(engine) = self.engine.upgrade() {
            let code = Code::Sdk(SdkCode::HostPanicked);
            engine.input(self.key, Input::Fail(code));
        }
    }
}

impl Inner {
    fn push(&mut self, event: Event, most_frames: usize) -> Pushed {
        match event {
            Event::Frame(..) => return self.push_frame(event, most_frames),
            Event::Bitrate { .. } => {
                let known = |event: &Event| matches!(event, Event::Bitrate { .. });
                self.queue.retain(|event| !known(event));
            }
            Event::KeyframeRequest => {
                let known = |event: &Event| matches!(event, Event::KeyframeRequest);
                if self.queue.iter().any(known) {
                    return Pushed::Kept;
                }
            }
            _ => {}
        }
        self.queue.push_back(event);
        match self.queue.len() > MOST_EVENTS {
            true => Pushed::Overflow,
            false => Pushed::Kept,
        }
    }

    fn push_frame(&mut self, event: Event, most: usize) -> Pushed {
        let kind = |event: &Event| match event {
            Event::Frame(track, _) => Some(track.kind),
            _ => None,
        };
        let own = kind(&event);
        self.queue.push_back(event);
        let same = self.queue.iter().filter(|event| kind(event) == own).count();
        if same <= most.max(1) {
            return Pushed::Kept;
        }
        let oldest = self.queue.iter().position(|event| kind(event) == own);
        let dropped = oldest.and_then(|oldest| self.queue.remove(oldest));
        match dropped {
            Some(Event::Frame(track, _)) if track.kind == MediaKind::Video => {
                self.drop_dependents(&track.mid)
            }
            _ => Pushed::Dropped {
                frames: 1,
                broken: false,
            },
        }
    }

    /// A picture of this track was dropped: those that cannot be decoded without it go as well, up to
    /// the next keyframe.
    fn drop_dependents(&mut self, mid: &str) -> Pushed {
        let (mut frames, mut broken) = (1, true);
        self.queue.retain_mut(|event| match event {
            Event::Frame(track, frame) if broken && track.mid == mid => {
                broken = !frame.keyframe;
                frame.after_gap = true;
                frames += u64::from(broken);
                !broken
            }
            _ => true,
        });
        Pushed::Dropped { frames, broken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Codec, Rotation};

    fn picture(mid: &str, number: u8, keyframe: bool) -> Event {
        let track = Track {
            mid: mid.to_owned(),
            kind: MediaKind::Video,
            participant: None,
        };
        let frame = OwnedFrame {
            codec: Codec::Vp8,
            data: Arc::from([number]),
            pts_us: 0,
            keyframe,
            rotation: Rotation::Upright,
            after_gap: false,
        };
        Event::Frame(Arc::new(track), frame)
    }

    fn waiting(inner: &Inner) -> Vec<(u8, bool)> {
        let frame = |event: &Event| match event {
            Event::Frame(_, frame) => Some((frame.data[0], frame.after_gap)),
            _ => None,
        };
        inner.queue.iter().filter_map(frame).collect()
    }

    #[test]
    fn with_the_oldest_picture_go_those_that_need_it() {
        let mut inner = Inner {
            queue: VecDeque::new(),
            host: None,
            running: None,
            closed: false,
            ending: false,
            scheduled: false,
        };
        for (number, keyframe) in [(1, true), (2, false), (3, true), (4, false)] {
            assert_eq!(inner.push(picture("0", number, keyframe), 5), Pushed::Kept);
        }
        inner.push(Event::KeyframeRequest, 5);
        assert_eq!(inner.push(picture("1", 5, true), 5), Pushed::Kept);
        let fits = Pushed::Dropped {
            frames: 2,
            broken: false,
        };
        assert_eq!(inner.push(picture("0", 6, false), 5), fits);
        let expected = [(3, true), (4, false), (5, false), (6, false)];
        assert_eq!(waiting(&inner), expected, "a keyframe was there");
        assert_eq!(inner.push(picture("0", 7, false), 5), Pushed::Kept);
        let broken = Pushed::Dropped {
            frames: 5,
            broken: true,
        };
        assert_eq!(inner.push(picture("0", 8, false), 5), broken);
        assert_eq!(waiting(&inner), [(5, false)], "the other track's stays");
        assert_eq!(inner.queue.len(), 2, "and what is no frame");
    }
}
