//! Peers made of the MediaSDK, through the real product.

use lens_media_sdk::{CommandOutcome, EngineConfig, Role, State, Transport};
use lens_tests::native::Native;
use lens_tests::peer::Manner;
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

/// A native camera, a native viewer and the usual one; a command of one to the other.
pub(crate) async fn pair(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, EngineConfig::default()).await;
    camera.film();
    let (_, usual) = room.enter("viewer", "Ben").await;
    assert_complete(&more_numbers(&usual, 100).await);
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    assert_complete(&viewer.more_numbers(100).await);
    assert!(camera.noted(|noted| noted.keyframe_requests > 0 && noted.target_bps > 0));

    viewer.ask_for_light();
    wait::until_true("the camera's host is asked", || {
        camera.noted(|noted| !noted.requests.is_empty())
    })
    .await;
    let request = camera.noted(|noted| noted.requests[0].clone());
    let refused = camera
        .participant
        .reply_command(request.id, CommandOutcome::Refused);
    refused.expect("it is open");
    wait::until_true("the viewer is answered", || {
        viewer.noted(|noted| noted.replies == [CommandOutcome::Refused])
    })
    .await;
}

/// A native viewer of the usual camera gets a new generation, and its node may die.
pub(crate) async fn renewed(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (camera_offer, _camera) = room.enter("camera", "Margit").await;
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    viewer.more_numbers(50).await;
    let renewed = room.renew(&offer).await;
    viewer.take(&renewed);
    wait::until_true("the new generation plays", || {
        viewer.participant.generation() == renewed.generation.0
    })
    .await;
    viewer.more_numbers(50).await;
    let renewed = room.renew(&camera_offer).await;
    let _again = room.connect(&renewed, Manner::default()).await;
    viewer.more_numbers(50).await;
    let states = viewer.noted(|noted| noted.states.clone());
    assert_eq!(
        states,
        [State::Connecting, State::Connected],
        "it never stood still"
    );
    let numbers = viewer.noted(|noted| noted.numbers.clone());
    let first = numbers
        .iter()
        .position(|number| *number == 1)
        .unwrap_or(numbers.len());
    let former = &numbers[..first];
    assert!(
        former.windows(2).all(|pair| pair[0] < pair[1]),
        "{former:?}"
    );
}

/// Where datagrams do not pass, both go by TCP.
pub(crate) async fn by_tcp(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let mut config = EngineConfig::default();
    config.udp = false;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, config.clone()).await;
    camera.film();
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, config).await;
    assert_complete(&viewer.more_numbers(100).await);
    wait::until_true("figures are there", || {
        viewer.participant.stats().transport == Some(Transport::Tcp)
    })
    .await;
    let timeline = room.timeline(&offer).await;
    assert_eq!(timeline["stats"]["transport"], "tcp");
}
