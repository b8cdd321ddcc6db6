//! A native viewer: signs in as a technician, makes a session, prints its link, and writes what the
//! customer's camera shows into a file.
//!
//! ```sh
//! cargo run --example viewer -- --site lens.example:8443 --ca lens-data/tls/certificate.pem \
//!   --email you@example.com --password-file password --out out.ivf --seconds 20
//! ```

// It talks to whoever runs it.
#![allow(clippy::print_stdout)]

mod support;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use hyper::Method;
use lens_media_sdk::{
    Codec, EncodedFrame, Engine, EngineConfig, InboundSignal, Observer, ParticipantConfig, Role,
    State, Track,
};
use lens_signaling::Door;
use lens_signaling::network::SignalingNetwork;
use serde_json::json;
use support::{Outcome, Site, Writer, of, told};

#[derive(Parser)]
struct Parameters {
    /// The website, such as `lens.example:8443`; its port is 443 unless named.
    #[arg(long)]
    site: String,
    /// The certificate to trust, PEM.
    #[arg(long)]
    ca: PathBuf,
    /// A technician's account.
    #[arg(long)]
    email: String,
    /// A file with its password.
    #[arg(long)]
    password_file: PathBuf,
    /// Where to write VP8 as IVF.
    #[arg(long)]
    out: PathBuf,
    /// How many seconds to look, from when the customer is there.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

struct Host {
    writer: Writer,
}

impl Observer for Host {
    fn on_state(&mut self, state: State) {
        println!("state: {state}");
    }

    fn on_frame(&mut self, _track: &Track, frame: &EncodedFrame<'_>) {
        if frame.codec == Codec::Vp8
            && let Err(error) = self.writer.push(frame.data, frame.pts_us)
        {
            println!("the file does not take a frame: {error}");
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    told(watch(Parameters::parse()).await)
}

async fn watch(parameters: Parameters) -> Outcome<()> {
    // What is wrong here shows before a session is made.
    let file = &parameters.password_file;
    let password = std::fs::read_to_string(file).map_err(of(file))?;
    let writer = Writer::create(&parameters.out)?;
    let site = Site::new(&parameters.site, &parameters.ca)?;
    let login = json!({ "email": parameters.email, "password": password.trim_end() });
    site.call(Method::POST, "/api/login", Some(login)).await?;
    let made = site
        .call(Method::POST, "/api/sessions", Some(json!({})))
        .await?;
    println!(
        "link: {}",
        made["invitation"]["link"].as_str().unwrap_or_default()
    );

    let id = made["session"]["id"]
        .as_str()
        .ok_or("the session has no id")?;
    let path = format!("/api/sessions/{id}");
    println!("waiting for the customer to open it and agree");
    loop {
        let session = site.call(Method::GET, &path, None).await?;
        let state = session["state"]
            .as_str()
            .or(session["session"]["state"].as_str());
        match state {
            Some("waiting") => break,
            Some("closed") => return Err("the session was closed before it began".into()),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    // The console's channel names itself, so that the session knows whose it is.
    let channel = format!("viewer-{id}");
    let config = site.signalling(Door::Console);
    let (network, _others) =
        SignalingNetwork::open(config, Some(id.parse()?), Some(channel.clone()));
    let engine = Engine::start(EngineConfig::default())?;
    let host = Host { writer };
    let config = ParticipantConfig::new(Role::Viewer);
    let participant = engine.create_participant(config, network.clone(), host)?;
    network.attach(&participant);
    let wish = json!({ "channel": channel });
    let started = site
        .call(Method::POST, &format!("{path}/start"), Some(wish))
        .await?;
    participant.receive(InboundSignal::from_json(&started["offer"].to_string())?)?;

    tokio::time::sleep(Duration::from_secs(parameters.seconds)).await;
    let stats = participant.stats();
    println!(
        "{} frames received, {} given out",
        stats.frames_received, stats.frames_delivered
    );
    participant.close();
    let close = json!({ "reason": "solved", "note": "" });
    site.call(Method::POST, &format!("{path}/close"), Some(close))
        .await?;
    Ok(())
}
