//! A Java host: its network and observer, called through `media.lens.Bridge`.
//!
//! `Bridge` catches what the host throws and tells the host of it; here only the fact arrives, and
//! becomes a panic without a message, by which the library ends that participant and no other.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jni::ids::JMethodID;
use jni::objects::{JFloatArray, JObject, JObjectArray, JString, JValue};
use jni::refs::Global;
use jni::signature::{Primitive, ReturnType};
use jni::sys::jvalue;
use jni::{Env, JavaVM};
use lens_media_sdk::{
    Annotation, Chat, Command, CommandId, CommandOutcome, CommandRequest, EncodedFrame, INetwork,
    Observer, OutboundSignal, RosterEntry, State, Track,
};
use lens_protocol::id::ParticipantId;
use lens_protocol::media::SlotKind;

use crate::convert::{self, Ordinal, long};
use crate::frames::FrameBuffer;
use crate::java;

/// The host's side of one participant. Dropped once, after its last callback; then `Bridge` is told
/// and let go.
pub(crate) struct Target {
    pub(crate) bridge: Global<JObject<'static>>,
    never_created: AtomicBool,
}

impl Target {
    pub(crate) fn new(bridge: Global<JObject<'static>>) -> Arc<Self> {
        Arc::new(Self {
            bridge,
            never_created: AtomicBool::new(false),
        })
    }

    /// There is no participant: the host stays the caller's, and is not told of an end.
    pub(crate) fn was_never_created(&self) {
        self.never_created.store(true, Ordering::Release);
    }

    /// Calls a method of `Bridge` that answers whether the host came through it. Panics when it did
    /// not.
    fn call(
        &self,
        method: JMethodID,
        fill: impl for<'env> FnOnce(&mut Env<'env>) -> jni::errors::Result<Vec<Argument<'env>>>,
    ) {
        let came_through = with_env(|env| {
            let arguments = fill(env)?;
            let values: Vec<jvalue> = arguments.iter().map(Argument::as_jni).collect();
            // SAFETY: `java.rs` looked the method up in this class with the signature that each
            // caller below keeps to; `arguments` outlives the call.
            unsafe { call_method(env, &self.bridge, method, Primitive::Boolean, &values) }?.z()
        });
        if !matches!(came_through, Ok(true)) {
            // Not `panic!`: the host has been told, and the process's hook has nothing to add.
            resume_unwind(Box::new("a callback of the host threw"));
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.never_created.load(Ordering::Acquire) {
            return;
        }
        let told = with_env(|env| {
            let method = java::get().bridge.on_destroyed;
            // SAFETY: a method of this class, without arguments, that returns nothing.
            unsafe { call_method(env, &self.bridge, method, Primitive::Void, &[]) }.map(|_| ())
        });
        // `Bridge` catches what the host throws; else the virtual machine is going down.
        drop(told);
    }
}

/// Runs with an environment and a local frame of its own: the thread that is lent stays in native
/// code for as long as its engine, and would else keep every local reference.
pub(crate) fn with_env<T>(
    run: impl FnOnce(&mut Env<'_>) -> jni::errors::Result<T>,
) -> jni::errors::Result<T> {
    // For the scope only: a thread of the library's that drops a host must not stay attached.
    JavaVM::singleton()?.attach_current_thread_for_scope(run)
}

/// # Safety
/// `method` must be one of the object's class that takes `values` and returns `returned`.
pub(crate) unsafe fn call_method<'local>(
    env: &mut Env<'local>,
    object: &JObject<'_>,
    method: JMethodID,
    returned: Primitive,
    values: &[jvalue],
) -> jni::errors::Result<jni::objects::JValueOwned<'local>> {
    // SAFETY: by this function's own contract.
    unsafe { env.call_method_unchecked(object, method, ReturnType::Primitive(returned), values) }
}

/// One argument, kept alive for the call.
enum Argument<'local> {
    Boolean(bool),
    Int(i32),
    Long(i64),
    Float(f32),
    Object(JObject<'local>),
}

impl Argument<'_> {
    fn as_jni(&self) -> jvalue {
        match self {
            Self::Boolean(value) => JValue::Bool(*value).as_jni(),
            Self::Int(value) => JValue::Int(*value).as_jni(),
            Self::Long(value) => JValue::Long(*value).as_jni(),
            Self::Float(value) => JValue::Float(*value).as_jni(),
            Self::Object(value) => JValue::Object(value).as_jni(),
        }
    }
}

