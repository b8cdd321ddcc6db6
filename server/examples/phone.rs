//! A native camera: redeems a session link, consents, and streams a clip until the session ends.
//!
//! ```sh
//! cargo run --example phone -- --link 'https://lens.example:8443/s#…' --ca lens-data/tls/certificate.pem --file clip.ivf
//! ```

// It talks to whoever runs it.
#![allow(clippy::print_stdout)]

mod support;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use hyper::Method;
use lens_media_sdk::{
    Codec, CommandOutcome, CommandRequest, EncodedFrame, Engine, EngineConfig, Observer,
    ParticipantConfig, Role, State, WeakParticipant,
};
use lens_protocol::SecretText;
use lens_protocol::signal::{CameraState, PeerSignal, Presence};
use lens_signaling::Door;
use lens_signaling::network::SignalingNetwork;
use serde_json::json;
use support::{Clip, Outcome, Site, told};

#[derive(Parser)]
struct Parameters {
    /// The session link, as the technician sent it.
    #[arg(long)]
    link: String,
    /// The certificate to trust, PEM.
    #[arg(long)]
    ca: PathBuf,
    /// What to stream: VP8 in IVF, from a keyframe on.
    #[arg(long)]
    file: PathBuf,
    /// Agree without being asked.
    #[arg(long)]
    agree: bool,
}

/// What callbacks leave for the loop that films.
#[derive(Default)]
struct Wishes {
    keyframe: AtomicBool,
    target_bps: AtomicU32,
    over: AtomicBool,
}

struct Host {
    wishes: Arc<Wishes>,
    participant: Arc<std::sync::OnceLock<WeakParticipant>>,
}

impl Observer for Host {
    fn on_state(&mut self, state: State) {
        println!("state: {state}");
        if state.is_over() {
            self.wishes.over.store(true, Ordering::Release);
        }
    }

    fn on_bitrate(&mut self, target_bps: u32, max_fps: u32) {
        // A hardware encoder would follow; a clip cannot.
        println!(
            "the encoder may use {} kbit/s, {max_fps} pictures/s",
            target_bps / 1_000
        );
        self.wishes.target_bps.store(target_bps, Ordering::Release);
    }

    fn on_keyframe_request(&mut self) {
        self.wishes.keyframe.store(true, Ordering::Release);
    }

    fn on_command(&mut self, request: &CommandRequest) {
        println!(
            "the technician asks for {}: refused, this is a clip",
            request.command.as_str()
        );
        if let Some(participant) = self.participant.get().and_then(WeakParticipant::upgrade) {
            let _ = participant.reply_command(request.id, CommandOutcome::Refused);
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    told(film(Parameters::parse()).await)
}

async fn film(parameters: Parameters) -> Outcome<()> {
    let clip = Clip::read(&parameters.file)?;
    let site = let_in(&parameters).await?;

    let (network, _others) = SignalingNetwork::open(site.signalling(Door::Customer), None, None);
    let engine = Engine::start(EngineConfig::default())?;
    let wishes = Arc::new(Wishes::default());
    let known = Arc::new(std::sync::OnceLock::new());
    let host = Host {
        wishes: Arc::clone(&wishes),
        participant: Arc::clone(&known),
    };
    let config = ParticipantConfig::new(Role::Camera);
    let participant = engine.create_participant(config, network.clone(), host)?;
    let _ = known.set(participant.downgrade());
    network.attach(&participant);
    let presence = Presence {
        camera: CameraState::Live,
        muted: true,
        facing: None,
    };
    network.say(PeerSignal::Presence(presence)).await?;
    println!("waiting for the technician to start");

    let pause = Duration::from_secs(1) / clip.frames_per_second;
    let mut ticks = tokio::time::interval(pause);
    let (mut next, mut pts_us) = (0, 0);
    while !wishes.over.load(Ordering::Acquire) {
        ticks.tick().await;
        // The clip's one way to a keyframe is its beginning.
        if wishes.keyframe.swap(false, Ordering::AcqRel) || next >= clip.frames.len() {
            next = 0;
        }
        let Some(data) = clip.frames.get(next) else {
            break;
        };
        let frame = EncodedFrame::video(Codec::Vp8, data, pts_us, Clip::is_keyframe(data));
        // Not connected yet, or any more: the next one may be.
        let _ = participant.push_frame(&frame);
        next += 1;
        pts_us += u64::try_from(pause.as_micros())?;
    }
    println!("over; sent {} frames", participant.stats().frames_sent);
    participant.close();
    Ok(())
}

/// Redeems the link and consents.
async fn let_in(parameters: &Parameters) -> Outcome<Site> {
    let (url, secret) = parameters
        .link
        .split_once('#')
        .ok_or("the link has no secret behind a #: quote it, so that the shell keeps all of it")?;
    if !url.starts_with("https://") {
        return Err("the link is no https:// link".into());
    }
    let site = Site::new(url, &parameters.ca)?;
    let halves = lens_auth::link::derive(&SecretText::new(secret.to_owned()))
        .map_err(|_| "the secret behind the link's # is cut off or mistyped")?;
    let body = json!({ "lookup": halves.lookup.expose(), "auth": halves.auth.expose() });
    let view = site
        .call(Method::POST, "/api/invitations/redeem", Some(body))
        .await?;
    let name = view["technician"]["name"]
        .as_str()
        .unwrap_or("a technician")
        .to_owned();
    println!("{name} asks to see your camera.");
    if !parameters.agree {
        println!("Press Enter to agree, Ctrl-C to refuse.");
        let _ =
            tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await?;
    }
    let consent = json!({
        "capabilities": ["camera"],
        "text_version": view["consent"]["version"],
        "locale": "en",
        // Of the sentence above, by which a person agreed.
        "text_sha256": "0".repeat(64),
        "shown_name": name,
    });
    site.call(Method::POST, "/api/customer/consent", Some(consent))
        .await?;
    Ok(site)
}
