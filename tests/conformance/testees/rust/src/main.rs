//! The Rust face in the conformance suite: a participant that is told what to do by lines of JSON.
//! The words stand in `tests/conformance/README.md`.

mod camera;
mod heard;
mod host;
mod ivf;
mod transform;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use lens_media_sdk::{
    Annotation, AnnotationShape, Command, Engine, EngineConfig, InboundSignal, MediaError,
    Participant, ParticipantConfig, Role,
};
use serde_json::{Map, Value, json};

use camera::{Camera, Wish};
use heard::{Heard, Recorder};
use host::{Host, Runner};
use transform::{Passed, Turn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut testee = Testee {
        engine: Engine::start(EngineConfig::default())?,
        part: None,
    };
    for line in io::stdin().lock().lines() {
        let call: Value = serde_json::from_str(&line?)?;
        let verb = call["do"].as_str().unwrap_or_default();
        let answer = match testee.act(verb, &call) {
            Ok(ok) => json!({"id": call["id"], "ok": ok}),
            Err(Refusal { code, detail }) => {
                json!({"id": call["id"], "error": code, "detail": detail})
            }
        };
        say(&answer);
    }
    testee.engine.stop();
    Ok(())
}

/// One line to the runner, from any thread.
fn say(message: &Value) {
    let mut out = io::stdout().lock();
    // A runner that is gone hears nothing; the end of the input ends this program.
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

fn event(name: &str, words: Value) {
    let mut message = json!({"event": name});
    if let (Some(message), Value::Object(words)) = (message.as_object_mut(), words) {
        message.extend(words);
    }
    say(&message);
}

/// Why a verb was not done.
struct Refusal {
    code: &'static str,
    detail: String,
}

impl From<MediaError> for Refusal {
    fn from(error: MediaError) -> Self {
        Self {
            code: error.code().as_str(),
            detail: error.to_string(),
        }
    }
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal {
        code: "invalid_argument",
        detail: detail.into(),
    }
}

struct Testee {
    engine: Engine,
    part: Option<Part>,
}

/// What a scenario began.
struct Part {
    participant: Participant,
    wishes: Sender<Wish>,
    recorder: Arc<Recorder>,
    host: Arc<Host>,
    sent: Passed,
    received: Passed,
    pushed: Passed,
}

impl Testee {
    fn act(&mut self, verb: &str, call: &Value) -> Result<Value, Refusal> {
        if verb == "begin" {
            self.part = Some(self.begin(call)?);
            return Ok(json!({}));
        }
        if verb == "finish" {
            if let Some(part) = self.part.take() {
                part.participant.close();
            }
            return Ok(json!({}));
        }
        if verb == "cycle" {
            return self.cycle(call["times"].as_u64().unwrap_or(0));
        }
        let part = self.part.as_ref();
        let part = part.ok_or_else(|| invalid("nothing was begun"))?;
        part.act(verb, call)
    }

    /// Makes and closes participants; what is more than before.
    fn cycle(&self, times: u64) -> Result<Value, Refusal> {
        let before = self.held();
        for _ in 0..times {
            let config = ParticipantConfig::new(Role::Viewer);
            let one = self
                .engine
                .create_participant(config, Arc::new(Runner::default()), ())?;
            one.close();
        }
        let more = |after: usize, before: usize| after.saturating_sub(before);
        let after = self.settled(before);
        Ok(json!({"left": {
            "participants": more(after.0, before.0),
            "threads": more(after.1, before.1),
            "descriptors": more(after.2, before.2),
        }}))
    }

    /// What is held once it is no more than before, or after 5 s: threads end a moment after their
    /// participant.
    fn settled(&self, before: (usize, usize, usize)) -> (usize, usize, usize) {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let now = self.held();
            let same = now.0 <= before.0 && now.1 <= before.1 && now.2 <= before.2;
            if same || Instant::now() > until {
                return now;
            }
            std::thread::yield_now();
        }
    }

    /// Participants, threads and descriptors.
    fn held(&self) -> (usize, usize, usize) {
        let count = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
        let participants = self.engine.live_participants();
        (
            participants,
            count("/proc/self/task"),
            count("/proc/self/fd"),
        )
    }

    fn begin(&self, call: &Value) -> Result<Part, Refusal> {
        let role = match call["role"].as_str() {
            Some("camera") => Role::Camera,
            _ => Role::Viewer,
        };
        let path = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let recorder = Arc::new(Recorder::new(path("record")));
        let camera = Camera::new(&path("clip")).map_err(|error| invalid(error.to_string()))?;
        let (wishes, pushed) = (camera.wishes(), camera.pushed());
        let host = Arc::new(Host::default());
        let heard = Heard::new(Arc::clone(&recorder), wishes.clone(), Arc::clone(&host));
        let mut config = ParticipantConfig::new(role);
        let (sent, received) = (Passed::default(), Passed::default());
        if call["transform"] == true {
            config.sender_transform = Some(Box::new(Turn(sent.clone())));
            config.receiver_transform = Some(Box::new(Turn(received.clone())));
        }
        let network = Arc::new(Runner(Arc::clone(&host)));
        let participant = self.engine.create_participant(config, network, heard)?;
        host.set(participant.downgrade());
        camera.run(participant.downgrade());
        Ok(Part {
            participant,
            wishes,
            recorder,
            host,
            sent,
            received,
            pushed,
        })
    }
}

