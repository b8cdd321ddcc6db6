//! The server's own record: who signed in, who was refused and why, and who may read of it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use lens_auth::token;
use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_runtime::clock::Clock;
use lens_storage::{AccountStore, SettingStore, SetupToken};
use serde_json::{Value, json};
use support::{Answer, Browser, House, PASSWORD};

async fn log_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    browser
        .post_and_keep("/api/login", json!({"email": email, "password": password}))
        .await
}

async fn entries(administrator: &Browser) -> Vec<Value> {
    let log = administrator.get("/api/accounts/log").await.ok();
    log["events"].as_array().unwrap().clone()
}

fn column(entries: &[Value], read: impl Fn(&Value) -> &Value) -> Vec<String> {
    let words = entries.iter().map(|it| read(it).as_str().unwrap_or("-"));
    words.map(str::to_owned).collect()
}

#[tokio::test]
async fn signing_in_and_out_wrong_passwords_and_the_lock_are_on_record() {
    let house = House::open().await;
    let eva = house.account("Eva Berg", AccountRole::Administrator).await;
    let anna = house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    let mut browser = house.browser();
    log_in(&mut browser, "anna@example.com", PASSWORD)
        .await
        .ok();
    browser.post_and_keep("/api/logout", json!({})).await.ok();
    // Elsewhere. The last two find the account locked: only the right password is worth an entry then.
    let mut browser = house.browser();
    for password in ["wrong"; 7].into_iter().chain([PASSWORD]) {
        log_in(&mut browser, "anna@example.com", password)
            .await
            .refused(401, "bad_credentials");
    }
    let found = entries(&eva).await;
    let kinds = column(&found, |it| &it["kind"]);
    let refused = ["login.refused"; 5];
    let around = [
        &["login.made", "login.ended"],
        &refused[..],
        &["login.locked", "login.refused"],
    ];
    assert_eq!(kinds, around.concat());
    let reasons = column(&found[2..], |it| &it["body"]["reason"]);
    assert_eq!(reasons[..5], ["wrong_password"; 5]);
    assert_eq!(reasons[5..], ["-", "not_allowed"]);
    for entry in &found[..2] {
        assert_eq!(entry["technician"], json!(anna.id));
        assert_eq!(entry["actor"], "Anna Berg");
    }
    for entry in &found[2..] {
        assert_eq!(entry["technician"], Value::Null, "nobody proved anything");
        assert_eq!(entry["body"]["account"], json!(anna.id));
        assert_eq!(entry["body"]["from"], "198.51.100.7");
    }
    assert_eq!(
        found[7]["body"]["until"],
        json!(house.clock.now().plus(Duration::from_secs(900)))
    );
}

#[tokio::test]
async fn what_strangers_type_as_e_mail_is_not_kept_and_a_flood_of_it_is_bounded() {
    let house = House::open().await;
    let eva = house.account("Eva Berg", AccountRole::Administrator).await;
    let tries = ["canary-my-password", "canary@example.com"].repeat(8);
    let tries = tries.into_iter().map(|email| {
        let mut browser = house.browser();
        async move { log_in(&mut browser, email, "canary-word").await }
    });
    for answer in join_all(tries).await {
        answer.refused(401, "bad_credentials");
    }
    let found = entries(&eva).await;
    assert_eq!(found.len(), 10, "the others are counted only");
    for entry in &found {
        assert_eq!(entry["body"]["reason"], "unknown_account");
        assert!(!entry.to_string().contains("canary"), "{entry}");
    }
    house.clock.advance(Duration::from_secs(60));
    log_in(&mut house.browser(), "canary", "canary").await;
    assert_eq!(entries(&eva).await.len(), 11);
}

#[tokio::test]
async fn only_administrators_read_it_and_no_session_door_leads_there() {
    let house = House::open().await;
    let eva = house.account("Eva Berg", AccountRole::Administrator).await;
    let anna = house.technician("Anna Berg").await;
    assert_eq!(entries(&eva).await, [] as [Value; 0]);
    anna.get("/api/accounts/log")
        .await
        .refused(403, "forbidden");
    house
        .browser()
        .get("/api/accounts/log")
        .await
        .refused(401, "not_signed_in");
    let nil = "00000000-0000-0000-0000-000000000000";
    for browser in [&eva, &anna] {
        browser
            .get(&format!("/api/sessions/{nil}/log"))
            .await
            .refused(404, "session_not_found");
    }
}

#[tokio::test]
async fn it_is_read_in_pages() {
    let house = House::open().await;
    let eva = house.account("Eva Berg", AccountRole::Administrator).await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    for _ in 0..3 {
        log_in(&mut house.browser(), "anna@example.com", PASSWORD)
            .await
            .ok();
    }
    let first = eva.get("/api/accounts/log?limit=2").await.ok();
    assert_eq!(first["events"].as_array().unwrap().len(), 2);
    let after = first["next"].as_str().unwrap();
    let rest = eva
        .get(&format!("/api/accounts/log?after={after}"))
        .await
        .ok();
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next"], Value::Null);
    eva.get("/api/accounts/log?limit=501")
        .await
        .refused(422, "invalid_value");
}

#[tokio::test]
async fn a_login_that_cannot_be_recorded_is_none() {
    let house = House::open().await;
    let eva = house.account("Eva Berg", AccountRole::Administrator).await;
    house
        .add_account("Anna Berg", AccountRole::Technician)
        .await;
    house.refuse_events(true).await;
    let mut browser = house.browser();
    let refused = log_in(&mut browser, "anna@example.com", PASSWORD).await;
    refused.refused(503, "storage_failed");
    assert!(browser.cookies.is_empty());
    // What is refused anyway gets the same answer as ever.
    log_in(&mut browser, "anna@example.com", "wrong")
        .await
        .refused(401, "bad_credentials");
    house.refuse_events(false).await;
    log_in(&mut browser, "anna@example.com", PASSWORD)
        .await
        .ok();
    let kinds = column(&entries(&eva).await, |it| &it["kind"]);
    assert_eq!(kinds, ["login.made"]);
}

#[tokio::test]
async fn the_first_administrator_is_the_first_entry() {
    let house = House::open().await;
    let secret = SecretText::new("t".repeat(43));
    let kept = SetupToken {
        token: token::digest(&secret),
        expires_at: house.clock.now().plus(Duration::from_secs(3600)),
    };
    house.database.set_setup_token(&kept).await.unwrap();
    let wish = json!({
        "token": secret.expose(), "organisation": "Berg Heating", "email": "eva@example.com",
        "name": "Eva Berg", "password": PASSWORD,
    });
    let mut eva = house.browser();
    eva.post_and_keep("/api/setup", wish).await.ok();
    let found = entries(&eva).await;
    let kinds = column(&found, |it| &it["kind"]);
    assert_eq!(kinds, ["account.set_up", "login.made"]);
    let id = house.database.accounts().await.unwrap()[0].id;
    assert_eq!(found[0]["body"]["account"], json!(id));
    assert!(!json!(found).to_string().contains(secret.expose()));
}
