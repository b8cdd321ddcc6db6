//! Browsers that signed in before: strangers' wrong passwords do not keep them out.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_runtime::rate_limit::RateLimit;
use lens_storage::AccountStore;
use lens_website::Config;
use serde_json::json;
use support::{Answer, Browser, House, PASSWORD, config};

const DEVICE: &str = "__Host-lens-device";

async fn log_in(browser: &mut Browser, password: &str) -> Answer {
    let login = json!({"email": "anna@example.com", "password": password});
    browser.post_and_keep("/api/login", login).await
}

/// Anna's account, and a browser in which she signed in and out again.
async fn known(house: &House) -> Browser {
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    log_in(&mut browser, PASSWORD).await.ok();
    browser.post_and_keep("/api/logout", json!({})).await.ok();
    browser
}

async fn lock_from_elsewhere(house: &House) {
    let mut stranger = house.browser();
    stranger.address = "203.0.113.9:1".parse().unwrap();
    for _ in 0..5 {
        log_in(&mut stranger, "wrong")
            .await
            .refused(401, "bad_credentials");
    }
}

#[tokio::test]
async fn a_lock_from_elsewhere_stops_strangers_and_not_a_browser_that_was_here_before() {
    let house = House::open().await;
    let mut browser = known(&house).await;
    lock_from_elsewhere(&house).await;
    let mut fresh = house.browser();
    log_in(&mut fresh, PASSWORD)
        .await
        .refused(401, "bad_credentials");
    log_in(&mut browser, PASSWORD).await.ok();
    browser.get("/api/me").await.ok();
    // Her being back opens nothing for the others.
    log_in(&mut fresh, PASSWORD)
        .await
        .refused(401, "bad_credentials");
}

#[tokio::test]
async fn a_neighbour_behind_the_same_address_cannot_use_up_a_known_browsers_tries() {
    let strict = RateLimit {
        burst: 3,
        per: Duration::from_secs(60),
    };
    let house = House::with(Config {
        logins_per_address: strict,
        ..config()
    })
    .await;
    let mut browser = known(&house).await;
    let mut neighbour = house.browser();
    for _ in 0..4 {
        log_in(&mut neighbour, "wrong").await;
    }
    log_in(&mut neighbour, PASSWORD)
        .await
        .refused(429, "rate_limited");
    log_in(&mut browser, PASSWORD).await.ok();
}

#[tokio::test]
async fn a_known_browser_has_five_tries_of_its_own_and_then_counts_as_a_stranger() {
    let house = House::open().await;
    let mut browser = known(&house).await;
    for _ in 0..5 {
        log_in(&mut browser, "wrong")
            .await
            .refused(401, "bad_credentials");
    }
    // Its own five locked nobody out.
    log_in(&mut house.browser(), PASSWORD).await.ok();
    for _ in 0..5 {
        log_in(&mut browser, "wrong").await;
    }
    log_in(&mut browser, PASSWORD)
        .await
        .refused(401, "bad_credentials");
    // The lock is over, and the tries are back, after the same quarter of an hour.
    house.clock.advance(Duration::from_secs(901));
    log_in(&mut browser, PASSWORD).await.ok();
}

#[tokio::test]
async fn a_right_password_gives_the_tries_back() {
    let house = House::open().await;
    let mut browser = known(&house).await;
    for _ in 0..3 {
        let before = browser.clone();
        for _ in 0..4 {
            log_in(&mut browser, "wrong").await;
        }
        log_in(&mut browser, PASSWORD).await.ok();
        // The same credential again, not the new one that came with the login.
        browser.cookies = before.cookies;
    }
    lock_from_elsewhere(&house).await;
    log_in(&mut browser, PASSWORD).await.ok();
}

#[tokio::test]
async fn a_new_password_a_changed_letter_and_another_account_make_a_stranger() {
    let house = House::open().await;
    let browser = known(&house).await;
    let (_, text) = browser
        .cookies
        .iter()
        .find(|(name, _)| name == DEVICE)
        .unwrap();
    let first = if text.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{first}{}", &text[1..]);
    lock_from_elsewhere(&house).await;
    for forged in [forged, String::new(), "x".repeat(107), "y".repeat(4000)] {
        let mut browser = house.browser();
        browser.cookies = vec![(DEVICE.into(), forged)];
        log_in(&mut browser, PASSWORD)
            .await
            .refused(401, "bad_credentials");
    }

    let mut carl = house.browser();
    house
        .add_account("Carl Dahl", AccountRole::Technician)
        .await;
    let login = json!({"email": "carl@example.com", "password": PASSWORD});
    carl.post_and_keep("/api/login", login).await.ok();
    log_in(&mut carl, PASSWORD)
        .await
        .refused(401, "bad_credentials");

    let mut old = browser;
    let accounts = &house.database;
    let anna = accounts.account_by_email("anna@example.com").await;
    let anna = anna.unwrap().unwrap();
    let hash = SecretText::new(anna.password.unwrap().expose());
    accounts.set_password(anna.id, &hash).await.unwrap();
    lock_from_elsewhere(&house).await;
    log_in(&mut old, PASSWORD)
        .await
        .refused(401, "bad_credentials");
}

#[tokio::test]
async fn who_has_an_account_tries_others_no_oftener_than_a_stranger() {
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
        .add_account("Carl Dahl", AccountRole::Technician)
        .await;
    let login = json!({"email": "carl@example.com", "password": PASSWORD});
    // Each login brings a credential with tries of its own.
    for round in 0..5 {
        let mut carl = house.browser();
        carl.address = format!("192.0.2.{round}:1").parse().unwrap();
        carl.post_and_keep("/api/login", login.clone()).await.ok();
        carl.address = "203.0.113.9:1".parse().unwrap();
        let tried = log_in(&mut carl, "wrong").await;
        match round {
            0..3 => tried.refused(401, "bad_credentials"),
            _ => tried.refused(429, "rate_limited"),
        }
    }
    // Nor does a login that is past the limit, and was never counted, give a try back.
    let mut carl = house.browser();
    carl.address = "192.0.2.99:1".parse().unwrap();
    carl.post_and_keep("/api/login", login.clone()).await.ok();
    carl.address = "203.0.113.9:1".parse().unwrap();
    carl.post_and_keep("/api/login", login).await.ok();
    let mut stranger = house.browser();
    stranger.address = carl.address;
    log_in(&mut stranger, "wrong")
        .await
        .refused(429, "rate_limited");
}
