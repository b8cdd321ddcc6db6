//! The session from start to end, with both pages open.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::id::ParticipantId;
use lens_protocol::media::Pause;
use lens_protocol::session::{PersonRole, SessionState, SessionView, Trouble};
use serde_json::{Value, json};
use support::case::{live, participant, state, taking};
use support::manager::OFFER_CANARY;
use support::{House, take_part, until};

#[tokio::test]
async fn start_gives_the_console_its_offer_and_the_customers_page_its_own() {
    let mut case = live().await;
    let view = case.view().await;
    assert_eq!(view.state, SessionState::Active);
    assert_eq!(view.lead.as_ref().unwrap().name, "Anna Berg");
    assert_eq!(view.conference, Some(case.conference));
    let answered: Vec<_> = case
        .house
        .manager
        .answers()
        .iter()
        .map(|(who, _)| *who)
        .collect();
    assert!(answered.contains(&case.camera) && answered.contains(&case.viewer));
    let offers: Vec<_> = case
        .page
        .heard
        .iter()
        .filter(|it| it["kind"] == "offer")
        .collect();
    assert_eq!(offers.len(), 1);
    assert!(offers[0]["sdp"].as_str().unwrap().contains(OFFER_CANARY));
    assert_eq!(
        offers[0]["media_token"],
        Value::Null,
        "media tokens never go through signalling"
    );
    let roster = case
        .console
        .wait_until("a roster with the camera", |signal| {
            signal["kind"] == "roster" && signal["participants"][0]["slots"][0]["mid"] == "1"
        });
    let roster = roster.await;
    assert_eq!(roster["participants"][0]["display_name"], "Margit");
    assert_eq!(roster["you"], json!(case.viewer));
    let kinds = ["consent.given", "session.started", "media.connected"];
    case.anna.until_logged(&case.id, &kinds).await;
}

#[tokio::test]
async fn a_console_opened_before_or_after_the_customer_came_starts_the_same_session() {
    for before in [true, false] {
        let house = House::open().await;
        let (anna, ben) = (
            house.technician("Anna Berg").await,
            house.technician("Ben Cole").await,
        );
        let mut early = None;
        if before {
            early = Some(ben.console().await);
        }
        let (session, _customer, mut page) = house.waiting(&anna).await;
        let mut console = match early {
            Some(mut console) => {
                // It is told, one change after the other.
                console.wait_until("the waiting", state("waiting")).await;
                console
            }
            None => ben.console().await,
        };
        let list = ben.get("/api/sessions?filter=queue").await.ok();
        assert_eq!(list["sessions"][0]["id"], json!(session.id));
        let path = format!("/api/sessions/{}/start", session.id);
        let started = ben.post(&path, take_part(&console.channel)).await.ok();
        let offer = page.wait_for("offer").await;
        page.answer(None, &offer).await;
        let id = session.id.to_string();
        console.answer(Some(&id), &started["offer"]).await;
        until("both have answered", || house.manager.answers().len() == 2).await;
    }
}

#[tokio::test]
async fn without_consent_nothing_starts() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let created = anna.create_session().await;
    let path = format!("/api/sessions/{}/start", created.session.id);
    let channel = take_part("a-channel-of-a-page");
    anna.post(&path, channel.clone())
        .await
        .refused(409, "consent_missing");
    let mut customer = house.browser();
    customer
        .redeem_pin(created.invitation.pin.expose())
        .await
        .ok();
    anna.post(&path, channel)
        .await
        .refused(409, "consent_missing");
    anna.post(&path, take_part("short"))
        .await
        .refused(422, "invalid_value");
    assert_eq!(house.manager.count("create"), 0);
}

