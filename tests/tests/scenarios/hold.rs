//! Hold is enforced where the packets are forwarded.

use std::time::Duration;

use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, falls_silent, more_numbers};
use serde_json::json;

pub(crate) async fn stops(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, camera) = room.enter("camera", "Margit").await;
    let (_, viewer) = room.enter("viewer", "Anna").await;
    more_numbers(&viewer, 20).await;

    let path = format!("/v1/conferences/{}/hold", room.id);
    assert!(room.api.put(&path, json!({ "held": true })).await.status < 300);
    falls_silent(&viewer, Duration::from_millis(400)).await;
    let (sent, seen) = (camera.facts().video_sent, viewer.facts().numbers().len());
    assert!(room.conference().await.held);
    // The camera goes on sending all the while: it is the server that holds.
    lens_tests::wait::until_true("the camera sent more", || {
        camera.facts().video_sent > sent + 20
    })
    .await;
    assert_eq!(
        viewer.facts().numbers().len(),
        seen,
        "a held picture was forwarded"
    );

    assert!(room.api.put(&path, json!({ "held": false })).await.status < 300);
    assert_complete(&more_numbers(&viewer, 30).await);
}
