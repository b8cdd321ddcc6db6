//! The session manager dies and comes back: media goes on, and the table is rebuilt from the nodes.

use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn finds(mode: Mode) {
    let mut product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({ "external_id": "case" })).await;
    if mode == Mode::One {
        // One process has one life: what must outlast it is on disk, which is asked for elsewhere.
        // Here: it starts again on the same data, and its doors work.
        product.processes.get_mut("lens").expect("it runs").kill();
        product.start_role("lens", &[]);
        let mut again = Room::open(product.integrator("second"), json!({})).await;
        let (_, _camera) = again.enter("camera", "Margit").await;
        let (_, viewer) = again.enter("viewer", "Anna").await;
        more_numbers(&viewer, 20).await;
        return;
    }
    let (camera_offer, _camera) = room.enter("camera", "Margit").await;
    let (_, viewer) = room.enter("viewer", "Anna").await;
    more_numbers(&viewer, 20).await;
    let before = room.conference().await;

    product
        .processes
        .get_mut("session-manager")
        .expect("it runs")
        .kill();
    assert_complete(&more_numbers(&viewer, 50).await);
    product.start_role("session-manager", &[]);
    let path = format!("/v1/conferences/{}", room.id);
    wait::until("the conference is known again", || {
        let (mut api, path) = (room.api.clone(), path.clone());
        async move { (api.get(&path).await.status == 200).then_some(()) }
    })
    .await;
    let after = room.conference().await;
    assert_eq!(after.external_id, before.external_id);
    assert_eq!(after.participants.len(), 2);
    assert_eq!(after.epoch, before.epoch);
    assert_complete(&viewer.facts().numbers());

    // And it can go on being changed.
    let renewed = room.renew(&camera_offer).await;
    assert!(renewed.generation > camera_offer.generation);
}
