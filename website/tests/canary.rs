//! What never reaches a log line of the website, at the most talkative level of everything below it.
//!
//! Alone in its binary: the subscriber is the whole process's, because one of a single thread can be
//! overlooked when other tests reach a log line first.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use support::manager::OFFER_CANARY;
use support::{House, PASSWORD, take_part};

/// Everything a subscriber is told at the most talkative level.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_sdp_address_or_chat_reaches_a_log_line() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let house = House::open().await;
    house
        .add_account("Carl Dahl", lens_protocol::account::AccountRole::Technician)
        .await;
    let body = json!({"email": "carl@example.com", "password": PASSWORD});
    house.browser().post_and_keep("/api/login", body).await.ok();
    let body = json!({"email": "carl@example.com", "password": "canary-wrong-password"});
    house
        .browser()
        .post("/api/login", body)
        .await
        .refused(401, "bad_credentials");
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let id = created.session.id.to_string();
    let mut customer = house.browser();
    customer
        .redeem_link(created.invitation.link.expose())
        .await
        .ok();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    let mut page = customer.customer_page().await;
    customer.agree(&["camera"]).await.ok();
    let start = format!("/api/sessions/{id}/start");
    anna.post(&start, take_part("console-of-anna-1")).await.ok();
    let offer = page.wait_for("offer").await;
    page.answer(None, &offer).await;
    page.say(
        None,
        json!({"kind": "chat", "client_id": "1", "text": "canary-chat-text"}),
    )
    .await;
    page.wait_for("chat").await;
    house
        .manager
        .fail_next("hold", lens_protocol::ErrorCode::Internal);
    anna.post(&format!("/api/sessions/{id}/hold"), json!({}))
        .await;

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("request"), "the subscriber heard nothing");
    let (_, secret) = created.invitation.link.expose().split_once('#').unwrap();
    let cookies = customer
        .cookies
        .iter()
        .chain(&anna.cookies)
        .map(|(_, value)| value.as_str());
    for canary in [
        OFFER_CANARY,
        "canary-answer-sdp",
        "canary-media-token",
        "canary-chat-text",
        "canary-wrong-password",
        PASSWORD,
        created.invitation.pin.expose(),
        secret,
        "198.51.100.7",
        "carl@example.com",
    ]
    .into_iter()
    .chain(cookies)
    {
        assert!(!log.contains(canary), "{canary} is in the log");
    }
}
