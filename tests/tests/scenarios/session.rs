//! A session over the website's API, from the PIN to the log.

use lens_tests::product::{Mode, Product};
use serde_json::json;

pub(crate) async fn whole(mode: Mode) {
    let product = Product::start(mode);
    let mut technician = product.signed_in().await;
    let made = technician
        .post("/api/sessions", json!({ "reference": "20418" }))
        .await
        .success();
    let id = made["session"]["id"].as_str().expect("an id").to_owned();
    let session = format!("/api/sessions/{id}");
    assert_eq!(made["session"]["state"], "created");
    assert!(
        made["session"]["conference"].is_null(),
        "no media part before the start"
    );

    let mut customer = product.http();
    let pin = made["invitation"]["pin"].as_str().expect("a PIN");
    let view = customer
        .post("/api/invitations/redeem", json!({ "pin": pin }))
        .await
        .success();
    let early = technician
        .post(&format!("{session}/start"), json!({ "channel": CHANNEL }))
        .await;
    assert_eq!(
        (early.status, early.code().as_str()),
        (409, "consent_missing")
    );

    let consent = json!({
        "capabilities": ["camera", "voice"],
        "text_version": view["consent"]["version"],
        "locale": "en",
        "text_sha256": "0".repeat(64),
        "shown_name": view["technician"]["name"],
    });
    customer
        .post("/api/customer/consent", consent)
        .await
        .success();
    let started = technician
        .post(&format!("{session}/start"), json!({ "channel": CHANNEL }))
        .await;
    let started = started.success();
    // Nobody's page is on signalling here, so the customer counts as away; the journeys in real
    // browsers see it active.
    assert_eq!(started["session"]["state"], "reconnecting");
    assert_eq!(started["session"]["trouble"], "customer");
    assert!(
        started["offer"]["sdp"]
            .as_str()
            .is_some_and(|sdp| sdp.starts_with("v=0"))
    );

    technician
        .post(&format!("{session}/hold"), json!({}))
        .await
        .success();
    technician
        .post(&format!("{session}/resume"), json!({}))
        .await
        .success();
    let close = json!({ "reason": "solved", "note": "The cable was in the wrong socket." });
    let closed = technician
        .post(&format!("{session}/close"), close)
        .await
        .success();
    assert_eq!(closed["state"], "closed");
    let after = customer.get("/api/customer").await;
    assert!(
        after.json()["state"] == "closed" || after.status == 401,
        "{}",
        after.text
    );

    let log = technician.get(&format!("{session}/log")).await.success();
    let kinds: Vec<String> = log["events"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| event["kind"].as_str().unwrap_or_default().to_owned())
        .collect();
    for step in ["session.created", "session.started", "session.closed"] {
        assert!(
            kinds.iter().any(|kind| kind == step),
            "{step} is missing in {kinds:?}"
        );
    }
    // The command line reads the same record.
    let printed = product.command(&["log", &id, "--json"]);
    assert_eq!(printed.lines().count(), kinds.len());
}

const CHANNEL: &str = "scenario-channel-0001";
