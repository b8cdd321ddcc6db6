//! The live list, the log, tickets, and what survives a restart.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use lens_protocol::session::{SessionState, Trouble};
use lens_signaling::Door;
use serde_json::json;
use support::page::Page;
use support::{House, take_part};

#[tokio::test]
async fn every_console_sees_every_change_of_every_session_it_may_see() {
    let house = House::open().await;
    let (anna, ben) = (
        house.technician("Anna Berg").await,
        house.technician("Ben Cole").await,
    );
    let mut his = ben.console().await;
    let (session, _customer, _page) = house.waiting(&anna).await;
    let waiting = his
        .wait_until("waiting", |it| it["view"]["state"] == "waiting")
        .await;
    assert_eq!(waiting["session"], json!(session.id));
    assert_eq!(waiting["view"]["customer_device"], "iPhone, Safari");
    let states: Vec<_> = his
        .heard
        .iter()
        .filter(|it| it["kind"] == "session")
        .map(|it| it["view"]["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states[0], "created");
    assert!(states.contains(&"connecting".to_owned()));
}

#[tokio::test]
async fn the_list_is_filtered_by_whose_where_and_words() {
    let house = House::open().await;
    let (anna, ben) = (
        house.technician("Anna Berg").await,
        house.technician("Ben Cole").await,
    );
    let closed = anna.create_session().await;
    let path = format!("/api/sessions/{}/close", closed.session.id);
    anna.post(&path, json!({"reason": "solved"})).await.ok();
    house.waiting(&anna).await;
    ben.post("/api/sessions", json!({"reference": "Case 4711"}))
        .await
        .ok();
    let count = async |query: &str| {
        let list = ben.get(&format!("/api/sessions{query}")).await.ok();
        list["sessions"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?filter=mine").await, 1);
    assert_eq!(count("?filter=queue").await, 1);
    assert_eq!(count("?state=open").await, 2);
    assert_eq!(count("?state=closed").await, 1);
    assert_eq!(count("?q=4711").await, 1);
    assert_eq!(count("?q=margit").await, 2);
    ben.get("/api/sessions?filter=theirs")
        .await
        .refused(422, "invalid_value");
    ben.get(&format!("/api/sessions?q={}", "x".repeat(129)))
        .await
        .refused(422, "invalid_value");
}

#[tokio::test]
async fn a_session_is_described_by_its_maker_and_bounded() {
    let house = House::open().await;
    let (anna, ben) = (
        house.technician("Anna Berg").await,
        house.technician("Ben Cole").await,
    );
    let created = anna.create_session().await;
    let path = format!("/api/sessions/{}", created.session.id);
    let patch =
        async |by: &support::Browser, body| by.call(axum::http::Method::PATCH, &path, &body).await;
    let view = patch(&anna, json!({"reference": " 4711 "})).await.ok();
    assert_eq!(
        (&view["reference"], &view["customer_name"]),
        (&json!("4711"), &json!("Margit"))
    );
    let view = patch(&anna, json!({"customer_name": ""})).await.ok();
    assert_eq!(view["customer_name"], json!(null));
    patch(&anna, json!({"reference": "x".repeat(129)}))
        .await
        .refused(422, "invalid_value");
    patch(&anna, json!({"reference": "a\u{0007}b"}))
        .await
        .refused(422, "invalid_value");
    patch(&ben, json!({"reference": "mine"}))
        .await
        .refused(403, "forbidden");
}

#[tokio::test]
async fn the_log_is_read_in_pages() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, _customer, _page) = house.waiting(&anna).await;
    let path = format!("/api/sessions/{}/log", session.id);
    let first = anna.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!(first["events"].as_array().unwrap().len(), 2);
    let after = first["next"].as_str().unwrap();
    let rest = anna.get(&format!("{path}?after={after}")).await.ok();
    assert_eq!(rest["events"][0]["kind"], "invitation.redeemed");
    assert_eq!(rest["next"], json!(null));
    let stranger = session.id.to_string();
    anna.get(&format!("{path}?after={stranger}"))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_ticket_opens_one_connection_without_a_cookie() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let ticket = anna.post("/api/tickets", json!({})).await.ok();
    let ticket = ticket["ticket"].as_str().unwrap();
    let frame = house.browser();
    let mut page = Page::named(&frame, Door::Console, "an-embedded-frame-1");
    page.connect_with(Some(ticket)).await.unwrap();
    page.wait_for("snapshot").await;
    let mut replay = Page::named(&frame, Door::Console, "an-embedded-frame-2");
    assert_eq!(
        replay.connect_with(Some(ticket)).await,
        Err("ticket_invalid".into())
    );
    let late = anna.post("/api/tickets", json!({})).await.ok();
    house.clock.advance(std::time::Duration::from_secs(30));
    let late = late["ticket"].as_str().unwrap();
    assert_eq!(
        replay.connect_with(Some(late)).await,
        Err("ticket_invalid".into())
    );
    house
        .browser()
        .post("/api/tickets", json!({}))
        .await
        .refused(401, "not_signed_in");
}

#[tokio::test]
async fn a_restart_of_the_website_keeps_sessions_credentials_and_media() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, customer, page) = house.waiting(&anna).await;
    let id = session.id.to_string();
    let path = format!("/api/sessions/{id}/start");
    let started = anna.post(&path, take_part("console-of-anna-1")).await.ok();
    let conference = serde_json::from_value(started["offer"]["conference"].clone()).unwrap();
    for person in started["session"]["people"].as_array().unwrap() {
        let participant = serde_json::from_value(person["participant"].clone()).unwrap();
        house.manager.connect(conference, participant);
    }
    let all = |view: &lens_protocol::session::SessionView| {
        view.people.len() == 2 && view.people.iter().all(|it| it.connected)
    };
    anna.until(&id, "connects", all).await;

    drop(page);
    let house = house.restarted().await;
    let (mut anna, mut customer) = (anna, customer);
    anna.router = house.website.router();
    customer.router = house.website.router();
    let view = anna.until(&id, "is whole", all).await;
    assert_eq!(view.state, SessionState::Active);
    let mut page = customer.customer_page().await;
    let snapshot = page
        .heard
        .iter()
        .find(|it| it["kind"] == "snapshot")
        .unwrap();
    assert_eq!(snapshot["state"]["agreed"], json!(["camera", "voice"]));
    page.say(None, json!({"kind": "offer_request", "reason": "reload"}))
        .await;
    assert_eq!(page.wait_for("offer").await["generation"], 2);

    house.manager.forget_all();
    let lost = anna.until(&id, "notices", |view| view.trouble == Some(Trouble::Node));
    assert_eq!(lost.await.state, SessionState::Reconnecting);
}

#[tokio::test]
async fn the_session_manager_that_does_not_answer_is_unavailable_in_bounded_time() {
    let config = lens_website::Config {
        media_patience: std::time::Duration::from_millis(100),
        ..support::config()
    };
    let house = House::with(config).await;
    let anna = house.technician("Anna Berg").await;
    let (session, _customer, _page) = house.waiting(&anna).await;
    house
        .manager
        .silent
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let path = format!("/api/sessions/{}/start", session.id);
    anna.post(&path, take_part("console-of-anna-1"))
        .await
        .refused(503, "unavailable");
    anna.get("/api/me").await.ok();
}
