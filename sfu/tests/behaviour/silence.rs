//! Connections that do not come about or go silent end with the cause that fits.

use std::time::Duration;

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, Role, TimelineStep};

use crate::support::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_and_no_check_have_causes_of_their_own() {
    let world = World::with(|config| config.timeouts.answer = Duration::from_millis(300));
    let conference = world.conference(2).await;
    let nobody = ParticipantId::from_bytes([91; 16]);
    world
        .offer(conference, nobody, Role::Camera, Generation(1))
        .await
        .unwrap();
    assert_eq!(world.failed(nobody).await, CauseCode::NoAnswer);

    // A server of its own: an answer may take longer than that on a busy machine.
    let world = World::with(|config| config.timeouts.connect = Duration::from_millis(300));
    let conference = world.conference(2).await;
    let mute = Options {
        mute_network: true,
        ..Options::default()
    };
    let unreachable = world.join_with(conference, Role::Viewer, mute).await;
    assert_eq!(
        world.failed(unreachable.id).await,
        CauseCode::NoConnectivityCheck
    );
    let timeline = world.sfu_timeline(conference, unreachable.id).await;
    let steps: Vec<_> = timeline.steps.iter().map(|entry| entry.step).collect();
    assert_eq!(
        steps,
        [
            TimelineStep::OfferMade,
            TimelineStep::AnswerApplied,
            TimelineStep::Ended
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_fingerprint_is_a_failed_handshake() {
    let world = World::with(|config| config.timeouts.connect = Duration::from_secs(4));
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([92; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let (_client, answer) = crate::support::Client::answer(&offered.sdp, Options::default());
    let line = answer
        .lines()
        .find(|line| line.starts_with("a=fingerprint"))
        .unwrap();
    let (head, last) = line.rsplit_once(':').unwrap();
    let other = if last == "00" { "01" } else { "00" };
    let forged = answer.replace(line, &format!("{head}:{other}"));
    world
        .answer(conference, id, offered.negotiation_id, &forged)
        .await
        .unwrap();
    assert_eq!(world.failed(id).await, CauseCode::DtlsFailed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_disappears_is_silent() {
    let world = World::with(|config| config.timeouts.silence = Duration::from_secs(1));
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let voice = camera.mid(lens_protocol::media::SlotKind::AudioUp);
    camera.client.send_voice(&voice);
    world
        .reached(conference, camera.id, TimelineStep::FirstPacketIn)
        .await;
    camera.client.mute(true);
    assert_eq!(world.failed(camera.id).await, CauseCode::Silent);
}
