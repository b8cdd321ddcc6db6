//! What every [`crate::LoginStore`] has to do.

use std::time::Duration;

use lens_protocol::SecretText;

use super::Everything;
use super::sample::{Maker, added, at, digest};
use crate::error::Conflict;
use crate::logins::AtLock;

const IDLE: Duration = Duration::from_secs(60);

pub(crate) async fn a_login_counts_with_its_account(store: &dyn Everything) {
    let mut maker = Maker::new();
    let mut account = maker.account("anna@example.org");
    account.failed_logins = 4;
    let account = added(store, account).await;
    let login = maker.login(&account, 1);
    store
        .record_login(&login, AtLock::Refuse, at(10))
        .await
        .unwrap();
    let signed_in = store
        .signed_in(&login.token, IDLE, at(20))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(signed_in.login, login);
    assert_eq!(signed_in.account.failed_logins, 0);
    assert_eq!(signed_in.account.last_login_at, Some(at(10)));
    assert_eq!(
        store.signed_in(&digest(2), IDLE, at(20)).await.unwrap(),
        None
    );
}

pub(crate) async fn a_token_is_kept_once(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    let login = maker.login(&account, 1);
    store
        .record_login(&login, AtLock::Refuse, at(0))
        .await
        .unwrap();
    let refused = store
        .record_login(&login, AtLock::Refuse, at(0))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Exists), "{refused}");
}

pub(crate) async fn a_login_ends_when_idle_and_in_any_case(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    let mut login = maker.login(&account, 1);
    login.expires_at = at(100_000);
    store
        .record_login(&login, AtLock::Refuse, at(0))
        .await
        .unwrap();
    let counts = async |now| {
        store
            .signed_in(&login.token, IDLE, at(now))
            .await
            .unwrap()
            .is_some()
    };
    assert!(counts(59_999).await);
    assert!(!counts(60_000).await, "idle");
    store.touch_login(&login.token, at(59_000)).await.unwrap();
    assert!(counts(99_999).await);
    store.touch_login(&login.token, at(99_999)).await.unwrap();
    assert!(!counts(100_000).await, "over in any case");
}

pub(crate) async fn a_clock_set_back_takes_no_life_from_a_login(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    let login = maker.login(&account, 1);
    store
        .record_login(&login, AtLock::Refuse, at(0))
        .await
        .unwrap();
    store.touch_login(&login.token, at(50_000)).await.unwrap();
    store.touch_login(&login.token, at(10)).await.unwrap();
    let still = store
        .signed_in(&login.token, IDLE, at(100_000))
        .await
        .unwrap();
    assert!(still.is_some());
}

pub(crate) async fn a_browser_known_before_is_past_the_lock_which_stays(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    store
        .record_failed_login(account.id, 1, at(900), at(0))
        .await
        .unwrap();
    let (known, strange) = (maker.login(&account, 1), maker.login(&account, 2));
    store
        .record_login(&known, AtLock::Pass, at(10))
        .await
        .unwrap();
    let found = store.account(account.id).await.unwrap().unwrap();
    assert_eq!(found.locked_until, Some(at(900)), "for everybody else");
    let refused = store.record_login(&strange, AtLock::Refuse, at(20)).await;
    assert!(refused.unwrap_err().is_conflict(Conflict::Account));
    store.set_disabled(account.id, true).await.unwrap();
    let mut current = maker.login(&account, 3);
    current.auth_epoch = 1;
    let refused = store.record_login(&current, AtLock::Pass, at(30)).await;
    assert!(
        refused.unwrap_err().is_conflict(Conflict::Account),
        "disabled"
    );
}

pub(crate) async fn a_disabled_locked_or_changed_account_gets_no_login(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    let login = maker.login(&account, 1);
    let refused = async |login, now| {
        let error = store
            .record_login(login, AtLock::Refuse, at(now))
            .await
            .unwrap_err();
        assert!(error.is_conflict(Conflict::Account), "{error}");
    };
    store
        .record_failed_login(account.id, 1, at(900), at(0))
        .await
        .unwrap();
    refused(&login, 899).await;
    store
        .record_login(&login, AtLock::Refuse, at(900))
        .await
        .unwrap();
    store
        .set_password(account.id, &SecretText::new("x"))
        .await
        .unwrap();
    let outdated = maker.login(&account, 2);
    refused(&outdated, 1_000).await;
    store.set_disabled(account.id, true).await.unwrap();
    let mut current = maker.login(&account, 3);
    current.auth_epoch = 3;
    refused(&current, 1_000).await;
    let nobody = maker.account("nobody@example.org");
    let unknown = maker.login(&nobody, 4);
    refused(&unknown, 1_000).await;
}

pub(crate) async fn disabling_or_a_new_password_ends_every_login(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    store
        .record_login(&maker.login(&account, 1), AtLock::Refuse, at(0))
        .await
        .unwrap();
    store
        .set_password(account.id, &SecretText::new("x"))
        .await
        .unwrap();
    assert_eq!(
        store.signed_in(&digest(1), IDLE, at(1)).await.unwrap(),
        None
    );
    let mut second = maker.login(&account, 2);
    second.auth_epoch = 2;
    store
        .record_login(&second, AtLock::Refuse, at(0))
        .await
        .unwrap();
    store.set_disabled(account.id, true).await.unwrap();
    assert_eq!(
        store.signed_in(&digest(2), IDLE, at(1)).await.unwrap(),
        None
    );
    store.set_disabled(account.id, false).await.unwrap();
    assert_eq!(
        store.signed_in(&digest(2), IDLE, at(1)).await.unwrap(),
        None
    );
}

pub(crate) async fn signing_out_ends_one_login_or_all_of_a_technician(store: &dyn Everything) {
    let mut maker = Maker::new();
    let anna = added(store, maker.account("anna@example.org")).await;
    let bert = added(store, maker.account("bert@example.org")).await;
    for (account, token) in [(&anna, 1), (&anna, 2), (&anna, 3), (&bert, 4)] {
        store
            .record_login(&maker.login(account, token), AtLock::Refuse, at(0))
            .await
            .unwrap();
    }
    assert!(store.delete_login(&digest(1)).await.unwrap());
    assert!(!store.delete_login(&digest(1)).await.unwrap());
    assert_eq!(store.delete_logins_of(anna.id).await.unwrap(), 2);
    assert!(
        store
            .signed_in(&digest(4), IDLE, at(1))
            .await
            .unwrap()
            .is_some()
    );
}

pub(crate) async fn rows_of_logins_that_are_over_are_removed(store: &dyn Everything) {
    let mut maker = Maker::new();
    let account = added(store, maker.account("anna@example.org")).await;
    let mut short = maker.login(&account, 1);
    short.expires_at = at(10);
    let mut fresh = maker.login(&account, 2);
    fresh.last_seen_at = at(50_000);
    for login in [&short, &fresh, &maker.login(&account, 3)] {
        store
            .record_login(login, AtLock::Refuse, at(0))
            .await
            .unwrap();
    }
    assert_eq!(
        store.delete_expired_logins(IDLE, at(61_000)).await.unwrap(),
        2
    );
    assert_eq!(
        store.delete_expired_logins(IDLE, at(61_000)).await.unwrap(),
        0
    );
    assert!(
        store
            .signed_in(&digest(2), IDLE, at(61_000))
            .await
            .unwrap()
            .is_some()
    );
}
