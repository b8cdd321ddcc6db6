//! Coming in: PIN and link, what is refused and how alike, who may come again.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use lens_protocol::session::SessionState;
use lens_runtime::rate_limit::RateLimit;
use lens_website::Config;
use serde_json::json;
use support::{Answer, House, config};

fn body_without_trace(answer: &Answer) -> serde_json::Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("trace_id");
    body
}

#[tokio::test]
async fn a_session_is_made_with_pin_link_and_picture_of_it_and_touches_no_media() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let (session, invitation) = (created.session, created.invitation);
    assert_eq!(session.state, SessionState::Created);
    assert_eq!(session.invitation.unwrap().id, invitation.id);
    assert_eq!(session.customer_name.as_deref(), Some("Margit"));
    assert_eq!(invitation.pin.expose().len(), 6);
    assert!(
        invitation
            .link
            .expose()
            .starts_with("https://help.example/s#")
    );
    assert!(invitation.qr_svg.expose().contains("<svg"));
    assert_eq!(house.manager.count("create"), 0);
    let kinds = anna.log_kinds(&session.id.to_string()).await;
    assert_eq!(kinds, ["session.created", "invitation.made"]);
}

#[tokio::test]
async fn the_pin_lets_in_with_blanks_and_says_who_asks_and_nothing_else() {
    let house = House::open().await;
    house.organisation("Berg Heating").await;
    let anna = house.technician("Anna Berg").await;
    anna.create_session().await;
    let created = anna.create_session().await;
    let pin = created.invitation.pin.expose();
    let typed = format!(" {} {} ", &pin[..3], &pin[3..]);
    let mut customer = house.browser();
    let answer = customer.redeem_pin(&typed).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in [
        "__Host-lens-customer=",
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{part} is missing");
    }
    let view = answer.ok();
    assert_eq!(view["state"], "connecting");
    assert_eq!(view["organisation"], "Berg Heating");
    assert_eq!(
        view["technician"],
        json!({"first_name": "Anna", "name": "Anna Berg"})
    );
    assert_eq!(
        view["consent"],
        json!({"version": 1, "recorded": false, "kept_days": 730})
    );
    assert_eq!(view["agreed"], json!(null));
    let seen = anna.view(&created.session.id.to_string()).await;
    assert_eq!(seen.state, SessionState::Connecting);
    assert_eq!(seen.customer_device.as_deref(), Some("iPhone, Safari"));
    assert_eq!(seen.invitation, None);
}

#[tokio::test]
async fn the_link_lets_in_by_its_halves_alone() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let mut customer = house.browser();
    let view = customer
        .redeem_link(created.invitation.link.expose())
        .await
        .ok();
    assert_eq!(view["session"], json!(created.session.id));
    let log = anna
        .get(&format!("/api/sessions/{}/log", created.session.id))
        .await
        .ok();
    assert_eq!(log["events"][2]["kind"], "invitation.redeemed");
    assert_eq!(log["events"][2]["body"]["by"], "link");
}

#[tokio::test]
async fn wrong_expired_ended_and_used_pins_get_the_same_answer() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let expired = anna.create_session().await;
    house.clock.advance(Duration::from_secs(20 * 60));
    let used = anna.create_session().await;
    house
        .browser()
        .redeem_pin(used.invitation.pin.expose())
        .await
        .ok();
    let ended = anna.create_session().await;
    let path = format!("/api/sessions/{}/put-out", ended.session.id);
    anna.post(&path, json!({})).await.ok();
    let closed = anna.create_session().await;
    let path = format!("/api/sessions/{}/close", closed.session.id);
    anna.post(&path, json!({"reason": "wrong_number"}))
        .await
        .ok();

    let mut bodies = Vec::new();
    let pins = [&expired, &used, &ended, &closed].map(|it| it.invitation.pin.expose().to_owned());
    let never = ["000000", "12345", "abc", "", "1234567890123"].map(str::to_owned);
    for pin in pins.iter().chain(&never) {
        let started = tokio::time::Instant::now();
        let answer = house.browser().redeem_pin(pin).await;
        assert!(
            started.elapsed() >= Duration::from_millis(40),
            "levelled in time"
        );
        answer.refused(404, "invitation_not_found");
        assert!(answer.headers.get("set-cookie").is_none());
        bodies.push(body_without_trace(&answer));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_used_link_tells_who_holds_it_and_nobody_else() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let link = created.invitation.link.expose();
    house.browser().redeem_link(link).await.ok();
    house
        .browser()
        .redeem_link(link)
        .await
        .refused(409, "invitation_taken");

    let (_, secret) = link.split_once('#').unwrap();
    let secret = lens_protocol::SecretText::new(secret);
    let halves = lens_auth::link::derive(&secret).unwrap();
    let forged = json!({"lookup": halves.lookup.expose(), "auth": "A".repeat(43)});
    let answer = house
        .browser()
        .post("/api/invitations/redeem", forged)
        .await;
    answer.refused(404, "invitation_not_found");
    let broken = json!({"lookup": "x", "auth": "y"});
    let answer = house
        .browser()
        .post("/api/invitations/redeem", broken)
        .await;
    answer.refused(404, "invitation_not_found");
}

#[tokio::test]
async fn the_browser_that_redeemed_comes_back_by_pin_link_and_reload() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let mut customer = house.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    let known = customer.cookies.clone();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    customer
        .redeem_link(created.invitation.link.expose())
        .await
        .ok();
    assert_eq!(customer.cookies, known, "the credential is the same");
    let view = customer.get("/api/customer").await.ok();
    assert_eq!(view["session"], json!(created.session.id));
    house
        .browser()
        .get("/api/customer")
        .await
        .refused(401, "not_signed_in");
}

