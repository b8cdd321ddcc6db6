//! What every [`crate::SettingStore`] has to do.

use super::Everything;
use super::sample::{Maker, added, at, digest};
use crate::error::{Conflict, StorageError};
use crate::settings::SetupToken;

fn token(number: u8, expires: i64) -> SetupToken {
    SetupToken {
        token: digest(number),
        expires_at: at(expires),
    }
}

pub(crate) async fn set_up_makes_the_first_administrator_once(store: &dyn Everything) {
    let mut maker = Maker::new();
    let anna = maker.administrator("anna@example.org");
    store.set_setup_token(&token(1, 100)).await.unwrap();
    assert_eq!(store.organisation().await.unwrap(), None);
    store
        .complete_setup(&digest(1), "Ärmel & Co", &anna, at(99))
        .await
        .unwrap();
    assert_eq!(
        store.organisation().await.unwrap().as_deref(),
        Some("Ärmel & Co")
    );
    assert_eq!(store.accounts().await.unwrap(), [anna]);
    let bert = maker.administrator("bert@example.org");
    let again = store
        .complete_setup(&digest(1), "Other", &bert, at(99))
        .await;
    assert!(matches!(again, Err(StorageError::NotFound(_))), "{again:?}");
    let anew = store.set_setup_token(&token(2, 100)).await.unwrap_err();
    assert!(anew.is_conflict(Conflict::SetupDone), "{anew}");
}

pub(crate) async fn a_wrong_replaced_or_late_set_up_token_changes_nothing(store: &dyn Everything) {
    let anna = Maker::new().administrator("anna@example.org");
    store.set_setup_token(&token(1, 100)).await.unwrap();
    store.set_setup_token(&token(2, 100)).await.unwrap();
    for (number, now) in [(1, 0), (3, 0), (2, 100)] {
        let outcome = store
            .complete_setup(&digest(number), "Other", &anna, at(now))
            .await;
        assert!(
            matches!(outcome, Err(StorageError::NotFound(_))),
            "{outcome:?}"
        );
    }
    assert_eq!(store.count_accounts().await.unwrap(), 0);
    assert_eq!(store.organisation().await.unwrap(), None);
    store
        .complete_setup(&digest(2), "Ours", &anna, at(99))
        .await
        .unwrap();
}

pub(crate) async fn a_set_up_that_fails_leaves_its_token_in_force(store: &dyn Everything) {
    let mut maker = Maker::new();
    added(store, maker.account("anna@example.org")).await;
    store.set_setup_token(&token(1, 100)).await.unwrap();
    let taken = maker.administrator("anna@example.org");
    let refused = store
        .complete_setup(&digest(1), "Ours", &taken, at(0))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Email), "{refused}");
    assert_eq!(store.organisation().await.unwrap(), None);
    let free = maker.administrator("bert@example.org");
    store
        .complete_setup(&digest(1), "Ours", &free, at(0))
        .await
        .unwrap();
}

pub(crate) async fn of_two_set_ups_at_once_one_wins(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (anna, bert) = (
        maker.administrator("a@example.org"),
        maker.administrator("b@example.org"),
    );
    store.set_setup_token(&token(1, 100)).await.unwrap();
    let one_token = digest(1);
    let (first, second) = tokio::join!(
        store.complete_setup(&one_token, "Anna's", &anna, at(0)),
        store.complete_setup(&one_token, "Bert's", &bert, at(0)),
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(store.count_accounts().await.unwrap(), 1);
}

pub(crate) async fn the_organisation_can_be_renamed(store: &dyn Everything) {
    store.set_organisation("Before").await.unwrap();
    store.set_organisation("After").await.unwrap();
    assert_eq!(
        store.organisation().await.unwrap().as_deref(),
        Some("After")
    );
}

pub(crate) async fn a_server_secret_stays_what_it_was_first(store: &dyn Everything) {
    assert_eq!(
        store.server_secret("pin-key", [1; 32]).await.unwrap(),
        [1; 32]
    );
    assert_eq!(
        store.server_secret("pin-key", [2; 32]).await.unwrap(),
        [1; 32]
    );
    assert_eq!(
        store.server_secret("media-key", [3; 32]).await.unwrap(),
        [3; 32]
    );
}

pub(crate) async fn a_counter_never_says_the_same_twice(store: &dyn Everything) {
    let raise = || store.raise_counter("log-epoch");
    let (a, b, c) = tokio::join!(raise(), raise(), raise());
    let mut values = [a.unwrap(), b.unwrap(), c.unwrap()];
    values.sort_unstable();
    assert_eq!(values, [1, 2, 3]);
    assert_eq!(store.raise_counter("other").await.unwrap(), 1);
}
