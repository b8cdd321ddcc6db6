//! Peers that share no code with the streaming server (`tests/independent`): what holds between
//! str0m and str0m has to hold between str0m and webrtc-rs.

use std::collections::BTreeSet;

use lens_tests::peer::{Habits, Manner, Peer, Setup};
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn camera(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let other = Manner::independent(Habits::default());
    let (_, usual_viewer) = room.enter("viewer", "Anna").await;
    let (camera_offer, camera) = room.enter_as("camera", "Margit", other).await;
    let (viewer_offer, other_viewer) = room.enter_as("viewer", "Ben", other).await;
    for viewer in [&usual_viewer, &other_viewer] {
        assert_complete(&more_numbers(viewer, 100).await);
    }
    assert!(
        camera.facts().keyframe_requests > 0,
        "a joiner asks the camera for a keyframe"
    );
    // A keyframe that comes serves a request too, and all of this camera's packets are keyframes:
    // so a viewer asks until its request comes at a time when one may be passed on.
    for (make, viewer) in [("usual", &usual_viewer), ("other", &other_viewer)] {
        let before = camera.facts().keyframe_requests;
        let sentence = format!("the {make} viewer's request reaches the camera");
        wait::until_true(&sentence, || {
            viewer.request_keyframe();
            camera.facts().keyframe_requests > before
        })
        .await;
    }
    for offer in [&camera_offer, &viewer_offer] {
        let timeline = room.timeline(offer).await;
        assert_eq!(timeline["stats"]["transport"], "udp");
        assert_eq!(timeline["stats"]["srtp_profile"], "AEAD_AES_256_GCM");
    }
}

pub(crate) async fn viewer(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, camera) = room.enter("camera", "Margit").await;
    let renumbering = Manner::independent(Habits {
        renumber_vp8: true,
        ..Habits::default()
    });
    let (_, viewer) = room.enter_as("viewer", "Anna", renumbering).await;
    assert_complete(&more_numbers(&viewer, 100).await);
    let (sent, seen) = (camera.facts().video_sent_types, viewer.facts().video_types);
    assert_eq!((sent.len(), seen.len()), (1, 1), "{sent:?} and {seen:?}");
    assert!(sent.is_disjoint(&seen), "{sent:?} became {seen:?}");
}

pub(crate) async fn dtls_roles(mode: Mode) {
    let product = Product::start(mode);
    for setup in [Setup::Active, Setup::Passive] {
        let mut room = Room::open(product.integrator("crm"), json!({})).await;
        let manner = Manner::independent(Habits {
            setup: Some(setup),
            ..Habits::default()
        });
        let (offer, _camera) = room.enter_as("camera", "Margit", manner).await;
        let (_, viewer) = room.enter_as("viewer", "Anna", manner).await;
        assert_complete(&more_numbers(&viewer, 20).await);
        let profile = room.timeline(&offer).await["stats"]["srtp_profile"].clone();
        assert_eq!(profile, "AEAD_AES_256_GCM", "as {setup:?}");
    }
}

pub(crate) async fn losses(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let lossy = |lose_every| {
        Manner::independent(Habits {
            renumber_vp8: true,
            lose_every: Some(lose_every),
            ..Habits::default()
        })
    };
    // Numbers without a common divisor, so that other packets are lost on the way up and down.
    let (_, camera) = room.enter_as("camera", "Margit", lossy(17)).await;
    let (_, usual) = room.enter("viewer", "Anna").await;
    let (_, other) = room.enter_as("viewer", "Ben", lossy(19)).await;
    for viewer in [&usual, &other] {
        wait::until_true("lost packets come again", || is_repaired(viewer)).await;
    }
    assert!(camera.facts().lost > 10 && other.facts().lost > 10);
}

/// Whether a viewer has numbers in a row that are far more than any run between two losses. Which
/// ones is left open: a machine that stalls may keep a packet from coming while it can be repeated.
fn is_repaired(viewer: &Peer) -> bool {
    const IN_A_ROW: usize = 200;
    let numbers: BTreeSet<u32> = viewer.facts().numbers().into_iter().collect();
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let mut runs = numbers.chunk_by(|one, next| one + 1 == *next);
    runs.any(|run| run.len() >= IN_A_ROW)
}
