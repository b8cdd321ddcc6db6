//! What a participant has paused is withheld where the packets are forwarded.

use std::time::Duration;

use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, falls_silent, more_numbers};
use lens_tests::wait::until_true;
use serde_json::json;

pub(crate) async fn withholds(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (offer, camera) = room.enter("camera", "Margit").await;
    let (_, viewer) = room.enter("viewer", "Anna").await;
    more_numbers(&viewer, 20).await;

    let path = format!("{}/pause", room.path(&offer));
    let paused = json!({ "video": true, "voice": false });
    assert!(room.api.put(&path, paused).await.status < 300);
    falls_silent(&viewer, Duration::from_millis(400)).await;
    let (sent, seen) = (camera.facts().video_sent, viewer.facts().numbers().len());
    let voices = || viewer.facts().audio.values().flatten().count();
    let heard = voices();
    // The camera goes on sending all the while: it is the server that withholds.
    until_true("the camera sent more, and its voice arrives", || {
        camera.facts().video_sent > sent + 20 && voices() > heard + 20
    })
    .await;
    let now = viewer.facts().numbers().len();
    assert_eq!(now, seen, "a paused picture was forwarded");
    assert!(room.conference().await.participants[0].pause.video);

    let resumed = json!({ "video": false, "voice": false });
    assert!(room.api.put(&path, resumed).await.status < 300);
    assert_complete(&more_numbers(&viewer, 30).await);
}
