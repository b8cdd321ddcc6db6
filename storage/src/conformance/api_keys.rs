//! What every [`crate::ApiKeyStore`] has to do.

use super::Everything;
use super::sample::{Maker, at};
use crate::error::{Conflict, StorageError};

pub(crate) async fn a_key_is_found_as_it_was_added(store: &dyn Everything) {
    let mut maker = Maker::new();
    let mut key = maker.api_key(0);
    key.expires_at = Some(at(100));
    store.add_api_key(&key).await.unwrap();
    let found = store.api_key(key.id).await.unwrap().unwrap();
    assert_eq!(found, key);
    assert!(found.is_live(at(99)) && !found.is_live(at(100)));
    assert_eq!(store.api_key(maker.api_key(0).id).await.unwrap(), None);
    let refused = store.add_api_key(&key).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Exists), "{refused}");
}

pub(crate) async fn keys_are_listed_newest_first(store: &dyn Everything) {
    let mut maker = Maker::new();
    let keys = [maker.api_key(1), maker.api_key(2), maker.api_key(3)];
    for key in &keys {
        store.add_api_key(key).await.unwrap();
    }
    let listed = store.api_keys().await.unwrap();
    assert_eq!(listed, [keys[2].clone(), keys[1].clone(), keys[0].clone()]);
}

pub(crate) async fn a_revoked_key_is_over_for_good(store: &dyn Everything) {
    let mut maker = Maker::new();
    let key = maker.api_key(0);
    store.add_api_key(&key).await.unwrap();
    assert!(store.revoke_api_key(key.id, at(5)).await.unwrap());
    assert!(!store.revoke_api_key(key.id, at(9)).await.unwrap());
    let found = store.api_key(key.id).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(at(5)), "the first time stands");
    assert!(!found.is_live(at(5)));
    let unknown = store.revoke_api_key(maker.api_key(0).id, at(5)).await;
    assert!(
        matches!(unknown, Err(StorageError::NotFound(_))),
        "{unknown:?}"
    );
}

pub(crate) async fn the_use_of_a_key_is_noted(store: &dyn Everything) {
    let mut maker = Maker::new();
    let key = maker.api_key(0);
    store.add_api_key(&key).await.unwrap();
    store.touch_api_key(key.id, at(7)).await.unwrap();
    let found = store.api_key(key.id).await.unwrap().unwrap();
    assert_eq!(found.last_used_at, Some(at(7)));
    store
        .touch_api_key(maker.api_key(0).id, at(7))
        .await
        .unwrap();
}
