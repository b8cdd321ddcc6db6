//! What a participant has paused goes to nobody, whatever its page goes on sending.

use std::time::Duration;

use lens_protocol::id::{ConferenceId, Epoch, ParticipantId};
use lens_protocol::media::{Pause, PauseParticipant, Role, SlotKind};
use lens_sfu::SfuControl;

use crate::support::World;
use crate::support::client::Seen;

const NOTHING: Pause = Pause {
    video: false,
    voice: false,
};

async fn pause(world: &World, conference: ConferenceId, participant: ParticipantId, pause: Pause) {
    let wanted = PauseParticipant {
        conference,
        epoch: Epoch(1),
        participant,
        pause,
    };
    let done = world.sfu.pause_participant(wanted).await;
    done.expect("paused or resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_picture_goes_to_nobody_while_the_voice_goes_on() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let pace = Duration::from_millis(5);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), pace);
    camera.client.send_voice(&camera.mid(SlotKind::AudioUp));
    let (picture, voice) = (
        viewer.mid(SlotKind::VideoDown),
        viewer.mid(SlotKind::AudioDown),
    );
    let plenty = "picture and voice";
    let more = |seen: &Seen, mid: &str| seen.on(mid).count() > 20;
    viewer
        .client
        .wait(plenty, |seen| more(seen, &picture) && more(seen, &voice))
        .await;

    let video = Pause {
        video: true,
        ..NOTHING
    };
    pause(&world, conference, camera.id, video).await;
    let report = world.sfu.report().await.expect("it runs");
    let reported = report.rooms[0].participants.iter();
    let mut paused = reported.filter(|one| one.pause == video);
    assert_eq!(paused.next().map(|one| one.participant), Some(camera.id));
    // Voice that is sent after the pause arrives behind every picture sent before it.
    viewer.client.forget();
    viewer
        .client
        .wait("a voice", |seen| more(seen, &voice))
        .await;
    viewer.client.forget();
    viewer
        .client
        .wait("a voice", |seen| more(seen, &voice))
        .await;
    assert_eq!(viewer.client.seen().on(&picture).count(), 0);

    pause(&world, conference, camera.id, NOTHING).await;
    viewer
        .client
        .wait("a picture", |seen| more(seen, &picture))
        .await;
    let seen = viewer.client.seen();
    let first = seen.on(&picture).min_by_key(|packet| packet.sequence);
    let keyframe = first.map(|packet| packet.payload[1]);
    assert_eq!(keyframe, Some(0), "it resumes with a keyframe");
}