#[tokio::test]
async fn of_two_technicians_who_race_one_leads_and_the_other_can_join() {
    let house = House::open().await;
    let (anna, ben) = (
        house.technician("Anna Berg").await,
        house.technician("Ben Cole").await,
    );
    let (session, _customer, _page) = house.waiting(&anna).await;
    let path = format!("/api/sessions/{}/start", session.id);
    house.manager.slow.store(true, Ordering::SeqCst);
    let race = async {
        tokio::join!(
            anna.post(&path, take_part("console-of-anna-1")),
            ben.post(&path, take_part("console-of-ben-01")),
        )
    };
    let release = async {
        while house.manager.count("create") == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        house.manager.release();
    };
    let ((one, two), ()) = tokio::join!(race, release);
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let (loser, refusal) = if one.status == 200 {
        (&ben, two)
    } else {
        (&anna, one)
    };
    refusal.refused(409, "already_started");
    assert_eq!(house.manager.live_conferences(), 1);
    let path = format!("/api/sessions/{}/join", session.id);
    let joined = taking(loser.post(&path, take_part("console-of-loser")).await.ok());
    assert_eq!(joined.session.people.len(), 3);
}

#[tokio::test]
async fn starting_twice_from_one_page_gives_the_same_offer() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, _customer, _page) = house.waiting(&anna).await;
    let path = format!("/api/sessions/{}/start", session.id);
    let wish = take_part("console-of-anna-1");
    let first = taking(anna.post(&path, wish.clone()).await.ok());
    let again = taking(anna.post(&path, wish).await.ok());
    assert_eq!(first.offer.negotiation_id, again.offer.negotiation_id);
    let reloaded = taking(anna.post(&path, take_part("console-of-anna-2")).await.ok());
    assert!(reloaded.offer.generation > first.offer.generation);
    assert_eq!(house.manager.count("create"), 1);
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind_and_can_be_tried_again() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, _customer, _page) = house.waiting(&anna).await;
    let path = format!("/api/sessions/{}/start", session.id);
    house.manager.fail_next("create", ErrorCode::NoMediaNode);
    anna.post(&path, take_part("console-of-anna-1"))
        .await
        .refused(503, "no_media_node");
    house.manager.fail_next("join", ErrorCode::NodeFull);
    anna.post(&path, take_part("console-of-anna-1"))
        .await
        .refused(503, "node_full");
    assert_eq!(
        anna.view(&session.id.to_string()).await.state,
        SessionState::Waiting
    );
    anna.post(&path, take_part("console-of-anna-1")).await.ok();
    assert_eq!(house.manager.live_conferences(), 1);
}

#[tokio::test]
async fn a_customer_who_was_away_at_the_start_gets_the_offer_on_coming_back() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, customer, mut page) = house.waiting(&anna).await;
    let id = session.id.to_string();
    page.cut();
    anna.until(&id, "notices", |view| !view.customer_online)
        .await;
    let path = format!("/api/sessions/{id}/start");
    let started = taking(anna.post(&path, take_part("console-of-anna-1")).await.ok());
    assert_eq!(started.session.state, SessionState::Reconnecting);
    assert_eq!(started.session.trouble, Some(Trouble::Customer));
    let mut back = customer.customer_page().await;
    let offer = back.wait_for("offer").await;
    back.answer(None, &offer).await;
    anna.until(&id, "goes on", |view| view.state == SessionState::Active)
        .await;
}

#[tokio::test]
async fn an_offer_that_died_while_the_customer_was_away_is_made_anew() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let (session, customer, mut page) = house.waiting(&anna).await;
    let id = session.id.to_string();
    page.cut();
    anna.until(&id, "notices", |view| !view.customer_online)
        .await;
    let path = format!("/api/sessions/{id}/start");
    let started = taking(anna.post(&path, take_part("console-of-anna-1")).await.ok());
    let camera = participant(&started.session, PersonRole::Customer);
    house.clock.advance(Duration::from_secs(10));
    house.manager.break_link(started.offer.conference, camera);
    let mut back = customer.customer_page().await;
    let offer = back.wait_for("offer").await;
    assert_eq!(offer["generation"], 2);
}