use Argument::{Boolean, Float, Int, Long, Object};

fn string<'local>(env: &mut Env<'local>, text: &str) -> jni::errors::Result<Argument<'local>> {
    Ok(Object(env.new_string(text)?.into()))
}

fn optional<'local>(
    env: &mut Env<'local>,
    text: Option<&str>,
) -> jni::errors::Result<Argument<'local>> {
    text.map_or(Ok(Object(JObject::null())), |text| string(env, text))
}

fn id<'local>(env: &mut Env<'local>, id: ParticipantId) -> jni::errors::Result<Argument<'local>> {
    string(env, &id.to_string())
}

fn track<'local>(
    env: &mut Env<'local>,
    track: &Track,
) -> jni::errors::Result<[Argument<'local>; 3]> {
    let participant = track.participant.map(|id| id.to_string());
    Ok([
        string(env, &track.mid)?,
        Int(track.kind.ordinal()),
        optional(env, participant.as_deref())?,
    ])
}

/// Carries signals through the host.
pub(crate) struct JavaNetwork(pub(crate) Arc<Target>);

impl INetwork for JavaNetwork {
    fn send(&self, signal: OutboundSignal) {
        self.0.call(java::get().bridge.send, |env| {
            Ok(vec![
                Long(long(signal.id)),
                Int(i32::try_from(signal.attempt).unwrap_or(i32::MAX)),
                Int(convert::signal_kind(&signal.body)),
                string(env, &signal.to_json())?,
            ])
        });
    }
}

/// Tells the host.
pub(crate) struct JavaObserver {
    target: Arc<Target>,
    buffer: FrameBuffer,
}

impl JavaObserver {
    pub(crate) fn new(target: Arc<Target>) -> Self {
        let buffer = FrameBuffer::default();
        Self { target, buffer }
    }
}

impl Observer for JavaObserver {
    fn on_state(&mut self, state: State) {
        self.target.call(java::get().bridge.on_state, |_| {
            Ok(vec![Int(state.c_state()), Int(convert::code_of(state))])
        });
    }

    fn on_generation(&mut self, generation: u32) {
        let generation = i32::try_from(generation).unwrap_or(i32::MAX);
        let method = java::get().bridge.on_generation;
        self.target.call(method, |_| Ok(vec![Int(generation)]));
    }

    fn on_roster(&mut self, participants: &[RosterEntry]) {
        let fields = roster_fields(participants);
        self.target.call(java::get().bridge.on_roster, |env| {
            Ok(vec![Object(strings(env, &fields)?.into())])
        });
    }

    fn on_track(&mut self, of: &Track) {
        let method = java::get().bridge.on_track;
        self.target.call(method, |env| Ok(track(env, of)?.into()));
    }

    fn on_track_end(&mut self, of: &Track) {
        let method = java::get().bridge.on_track_end;
        self.target.call(method, |env| Ok(track(env, of)?.into()));
    }

    fn on_frame(&mut self, of: &Track, frame: &EncodedFrame<'_>) {
        let Self { target, buffer } = self;
        target.call(java::get().bridge.on_frame, |env| {
            let length = buffer.fill(env, &target.bridge, frame.data)?;
            let [mid, kind, participant] = track(env, of)?;
            Ok(vec![
                mid,
                kind,
                participant,
                Int(frame.codec.ordinal()),
                Int(length),
                Long(long(frame.pts_us)),
                Boolean(frame.keyframe),
                Int(i32::from(frame.rotation.degrees())),
                Boolean(frame.after_gap),
            ])
        });
    }

    fn on_bitrate(&mut self, target_bps: u32, max_fps: u32) {
        let int = |number| Int(i32::try_from(number).unwrap_or(i32::MAX));
        let method = java::get().bridge.on_bitrate;
        self.target
            .call(method, |_| Ok(vec![int(target_bps), int(max_fps)]));
    }

    fn on_keyframe_request(&mut self) {
        let method = java::get().bridge.on_keyframe_request;
        self.target.call(method, |_| Ok(Vec::new()));
    }

    fn on_capture_stopped(&mut self) {
        let method = java::get().bridge.on_capture_stopped;
        self.target.call(method, |_| Ok(Vec::new()));
    }

    fn on_talk_ready(&mut self, participant: ParticipantId) {
        let method = java::get().bridge.on_talk_ready;
        self.target
            .call(method, |env| Ok(vec![id(env, participant)?]));
    }

