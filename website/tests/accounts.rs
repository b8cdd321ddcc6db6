//! Signing in, set-up, and what ends a login.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use lens_auth::token;
use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_runtime::clock::Clock;
use lens_runtime::rate_limit::RateLimit;
use lens_storage::{AccountStore, SettingStore, SetupToken};
use lens_website::Config;
use serde_json::json;
use support::{Browser, House, PASSWORD, config};

async fn log_in(browser: &mut Browser, email: &str, password: &str) -> support::Answer {
    browser
        .post_and_keep("/api/login", json!({"email": email, "password": password}))
        .await
}

#[tokio::test]
async fn the_right_password_opens_the_console_and_signing_out_shuts_it() {
    let house = House::open().await;
    house.organisation("Berg Heating").await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    browser.get("/api/me").await.refused(401, "not_signed_in");
    let answer = log_in(&mut browser, " Anna@Example.com ", PASSWORD).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in [
        "__Host-lens-console=",
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{part} is missing");
    }
    let me = answer.ok();
    assert_eq!(me["technician"]["name"], "Anna Berg");
    assert_eq!(me["organisation"], "Berg Heating");
    assert_eq!(me["pin_url"], "https://help.example/");
    assert_eq!(
        browser.get("/api/me").await.ok()["technician"]["email"],
        "anna@example.com"
    );

    let stale = browser.clone();
    browser.post_and_keep("/api/logout", json!({})).await.ok();
    let left: Vec<_> = browser.cookies.iter().map(|(name, _)| name).collect();
    assert_eq!(left, ["__Host-lens-device"]);
    stale.get("/api/me").await.refused(401, "not_signed_in");
    browser.post("/api/logout", json!({})).await.ok();
}

#[tokio::test]
async fn wrong_unknown_locked_and_disabled_get_the_same_answer() {
    let house = House::open().await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let gone = house
        .add_account("Carl Dahl", AccountRole::Technician)
        .await;
    house.database.set_disabled(gone.id, true).await.unwrap();
    let mut browser = house.browser();
    let mut bodies = Vec::new();
    for (email, password) in [
        ("anna@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("carl@example.com", PASSWORD),
        ("anna@example.com", ""),
        ("anna@example.com", &"x".repeat(300)),
    ] {
        let answer = log_in(&mut browser, email, password).await;
        answer.refused(401, "bad_credentials");
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("trace_id");
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn five_wrong_passwords_lock_for_a_quarter_of_an_hour() {
    let house = House::open().await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    for _ in 0..5 {
        log_in(&mut browser, "anna@example.com", "wrong")
            .await
            .refused(401, "bad_credentials");
    }
    log_in(&mut browser, "anna@example.com", PASSWORD)
        .await
        .refused(401, "bad_credentials");
    house.clock.advance(Duration::from_secs(901));
    log_in(&mut browser, "anna@example.com", PASSWORD)
        .await
        .ok();
}

#[tokio::test]
async fn one_address_may_not_try_for_ever() {
    let strict = RateLimit {
        burst: 3,
        per: Duration::from_secs(60),
    };
    let house = House::with(Config {
        logins_per_address: strict,
        ..config()
    })
    .await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    for _ in 0..3 {
        log_in(&mut browser, "anna@example.com", "wrong")
            .await
            .refused(401, "bad_credentials");
    }
    let slow = log_in(&mut browser, "anna@example.com", PASSWORD).await;
    slow.refused(429, "rate_limited");
    assert_eq!(slow.headers["retry-after"], "20");
    let mut elsewhere = house.browser();
    elsewhere.address = "203.0.113.9:1".parse().unwrap();
    log_in(&mut elsewhere, "anna@example.com", PASSWORD)
        .await
        .ok();
    // A password that is right is no try, and forgives none.
    house.clock.advance(Duration::from_secs(20));
    log_in(&mut house.browser(), "anna@example.com", PASSWORD)
        .await
        .ok();
    log_in(&mut house.browser(), "eve@example.com", "wrong")
        .await
        .refused(401, "bad_credentials");
    log_in(&mut house.browser(), "eve@example.com", "wrong")
        .await
        .refused(429, "rate_limited");
}

#[tokio::test]
async fn an_idle_login_ends_and_a_used_one_does_not() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    for _ in 0..3 {
        house.clock.advance(Duration::from_secs(7 * 3600));
        anna.get("/api/me").await.ok();
    }
    house.clock.advance(Duration::from_secs(9 * 3600));
    anna.get("/api/me").await.refused(401, "not_signed_in");
}

#[tokio::test]
async fn disabling_an_account_ends_its_open_console_at_once() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let ben = house.technician("Ben Cole").await;
    let (mut page, mut other) = (anna.console().await, ben.console().await);
    let id = anna.technician.unwrap();
    house.database.set_disabled(id, true).await.unwrap();
    house.website.account_changed(id).await;
    assert_eq!(page.wait_for_bye().await, "signed_out");
    anna.get("/api/me").await.refused(401, "not_signed_in");
    assert_eq!(page.connect().await, Err("not_signed_in".into()));
    ben.create_session().await;
    other.wait_for("session").await;
}

#[tokio::test]
async fn a_new_password_set_by_another_process_ends_the_console_within_the_recheck() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let mut page = anna.console().await;
    let hash = SecretText::new("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA");
    house
        .database
        .set_password(anna.technician.unwrap(), &hash)
        .await
        .unwrap();
    assert_eq!(page.wait_for_bye().await, "signed_out");
}

