//! What every [`crate::InvitationStore`] and [`crate::CustomerStore`] have to do.

use lens_protocol::session::SessionState;

use super::Everything;
use super::sample::{INVITATION_LIFE, Maker, at, digest, in_state, invited, redeemed};
use crate::customers::CustomerState;
use crate::error::{Conflict, StorageError};
use crate::invitations::InvitationState;

pub(crate) async fn a_live_invitation_is_found_by_pin_link_and_session(store: &dyn Everything) {
    let (session, invitation) = invited(store, &mut Maker::new(), 1).await;
    let expected = Some(invitation.clone());
    let last = at(0)
        .plus(INVITATION_LIFE)
        .minus(std::time::Duration::from_millis(1));
    assert_eq!(
        store
            .invitation_by_pin(&invitation.pin, last)
            .await
            .unwrap(),
        expected
    );
    assert_eq!(
        store
            .invitation_by_lookup(&invitation.lookup, last)
            .await
            .unwrap(),
        expected
    );
    assert_eq!(
        store.live_invitation(session.id, last).await.unwrap(),
        expected
    );
    assert_eq!(
        store.invitation_by_pin(&digest(9), last).await.unwrap(),
        None
    );
    assert_eq!(
        store.invitation_by_lookup(&digest(9), last).await.unwrap(),
        None
    );
}

pub(crate) async fn an_invitation_that_is_over_is_found_by_nobody(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let over = at(0).plus(INVITATION_LIFE);
    assert_eq!(
        store
            .invitation_by_pin(&invitation.pin, over)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .invitation_by_lookup(&invitation.lookup, over)
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.live_invitation(session.id, over).await.unwrap(), None);
    assert_eq!(store.count_pins(over).await.unwrap(), 0);
    let customer = maker.customer(&invitation, 50);
    let late = store.redeem_invitation(&customer, &session, over).await;
    assert!(matches!(late, Err(StorageError::NotFound(_))), "{late:?}");
}

pub(crate) async fn redeeming_binds_one_browser_and_moves_the_session(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (kept, customer) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    assert_eq!(kept.state, SessionState::Connecting);
    assert_eq!(store.session(session.id).await.unwrap(), Some(kept));
    assert_eq!(
        store.customer(&digest(50)).await.unwrap(),
        Some(customer.clone())
    );
    assert_eq!(
        store.customer_of_session(session.id).await.unwrap(),
        Some(customer)
    );
    assert_eq!(store.customer(&digest(51)).await.unwrap(), None);
    assert_eq!(
        store.live_invitation(session.id, at(2)).await.unwrap(),
        None
    );
}

pub(crate) async fn a_redeemed_pin_stays_its_owners_until_it_is_over(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    redeemed(store, &mut maker, &session, &invitation, 50).await;
    let found = store
        .invitation_by_pin(&invitation.pin, at(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.state, InvitationState::Redeemed);
    let other = maker.session(0);
    let mut same_pin = maker.invitation(other.id, 1, 0);
    same_pin.lookup = digest(201);
    let refused = store
        .create_session(&other, &same_pin, at(2))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Pin), "{refused}");
    let over = at(0).plus(INVITATION_LIFE);
    store.create_session(&other, &same_pin, over).await.unwrap();
}

pub(crate) async fn a_second_browser_is_refused_and_changes_nothing(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (kept, first) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    let second = maker.customer(&invitation, 51);
    let refused = store
        .redeem_invitation(&second, &kept, at(2))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Redeemed), "{refused}");
    assert_eq!(store.customer(&digest(51)).await.unwrap(), None);
    assert_eq!(
        store.customer_of_session(session.id).await.unwrap(),
        Some(first)
    );
    assert_eq!(store.session(session.id).await.unwrap(), Some(kept));
}

pub(crate) async fn of_many_browsers_at_once_one_redeems(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let browsers = [50, 51, 52, 53].map(|number| maker.customer(&invitation, number));
    let redeem = |number: usize| store.redeem_invitation(&browsers[number], &session, at(1));
    let (a, b, c, d) = tokio::join!(redeem(0), redeem(1), redeem(2), redeem(3));
    let winners = [a, b, c, d]
        .iter()
        .filter(|outcome| outcome.is_ok())
        .count();
    assert_eq!(winners, 1);
}

pub(crate) async fn a_redemption_on_an_outdated_session_leaves_the_invitation_live(
    store: &dyn Everything,
) {
    let mut maker = Maker::new();
    let (outdated, invitation) = invited(store, &mut maker, 1).await;
    store.update_session(&outdated).await.unwrap();
    let customer = maker.customer(&invitation, 50);
    let refused = store
        .redeem_invitation(&customer, &outdated, at(1))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Revision), "{refused}");
    assert_eq!(store.customer(&digest(50)).await.unwrap(), None);
    let live = store.live_invitation(outdated.id, at(1)).await.unwrap();
    assert_eq!(live, Some(invitation));
}

