//! What the library tells its host, told on to the runner.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use lens_media_sdk::{
    Annotation, Chat, Command, CommandId, CommandOutcome, CommandRequest, EncodedFrame, MediaKind,
    Observer, ParticipantId, State, Track, WeakParticipant,
};
use serde_json::{Value, json};

use crate::camera::Wish;
use crate::{event, ivf, words_of};

/// Keeps the frames that come, for the runner to decode.
pub(crate) struct Recorder {
    path: String,
    inner: Mutex<(Option<ivf::Writer>, u64)>,
}

impl Recorder {
    pub(crate) fn new(path: String) -> Self {
        let writer = ivf::Writer::create(Path::new(&path)).ok();
        Self {
            path,
            inner: Mutex::new((writer, 0)),
        }
    }

    fn keep(&self, frame: &EncodedFrame<'_>) {
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

/// Through which an observer answers commands: there is no participant yet when it is made.
#[derive(Clone, Default)]
pub(crate) struct Replies {
    participant: Arc<OnceLock<WeakParticipant>>,
}

impl Replies {
    pub(crate) fn set(&self, participant: WeakParticipant) {
        let _ = self.participant.set(participant);
    }

    fn reply(&self, id: CommandId, outcome: CommandOutcome) {
        let participant = self.participant.get().and_then(WeakParticipant::upgrade);
        if let Some(participant) = participant {
            let _ = participant.reply_command(id, outcome);
        }
    }
}

/// See the module.
pub(crate) struct Heard {
    recorder: Arc<Recorder>,
    wishes: Sender<Wish>,
    replies: Replies,
}

impl Heard {
    pub(crate) fn new(recorder: Arc<Recorder>, wishes: Sender<Wish>) -> Self {
        Self {
            recorder,
            wishes,
            replies: Replies::default(),
        }
    }

    pub(crate) fn replies(&self) -> Replies {
        self.replies.clone()
    }
}

impl Observer for Heard {
    fn on_state(&mut self, state: State) {
        let code = state.code().map(|code| code.as_str());
        event("state", json!({"state": state.as_str(), "code": code}));
    }

    fn on_generation(&mut self, generation: u32) {
        event("generation", json!({"generation": generation}));
    }

    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        if track.kind == MediaKind::Video {
            self.recorder.keep(frame);
        }
    }

    fn on_keyframe_request(&mut self) {
        let _ = self.wishes.send(Wish::Keyframe);
    }

    fn on_chat(&mut self, chat: &Chat) {
        event("chat", json!({"from": chat.from, "text": chat.text}));
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
        self.replies.reply(request.id, outcome);
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
