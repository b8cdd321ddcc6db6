//! What every [`IdempotencyStore`] has to do.

use lens_protocol::Timestamp;

use crate::error::StorageError;
use crate::idempotency::{Claim, IdempotencyKey, IdempotencyStore, StoredAnswer};

/// Milliseconds a claim lasts here.
const CLAIM_MS: i64 = 30_000;
/// Milliseconds an answer is kept here.
const KEPT_MS: i64 = 86_400_000;

/// Runs the suite against an empty store; panics where it fails.
pub(crate) async fn run(store: &dyn IdempotencyStore) {
    one_request_at_a_time_then_its_answer(store).await;
    another_body_is_a_mismatch_before_and_after_the_answer(store).await;
    a_released_key_is_fresh_and_an_answered_one_cannot_be_released(store).await;
    an_abandoned_claim_ends(store).await;
    owners_do_not_meet(store).await;
    ended_answers_are_forgotten(store).await;
    racing_claims_have_one_winner(store).await;
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000 + ms)
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey {
        owner: "website".parse().expect("a name"),
        key: text.to_owned(),
    }
}

async fn claim_at(store: &dyn IdempotencyStore, key: &IdempotencyKey, body: u8, ms: i64) -> Claim {
    store
        .claim(key, &[body; 32], at(ms), at(ms + CLAIM_MS))
        .await
        .expect("the store answers")
}

/// Claims a key at the suite's time 0 for a body of this fingerprint.
pub(crate) async fn claim(store: &dyn IdempotencyStore, text: &str, body: u8) -> Claim {
    claim_at(store, &key(text), body, 0).await
}

/// Claims a key for fingerprint 1 and answers it.
pub(crate) async fn answered(store: &dyn IdempotencyStore, text: &str) -> StoredAnswer {
    assert_eq!(claim(store, text, 1).await, Claim::Fresh);
    let answer = StoredAnswer {
        status: 201,
        body: format!(r#"{{"made":"{text}"}}"#),
    };
    store
        .store_answer(&key(text), &answer, at(KEPT_MS))
        .await
        .expect("claimed");
    answer
}

async fn one_request_at_a_time_then_its_answer(store: &dyn IdempotencyStore) {
    assert_eq!(claim(store, "a", 1).await, Claim::Fresh);
    assert_eq!(claim(store, "a", 1).await, Claim::InFlight);
    let answer = answered(store, "b").await;
    assert_eq!(claim(store, "b", 1).await, Claim::Answered(answer));
}

async fn another_body_is_a_mismatch_before_and_after_the_answer(store: &dyn IdempotencyStore) {
    assert_eq!(claim(store, "c", 1).await, Claim::Fresh);
    assert_eq!(claim(store, "c", 2).await, Claim::Mismatch);
    answered(store, "d").await;
    assert_eq!(claim(store, "d", 2).await, Claim::Mismatch);
}

async fn a_released_key_is_fresh_and_an_answered_one_cannot_be_released(
    store: &dyn IdempotencyStore,
) {
    assert_eq!(claim(store, "e", 1).await, Claim::Fresh);
    store.release(&key("e")).await.expect("released");
    assert_eq!(claim(store, "e", 2).await, Claim::Fresh);
    let answer = answered(store, "f").await;
    store.release(&key("f")).await.expect("harmless");
    assert_eq!(claim(store, "f", 1).await, Claim::Answered(answer.clone()));
    let unclaimed = store.store_answer(&key("nobody"), &answer, at(1)).await;
    assert!(matches!(unclaimed, Err(StorageError::NotFound(_))));
}

async fn an_abandoned_claim_ends(store: &dyn IdempotencyStore) {
    assert_eq!(claim(store, "g", 1).await, Claim::Fresh);
    let before = claim_at(store, &key("g"), 1, CLAIM_MS - 1).await;
    assert_eq!(before, Claim::InFlight);
    assert_eq!(claim_at(store, &key("g"), 2, CLAIM_MS).await, Claim::Fresh);
}

async fn owners_do_not_meet(store: &dyn IdempotencyStore) {
    answered(store, "h").await;
    let other = IdempotencyKey {
        owner: "other".parse().expect("a name"),
        ..key("h")
    };
    assert_eq!(claim_at(store, &other, 2, 0).await, Claim::Fresh);
}

async fn ended_answers_are_forgotten(store: &dyn IdempotencyStore) {
    let answer = answered(store, "i").await;
    let before = claim_at(store, &key("i"), 1, KEPT_MS - 1).await;
    assert_eq!(before, Claim::Answered(answer));
    assert_eq!(claim_at(store, &key("i"), 2, KEPT_MS).await, Claim::Fresh);
    let later = at(KEPT_MS + CLAIM_MS);
    assert!(store.forget_answers(later).await.expect("forgets") > 0);
    assert_eq!(store.forget_answers(later).await.expect("forgets"), 0);
}

async fn racing_claims_have_one_winner(store: &dyn IdempotencyStore) {
    let (a, b, c) = tokio::join!(
        claim(store, "j", 1),
        claim(store, "j", 1),
        claim(store, "j", 1)
    );
    let fresh = [a, b, c]
        .into_iter()
        .filter(|claim| *claim == Claim::Fresh)
        .count();
    assert_eq!(fresh, 1);
}
