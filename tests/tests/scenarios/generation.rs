//! Generations: a new connection for the same participant.

use lens_tests::peer::Manner;
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn replaces(mode: Mode, manner: Manner) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (camera_offer, camera) = room.enter_as("camera", "Margit", manner).await;
    let (viewer_offer, viewer) = room.enter_as("viewer", "Anna", manner).await;
    more_numbers(&viewer, 20).await;

    let renewed = room.renew(&camera_offer).await;
    assert_eq!(renewed.participant, camera_offer.participant);
    assert!(renewed.generation > camera_offer.generation);
    // The former connection goes on until the new one is there.
    more_numbers(&viewer, 20).await;
    let camera_again = room.connect(&renewed, manner).await;
    wait::until_true("the former connection is closed", || camera.facts().ended).await;
    more_numbers(&viewer, 20).await;
    assert!(!camera_again.facts().ended);

    // An answer to the former offer comes too late.
    let stale = json!({
        "generation": camera_offer.generation,
        "negotiation_id": camera_offer.negotiation_id,
        "sdp": "v=0\r\n",
    });
    let path = format!("{}/answer", room.path(&camera_offer));
    let reply = room.api.put(&path, stale).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (409, "stale_generation")
    );

    let renewed = room.renew(&viewer_offer).await;
    let viewer_again = room.connect(&renewed, manner).await;
    more_numbers(&viewer_again, 20).await;
    assert_eq!(room.conference().await.participants.len(), 2);
}
