//! A host program of the MediaSDK, as a process of its own: so its processor time and memory can be
//! told from the bench's. It does what lines of JSON on its standard input say, and ends with them.
//!
//! ```text
//! ──▶ {"do":"engine","lent":false}                 once, first
//! ──▶ {"do":"add","role":"camera","offer":{…}}     participants count from 0
//! ◀── {"participant":0,"id":1,"answer":"v=0…"}     to be carried; then
//! ──▶ {"do":"sent","participant":0,"id":1}
//! ◀── {"participant":0,"state":"connected"}
//! ──▶ {"do":"film","participant":0}                720p-like, 30 a second, 2 Mbit/s as far as told
//! ──▶ {"do":"stats","participant":0}
//! ◀── {"frames_sent":…,"frames_dropped":…,"kbps":…,"target_bps":…}
//! ```

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lens_media_sdk::{
    Callbacks, Codec, EncodedFrame, Engine, EngineConfig, INetwork, InboundSignal, Observer,
    OutboundBody, OutboundSignal, Participant, ParticipantConfig, Role, State,
};
use serde_json::{Value, json};

/// What the encoder makes at most, in bits per second.
const RATE_BPS: u32 = 2_000_000;
const FRAMES_PER_S: u32 = 30;
/// A VP8 keyframe of 1280 × 720 begins like this (RFC 6386 §9.1).
const KEYFRAME: [u8; 10] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02];
/// Keyframes are a few times as large as the others.
const KEYFRAME_TIMES: usize = 4;

