//! A process dies and comes back. The session manager: media goes on, the table is rebuilt from the
//! nodes, and answers to repeated requests are on disk. The front: sessions, credentials and the
//! record are on disk, and media goes on.

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
    let kept = room.join_once("kept-key", "viewer", "Ben").await;
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
    assert_eq!(after.participants.len(), 3);
    assert_eq!(after.epoch, before.epoch);
    assert_complete(&viewer.facts().numbers());
    let again = room.join_once("kept-key", "viewer", "Ben").await;
    assert_eq!(again, kept, "the same key is the same participant");
    assert_eq!(room.conference().await.participants.len(), 3);

    // And it can go on being changed.
    let renewed = room.renew(&camera_offer).await;
    assert!(renewed.generation > camera_offer.generation);
}

pub(crate) async fn front(mode: Mode) {
    let mut product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (_, _camera) = room.enter("camera", "Margit").await;
    let (_, viewer) = room.enter("viewer", "Anna").await;
    more_numbers(&viewer, 20).await;
    let mut technician = product.signed_in().await;
    let made = technician.post("/api/sessions", json!({})).await.success();
    let session = format!(
        "/api/sessions/{}",
        made["session"]["id"].as_str().expect("an id")
    );
    let mut customer = product.http();
    let pin = json!({ "pin": made["invitation"]["pin"] });
    customer
        .post("/api/invitations/redeem", pin)
        .await
        .success();

    let entrance = product.entrance();
    product.processes.get_mut(entrance).expect("it runs").kill();
    if mode == Mode::Split {
        assert_complete(&more_numbers(&viewer, 50).await);
    }
    product.start_role(entrance, &[]);

    // The same cookies, the same session, one record.
    let view = technician.get(&session).await.success();
    assert_eq!(view["state"], "connecting");
    let view = customer.get("/api/customer").await.success();
    assert_eq!(view["session"], made["session"]["id"]);
    let reason = json!({ "reason": "solved" });
    technician
        .post(&format!("{session}/close"), reason)
        .await
        .success();
    let log = technician.get(&format!("{session}/log")).await.success();
    let kinds: Vec<&str> = log["events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|event| event["kind"].as_str())
        .collect();
    let expected = [
        "session.created",
        "invitation.made",
        "invitation.redeemed",
        "session.closed",
    ];
    assert_eq!(kinds, expected);
    if mode == Mode::Split {
        assert_complete(&viewer.facts().numbers());
        assert_eq!(room.conference().await.participants.len(), 2);
    }
}