#[tokio::test]
async fn a_reload_of_the_customers_page_gets_a_new_generation_on_request() {
    let mut case = live().await;
    case.page.reload().await;
    let snapshot = case
        .page
        .heard
        .iter()
        .find(|it| it["kind"] == "snapshot")
        .unwrap();
    assert_eq!(snapshot["state"]["session"], json!(case.id));
    let away = case.anna.until(&case.id, "sees the cut", |view| {
        view.state == SessionState::Reconnecting
    });
    assert_eq!(away.await.trouble, Some(Trouble::Customer));
    case.page
        .say(None, json!({"kind": "offer_request", "reason": "reload"}))
        .await;
    let offer = case.page.wait_for("offer").await;
    assert_eq!(offer["generation"], 2);
    case.page
        .say(
            None,
            json!({"kind": "offer_request", "generation": 1, "reason": "x"}),
        )
        .await;
    let same = case.page.wait_for("offer").await;
    assert_eq!(
        same["negotiation_id"], offer["negotiation_id"],
        "the one under way"
    );
    case.page.answer(None, &offer).await;
    case.house.manager.connect(case.conference, case.camera);
    case.console
        .wait_until("the picture is back", state("active"))
        .await;
}

#[tokio::test]
async fn a_second_page_of_the_customer_takes_over_from_the_first() {
    let mut case = live().await;
    let _second = case.customer.customer_page().await;
    assert_eq!(case.page.wait_for_bye().await, "replaced");
}

#[tokio::test]
async fn a_cut_of_signalling_alone_breaks_nothing() {
    let mut case = live().await;
    case.page.cut();
    case.anna
        .until(&case.id, "notices", |view| !view.customer_online)
        .await;
    assert_eq!(case.view().await.state, SessionState::Active);
    case.page.connect().await.unwrap();
    let back = case
        .anna
        .until(&case.id, "is back", |view| view.customer_online)
        .await;
    assert_eq!(back.state, SessionState::Active);
    let kinds = ["customer.offline", "customer.online"];
    case.anna.until_logged(&case.id, &kinds).await;
}

#[tokio::test]
async fn hold_is_enforced_before_it_is_said_and_resume_undoes_it() {
    let mut case = live().await;
    let view: SessionView =
        serde_json::from_value(case.anna.post(&case.path("hold"), json!({})).await.ok()).unwrap();
    assert_eq!(view.state, SessionState::OnHold);
    assert!(case.house.manager.is_held(case.conference));
    case.page.wait_until("the hold", state("on_hold")).await;
    case.console.wait_until("the hold", state("on_hold")).await;
    case.anna.post(&case.path("hold"), json!({})).await.ok();
    case.anna.post(&case.path("resume"), json!({})).await.ok();
    assert!(!case.house.manager.is_held(case.conference));
    case.page.wait_until("the resume", state("active")).await;
    case.house
        .manager
        .fail_next("hold", ErrorCode::MediaNodeLost);
    case.anna
        .post(&case.path("hold"), json!({}))
        .await
        .refused(503, "media_node_lost");
    assert_eq!(
        case.view().await.state,
        SessionState::Active,
        "not said when not enforced"
    );
}

#[tokio::test]
async fn a_second_technician_watches_named_before_the_offer_and_leaves() {
    let mut case = live().await;
    let ben = case.house.technician("Ben Cole").await;
    let mut watching = ben.console().await;
    ben.post(&case.path("hold"), json!({}))
        .await
        .refused(403, "forbidden");
    let joined = ben
        .post(&case.path("join"), take_part(&watching.channel))
        .await
        .ok();
    let told = case.page.wait_until("the watcher's name", |signal| {
        signal["customer"]["watchers"]
            .as_array()
            .is_some_and(|it| it.len() == 2)
    });
    assert_eq!(told.await["customer"]["watchers"][1]["name"], "Ben Cole");
    case.console
        .wait_until("the roster", |signal| {
            signal["kind"] == "roster"
                && signal["participants"]
                    .as_array()
                    .is_some_and(|it| it.len() == 3)
        })
        .await;
    let id = case.id.clone();
    watching.answer(Some(&id), &joined["offer"]).await;
    let own = taking(joined);
    assert_ne!(own.offer.participant, case.viewer);
    case.anna
        .post(&case.path("stop-watching"), json!({}))
        .await
        .refused(409, "wrong_state");
    ben.post(&case.path("stop-watching"), json!({})).await.ok();
    ben.post(&case.path("stop-watching"), json!({})).await.ok();
    case.page
        .wait_until("one watcher less", |signal| {
            signal["customer"]["watchers"]
                .as_array()
                .is_some_and(|it| it.len() == 1)
        })
        .await;
    let kinds = case.anna.log_kinds(&case.id).await;
    assert!(kinds.contains(&"watcher.joined".into()) && kinds.contains(&"watcher.left".into()));
}

