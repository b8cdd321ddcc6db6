//! Clients that make their own offer (WHIP, WHEP): camera and viewer like the others, within the
//! slots they offered sections for.

use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{Role, SlotKind};
use str0m::media::Direction;

use crate::support::{Client, Party, World};

fn kinds(party: &Party) -> Vec<SlotKind> {
    party.offered.slots.iter().map(|slot| slot.kind).collect()
}

async fn seen_and_heard(camera: &Party, viewer: &Party) {
    let (picture, voice) = (
        viewer.mid(SlotKind::VideoDown),
        viewer.mid(SlotKind::AudioDown),
    );
    viewer
        .client
        .wait("the picture and the voice, whole", |seen| {
            seen.on(&picture).count() > 50
                && seen.is_whole(&picture)
                && seen.on(&voice).count() > 20
        })
        .await;
    let asked = camera.client.seen().keyframe_requests.len();
    viewer.client.request_keyframe(&picture);
    camera
        .client
        .wait("the camera is asked for a keyframe", |seen| {
            seen.keyframe_requests.len() > asked
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_with_its_own_offer_reaches_viewers_of_both_kinds() {
    use SlotKind::{AudioDown, AudioUp, VideoDown, VideoUp};
    let world = World::start();
    let conference = world.conference(4).await;
    let ours = world.join_connected(conference, Role::Viewer).await;
    let theirs = Client::offer(Direction::RecvOnly, 1, 1);
    let theirs = world.come(conference, Role::Viewer, theirs).await;
    let camera = Client::offer(Direction::SendOnly, 1, 1);
    let camera = world.come(conference, Role::Camera, camera).await;
    assert_eq!(kinds(&theirs), [VideoDown, AudioDown]);
    assert_eq!(kinds(&camera), [VideoUp, AudioUp]);
    let every = Duration::from_millis(5);
    camera.client.send_video(&camera.mid(VideoUp), every);
    camera.client.send_voice(&camera.mid(AudioUp));
    for viewer in [&ours, &theirs] {
        seen_and_heard(&camera, viewer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_that_name_no_section_find_it_all_the_same() {
    let world = World::start();
    let conference = world.conference(2).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let (offering, sdp) = Client::offer(Direction::SendOnly, 1, 1);
    // By what the offer says of its SSRC; on our own path by the payload type alone.
    let announced = crate::RTP_PATH == lens_sfu::config::RtpPath::Stack;
    let names =
        |line: &&str| line.contains(":sdes:mid") || !announced && line.starts_with("a=ssrc");
    let anonymous: Vec<&str> = sdp.lines().filter(|line| !names(line)).collect();
    assert!(anonymous.len() < sdp.lines().count());
    let anonymous = anonymous.join("\r\n") + "\r\n";
    let camera = world.come(conference, Role::Camera, (offering, anonymous));
    let camera = camera.await;
    let every = Duration::from_millis(5);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), every);
    camera.client.send_voice(&camera.mid(SlotKind::AudioUp));
    seen_and_heard(&camera, &viewer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_without_a_slot_are_rejected_in_their_places() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([231; 16]);
    let (offering, sdp) = Client::offer(Direction::SendOnly, 2, 1);
    let answer = world.accept(conference, id, Role::Camera, &sdp).await;
    let answer = answer.expect("an answer");
    let lines = |sdp: &str| -> Vec<(String, bool)> {
        let lines = sdp.lines().filter_map(|line| line.strip_prefix("m="));
        let fields = lines.map(|line| line.split(' ').collect::<Vec<_>>());
        fields
            .map(|fields| (fields[0].to_owned(), fields[1] != "0"))
            .collect()
    };
    let expected = [
        ("video", true),
        ("video", false),
        ("audio", true),
        ("application", false),
    ];
    let expected = expected.map(|(media, open)| (media.to_owned(), open));
    assert_eq!(lines(&answer.sdp), expected, "{}", answer.sdp);
    assert_eq!(answer.slots.len(), 2);
    drop(offering);

    // Repeating is harmless; a later offer of ours has other slots.
    let again = world.accept(conference, id, Role::Camera, &sdp).await;
    assert_eq!(again.expect("the same answer").sdp, answer.sdp);
    let ours = world.offer(conference, id, Role::Camera, Generation(2));
    assert_eq!(
        ours.await.expect_err("refused").code,
        ErrorCode::InvalidValue
    );
    let (_, second) = Client::offer(Direction::SendOnly, 1, 0);
    let second = world.accept(
        conference,
        ParticipantId::from_bytes([232; 16]),
        Role::Camera,
        &second,
    );
    assert_eq!(
        second.await.expect_err("refused").code,
        ErrorCode::RoleTaken
    );
    let (_, wrong) = Client::offer(Direction::RecvOnly, 1, 0);
    let elsewhere = world.conference(2).await;
    let wrong = world.accept(elsewhere, id, Role::Camera, &wrong).await;
    assert_eq!(
        wrong.expect_err("nothing to carry").code,
        ErrorCode::NoCommonCodec
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_voice_slot_the_camera_is_heard_and_others_wait() {
    let world = World::start();
    let conference = world.conference(4).await;
    let small = Client::offer(Direction::RecvOnly, 1, 1);
    let small = world.come(conference, Role::Viewer, small).await;
    let talker = world.join_connected(conference, Role::Viewer).await;
    talker.client.send_voice(&talker.mid(SlotKind::AudioUp));
    let voice = small.mid(SlotKind::AudioDown);
    small
        .client
        .wait("the other viewer is heard", |seen| {
            seen.on(&voice).count() > 20
        })
        .await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let every = Duration::from_millis(5);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), every);
    camera.client.send_voice(&camera.mid(SlotKind::AudioUp));
    seen_and_heard(&camera, &small).await;

    world.remove(conference, camera.id).await;
    small.client.forget();
    small
        .client
        .wait("the other viewer is heard again", |seen| {
            seen.on(&voice).count() > 20
        })
        .await;
}
