//! A media node that dies: one process takes everything with it, and a split product has another.

use lens_tests::peer::Manner;
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn replaced(mode: Mode) {
    let mut product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({ "external_id": "case" })).await;
    let (camera_offer, _camera) = room.enter("camera", "Margit").await;
    let (viewer_offer, viewer) = room.enter("viewer", "Anna").await;
    more_numbers(&viewer, 20).await;
    let node = room
        .conference()
        .await
        .node
        .expect("a placed conference")
        .to_string();

    match mode {
        Mode::Split => {
            let name = if node == "sfu-1" { "sfu-1" } else { "sfu-2" };
            product
                .processes
                .get_mut(name)
                .expect("the node runs")
                .kill();
        }
        Mode::One => {
            product.processes.get_mut("lens").expect("it runs").kill();
            product.start_role("lens", &[]);
            // With the process went the table of conferences: the owner makes a new one.
            let reply = room.api.get(&format!("/v1/conferences/{}", room.id)).await;
            assert_eq!(reply.code(), "conference_not_found");
            let mut again = Room::open(room.api.clone(), json!({ "external_id": "case" })).await;
            let (_, _camera) = again.enter("camera", "Margit").await;
            let (_, viewer) = again.enter("viewer", "Anna").await;
            more_numbers(&viewer, 20).await;
            return;
        }
    }
    // The same participants, new generations, on the other node.
    let renewed = wait::until("an offer from the other node", || {
        let mut api = room.api.clone();
        let path = format!("{}/offer", room.path(&camera_offer));
        async move {
            let reply = api.post(&path, json!({})).await;
            (reply.status < 300).then(|| reply.json())
        }
    })
    .await;
    let renewed = serde_json::from_value(renewed).expect("an offer");
    let _camera = room.connect(&renewed, Manner::default()).await;
    let renewed = room.renew(&viewer_offer).await;
    let viewer = room.connect(&renewed, Manner::default()).await;
    more_numbers(&viewer, 20).await;
    let conference = room.conference().await;
    assert_ne!(
        conference.node.expect("a placed conference").to_string(),
        node
    );
    assert_eq!(conference.participants.len(), 2);
}