#[tokio::test]
async fn put_out_ends_the_customers_credential_and_a_new_one_starts_over() {
    let mut case = live().await;
    let (customer_cookie, old_page) = (case.customer.clone(), &mut case.page);
    case.anna
        .post(&format!("/api/sessions/{}/put-out", case.id), json!({}))
        .await
        .ok();
    let last = old_page.wait_until("the last word", |it| {
        it["customer"]["ended_by"] == "put_out"
    });
    last.await;
    assert_eq!(old_page.wait_for_bye().await, "put_out");
    customer_cookie
        .get("/api/customer")
        .await
        .refused(401, "not_signed_in");
    assert_eq!(old_page.connect().await, Err("not_signed_in".into()));
    let view = case.view().await;
    assert_eq!((view.state, view.conference), (SessionState::Created, None));
    assert!(view.people.is_empty() && view.capabilities.is_empty());

    let fresh = case
        .anna
        .post(&case.path("invitation"), json!({}))
        .await
        .ok();
    let mut right = case.house.browser();
    right.redeem_pin(fresh["pin"].as_str().unwrap()).await.ok();
    let mut page = right.customer_page().await;
    case.anna
        .post(&case.path("start"), take_part(&case.console.channel))
        .await
        .refused(409, "consent_missing");
    right.agree(&["camera"]).await.ok();
    let path = case.path("start");
    let started = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_ne!(started.offer.conference, case.conference);
    page.wait_for("offer").await;
}

