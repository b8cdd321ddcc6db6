//! Writes the golden offers anew: what a real streaming server offers, raw and rewritten.
//!
//! `cargo run -p lens-session-manager --example golden_offers -- session-manager/tests/golden`
//! after an upgrade of the media stack; read the difference before committing it. Answers of
//! browsers belong to offers: record them anew as well (`tests/golden/README.md`).

use std::path::Path;
use std::sync::Arc;

use lens_protocol::id::{ConferenceId, Epoch, Generation, ParticipantId};
use lens_protocol::media::{AddParticipant, CreateMediaRoom, MediaPolicy, Pause, Role};
use lens_runtime::clock::SystemClock;
use lens_session_manager::core::offer::{Rules, rewrite};
use lens_sfu::config::{Advertised, TcpDoor};
use lens_sfu::{Sfu, SfuControl};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("name the directory")?;
    let mut config = lens_sfu::Config::new("golden".parse()?);
    config.listen = vec!["127.0.0.1:0".parse()?];
    config.tcp = TcpDoor::Shared(8443);
    config.advertise = vec![Advertised {
        address: "192.0.2.10".parse()?,
        udp_port: Some(8443),
        tcp_port: Some(8443),
    }];
    let sfu = Sfu::start(config, Arc::new(SystemClock))?;
    let report = sfu.report().await?;
    let room = CreateMediaRoom {
        conference: ConferenceId::from_bytes([1; 16]),
        epoch: Epoch(1),
        max_participants: 3,
        media: MediaPolicy::default(),
        memo: serde_json::Value::Null,
    };
    sfu.create_conference(room.clone()).await?;
    for (name, role, number) in [("camera", Role::Camera, 1), ("viewer", Role::Viewer, 2)] {
        let offered = sfu
            .add_participant(AddParticipant {
                conference: room.conference,
                epoch: room.epoch,
                participant: ParticipantId::from_bytes([number; 16]),
                role,
                generation: Generation(1),
                pause: Pause::default(),
                memo: serde_json::Value::Null,
            })
            .await?;
        let rules = Rules {
            addresses: Some(report.addresses.clone()),
            codecs: Some(room.media.video_codecs.clone()),
            max_video_kbps: Some(room.media.max_video_kbps),
            hide_origin: true,
        };
        let rewritten = rewrite(&offered.sdp, &rules)?;
        let directory = Path::new(&directory);
        std::fs::write(
            directory.join(format!("offer-{name}.raw.sdp")),
            &offered.sdp,
        )?;
        std::fs::write(directory.join(format!("offer-{name}.sdp")), &rewritten.sdp)?;
    }
    Ok(())
}
