//! The wall clock is set back by an hour: nobody is locked out, nothing that was over comes back,
//! what is under way goes on, and the record keeps its order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use lens_auth::lockout::LockoutRule;
use lens_auth::token;
use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_protocol::session::SessionState;
use lens_runtime::clock::Clock;
use lens_runtime::rate_limit::RateLimit;
use lens_storage::{InvitationStore, LoginStore};
use lens_website::Config;
use serde_json::{Value, json};
use support::{House, PASSWORD, config, take_part};

const HOUR: Duration = Duration::from_secs(3_600);

fn set_back(house: &House) {
    house.clock.set(house.clock.now().minus(HOUR));
}

fn per_minute(burst: u32) -> RateLimit {
    let per = Duration::from_secs(60);
    RateLimit { burst, per }
}

#[tokio::test]
async fn no_throttle_and_no_lock_holds_longer_than_its_rule_says() {
    let house = House::with(Config {
        redeems_per_address: per_minute(2),
        wrong_pins: per_minute(2),
        logins_per_address: per_minute(3),
        lockout: LockoutRule {
            attempts: 3,
            duration: Duration::from_secs(900),
        },
        ..config()
    })
    .await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let pin = created.invitation.pin.expose();
    house
        .add_account("Carl Dahl", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    let wrong = json!({"email": "carl@example.com", "password": "wrong"});
    for _ in 0..3 {
        browser
            .post("/api/login", wrong.clone())
            .await
            .refused(401, "bad_credentials");
    }
    for _ in 0..2 {
        browser
            .redeem_pin("000000")
            .await
            .refused(404, "invitation_not_found");
    }

    set_back(&house);
    let right = json!({"email": "carl@example.com", "password": PASSWORD});
    browser.post("/api/login", right).await.ok();
    // Wrong PINs of all are a matter of seconds, and stay one.
    browser.redeem_pin(pin).await.refused(429, "rate_limited");
    house.clock.advance(Duration::from_secs(30));
    browser.redeem_pin(pin).await.ok();
}

#[tokio::test]
async fn what_was_over_stays_over() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let id = created.session.id.to_string();
    let ticket = anna.post("/api/tickets", json!({})).await.ok();
    let idle = house.technician("Ida Lund").await;
    house.clock.advance(Duration::from_secs(20 * 60));
    anna.until(&id, "loses its invitation", |view| {
        view.invitation.is_none()
    })
    .await;
    // Long enough for Ida's login, not for Anna's, which is used.
    for _ in 0..8 {
        house.clock.advance(HOUR);
        anna.get("/api/me").await.ok();
    }
    idle.get("/api/me").await.refused(401, "not_signed_in");
    let over = async || {
        let now = house.clock.now();
        let before = now.minus(HOUR * 9);
        let pins = house.database.count_pins(before).await.unwrap();
        let token = token::digest(&SecretText::new(idle.cookies[0].1.clone()));
        let login = house.database.signed_in(&token, HOUR * 8, before).await;
        pins == 0 && login.unwrap().is_none()
    };
    until("the store knows that they are over", over).await;

    house.clock.set(house.clock.now().minus(HOUR * 9));
    let restarted = house.restarted().await;
    let mut customer = restarted.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .refused(404, "invitation_not_found");
    customer
        .redeem_link(created.invitation.link.expose())
        .await
        .refused(404, "invitation_not_found");
    let mut idle = idle;
    idle.router = restarted.website.router();
    idle.get("/api/me").await.refused(401, "not_signed_in");
    let frame = restarted.browser();
    let mut page =
        support::page::Page::named(&frame, lens_signaling::Door::Console, "a-frame-of-a-crm");
    let opened = page.connect_with(ticket["ticket"].as_str()).await;
    assert_eq!(opened, Err("ticket_invalid".to_owned()));
}

#[tokio::test]
async fn a_session_goes_on_and_its_record_keeps_its_order() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, customer, mut page) = house.waiting(&anna).await;
    let id = session.id.to_string();
    let mut say = async |number: u32| {
        let line =
            json!({"kind": "chat", "client_id": number.to_string(), "text": number.to_string()});
        page.say(None, line).await;
        page.wait_for("chat").await;
    };
    say(1).await;
    say(2).await;

    set_back(&house);
    say(3).await;
    let start = format!("/api/sessions/{id}/start");
    anna.post(&start, take_part("console-of-anna-1")).await.ok();
    say(4).await;
    house.clock.advance(HOUR * 2);
    say(5).await;
    let view = anna.view(&id).await;
    assert!(!view.state.is_ended(), "{:?}", view.state);

    let house = house.restarted().await;
    let (mut anna, mut customer) = (anna, customer);
    anna.router = house.website.router();
    customer.router = house.website.router();
    let texts = |lines: &Value| -> Vec<String> {
        let lines = lines.as_array().unwrap();
        lines
            .iter()
            .map(|line| line["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let kept = anna.get(&format!("/api/sessions/{id}/chat")).await.ok();
    assert_eq!(texts(&kept), ["1", "2", "3", "4", "5"]);
    let shown = customer.get("/api/customer").await.ok();
    assert_eq!(texts(&shown["chat"]), ["1", "2", "3", "4", "5"]);
    let kinds = anna.log_kinds(&id).await;
    let at = |kind: &str| kinds.iter().position(|it| it == kind).unwrap();
    let lines: Vec<usize> = (0..kinds.len())
        .filter(|index| kinds[*index] == "chat.line")
        .collect();
    assert!(
        at("session.created") < lines[1] && lines[2] < at("session.started"),
        "{kinds:?}"
    );
    assert!(at("session.started") < lines[3], "{kinds:?}");
    let close = format!("/api/sessions/{id}/close");
    anna.post(&close, json!({"reason": "solved"})).await.ok();
    assert_eq!(anna.view(&id).await.state, SessionState::Closed);
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..2_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}
