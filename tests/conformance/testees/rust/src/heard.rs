//! What the library tells its host, told on to the runner.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use lens_media_sdk::{
    Annotation, Chat, Command, CommandId, CommandOutcome, CommandRequest, EncodedFrame, MediaKind,
    Observer, ParticipantId, State, Track,
};
use serde_json::{Value, json};

use crate::camera::Wish;
use crate::host::Host;
use crate::{event, ivf, words_of};

/// Keeps the frames that come, for the runner to decode.
pub(crate) struct Recorder {
    path: String,
    inner: Mutex<(Option<ivf::Writer>, u64)>,
    given: AtomicU64,
}

impl Recorder {
    pub(crate) fn new(path: String) -> Self {
        let writer = ivf::Writer::create(Path::new(&path)).ok();
        Self {
            path,
            inner: Mutex::new((writer, 0)),
            given: AtomicU64::new(0),
        }
    }

    /// How many pictures were given out, also before the first keyframe.
    pub(crate) fn given(&self) -> u64 {
        self.given.load(Ordering::SeqCst)
    }

    fn keep(&self, frame: &EncodedFrame<'_>) {
        self.given.fetch_add(1, Ordering::SeqCst);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(writer), count) = &mut *inner else {
            return;
        };
        if writer.write(frame.data, frame.pts_us).is_ok_and(|it| it) {
            *count += 1;
        }
    }

    pub(crate) fn told(&self) -> Value {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        json!({"count": inner.1, "ivf": self.path})
    }
}

/// See the module.
pub(crate) struct Heard {
    recorder: Arc<Recorder>,
    wishes: Sender<Wish>,
    host: Arc<Host>,
}

impl Heard {
    pub(crate) const fn new(
        recorder: Arc<Recorder>,
        wishes: Sender<Wish>,
        host: Arc<Host>,
    ) -> Self {
        Self {
            recorder,
            wishes,
            host,
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.host.observer_gone();
    }
}

impl Observer for Heard {
    fn on_state(&mut self, state: State) {
        let code = state.code().map(|code| code.as_str());
        event("state", json!({"state": state.as_str(), "code": code}));
        self.host.called("state");
    }

    fn on_generation(&mut self, generation: u32) {
        event("generation", json!({"generation": generation}));
    }

    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        if track.kind == MediaKind::Video {
            self.recorder.keep(frame);
        }
        self.host.called("frame");
    }

    fn on_keyframe_request(&mut self) {
        let _ = self.wishes.send(Wish::Keyframe);
    }

    fn on_talk_ready(&mut self, participant: ParticipantId) {
        event("talk_ready", json!({"participant": participant}));
        let host = &self.host;
        if let (Some(text), Some(participant)) = (host.greeting(), host.participant()) {
            let _ = participant.send_chat(&text);
        }
    }

    fn on_chat(&mut self, chat: &Chat) {
        event("chat", json!({"from": chat.from, "text": chat.text}));
        self.host.called("chat");
    }

    /// As every testee: a lamp, no wish to be seen closely, nothing else.
    fn on_command(&mut self, request: &CommandRequest) {
        let words = words_of(&request.command);
        event("command", json!({"from": request.from, "command": words}));
        let outcome = match request.command {
            Command::Torch { .. } => CommandOutcome::Done,
            Command::Zoom { .. } => CommandOutcome::Refused,
            _ => CommandOutcome::Unsupported,
        };
        if let Some(participant) = self.host.participant() {
            let _ = participant.reply_command(request.id, outcome);
        }
    }

    fn on_command_reply(&mut self, _id: CommandId, outcome: CommandOutcome) {
        event("command_reply", json!({"outcome": outcome.as_str()}));
    }

    fn on_annotation(&mut self, from: ParticipantId, annotation: &Annotation) {
        event(
            "annotation",
            json!({"from": from, "annotation": drawing(annotation)}),
        );
    }

    fn on_annotation_clear(&mut self, from: ParticipantId, id: Option<u64>) {
        event("annotation_clear", json!({"from": from, "id": id}));
    }
}

fn drawing(annotation: &Annotation) -> Value {
    let color = annotation.color;
    let color = color.map(|[red, green, blue]| format!("#{red:02x}{green:02x}{blue:02x}"));
    json!({
        "id": annotation.id,
        "shape": annotation.shape,
        "points": annotation.points,
        "color": color,
    })
}
