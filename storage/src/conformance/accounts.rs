//! What every [`crate::AccountStore`] has to do.

use lens_protocol::SecretText;

use super::Everything;
use super::sample::{Maker, added, at};
use crate::error::{Conflict, StorageError};

pub(crate) async fn an_account_is_found_as_it_was_added(store: &dyn Everything) {
    let mut maker = Maker::new();
    let mut account = maker.administrator("anna@example.org");
    account.locked_until = Some(at(9));
    account.failed_logins = 3;
    let account = added(store, account).await;
    assert_eq!(
        store.account(account.id).await.unwrap(),
        Some(account.clone())
    );
    let by_email = store.account_by_email("anna@example.org").await.unwrap();
    assert_eq!(by_email, Some(account));
    assert_eq!(
        store.account_by_email("bert@example.org").await.unwrap(),
        None
    );
    assert_eq!(store.count_accounts().await.unwrap(), 1);
}

pub(crate) async fn an_email_belongs_to_one_account(store: &dyn Everything) {
    let mut maker = Maker::new();
    let first = added(store, maker.account("anna@example.org")).await;
    let second = maker.account("anna@example.org");
    let refused = store.add_account(&second).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Email), "{refused}");
    let mut same_id = maker.account("bert@example.org");
    same_id.id = first.id;
    let refused = store.add_account(&same_id).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Exists), "{refused}");
    assert_eq!(store.accounts().await.unwrap(), [first]);
}

pub(crate) async fn accounts_are_listed_by_email(store: &dyn Everything) {
    let mut maker = Maker::new();
    for email in ["c@example.org", "a@example.org", "b@example.org"] {
        added(store, maker.account(email)).await;
    }
    let listed = store.accounts().await.unwrap();
    let emails: Vec<&str> = listed
        .iter()
        .map(|account| account.email.as_str())
        .collect();
    assert_eq!(emails, ["a@example.org", "b@example.org", "c@example.org"]);
}

pub(crate) async fn the_last_failure_of_the_row_locks_and_the_count_starts_anew(
    store: &dyn Everything,
) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    for failure in 1..3 {
        let now = store
            .record_failed_login(account.id, 3, at(900), at(failure))
            .await
            .unwrap();
        assert_eq!(
            (now.failed_logins, now.locked_until),
            (failure as u32, None)
        );
    }
    let locked = store
        .record_failed_login(account.id, 3, at(900), at(3))
        .await
        .unwrap();
    assert_eq!(
        (locked.failed_logins, locked.locked_until),
        (0, Some(at(900)))
    );
    assert_eq!(store.account(account.id).await.unwrap(), Some(locked));
}

pub(crate) async fn a_failure_while_locked_does_not_lengthen_the_lock(store: &dyn Everything) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    let fail = |until, now| store.record_failed_login(account.id, 1, at(until), at(now));
    fail(900, 0).await.unwrap();
    let during = fail(1_500, 600).await.unwrap();
    assert_eq!(during.locked_until, Some(at(900)));
    let after = fail(1_800, 900).await.unwrap();
    assert_eq!(
        after.locked_until,
        Some(at(1_800)),
        "the former lock is over"
    );
}

pub(crate) async fn concurrent_failures_are_all_counted(store: &dyn Everything) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    let fail = || store.record_failed_login(account.id, 100, at(900), at(0));
    let (a, b, c, d) = tokio::join!(fail(), fail(), fail(), fail());
    for outcome in [a, b, c, d] {
        outcome.unwrap();
    }
    let now = store.account(account.id).await.unwrap().unwrap();
    assert_eq!(now.failed_logins, 4);
}

pub(crate) async fn unlocking_clears_lock_and_count(store: &dyn Everything) {
    let mut account = Maker::new().account("anna@example.org");
    account.failed_logins = 2;
    account.locked_until = Some(at(900));
    let account = added(store, account).await;
    store.unlock_account(account.id).await.unwrap();
    let now = store.account(account.id).await.unwrap().unwrap();
    assert_eq!((now.failed_logins, now.locked_until), (0, None));
}

pub(crate) async fn a_new_password_raises_the_epoch_and_clears_the_lock(store: &dyn Everything) {
    let mut account = Maker::new().account("anna@example.org");
    account.locked_until = Some(at(900));
    let account = added(store, account).await;
    let hash = SecretText::new("$argon2id$new");
    let epoch = store.set_password(account.id, &hash).await.unwrap();
    let now = store.account(account.id).await.unwrap().unwrap();
    assert_eq!((epoch, now.auth_epoch), (2, 2));
    assert_eq!((now.password, now.locked_until), (Some(hash), None));
}

pub(crate) async fn a_rehash_keeps_logins_and_yields_to_a_newer_password(store: &dyn Everything) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    let former = SecretText::new("$argon2id$former");
    let stronger = SecretText::new("$argon2id$stronger");
    store
        .rehash_password(account.id, &former, &stronger)
        .await
        .unwrap();
    let late = SecretText::new("$argon2id$late");
    store
        .rehash_password(account.id, &former, &late)
        .await
        .unwrap();
    let now = store.account(account.id).await.unwrap().unwrap();
    assert_eq!((now.password, now.auth_epoch), (Some(stronger), 1));
}

pub(crate) async fn disabling_twice_raises_the_epoch_once(store: &dyn Everything) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    assert_eq!(store.set_disabled(account.id, true).await.unwrap(), 2);
    assert_eq!(store.set_disabled(account.id, true).await.unwrap(), 2);
    assert_eq!(store.set_disabled(account.id, false).await.unwrap(), 2);
    assert!(!store.account(account.id).await.unwrap().unwrap().disabled);
}

pub(crate) async fn the_last_administrator_cannot_be_disabled(store: &dyn Everything) {
    let mut maker = Maker::new();
    assert!(!store.has_administrator().await.unwrap());
    let only = added(store, maker.administrator("anna@example.org")).await;
    added(store, maker.account("tom@example.org")).await;
    assert!(store.has_administrator().await.unwrap());
    let refused = store.set_disabled(only.id, true).await.unwrap_err();
    assert!(
        refused.is_conflict(Conflict::LastAdministrator),
        "{refused}"
    );
    assert_eq!(store.account(only.id).await.unwrap(), Some(only.clone()));
    added(store, maker.administrator("bert@example.org")).await;
    store.set_disabled(only.id, true).await.unwrap();
}

pub(crate) async fn a_name_can_be_changed(store: &dyn Everything) {
    let account = added(store, Maker::new().account("anna@example.org")).await;
    store
        .rename_account(account.id, "Anna Neumann")
        .await
        .unwrap();
    let now = store.account(account.id).await.unwrap().unwrap();
    assert_eq!(now.name, "Anna Neumann");
}

pub(crate) async fn an_unknown_account_is_not_found(store: &dyn Everything) {
    let id = Maker::new().account("anna@example.org").id;
    let hash = SecretText::new("x");
    let outcomes = [
        store.unlock_account(id).await,
        store.rename_account(id, "x").await,
        store.set_password(id, &hash).await.map(|_| ()),
        store.set_disabled(id, true).await.map(|_| ()),
        store.rehash_password(id, &hash, &hash).await,
        store
            .record_failed_login(id, 5, at(1), at(0))
            .await
            .map(|_| ()),
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Err(StorageError::NotFound(_))),
            "{outcome:?}"
        );
    }
    assert_eq!(store.account(id).await.unwrap(), None);
}