#[tokio::test]
async fn of_many_browsers_with_one_link_exactly_one_gets_in() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let link = created.invitation.link.expose();
    let tries = (0..8).map(|_| {
        let mut browser = house.browser();
        async move { browser.redeem_link(link).await.status.as_u16() }
    });
    let mut statuses = futures_util::future::join_all(tries).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn guesses_are_throttled_per_address_and_a_right_pin_is_no_guess() {
    let few = RateLimit {
        burst: 4,
        per: Duration::from_secs(60),
    };
    let house = House::with(Config {
        redeems_per_address: few,
        ..config()
    })
    .await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    for _ in 0..4 {
        house
            .browser()
            .redeem_pin("000000")
            .await
            .refused(404, "invitation_not_found");
    }
    let slow = house
        .browser()
        .redeem_pin(created.invitation.pin.expose())
        .await;
    slow.refused(429, "rate_limited");
    assert_eq!(slow.headers["retry-after"], "15");
    let slow = house
        .browser()
        .redeem_link(created.invitation.link.expose())
        .await;
    slow.refused(429, "rate_limited");
    house.clock.advance(Duration::from_secs(15));
    house
        .browser()
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    let mut browser = house.browser();
    browser
        .redeem_pin("000000")
        .await
        .refused(404, "invitation_not_found");
    let more = browser.redeem_pin("000000").await;
    more.refused(429, "rate_limited");
}

#[tokio::test]
async fn guesses_from_many_addresses_are_throttled_together_and_links_still_work() {
    let few = RateLimit {
        burst: 5,
        per: Duration::from_secs(60),
    };
    let house = House::with(Config {
        wrong_pins: few,
        ..config()
    })
    .await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    for last in 0..5 {
        let mut bot = house.browser();
        bot.address = format!("203.0.113.{last}:1").parse().unwrap();
        bot.redeem_pin("000000")
            .await
            .refused(404, "invitation_not_found");
    }
    house
        .browser()
        .redeem_pin("000000")
        .await
        .refused(429, "rate_limited");
    house
        .browser()
        .redeem_link(created.invitation.link.expose())
        .await
        .ok();
}

#[tokio::test]
async fn an_expired_invitation_goes_from_the_list_and_a_new_one_ends_the_former() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let id = created.session.id.to_string();
    house.clock.advance(Duration::from_secs(20 * 60));
    anna.until(&id, "loses its invitation", |view| {
        view.invitation.is_none()
    })
    .await;
    let path = format!("/api/sessions/{id}/invitation");
    let second = anna.post(&path, json!({})).await.ok();
    let third = anna.post(&path, json!({})).await.ok();
    let pin = |it: &serde_json::Value| it["pin"].as_str().unwrap().to_owned();
    house
        .browser()
        .redeem_pin(&pin(&second))
        .await
        .refused(404, "invitation_not_found");
    house.browser().redeem_pin(&pin(&third)).await.ok();
    anna.post(&path, json!({}))
        .await
        .refused(409, "wrong_state");
    let kinds = anna.log_kinds(&id).await;
    assert!(
        kinds.contains(&"invitation.expired".to_owned()),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn consent_is_kept_with_its_words_and_nonsense_is_refused() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let mut customer = house.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    let good = json!({
        "capabilities": ["camera"], "text_version": 1, "locale": "de",
        "text_sha256": "AB".repeat(32), "shown_name": "Anna Berg",
    });
    for (field, value, status, code) in [
        ("capabilities", json!([]), 422, "invalid_value"),
        ("capabilities", json!(["voice"]), 422, "invalid_value"),
        ("capabilities", json!(["telepathy"]), 422, "invalid_value"),
        ("text_version", json!(2), 409, "consent_changed"),
        ("locale", json!("<script>"), 422, "invalid_value"),
        ("text_sha256", json!("abc"), 422, "invalid_value"),
        ("shown_name", json!(""), 422, "invalid_value"),
        ("shown_name", json!("x".repeat(81)), 422, "invalid_value"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        customer
            .post("/api/customer/consent", bad)
            .await
            .refused(status, code);
    }
    let view = customer.post("/api/customer/consent", good).await.ok();
    assert_eq!(view["state"], "waiting");
    assert_eq!(view["agreed"], json!(["camera"]));
    let rows = lens_storage::ConsentStore::consents_of(&*house.database, created.session.id);
    let rows = rows.await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].locale.as_str(), rows[0].text_sha256),
        ("de", [0xab; 32])
    );
    house
        .browser()
        .agree(&["camera"])
        .await
        .refused(401, "not_signed_in");
}

#[tokio::test]
async fn declining_ends_the_session_and_the_page_may_still_read_how() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let mut customer = house.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    customer.post("/api/customer/decline", json!({})).await.ok();
    let view = customer.get("/api/customer").await.ok();
    assert_eq!(
        (&view["state"], &view["ended_by"]),
        (&json!("aborted"), &json!("customer"))
    );
    customer
        .agree(&["camera"])
        .await
        .refused(410, "session_closed");
    house.clock.advance(Duration::from_secs(15 * 60));
    customer
        .get("/api/customer")
        .await
        .refused(401, "not_signed_in");
    let kinds = anna.log_kinds(&created.session.id.to_string()).await;
    assert_eq!(kinds.last().unwrap(), "consent.declined");
}