#[tokio::test]
async fn signing_out_ends_this_browsers_consoles_and_no_others() {
    let house = House::open().await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let (mut one, mut two) = (house.browser(), house.browser());
    log_in(&mut one, "anna@example.com", PASSWORD).await.ok();
    log_in(&mut two, "anna@example.com", PASSWORD).await.ok();
    let (mut first, mut second) = (one.console().await, two.console().await);
    one.post("/api/logout", json!({})).await.ok();
    assert_eq!(first.wait_for_bye().await, "signed_out");
    two.create_session().await;
    second.wait_for("session").await;
}

#[tokio::test]
async fn the_set_up_link_makes_one_administrator_once() {
    let house = House::open().await;
    let secret = SecretText::new("t".repeat(43));
    let expires_at = house.clock.now().plus(Duration::from_secs(3600));
    let kept = SetupToken {
        token: token::digest(&secret),
        expires_at,
    };
    house.database.set_setup_token(&kept).await.unwrap();
    let wish = |token: &str, password: &str| {
        json!({
            "token": token, "organisation": "Berg Heating", "email": "chief@example.com",
            "name": "Eva Berg", "password": password,
        })
    };
    let mut browser = house.browser();
    browser
        .post("/api/setup", wish("wrong", PASSWORD))
        .await
        .refused(410, "setup_closed");
    browser
        .post("/api/setup", wish(secret.expose(), "password1"))
        .await
        .refused(422, "weak_password");
    let me = browser
        .post_and_keep("/api/setup", wish(secret.expose(), PASSWORD))
        .await
        .ok();
    assert_eq!(me["technician"]["role"], "administrator");
    assert_eq!(me["organisation"], "Berg Heating");
    browser.get("/api/me").await.ok();
    browser
        .post("/api/setup", wish(secret.expose(), PASSWORD))
        .await
        .refused(410, "setup_closed");
}

#[tokio::test]
async fn the_meter_judges_as_the_door_does() {
    let house = House::open().await;
    let browser = house.browser();
    let judge = async |password: &str, about: serde_json::Value| {
        let body = json!({"password": password, "about": about});
        browser.post("/api/password/strength", body).await
    };
    assert_eq!(judge("password", json!([])).await.ok()["accepted"], false);
    assert_eq!(judge(PASSWORD, json!([])).await.ok()["accepted"], true);
    judge(PASSWORD, json!(vec!["a"; 9]))
        .await
        .refused(422, "invalid_value");
}
