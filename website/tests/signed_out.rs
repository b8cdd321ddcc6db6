//! What ends with a login: open consoles, and places in conferences. What a lock does not end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::session::{SessionState, Trouble};
use lens_storage::AccountStore;
use serde_json::json;
use support::case::{live, taking};
use support::{PASSWORD, take_part, until};

#[tokio::test]
async fn a_lead_who_is_disabled_by_another_process_is_out_of_the_conference_and_it_is_said() {
    let mut case = live().await;
    let (manager, anna) = (case.house.manager.clone(), case.anna.technician.unwrap());
    case.house.database.set_disabled(anna, true).await.unwrap();
    assert_eq!(case.console.wait_for_bye().await, "signed_out");
    until("she is out of the conference", || {
        manager.participants(case.conference) == [case.camera]
    })
    .await;
    let told = case.page.wait_until("the trouble", |it| {
        it["customer"]["state"] == "reconnecting"
    });
    assert_eq!(told.await["customer"]["trouble"], "technician");
    let count = manager.count("leave");
    // The check comes again and again; there is nothing left to take.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(manager.count("leave"), count);

    // Back in her account, she comes back to the same session and conference.
    case.house.database.set_disabled(anna, false).await.unwrap();
    let mut again = case.house.browser();
    let login = json!({"email": "anna@example.com", "password": PASSWORD});
    again.post_and_keep("/api/login", login).await.ok();
    again.technician = Some(anna);
    let console = again.console().await;
    let path = case.path("offer");
    let back = taking(again.post(&path, take_part(&console.channel)).await.ok());
    assert_eq!(back.offer.conference, case.conference);
    assert_eq!(manager.participants(case.conference).len(), 2);
    manager.connect(case.conference, back.offer.participant);
    let view = again.until(&case.id, "is whole", |view| {
        view.state == SessionState::Active
    });
    assert_eq!(view.await.lead.unwrap().id, anna);
    let kinds = again.log_kinds(&case.id).await;
    assert!(kinds.contains(&"media.failed".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn a_watcher_who_signs_out_is_gone_and_the_other_browsers_of_the_lead_end_nothing() {
    let mut case = live().await;
    let ben = case.house.technician("Ben Cole").await;
    let joined = ben
        .post(&case.path("join"), take_part("console-of-ben-01"))
        .await;
    let his = taking(joined.ok()).offer.participant;
    let mut elsewhere = case.house.browser();
    let login = json!({"email": "anna@example.com", "password": PASSWORD});
    elsewhere.post_and_keep("/api/login", login).await.ok();
    elsewhere.post("/api/logout", json!({})).await.ok();
    let in_it = |who| {
        let all = case.house.manager.participants(case.conference);
        all.contains(who)
    };
    assert!(in_it(&case.viewer) && in_it(&his));
    ben.post("/api/logout", json!({})).await.ok();
    assert!(in_it(&case.viewer) && !in_it(&his));
    case.page
        .wait_until("one watcher less", |signal| {
            signal["customer"]["watchers"]
                .as_array()
                .is_some_and(|it| it.len() == 1)
        })
        .await;
}

#[tokio::test]
async fn a_media_server_that_does_not_answer_is_asked_again() {
    let case = live().await;
    let anna = case.anna.technician.unwrap();
    case.house
        .manager
        .fail_next("leave", ErrorCode::Unavailable);
    case.house.database.set_disabled(anna, true).await.unwrap();
    until("she is out of the conference", || {
        case.house.manager.participants(case.conference) == [case.camera]
    })
    .await;
}

#[tokio::test]
async fn a_restarted_website_finds_who_was_disabled_meanwhile() {
    let case = live().await;
    let (anna, ben) = (
        case.anna.technician.unwrap(),
        case.house.technician("Ben Cole").await,
    );
    let (id, conference, camera) = (case.id.clone(), case.conference, case.camera);
    let support::case::Case { house, .. } = case;
    let database = house.database.clone();
    let stopped = house.stopped().await;
    database.set_disabled(anna, true).await.unwrap();
    let house = stopped.started().await;
    let manager = house.manager.clone();
    until("she is out of the conference", || {
        manager.participants(conference) == [camera]
    })
    .await;
    let mut ben = ben;
    ben.router = house.website.router();
    let lost = |view: &lens_protocol::session::SessionView| {
        view.trouble == Some(Trouble::Technician) || view.trouble == Some(Trouble::Customer)
    };
    ben.until(&id, "says who is missing", lost).await;
}

#[tokio::test]
async fn a_lock_ends_nobody_who_is_signed_in_and_trying_on_does_not_prolong_it() {
    let case = live().await;
    let mut stranger = case.house.browser();
    stranger.address = "203.0.113.9:1".parse().unwrap();
    let wrong = json!({"email": "anna@example.com", "password": "wrong"});
    for _ in 0..6 {
        let refused = stranger.post("/api/login", wrong.clone()).await;
        refused.refused(401, "bad_credentials");
    }
    let account = AccountStore::account(&*case.house.database, case.anna.technician.unwrap());
    let until = account.await.unwrap().unwrap().locked_until.unwrap();
    // Signed in and seen as before.
    case.anna.get("/api/me").await.ok();
    case.anna.post(&case.path("hold"), json!({})).await.ok();
    case.anna.post(&case.path("resume"), json!({})).await.ok();
    assert_eq!(case.view().await.state, SessionState::Active);
    assert!(case.console.closed.is_none());

    case.house.clock.advance(Duration::from_secs(600));
    for _ in 0..6 {
        stranger.post("/api/login", wrong.clone()).await;
    }
    let account = AccountStore::account(&*case.house.database, case.anna.technician.unwrap());
    assert_eq!(account.await.unwrap().unwrap().locked_until, Some(until));
    case.house.clock.advance(Duration::from_secs(301));
    let right = json!({"email": "anna@example.com", "password": PASSWORD});
    case.house.browser().post("/api/login", right).await.ok();
}
