//! What a conference carries, and for whom.

use lens_tests::peer::Manner;
use lens_tests::product::{Mode, Product};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

pub(crate) async fn camera(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, first) = room.enter("viewer", "Anna").await;
    let (camera_offer, camera) = room.enter("camera", "Margit").await;
    let (_, second) = room.enter("viewer", "Ben").await;
    for viewer in [&first, &second] {
        assert_complete(&more_numbers(viewer, 100).await);
    }
    assert!(first.facts().numbers().len() > second.facts().numbers().len());
    assert!(
        camera.facts().keyframe_requests > 0,
        "a joiner asks the camera for a keyframe"
    );

    let timeline = room.timeline(&camera_offer).await;
    let steps: Vec<_> = timeline["steps"].as_array().into_iter().flatten().collect();
    let reached = |step: &str| steps.iter().any(|entry| entry["step"] == step);
    for step in [
        "offer_made",
        "answer_applied",
        "first_check",
        "dtls_connected",
        "first_packet_in",
    ] {
        assert!(reached(step), "{step} is missing in {timeline}");
    }
    assert_eq!(timeline["stats"]["transport"], "udp");
    assert_eq!(timeline["stats"]["srtp_profile"], "AEAD_AES_256_GCM");
}

pub(crate) async fn texts(mode: Mode, manner: Manner) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, camera) = room.enter_as("camera", "Margit", manner).await;
    let (_, viewer) = room.enter_as("viewer", "Anna", manner).await;
    wait::until_true("both channels are open", || {
        camera.facts().channel_open && viewer.facts().channel_open
    })
    .await;
    let words: Vec<String> = (0..40).map(|n| format!("word {n}")).collect();
    for word in &words {
        camera.say(word);
    }
    wait::until_true("all words came", || {
        viewer.facts().texts.len() >= words.len()
    })
    .await;
    assert_eq!(viewer.facts().texts, words);
    assert!(camera.facts().texts.is_empty(), "nobody hears themselves");
}

pub(crate) async fn owners(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(
        product.integrator("crm"),
        json!({ "external_id": "case-7" }),
    )
    .await;
    let offer = room.join("camera", "Margit").await;
    let mut other = product.integrator("other");
    for path in [
        format!("/v1/conferences/{}", room.id),
        format!("{}/timeline", room.path(&offer)),
    ] {
        let reply = other.get(&path).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (404, "conference_not_found"),
            "{path}"
        );
    }
    let reply = other.delete(&format!("/v1/conferences/{}", room.id)).await;
    assert_eq!(reply.status, 404);
    // The same name is free for another owner, and taken for the same one.
    other
        .post("/v1/conferences", json!({ "external_id": "case-7" }))
        .await
        .success();
    let reply = room
        .api
        .post("/v1/conferences", json!({ "external_id": "case-7" }))
        .await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (409, "external_id_taken")
    );
}
