//! The same request twice is one request, across a restart and under a race.

mod support;

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::conference::{CreateConference, ParticipantOffer};
use lens_protocol::media::Role;
use lens_protocol::{ErrorCode, SecretText, Timestamp};
use lens_session_manager::SessionManager;
use lens_storage::IdempotencyStore;
use lens_storage::sqlite::Database;
use support::{FakeSfu, Stage, code, join, owner, website};

fn key(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn named(external_id: &str) -> CreateConference {
    CreateConference {
        external_id: Some(external_id.to_owned()),
        ..CreateConference::default()
    }
}

async fn database(directory: &tempfile::TempDir) -> Arc<dyn IdempotencyStore> {
    let path = directory.path().join("lens.db");
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    Arc::new(Database::open(&path, now).await.expect("a database"))
}

fn token(offer: &ParticipantOffer) -> Option<&str> {
    offer.media_token.as_ref().map(SecretText::expose)
}

#[tokio::test]
async fn a_repeated_creation_makes_one_conference_and_another_body_is_a_mismatch() {
    let stage = Stage::with(&["sfu-1"]).await;
    let manager = &stage.manager;
    let first = manager
        .create(&website(), key("k"), named("a"))
        .await
        .expect("made");
    let second = manager
        .create(&website(), key("k"), named("a"))
        .await
        .expect("replayed");
    assert_eq!(first.id, second.id);
    assert_eq!(stage.nodes[0].state().rooms.len(), 1);
    let other = manager.create(&website(), key("k"), named("b")).await;
    assert_eq!(code(other), Some(ErrorCode::IdempotencyMismatch));
    // Another owner's keys are their own; so are other paths'.
    manager
        .create(&owner("other"), key("k"), named("b"))
        .await
        .expect("made");
    let elsewhere = manager
        .join(&website(), first.id, key("k"), join(Role::Camera))
        .await;
    assert_eq!(code(elsewhere), Some(ErrorCode::IdempotencyMismatch));
}

#[tokio::test]
async fn a_repeated_join_gives_the_same_offer_and_token_after_a_restart_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let nodes = vec![FakeSfu::new("sfu-1")];
    let mut stage = Stage::with_idempotency(nodes, database(&directory).await).await;
    let id = stage.create().await.id;
    let manager = &stage.manager;
    let first = manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await
        .expect("joined");
    let second = manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await
        .expect("again");
    assert_eq!(first, second);

    stage.clock.advance(Duration::from_secs(30));
    stage.idempotency = database(&directory).await;
    stage.restart_manager().await;
    let third = stage
        .manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await
        .expect("replayed");
    assert_eq!(first, third);
    assert!(token(&first).is_some() && token(&first) == token(&third));
    assert_eq!(stage.nodes[0].participants(), 1);
}

#[tokio::test]
async fn no_token_is_kept_on_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let nodes = vec![FakeSfu::new("sfu-1")];
    let stage = Stage::with_idempotency(nodes, database(&directory).await).await;
    let id = stage.create().await.id;
    let joined = stage
        .manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await;
    let joined = joined.expect("joined");
    let signature = token(&joined)
        .and_then(|text| text.rsplit('.').next())
        .expect("a token");
    for file in std::fs::read_dir(directory.path()).expect("ours") {
        let bytes = std::fs::read(file.expect("readable").path()).expect("readable");
        let found = bytes
            .windows(signature.len())
            .any(|w| w == signature.as_bytes());
        assert!(!found);
    }
}

#[tokio::test]
async fn racing_repeats_make_one_participant() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let manager = stage.manager.clone();
            tokio::spawn(async move {
                manager
                    .join(&website(), id, key("k"), join(Role::Viewer))
                    .await
            })
        })
        .collect();
    let mut made = Vec::new();
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(offer) => made.push(offer.participant),
            Err(problem) => assert_eq!(problem.code, ErrorCode::IdempotencyInFlight),
        }
    }
    made.dedup();
    assert_eq!(made.len(), 1);
    assert_eq!(stage.nodes[0].participants(), 1);
}

#[tokio::test]
async fn a_failed_request_may_be_tried_again_with_its_key() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let failing = (ErrorCode::NodeFull.into(), false);
    stage.nodes[0].state().failing_additions.push_back(failing);
    let manager = &stage.manager;
    let first = manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await;
    assert_eq!(code(first), Some(ErrorCode::NodeFull));
    manager
        .join(&website(), id, key("k"), join(Role::Camera))
        .await
        .expect("now it works");
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let stage = Stage::with(&["sfu-1"]).await;
    let manager = &stage.manager;
    let make = async || {
        let request = CreateConference::default();
        manager.create(&website(), key("k"), request).await
    };
    let first = make().await.expect("made");
    stage.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    assert_eq!(make().await.expect("replayed").id, first.id);
    stage.clock.advance(Duration::from_secs(1));
    assert_ne!(make().await.expect("made").id, first.id);
}

#[tokio::test]
async fn a_key_has_a_length_and_no_blanks() {
    let stage = Stage::with(&["sfu-1"]).await;
    for bad in [
        String::new(),
        "k".repeat(129),
        "a\nb".to_owned(),
        "a b".to_owned(),
    ] {
        let request = CreateConference::default();
        let refused = stage.manager.create(&website(), Some(bad), request).await;
        assert_eq!(code(refused), Some(ErrorCode::InvalidValue));
    }
}
