//! Slots are filled and emptied as people come and go; the layout never changes.

use lens_protocol::ErrorCode;
use lens_protocol::id::{ConferenceId, Epoch, Generation, ParticipantId};
use lens_protocol::media::{CreateMediaRoom, MediaPolicy, Role, SfuEventKind, Slot, SlotKind};
use lens_sfu::SfuControl;

use crate::support::World;

fn person(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([100 + number; 16])
}

fn source(slots: &[Slot], kind: SlotKind) -> Vec<ParticipantId> {
    let of_kind = slots.iter().filter(|slot| slot.kind == kind);
    of_kind.filter_map(|slot| slot.source).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_and_go_and_everybody_is_told() {
    let world = World::start();
    let conference = world.conference(3).await;
    let viewer = world
        .offer(conference, person(1), Role::Viewer, Generation(1))
        .await
        .unwrap();
    assert!(source(&viewer.slots, SlotKind::VideoDown).is_empty());
    assert_eq!(source(&viewer.slots, SlotKind::AudioUp), [person(1)]);
    let sections = viewer.sdp.lines().filter(|line| line.starts_with("m="));
    assert_eq!(sections.count(), viewer.slots.len() + 1);

    let camera = world
        .offer(conference, person(2), Role::Camera, Generation(1))
        .await
        .unwrap();
    assert_eq!(source(&camera.slots, SlotKind::AudioDown), [person(1)]);
    world.remove(conference, person(2)).await;

    let events = world
        .sfu
        .events(0, std::time::Duration::ZERO)
        .await
        .unwrap()
        .events;
    let told: Vec<Vec<ParticipantId>> = events
        .iter()
        .filter_map(|event| match &event.kind {
            SfuEventKind::Slots { participant, slots } if *participant == person(1) => {
                Some(source(slots, SlotKind::VideoDown))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [vec![], vec![person(2)], vec![]]);
    let removed = events.iter().any(|event| {
        matches!(event.kind, SfuEventKind::Removed { participant } if participant == person(2))
    });
    assert!(removed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_camera_a_full_conference_and_a_full_node_are_refused() {
    let world = World::with(|config| config.max_participants = 3);
    let conference = world.conference(2).await;
    let join = |number, role| world.offer(conference, person(number), role, Generation(1));
    join(1, Role::Camera).await.unwrap();
    let second = join(2, Role::Camera).await.unwrap_err();
    assert_eq!(second.code, ErrorCode::RoleTaken);
    join(3, Role::Viewer).await.unwrap();
    let third = join(4, Role::Viewer).await.unwrap_err();
    assert_eq!(third.code, ErrorCode::ConferenceFull);

    let other = world.conference(4).await;
    world
        .offer(other, person(5), Role::Viewer, Generation(1))
        .await
        .unwrap();
    let over = world
        .offer(other, person(6), Role::Viewer, Generation(1))
        .await;
    assert_eq!(over.unwrap_err().code, ErrorCode::NodeFull);
    world.remove(conference, person(1)).await;
    world
        .offer(other, person(6), Role::Viewer, Generation(1))
        .await
        .expect("a place is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let world = World::start();
    let nowhere = ConferenceId::from_bytes([250; 16]);
    let lost = world
        .offer(nowhere, person(1), Role::Viewer, Generation(1))
        .await;
    assert_eq!(lost.unwrap_err().code, ErrorCode::ConferenceNotFound);
    world.remove(nowhere, person(1)).await;
    let conference = world.conference(2).await;
    let nobody = world.sfu.timeline(conference, person(1)).await;
    assert_eq!(nobody.unwrap_err().code, ErrorCode::ParticipantNotFound);
    for size in [0, 1, 17] {
        let room = CreateMediaRoom {
            conference: nowhere,
            epoch: Epoch(1),
            max_participants: size,
            media: MediaPolicy::default(),
            memo: serde_json::Value::Null,
        };
        let refused = world.sfu.create_conference(room).await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidValue, "{size}");
    }
}
