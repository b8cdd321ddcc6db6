//! Chat: kept before it is shown, shown to everybody in the session, once.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::House;

fn line(client_id: &str, text: &str) -> Value {
    json!({"kind": "chat", "client_id": client_id, "text": text})
}

#[tokio::test]
async fn chat_works_from_the_redemption_on_in_both_directions_and_is_kept() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let mut console = anna.console().await;
    let created = anna.create_session().await;
    let id = created.session.id.to_string();
    let mut customer = house.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    let mut page = customer.customer_page().await;
    page.say(None, line("c-1", "Hello?")).await;
    let heard = console.wait_for("chat").await;
    assert_eq!(
        (&heard["text"], &heard["from"]),
        (&json!("Hello?"), &json!("customer"))
    );
    assert_eq!(
        (&heard["name"], &heard["session"]),
        (&json!("Margit"), &json!(id))
    );
    assert_eq!(page.wait_for("chat").await["client_id"], "c-1", "the echo");
    console.say(Some(&id), line("t-1", "Good morning!")).await;
    assert_eq!(page.wait_for("chat").await["name"], "Anna Berg");
    let kept = anna.get(&format!("/api/sessions/{id}/chat")).await.ok();
    let texts: Vec<_> = kept
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].clone())
        .collect();
    assert_eq!(texts, ["Hello?", "Good morning!"]);
    let view = customer.get("/api/customer").await.ok();
    assert_eq!(view["chat"].as_array().unwrap().len(), 2);
    let kinds = anna.log_kinds(&id).await;
    assert_eq!(kinds.iter().filter(|it| *it == "chat.line").count(), 2);
}

#[tokio::test]
async fn a_line_sent_again_is_kept_once() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, _customer, mut page) = house.waiting(&anna).await;
    page.say(None, line("same", "once")).await;
    let first = page.wait_for("chat").await;
    page.say(None, line("same", "once")).await;
    let again = page.wait_for("chat").await;
    assert_eq!(first["id"], again["id"]);
    let kept = anna
        .get(&format!("/api/sessions/{}/chat", session.id))
        .await
        .ok();
    assert_eq!(kept.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn empty_and_endless_lines_and_lines_without_anybody_there_are_refused() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let mut console = anna.console().await;
    let created = anna.create_session().await;
    console
        .say(
            Some(&created.session.id.to_string()),
            line("t-1", "anybody?"),
        )
        .await;
    assert_eq!(console.wait_for("error").await["code"], "wrong_state");
    let (_session, _customer, mut page) = house.waiting(&anna).await;
    for (client_id, text) in [
        ("1", String::new()),
        ("2", "   ".into()),
        ("3", "x".repeat(2_001)),
        ("", "no name".into()),
    ] {
        page.say(None, line(client_id, &text)).await;
        assert_eq!(page.wait_for("error").await["code"], "invalid_value");
    }
    page.say(None, line("4", &"x".repeat(2_000))).await;
    page.wait_for("chat").await;
}

#[tokio::test]
async fn a_technician_who_does_not_take_part_hears_nothing() {
    let house = House::open().await;
    let (anna, ben) = (
        house.technician("Anna Berg").await,
        house.technician("Ben Cole").await,
    );
    let (mut hers, mut his) = (anna.console().await, ben.console().await);
    let (_session, _customer, mut page) = house.waiting(&anna).await;
    page.say(None, line("c-1", "secret")).await;
    hers.wait_for("chat").await;
    // A later message that he does get shows that the former would have come by now.
    ben.create_session().await;
    his.wait_until("his own session", |it| {
        it["view"]["created_by"]["name"] == "Ben Cole"
    })
    .await;
    assert!(
        his.heard.iter().all(|it| it["kind"] != "chat"),
        "{:?}",
        his.heard
    );
}
