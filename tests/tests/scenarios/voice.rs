//! Voices.

use lens_tests::peer::Manner;
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete};
use lens_tests::wait;
use serde_json::json;

/// The manners are those of the camera and the two viewers.
pub(crate) async fn everybody(mode: Mode, [margit, anna, ben]: [Manner; 3]) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, camera) = room.enter_as("camera", "Margit", margit).await;
    let (_, anna) = room.enter_as("viewer", "Anna", anna).await;
    let (_, ben) = room.enter_as("viewer", "Ben", ben).await;
    for (name, peer) in [("Margit", &camera), ("Anna", &anna), ("Ben", &ben)] {
        let heard = || {
            peer.facts()
                .audio
                .values()
                .filter(|voice| voice.len() >= 50)
                .count()
        };
        wait::until_true(&format!("{name} hears two voices"), || heard() == 2).await;
        for voice in peer.facts().audio.values() {
            let numbers: Vec<u32> = voice.iter().map(|(_, number)| *number).collect();
            assert_complete(&numbers);
        }
    }
    assert_eq!(camera.facts().audio.len(), 2, "nobody hears themselves");
}