pub(crate) async fn an_invitation_of_another_session_is_not_redeemed_into_this_one(
    store: &dyn Everything,
) {
    let mut maker = Maker::new();
    let (_, invitation) = invited(store, &mut maker, 1).await;
    let (other, _) = invited(store, &mut maker, 2).await;
    let customer = maker.customer(&invitation, 50);
    let refused = store.redeem_invitation(&customer, &other, at(1)).await;
    assert!(
        matches!(refused, Err(StorageError::NotFound(_))),
        "{refused:?}"
    );
}

pub(crate) async fn a_new_invitation_ends_the_former_and_frees_its_pin(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, former) = invited(store, &mut maker, 1).await;
    let mut newer = maker.invitation(session.id, 2, 1);
    newer.pin = former.pin;
    let kept = store
        .issue_invitation(&newer, &session, at(1))
        .await
        .unwrap();
    assert!(kept.revision > session.revision);
    assert_eq!(
        store
            .invitation_by_lookup(&former.lookup, at(2))
            .await
            .unwrap(),
        None
    );
    let found = store.invitation_by_pin(&former.pin, at(2)).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(newer.id));
    assert_eq!(
        store.live_invitation(session.id, at(2)).await.unwrap(),
        Some(newer)
    );
}

pub(crate) async fn a_taken_pin_leaves_the_former_invitation_live(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (_, others) = invited(store, &mut maker, 1).await;
    let (session, former) = invited(store, &mut maker, 2).await;
    let mut newer = maker.invitation(session.id, 3, 1);
    newer.pin = others.pin;
    let refused = store
        .issue_invitation(&newer, &session, at(1))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Pin), "{refused}");
    assert_eq!(
        store.live_invitation(session.id, at(2)).await.unwrap(),
        Some(former)
    );
    assert_eq!(store.session(session.id).await.unwrap(), Some(session));
}

pub(crate) async fn putting_out_ends_the_customers_credential_and_a_new_one_can_come(
    store: &dyn Everything,
) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (session, _) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    let created = in_state(&session, SessionState::Created);
    let session = store.withdraw_invitation(&created, at(3)).await.unwrap();
    let out = store.customer(&digest(50)).await.unwrap().unwrap();
    assert_eq!(
        (out.state, out.put_out_at),
        (CustomerState::PutOut, Some(at(3)))
    );
    assert_eq!(store.customer_of_session(session.id).await.unwrap(), None);
    assert_eq!(
        store
            .invitation_by_pin(&invitation.pin, at(4))
            .await
            .unwrap(),
        None
    );
    let second = maker.invitation(session.id, 2, 4);
    let session = store
        .issue_invitation(&second, &session, at(4))
        .await
        .unwrap();
    redeemed(store, &mut maker, &session, &second, 51).await;
    let inside = store
        .customer_of_session(session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(inside.credential, digest(51));
}

pub(crate) async fn a_customer_stays_known_after_the_session_ended(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (session, customer) = redeemed(store, &mut maker, &session, &invitation, 50).await;
    let closed = in_state(&session, SessionState::Closed);
    store.update_session(&closed).await.unwrap();
    assert_eq!(store.customer(&digest(50)).await.unwrap(), Some(customer));
}

pub(crate) async fn pins_are_counted_while_they_have_an_owner(store: &dyn Everything) {
    let mut maker = Maker::new();
    assert_eq!(store.count_pins(at(0)).await.unwrap(), 0);
    let (session, invitation) = invited(store, &mut maker, 1).await;
    let (other, _) = invited(store, &mut maker, 2).await;
    redeemed(store, &mut maker, &session, &invitation, 50).await;
    assert_eq!(store.count_pins(at(2)).await.unwrap(), 2);
    store.withdraw_invitation(&other, at(3)).await.unwrap();
    assert_eq!(store.count_pins(at(3)).await.unwrap(), 1);
}

pub(crate) async fn invitations_that_are_over_are_ended_and_told_once(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (_, unused) = invited(store, &mut maker, 1).await;
    let (session, used) = invited(store, &mut maker, 2).await;
    redeemed(store, &mut maker, &session, &used, 50).await;
    assert_eq!(store.end_expired_invitations(at(1)).await.unwrap(), []);
    let over = at(0).plus(INVITATION_LIFE);
    let ended = store.end_expired_invitations(over).await.unwrap();
    let ids: Vec<_> = ended.iter().map(|invitation| invitation.id).collect();
    assert_eq!(ids, [unused.id], "the redeemed one did its work");
    assert_eq!(store.end_expired_invitations(over).await.unwrap(), []);
    assert_eq!(
        store
            .customer_of_session(session.id)
            .await
            .unwrap()
            .unwrap()
            .credential,
        digest(50)
    );
}