/// Runs until its input ends.
pub(crate) fn run() -> ExitCode {
    let mut part = Part::default();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let call: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Err(sentence) = part.act(&call) {
            say(&json!({"failed": sentence}));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// One line to the bench, from any thread.
fn say(message: &Value) {
    let mut out = io::stdout().lock();
    // A bench that is gone hears nothing; the end of the input ends this program.
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

#[derive(Default)]
struct Part {
    engine: Option<Engine>,
    people: Vec<(Participant, Arc<Wishes>)>,
}

/// What the library wants of the encoder.
#[derive(Default)]
struct Wishes {
    target_bps: AtomicU32,
    keyframe: AtomicBool,
}

impl Part {
    fn act(&mut self, call: &Value) -> Result<(), String> {
        let number = |name: &str| call[name].as_u64().unwrap_or_default();
        if call["do"] == "engine" {
            self.engine = Some(start(call["lent"] == true)?);
            return Ok(());
        }
        if call["do"] == "add" {
            return self.add(call);
        }
        let index = usize::try_from(number("participant")).unwrap_or_default();
        let (participant, wishes) = self.people.get(index).ok_or("no such participant")?;
        match call["do"].as_str() {
            Some("sent") => participant.signal_sent(number("id")),
            Some("film") => film(participant.clone(), Arc::clone(wishes))?,
            Some("stats") => {
                let stats = participant.stats();
                say(&json!({
                    "frames_sent": stats.frames_sent,
                    "frames_dropped": stats.frames_dropped_sending,
                    "kbps": stats.kbps,
                    "target_bps": stats.target_bps,
                }));
            }
            _ => return Err("an unknown word".to_owned()),
        }
        Ok(())
    }

    fn add(&mut self, call: &Value) -> Result<(), String> {
        let engine = self.engine.as_ref().ok_or("no engine")?;
        let role = match call["role"] == "camera" {
            true => Role::Camera,
            false => Role::Viewer,
        };
        let wishes = Arc::new(Wishes::default());
        let index = self.people.len();
        let network = Arc::new(Carrier { index });
        let observer = Watching {
            index,
            wishes: Arc::clone(&wishes),
        };
        let participant = engine
            .create_participant(ParticipantConfig::new(role), network, observer)
            .map_err(|error| error.to_string())?;
        let offer = InboundSignal::from_json(&call["offer"].to_string());
        let offer = offer.map_err(|error| error.to_string())?;
        participant
            .receive(offer)
            .map_err(|error| error.to_string())?;
        self.people.push((participant, wishes));
        Ok(())
    }
}

fn start(lent: bool) -> Result<Engine, String> {
    let mut config = EngineConfig::default();
    // One address on one machine: what others there are would only be checked in vain.
    config.addresses = vec![[127, 0, 0, 1].into()];
    config.tcp = false;
    if lent {
        config.callbacks = Callbacks::Host;
    }
    let engine = Engine::start(config).map_err(|error| error.to_string())?;
    if lent {
        let runner = engine.callback_runner();
        let thread = std::thread::Builder::new().name("lent".to_owned());
        let spawned = thread.spawn(move || runner.run());
        spawned.map_err(|error| error.to_string())?;
    }
    Ok(engine)
}

/// Has the bench carry answers.
struct Carrier {
    index: usize,
}

impl INetwork for Carrier {
    fn send(&self, signal: OutboundSignal) {
        let kind = signal.kind();
        match signal.body {
            OutboundBody::Answer { sdp, .. } => {
                say(&json!({"participant": self.index, "id": signal.id, "answer": sdp}));
            }
            _ => say(&json!({"failed": format!("participant {} sends {kind}", self.index)})),
        }
    }
}

struct Watching {
    index: usize,
    wishes: Arc<Wishes>,
}

impl Observer for Watching {
    fn on_state(&mut self, state: State) {
        say(&json!({"participant": self.index, "state": state.to_string()}));
    }

    fn on_bitrate(&mut self, target_bps: u32, _: u32) {
        self.wishes.target_bps.store(target_bps, Ordering::Release);
    }

    fn on_keyframe_request(&mut self) {
        self.wishes.keyframe.store(true, Ordering::Release);
    }
}

/// Pushes pictures on a thread of their own, as an encoder would, until the process ends.
fn film(camera: Participant, wishes: Arc<Wishes>) -> Result<(), String> {
    let encoder = std::thread::Builder::new().name("encoder".to_owned());
    let spawned = encoder.spawn(move || {
        let mut bytes = Bytes::new();
        let (start, mut number) = (Instant::now(), 0_u32);
        while !camera.state().is_over() {
            let keyframe = wishes.keyframe.swap(false, Ordering::AcqRel) || number == 0;
            let bps = RATE_BPS.min(wishes.target_bps.load(Ordering::Acquire));
            let picture = bytes.picture(bps, keyframe, number);
            let pts_us = captured_us(number);
            let frame = EncodedFrame::video(Codec::Vp8, picture, pts_us, keyframe);
            // What cannot be sent is counted by the library.
            let _ = camera.push_frame(&frame);
            number += 1;
            let next = start + Duration::from_micros(captured_us(number));
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    });
    spawned.map(|_| ()).map_err(|error| error.to_string())
}

/// When a picture is taken: thirty a second, each up to 4 ms late, as cameras are; so that `receive.rs`
/// knows them again by their times.
fn captured_us(number: u32) -> u64 {
    let number = u64::from(number);
    number * 1_000_000 / u64::from(FRAMES_PER_S)
        + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52)
}

/// Pictures without content.
struct Bytes(Vec<u8>);

impl Bytes {
    fn new() -> Self {
        let most = RATE_BPS / 8 / FRAMES_PER_S;
        Self(vec![0xA5; most as usize * KEYFRAME_TIMES])
    }

    /// Number `number`: behind the header, in big-endian order.
    fn picture(&mut self, bps: u32, keyframe: bool, number: u32) -> &[u8] {
        let (times, first) = match keyframe {
            true => (KEYFRAME_TIMES, KEYFRAME[0]),
            // Its lowest bit says that it is none.
            false => (1, KEYFRAME[0] | 1),
        };
        self.0[..10].copy_from_slice(&KEYFRAME);
        self.0[0] = first;
        self.0[10..14].copy_from_slice(&number.to_be_bytes());
        let size = (bps / 8 / FRAMES_PER_S) as usize * times;
        &self.0[..size.clamp(14, self.0.len())]
    }
}
