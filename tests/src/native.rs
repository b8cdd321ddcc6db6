//! A peer made of the MediaSDK: a camera that films numbered pictures, or a viewer that notes them.
//! Its signals go over the HTTP API, as an integrator's would.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lens_independent_peer::packet;
use lens_media_sdk::{
    Code, Codec, Command, CommandOutcome, CommandRequest, EncodedFrame, Engine, EngineConfig,
    INetwork, InboundSignal, MediaKind, Observer, OutboundBody, OutboundSignal, Participant,
    ParticipantConfig, Role, State, Track, WeakParticipant,
};
use lens_protocol::conference::ParticipantOffer;
use serde_json::json;
use tokio::runtime::Handle;

use crate::http::Http;
use crate::room::Room;
use crate::wait;

/// What a native peer noted.
#[derive(Debug, Default)]
pub struct Noted {
    /// Each state it was told.
    pub states: Vec<State>,
    /// Numbers of the pictures that were given out.
    pub numbers: Vec<u32>,
    /// How the last picture was encoded.
    pub codec: Option<Codec>,
    /// Pictures given out that a decoder could begin with.
    pub keyframes: u32,
    /// Requests of a viewer.
    pub requests: Vec<CommandRequest>,
    /// Answers to ours.
    pub replies: Vec<CommandOutcome>,
    /// What the encoder was told last, in bits per second.
    pub target_bps: u32,
    /// Pictures a second that the encoder may make at most.
    pub max_fps: u32,
    /// Keyframes that were asked for.
    pub keyframe_requests: u32,
}

/// What an encoder was asked for so far.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// Bits a second; 0 before anything was said.
    pub target_bps: u32,
    /// Pictures a second at most.
    pub max_fps: u32,
    /// How often a keyframe was asked for.
    pub keyframe_requests: u32,
}

impl Wishes {
    fn of(noted: &Noted) -> Self {
        Self {
            target_bps: noted.target_bps,
            max_fps: noted.max_fps,
            keyframe_requests: noted.keyframe_requests,
        }
    }
}

/// Finds the number in a frame of video.
pub type Read = Box<dyn FnMut(&EncodedFrame<'_>) -> Option<u32> + Send>;

/// Between two pictures of a film, in microseconds.
pub const PERIOD_US: u64 = 20_000;

/// A running peer.
#[derive(Debug)]
pub struct Native {
    /// The participant.
    pub participant: Participant,
    noted: Arc<Mutex<Noted>>,
    filming: Option<tokio::task::JoinHandle<()>>,
    _engine: Engine,
}

impl Native {
    /// Takes an offer, answers it over the API, and connects.
    ///
    /// # Panics
    /// When it does not connect.
    pub async fn enter(
        room: &Room,
        role: Role,
        offer: &ParticipantOffer,
        engine: EngineConfig,
    ) -> Self {
        Self::enter_reading(room, role, offer, engine, Box::new(number_in)).await
    }

    /// The same; `read` finds the number in each frame of video that is given out.
    ///
    /// # Panics
    /// When it does not connect.
    pub async fn enter_reading(
        room: &Room,
        role: Role,
        offer: &ParticipantOffer,
        engine: EngineConfig,
        read: Read,
    ) -> Self {
        let engine = Engine::start(engine).expect("an engine");
        let noted = Arc::new(Mutex::new(Noted::default()));
        let network = Arc::new(Network {
            api: room.api.clone(),
            path: room.path(offer),
            runtime: Handle::current(),
            participant: Mutex::new(None),
        });
        let observer = Watching {
            noted: Arc::clone(&noted),
            read,
        };
        let config = ParticipantConfig::new(role);
        let participant = engine.create_participant(config, network.clone(), observer);
        let participant = participant.expect("a participant");
        *network.participant.lock().expect("whole") = Some(participant.downgrade());
        let peer = Self {
            participant,
            noted,
            filming: None,
            _engine: engine,
        };
        peer.take(offer);
        wait::until_true("the native peer is connected", || {
            peer.participant.state() == State::Connected
        })
        .await;
        peer
    }

    /// Takes a further offer.
    ///
    /// # Panics
    /// When it is closed.
    pub fn take(&self, offer: &ParticipantOffer) {
        let signal = InboundSignal::Offer(Box::new(offer.clone()));
        self.participant.receive(signal).expect("it is open");
    }

    /// Films from now on: a numbered picture of one packet each 20 ms, every one a keyframe.
    pub fn film(&mut self) {
        self.film_as(Codec::Vp8);
    }

    /// The same with this codec.
    pub fn film_as(&mut self, codec: Codec) {
        self.film_by(codec, move |number, _| Some((picture(codec, number), true)));
    }

    /// Films what `make` makes of each number and what was wished so far: a frame, and whether it is a
    /// keyframe; or none, for a picture that was skipped.
    pub fn film_by(
        &mut self,
        codec: Codec,
        mut make: impl FnMut(u32, Wishes) -> Option<(Vec<u8>, bool)> + Send + 'static,
    ) {
        let (camera, noted) = (self.participant.clone(), Arc::clone(&self.noted));
        self.filming = Some(tokio::spawn(async move {
            let mut number = 0;
            while !camera.state().is_over() {
                number += 1;
                let wishes = Wishes::of(&noted.lock().expect("no observer panics"));
                if let Some((data, keyframe)) = make(number, wishes) {
                    let pts_us = u64::from(number) * PERIOD_US;
                    let frame = EncodedFrame::video(codec, &data, pts_us, keyframe);
                    let _ = camera.push_frame(&frame);
                }
                tokio::time::sleep(Duration::from_micros(PERIOD_US)).await;
            }
        }));
    }

    /// What it noted so far.
    pub fn noted<T>(&self, read: impl FnOnce(&Noted) -> T) -> T {
        read(&self.noted.lock().expect("no observer panics"))
    }

    /// Waits until it has `count` more numbers than now, and returns these.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn more_numbers(&self, count: usize) -> Vec<u32> {
        let before = self.noted(|noted| noted.numbers.len());
        wait::until_true("more video comes", || {
            self.noted(|noted| noted.numbers.len() >= before + count)
        })
        .await;
        self.noted(|noted| noted.numbers[before..].to_vec())
    }

    /// Asks the camera's host for its lamp.
    ///
    /// # Panics
    /// When it is closed.
    pub fn ask_for_light(&self) {
        let torch = Command::Torch { on: true };
        self.participant.send_command(&torch).expect("room for it");
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        self.participant.close();
        if let Some(filming) = &self.filming {
            filming.abort();
        }
    }
}