impl Part {
    fn act(&self, verb: &str, call: &Value) -> Result<Value, Refusal> {
        let participant = &self.participant;
        match verb {
            "receive" => self.receive(&call["signal"])?,
            "sent" => participant.signal_sent(signal_id(call)),
            "failed" => {
                let retryable = call["retryable"].as_bool().unwrap_or(false);
                participant.signal_failed(signal_id(call), retryable);
            }
            "publish" => self.wish(Wish::Publish(true)),
            "unpublish" => self.wish(Wish::Publish(false)),
            "frames" => return Ok(self.recorder.told()),
            "chat" => {
                let id = participant.send_chat(call["text"].as_str().unwrap_or_default())?;
                return Ok(json!({"id": id}));
            }
            "command" => {
                let command = command_of(&call["command"])?;
                return Ok(json!({"id": participant.send_command(&command)?}));
            }
            "annotate" => participant.send_annotation(&annotation_of(&call["annotation"])?)?,
            "clear" => participant.clear_annotations(call["annotation"].as_u64())?,
            "state" => {
                let state = participant.state().as_str();
                let (id, generation) = (participant.id(), participant.generation());
                return Ok(json!({"state": state, "generation": generation, "id": id}));
            }
            "stats" => return Ok(stats_of(participant)),
            "transformed" => {
                return Ok(json!({
                    "sent": self.sent.count(), "pushed": self.pushed.count(),
                    "received": self.received.count(), "given": self.recorder.given(),
                }));
            }
            "greet" => self.host.greet(call["text"].as_str().unwrap_or_default()),
            "host" => self.host.behave(call),
            "network_changed" => participant.network_changed()?,
            "ended" => return Ok(self.host.ended()),
            #[cfg(feature = "test-hooks")]
            "panic" => participant.panic_on_request()?,
            "stale" => return Ok(stale(participant)),
            "close" => participant.close(),
            "close_elsewhere" => {
                let threads = call["threads"].as_u64().unwrap_or(1);
                std::thread::scope(|scope| {
                    (0..threads).for_each(|_| drop(scope.spawn(|| participant.close())));
                });
            }
            _ => {
                return Err(Refusal {
                    code: "unsupported",
                    detail: verb.to_owned(),
                });
            }
        }
        Ok(json!({}))
    }

    /// Signals that come after the end are harmless: the library says that it is closed.
    fn receive(&self, signal: &Value) -> Result<(), Refusal> {
        let signal = InboundSignal::from_json(&signal.to_string())?;
        match self.participant.receive(signal) {
            Err(MediaError::Closed) => Ok(()),
            other => Ok(other?),
        }
    }

    fn wish(&self, wish: Wish) {
        // The camera's thread ends with its participant; what is wished after that is moot.
        let _ = self.wishes.send(wish);
    }
}

fn stats_of(participant: &Participant) -> Value {
    let stats = participant.stats();
    json!({
        "frames_sent": stats.frames_sent,
        "frames_delivered": stats.frames_delivered,
        "frames_dropped_queue": stats.frames_dropped_queue,
    })
}

/// Calls on a participant that is closed: how many there were, and how many did something. A handle
/// cannot be stale here, nor of another kind: the compiler sees to that.
fn stale(participant: &Participant) -> Value {
    participant.close();
    let calls = [
        participant.send_chat("late").err(),
        participant.send_command(&Command::Snapshot).err(),
        participant.clear_annotations(None).err(),
        participant.set_paused(true).err(),
        participant.request_keyframe().err(),
        participant.network_changed().err(),
        participant.leave(None).err(),
    ];
    let done = calls
        .iter()
        .filter(|refused| !matches!(refused, Some(MediaError::Closed)));
    json!({"calls": calls.len(), "done": done.count()})
}

fn signal_id(call: &Value) -> u64 {
    call["signal_id"].as_u64().unwrap_or_default()
}

/// `{"command": "torch", "on": true}`: the name and its arguments side by side.
fn command_of(said: &Value) -> Result<Command, Refusal> {
    let mut arguments: Map<String, Value> = said.as_object().cloned().unwrap_or_default();
    let name = arguments.remove("command").unwrap_or_default();
    let command = Command::parse(name.as_str().unwrap_or_default(), &arguments);
    command.ok_or_else(|| invalid(format!("no command, or not with these arguments: {said}")))
}

/// The other way round.
fn words_of(command: &Command) -> Value {
    let mut words = command.arguments();
    words.insert("command".to_owned(), json!(command.as_str()));
    Value::Object(words)
}

fn annotation_of(said: &Value) -> Result<Annotation, Refusal> {
    let unreadable = |error: serde_json::Error| invalid(error.to_string());
    let shape: AnnotationShape =
        serde_json::from_value(said["shape"].clone()).map_err(unreadable)?;
    let points = serde_json::from_value(said["points"].clone()).map_err(unreadable)?;
    let mut annotation = Annotation::new(said["id"].as_u64().unwrap_or_default(), shape, points);
    annotation.color = said["color"].as_str().and_then(color_of);
    Ok(annotation)
}

fn color_of(text: &str) -> Option<[u8; 3]> {
    let number = u32::from_str_radix(text.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}