#[tokio::test]
async fn close_ends_everything_within_a_moment_and_stays_readable() {
    let mut case = live().await;
    let body = json!({"reason": "solved", "note": "Valve turned."});
    case.anna.post(&case.path("close"), body).await.ok();
    case.page.wait_until("the end", state("closed")).await;
    assert_eq!(case.page.wait_for_bye().await, "closed");
    until("the conference is ended", || {
        case.house.manager.live_conferences() == 0
    })
    .await;
    case.anna
        .post(&case.path("close"), json!({"reason": "solved"}))
        .await
        .refused(410, "session_closed");
    case.anna
        .post(&case.path("hold"), json!({}))
        .await
        .refused(410, "session_closed");
    let ended = case.customer.get("/api/customer").await.ok();
    assert_eq!(ended["ended_by"], "technician");
    case.house.clock.advance(Duration::from_secs(3600));
    let view = case.anna.until(&case.id, "is read from the store", |view| {
        view.state == SessionState::Closed
    });
    assert_eq!(
        view.await.customer_device.as_deref(),
        Some("iPhone, Safari")
    );
    let log = case.anna.get(&case.path("log")).await.ok();
    let last = log["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "session.closed");
    assert_eq!(last["body"]["note"], "Valve turned.");
    assert_eq!(last["actor"], "Anna Berg");
}

#[tokio::test]
async fn the_customer_stops_and_both_sides_know() {
    let mut case = live().await;
    let view = case
        .customer
        .post("/api/customer/leave", json!({}))
        .await
        .ok();
    assert_eq!(
        (&view["state"], &view["ended_by"]),
        (&json!("aborted"), &json!("customer"))
    );
    case.console.wait_until("the end", state("aborted")).await;
    case.customer
        .post("/api/customer/leave", json!({}))
        .await
        .ok();
    case.anna
        .post(&case.path("offer"), take_part(&case.console.channel))
        .await
        .refused(410, "session_closed");
}

#[tokio::test]
async fn a_lost_media_node_is_said_on_both_pages_and_one_click_restarts() {
    let mut case = live().await;
    case.house.manager.lose_node(case.conference);
    let told = case
        .page
        .wait_until("the trouble", state("reconnecting"))
        .await;
    assert_eq!(told["customer"]["trouble"], "node");
    let told = case
        .console
        .wait_until("the trouble", state("reconnecting"))
        .await;
    assert_eq!(told["view"]["trouble"], "node");
    case.page
        .say(
            None,
            json!({"kind": "offer_request", "generation": 1, "reason": "failed"}),
        )
        .await;
    let refused = case.page.wait_for("error").await;
    assert_eq!(refused["code"], "media_node_lost");

    let path = case.path("offer");
    let restarted = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_eq!(restarted.session.state, SessionState::Active);
    assert_eq!(restarted.offer.generation.0, 2);
    assert_eq!(restarted.offer.participant, case.viewer);
    let offer = case
        .page
        .wait_until("a new offer", |it| it["generation"] == 2)
        .await;
    case.page.answer(None, &offer).await;
    assert_eq!(case.view().await.id.to_string(), case.id);
    let kinds = case.anna.log_kinds(&case.id).await;
    assert!(
        kinds.contains(&"media.node_lost".into()) && kinds.contains(&"session.restarted".into())
    );
}

#[tokio::test]
async fn a_restart_after_the_conference_is_gone_makes_another_and_keeps_the_hold() {
    let mut case = live().await;
    case.anna.post(&case.path("hold"), json!({})).await.ok();
    case.house.manager.forget_all();
    let lost = |view: &SessionView| view.trouble == Some(Trouble::Node);
    case.anna.until(&case.id, "notices", lost).await;
    let path = case.path("offer");
    let restarted = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_ne!(restarted.offer.conference, case.conference);
    assert_eq!(restarted.session.state, SessionState::OnHold);
    assert!(case.house.manager.is_held(restarted.offer.conference));
    let new = json!(restarted.offer.conference);
    let offer = case
        .page
        .wait_until("the new offer", |it| it["conference"] == new)
        .await;
    case.page.answer(None, &offer).await;
}

#[tokio::test]
async fn a_watcher_gets_an_offer_in_the_conference_that_replaces_a_lost_one() {
    let case = live().await;
    let ben = case.house.technician("Ben Cole").await;
    let mut watching = ben.console().await;
    let joined = ben
        .post(&case.path("join"), take_part(&watching.channel))
        .await;
    let id = case.id.clone();
    watching.answer(Some(&id), &joined.ok()["offer"]).await;
    case.house.manager.forget_all();
    let lost = |view: &SessionView| view.trouble == Some(Trouble::Node);
    case.anna.until(&case.id, "notices", lost).await;
    let path = case.path("offer");
    let restarted = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_eq!(restarted.session.people.len(), 3);
    let new = json!(restarted.offer.conference);
    let offer = watching
        .wait_until("the watcher's new offer", |it| {
            it["kind"] == "offer" && it["conference"] == new
        })
        .await;
    watching.answer(Some(&id), &offer).await;
    let own: ParticipantId = serde_json::from_value(offer["participant"].clone()).unwrap();
    let answered = || case.house.manager.answers();
    until("the answer arrives", || {
        answered().iter().any(|(who, _)| *who == own)
    })
    .await;
}

#[tokio::test]
async fn the_lead_who_reloads_gets_an_own_generation_and_the_customer_none() {
    let mut case = live().await;
    case.console.reload().await;
    let path = case.path("offer");
    let own = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_eq!(own.offer.generation.0, 2);
    assert_eq!(
        case.house.manager.count("offer"),
        1,
        "the customer's connection is well"
    );
    let id = case.id.clone();
    case.console
        .answer(Some(&id), &serde_json::to_value(&own.offer).unwrap())
        .await;
    case.house.manager.connect(case.conference, case.viewer);
    let all = |view: &SessionView| view.people.iter().all(|it| it.connected);
    case.anna.until(&case.id, "is whole again", all).await;
    let restarted = taking(
        case.anna
            .post(&path, take_part(&case.console.channel))
            .await
            .ok(),
    );
    assert_eq!(restarted.offer.generation.0, 3);
    case.page
        .wait_until("the restart's offer", |it| it["generation"] == 2)
        .await;
}

#[tokio::test]
async fn a_minute_away_is_offline_and_half_an_hour_ends_it() {
    let mut case = live().await;
    case.page.cut();
    case.house.manager.break_link(case.conference, case.camera);
    case.console
        .wait_until("reconnecting", state("reconnecting"))
        .await;
    case.house.clock.advance(Duration::from_secs(60));
    case.console.wait_until("offline", state("offline")).await;
    case.house.clock.advance(Duration::from_secs(30 * 60));
    case.console
        .wait_until("timed out", state("timed_out"))
        .await;
    let kinds = case.anna.log_kinds(&case.id).await;
    assert_eq!(kinds.last().unwrap(), "session.timed_out");
}

#[tokio::test]
async fn presence_reaches_the_console_and_the_record() {
    let mut case = live().await;
    let presence = json!({"kind": "presence", "camera": "paused", "muted": true, "facing": "back"});
    case.page.say(None, presence).await;
    let view = case
        .anna
        .until(&case.id, "shows it", |view| view.presence.muted)
        .await;
    assert_eq!(
        serde_json::to_value(&view.presence).unwrap()["camera"],
        "paused"
    );
    let kinds = ["camera.paused", "voice.muted"];
    case.anna.until_logged(&case.id, &kinds).await;
    let manager = &case.house.manager;
    let (video, voice) = (true, true);
    let paused = Pause { video, voice };
    manager
        .until_paused(case.conference, case.camera, paused)
        .await;
    case.page
        .say(
            None,
            json!({"kind": "presence", "camera": "live", "muted": false, "facing": "x"}),
        )
        .await;
    assert_eq!(case.page.wait_for("error").await["code"], "invalid_value");
}

#[tokio::test]
async fn what_belongs_to_somebody_else_cannot_be_answered_or_read() {
    let mut case = live().await;
    let foreign = json!({
        "kind": "answer", "conference": case.conference, "participant": case.viewer,
        "generation": 1, "negotiation_id": 1, "sdp": "v=0",
    });
    case.page.say(None, foreign).await;
    assert_eq!(
        case.page.wait_for("error").await["code"],
        "participant_not_found"
    );
    let ben = case.house.technician("Ben Cole").await;
    let mut console = ben.console().await;
    let id = case.id.clone();
    console
        .say(
            Some(&id),
            json!({"kind": "chat", "client_id": "1", "text": "hi"}),
        )
        .await;
    assert_eq!(console.wait_for("error").await["code"], "forbidden");
    let nowhere = "01890000-0000-7000-8000-000000000000";
    console
        .say(
            Some(nowhere),
            json!({"kind": "chat", "client_id": "2", "text": "hi"}),
        )
        .await;
    assert_eq!(console.wait_for("error").await["code"], "session_not_found");
    ben.post(&case.path("offer"), take_part(&console.channel))
        .await
        .refused(403, "forbidden");
    ben.post(&case.path("put-out"), json!({}))
        .await
        .refused(403, "forbidden");
    ben.get(&format!("/api/sessions/{nowhere}"))
        .await
        .refused(404, "session_not_found");
    ben.get("/api/sessions/nonsense")
        .await
        .refused(404, "not_found");
    case.house
        .browser()
        .get(&case.path("log"))
        .await
        .refused(401, "not_signed_in");
    case.customer
        .get(&case.path("log"))
        .await
        .refused(401, "not_signed_in");
}