/// VP8: the frame that [`packet::video`] puts in a packet, without its descriptor. H264: a byte stream
/// of parameters and one slice (ITU-T H.264 Annex B), whose number has seven bits a byte, so that it
/// never looks like a start code.
fn picture(codec: Codec, number: u32) -> Vec<u8> {
    if codec == Codec::Vp8 {
        return packet::video(number).split_off(4);
    }
    let mut frame = SEQUENCE.to_vec();
    frame.extend(PICTURE);
    frame.extend([0, 0, 0, 1, 0x65]);
    frame.resize(990, 0xA5);
    let septets = [21, 14, 7, 0].map(|shift| 0x80 | (number >> shift & 0x7F) as u8);
    frame.extend(septets);
    frame
}

const SEQUENCE: [u8; 12] = [0, 0, 0, 1, 0x67, 0x42, 0xE0, 0x1F, 0x8C, 0x8D, 0x40, 0x28];
const PICTURE: [u8; 8] = [0, 0, 0, 1, 0x68, 0xCE, 0x3C, 0x80];

fn number_in(frame: &EncodedFrame<'_>) -> Option<u32> {
    if frame.codec == Codec::Vp8 {
        return packet::number_of(frame.data);
    }
    let (head, septets) = frame.data.split_last_chunk::<4>()?;
    let is_ours = head.starts_with(&SEQUENCE[..6]) && head.ends_with(&[0xA5; 100]);
    let number = septets
        .iter()
        .fold(0, |number, septet| number << 7 | u32::from(septet & 0x7F));
    is_ours.then_some(number)
}

struct Network {
    api: Http,
    path: String,
    runtime: Handle,
    participant: Mutex<Option<WeakParticipant>>,
}

impl INetwork for Network {
    fn send(&self, signal: OutboundSignal) {
        let known = self.participant.lock().expect("whole").clone();
        let Some(participant) = known.and_then(|weak| weak.upgrade()) else {
            return;
        };
        let (mut api, path) = (self.api.clone(), self.path.clone());
        self.runtime.spawn(async move {
            let reply = match &signal.body {
                OutboundBody::Answer {
                    generation,
                    negotiation_id,
                    sdp,
                    ..
                } => {
                    let body = json!({
                        "generation": generation, "negotiation_id": negotiation_id, "sdp": sdp,
                    });
                    api.put(&format!("{path}/answer"), body).await
                }
                OutboundBody::OfferRequest { .. } => {
                    api.post(&format!("{path}/offer"), json!({})).await
                }
                _ => return participant.signal_sent(signal.id),
            };
            if reply.status >= 300 {
                let code = serde_json::from_value(json!(reply.code()));
                return match code {
                    Ok(code) => participant.signal_refused(signal.id, code),
                    Err(_) => participant.signal_failed(signal.id, true),
                };
            }
            participant.signal_sent(signal.id);
            if matches!(signal.body, OutboundBody::OfferRequest { .. }) {
                let offer = InboundSignal::from_json(&reply.text).expect("an offer");
                let _ = participant.receive(offer);
            }
        });
    }
}

struct Watching {
    noted: Arc<Mutex<Noted>>,
    read: Read,
}

impl Watching {
    fn note(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.noted.lock().expect("no reader panics"));
    }
}

impl Observer for Watching {
    fn on_state(&mut self, state: State) {
        let code = state.code().map(Code::as_str);
        assert_eq!(code, None, "the native peer failed");
        self.note(|noted| noted.states.push(state));
    }

    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        if track.kind != MediaKind::Video {
            return;
        }
        let number = (self.read)(frame);
        self.note(|noted| {
            noted.numbers.extend(number);
            noted.codec = Some(frame.codec);
            noted.keyframes += u32::from(frame.keyframe);
        });
    }

    fn on_bitrate(&mut self, target_bps: u32, max_fps: u32) {
        self.note(|noted| (noted.target_bps, noted.max_fps) = (target_bps, max_fps));
    }

    fn on_keyframe_request(&mut self) {
        self.note(|noted| noted.keyframe_requests += 1);
    }

    fn on_command(&mut self, request: &CommandRequest) {
        self.note(|noted| noted.requests.push(request.clone()));
    }

    fn on_command_reply(&mut self, _: u64, outcome: CommandOutcome) {
        self.note(|noted| noted.replies.push(outcome));
    }
}
