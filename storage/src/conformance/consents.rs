//! What every [`crate::ConsentStore`] has to do.

use lens_protocol::session::SessionState;

use super::Everything;
use super::sample::{Maker, at, in_state, invited, redeemed};
use crate::error::{Conflict, StorageError};

pub(crate) async fn a_consent_is_kept_word_for_word_and_moves_the_session(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (session, customer) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    assert_eq!(store.consent_of(invitation.id).await.unwrap(), None);
    let first = maker.consent(&customer, 2);
    let waiting = in_state(&session, SessionState::Waiting);
    let kept = store.give_consent(&first, &waiting).await.unwrap();
    assert_eq!(store.session(session.id).await.unwrap(), Some(kept.clone()));
    let mut second = maker.consent(&customer, 3);
    second.text_version = 4;
    store.give_consent(&second, &kept).await.unwrap();
    assert_eq!(
        store.consent_of(invitation.id).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(
        store.consents_of(session.id).await.unwrap(),
        [first, second]
    );
}

pub(crate) async fn only_the_customer_who_is_in_can_agree(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (session, customer) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    let session = store.withdraw_invitation(&session, at(2)).await.unwrap();
    let late = maker.consent(&customer, 3);
    let refused = store.give_consent(&late, &session).await;
    assert!(
        matches!(refused, Err(StorageError::NotFound(_))),
        "{refused:?}"
    );
    let (other, _) = invited(store, &mut maker, 2).await;
    let mut elsewhere = maker.consent(&customer, 3);
    elsewhere.session = other.id;
    let refused = store.give_consent(&elsewhere, &other).await;
    assert!(
        matches!(refused, Err(StorageError::NotFound(_))),
        "{refused:?}"
    );
}

pub(crate) async fn a_consent_to_an_outdated_session_is_not_kept(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (outdated, invitation) = invited(store, &mut maker, 1).await;
    let (_, customer) = redeemed(store, &mut maker, &outdated, &invitation, 50).await;
    let consent = maker.consent(&customer, 2);
    let refused = store.give_consent(&consent, &outdated).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Revision), "{refused}");
    assert_eq!(store.consents_of(outdated.id).await.unwrap(), []);
}

pub(crate) async fn a_consent_is_kept_once(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (session, customer) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    let consent = maker.consent(&customer, 2);
    let session = store.give_consent(&consent, &session).await.unwrap();
    let refused = store.give_consent(&consent, &session).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Exists), "{refused}");
}
