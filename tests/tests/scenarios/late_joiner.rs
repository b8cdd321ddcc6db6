//! SRTP's packet index: whoever joins a long stream cannot know how often its numbers have wrapped.

use lens_tests::peer::{Manner, Stack};
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn sees(mode: Mode, stack: Stack) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let manner = Manner {
        first_sequence: 65_500,
        stack,
        ..Manner::default()
    };
    let viewing = Manner {
        stack,
        ..Manner::default()
    };
    let camera = room.connect(&offer, manner).await;
    let (_, early) = room.enter_as("viewer", "Anna", viewing).await;
    wait::until_true("the sequence numbers have wrapped", || {
        camera.facts().video_sent > 60
    })
    .await;
    let (_, late) = room.enter_as("viewer", "Ben", viewing).await;
    for viewer in [&early, &late] {
        assert_complete(&more_numbers(viewer, 60).await);
    }
}