    fn on_chat(&mut self, chat: &Chat) {
        self.target.call(java::get().bridge.on_chat, |env| {
            Ok(vec![
                id(env, chat.from)?,
                Long(long(chat.id)),
                string(env, &chat.text)?,
            ])
        });
    }

    fn on_command(&mut self, request: &CommandRequest) {
        let from = request.from.map(|from| from.to_string());
        let (kind, on, factor, facing) = command_fields(&request.command);
        self.target.call(java::get().bridge.on_command, |env| {
            Ok(vec![
                Long(long(request.id)),
                optional(env, from.as_deref())?,
                Int(kind),
                Boolean(on),
                Float(factor),
                Int(facing),
            ])
        });
    }

    fn on_command_reply(&mut self, id: CommandId, outcome: CommandOutcome) {
        let method = java::get().bridge.on_command_reply;
        let arguments = vec![Long(long(id)), Int(outcome.ordinal())];
        self.target.call(method, |_| Ok(arguments));
    }

    fn on_annotation(&mut self, from: ParticipantId, drawn: &Annotation) {
        let points: Vec<f32> = drawn.points.iter().flatten().copied().collect();
        let color = drawn
            .color
            .map_or(-1, |[r, g, b]| i32::from_be_bytes([0, r, g, b]));
        self.target.call(java::get().bridge.on_annotation, |env| {
            let coordinates = JFloatArray::new(env, points.len())?;
            coordinates.set_region(env, 0, &points)?;
            Ok(vec![
                id(env, from)?,
                Long(long(drawn.id)),
                Int(drawn.shape.ordinal()),
                Object(coordinates.into()),
                Int(color),
                Float(drawn.width.unwrap_or(f32::NAN)),
                optional(env, drawn.text.as_deref())?,
                Long(drawn.pts_us.map_or(-1, long)),
            ])
        });
    }

    fn on_annotation_clear(&mut self, from: ParticipantId, drawing: Option<u64>) {
        let method = java::get().bridge.on_annotation_clear;
        let drawing = drawing.map_or(-1, long);
        self.target
            .call(method, |env| Ok(vec![id(env, from)?, Long(drawing)]));
    }

    fn on_key_message(&mut self, from: ParticipantId, payload: &str) {
        let method = java::get().bridge.on_key_message;
        self.target.call(method, |env| {
            Ok(vec![id(env, from)?, string(env, payload)?])
        });
    }
}

/// A command's place in Java's `Command.Kind`, and its arguments: on, factor, facing.
fn command_fields(command: &Command) -> (i32, bool, f32, i32) {
    match command {
        Command::Torch { on } => (0, *on, 1.0, -1),
        Command::Zoom { factor } => (1, false, *factor, -1),
        Command::Freeze { on } => (2, *on, 1.0, -1),
        Command::Snapshot => (3, false, 1.0, -1),
        Command::SwitchCamera { facing } => (4, false, 1.0, facing.map_or(-1, Ordinal::ordinal)),
        _ => (-1, false, 1.0, -1),
    }
}

/// A roster as texts: id, role, name, and slots (`mid kind` with blanks between) of each.
pub(crate) fn roster_fields(participants: &[RosterEntry]) -> Vec<String> {
    let mut fields = Vec::with_capacity(participants.len() * 4);
    for entry in participants {
        let slots = entry
            .slots
            .iter()
            .map(|slot| format!("{} {}", slot.mid, slot_word(slot.kind)));
        fields.push(entry.participant.to_string());
        fields.push(entry.role.ordinal().to_string());
        fields.push(entry.display_name.clone());
        fields.push(slots.collect::<Vec<_>>().join(" "));
    }
    fields
}

const fn slot_word(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::VideoUp | SlotKind::VideoDown => "video",
        SlotKind::AudioUp | SlotKind::AudioDown => "audio",
        SlotKind::ScreenUp | SlotKind::ScreenDown => "screen",
    }
}

/// An array of Java strings.
pub(crate) fn strings<'local>(
    env: &mut Env<'local>,
    texts: &[String],
) -> jni::errors::Result<JObjectArray<'local, JString<'local>>> {
    let array = JObjectArray::<JString<'_>>::new(env, texts.len(), JString::null())?;
    for (place, text) in texts.iter().enumerate() {
        let text = env.new_string(text)?;
        array.set_element(env, place, &text)?;
        env.delete_local_ref(text);
    }
    Ok(array)
}
