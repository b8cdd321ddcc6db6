//! What every [`crate::SessionStore`] has to do.

use lens_protocol::id::SessionId;
use lens_protocol::session::{CloseReason, EndedBy, SessionState, TechnicianRef, Trouble};

use super::Everything;
use super::sample::{Maker, at, digest, in_state, invited};
use crate::error::{Conflict, StorageError};
use crate::sessions::{SessionFilter, SessionRecord, Which, Whose};

/// Adds a session born at `born` after `change` was made to it.
async fn kept(
    store: &dyn Everything,
    maker: &mut Maker,
    born: u8,
    change: impl FnOnce(&mut SessionRecord),
) -> SessionRecord {
    let mut session = maker.session(born.into());
    change(&mut session);
    let invitation = maker.invitation(session.id, born, 0);
    store
        .create_session(&session, &invitation, at(0))
        .await
        .unwrap()
}

async fn listed(store: &dyn Everything, filter: SessionFilter) -> Vec<SessionId> {
    let sessions = store.list_sessions(&filter).await.unwrap();
    sessions.iter().map(|session| session.id).collect()
}

pub(crate) async fn a_session_is_found_as_it_was_kept(store: &dyn Everything) {
    let mut maker = Maker::new();
    let mut full = invited(store, &mut maker, 1).await.0;
    assert_eq!(store.session(full.id).await.unwrap(), Some(full.clone()));
    full.trouble = Some(Trouble::Node);
    full.lead = Some(TechnicianRef {
        id: full.created_by.id,
        name: "Łucja".to_owned(),
    });
    full.started_at = Some(at(7));
    full.ended_at = Some(at(8));
    full.ended_by = Some(EndedBy::Technician);
    full.close_reason = Some(CloseReason::FollowUp);
    full.state = SessionState::Closed;
    let full = store.update_session(&full).await.unwrap();
    assert_eq!(store.session(full.id).await.unwrap(), Some(full));
}

pub(crate) async fn a_session_can_be_almost_empty(store: &dyn Everything) {
    let mut maker = Maker::new();
    let empty = kept(store, &mut maker, 1, |session| {
        session.reference = None;
        session.customer_name = None;
        session.customer_device = None;
        session.capabilities.clear();
        session.people.clear();
        session.conference = None;
    })
    .await;
    assert_eq!(store.session(empty.id).await.unwrap(), Some(empty));
}

pub(crate) async fn only_the_form_that_was_read_can_be_replaced(store: &dyn Everything) {
    let (read, _) = invited(store, &mut Maker::new(), 1).await;
    let waiting = in_state(&read, SessionState::Waiting);
    let newer = store.update_session(&waiting).await.unwrap();
    assert!(newer.revision > read.revision);
    let late = in_state(&read, SessionState::Closed);
    let refused = store.update_session(&late).await.unwrap_err();
    assert!(refused.is_conflict(Conflict::Revision), "{refused}");
    assert_eq!(store.session(read.id).await.unwrap(), Some(newer));
}

pub(crate) async fn of_many_changes_at_once_one_wins(store: &dyn Everything) {
    let (read, _) = invited(store, &mut Maker::new(), 1).await;
    let change = in_state(&read, SessionState::Active);
    let (a, b, c) = tokio::join!(
        store.update_session(&change),
        store.update_session(&change),
        store.update_session(&change),
    );
    let winners = [a, b, c].iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(winners, 1);
}

pub(crate) async fn an_unknown_session_is_not_found(store: &dyn Everything) {
    let session = Maker::new().session(0);
    let outcome = store.update_session(&session).await;
    assert!(
        matches!(outcome, Err(StorageError::NotFound(_))),
        "{outcome:?}"
    );
    assert_eq!(store.session(session.id).await.unwrap(), None);
}

pub(crate) async fn a_taken_pin_or_id_leaves_no_session_behind(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (first, _) = invited(store, &mut maker, 1).await;
    let second = maker.session(0);
    let mut invitation = maker.invitation(second.id, 1, 0);
    invitation.lookup = digest(200);
    let refused = store
        .create_session(&second, &invitation, at(0))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Pin), "{refused}");
    assert_eq!(store.session(second.id).await.unwrap(), None);
    let mut same = maker.session(0);
    same.id = first.id;
    let invitation = maker.invitation(same.id, 2, 0);
    let refused = store
        .create_session(&same, &invitation, at(0))
        .await
        .unwrap_err();
    assert!(refused.is_conflict(Conflict::Exists), "{refused}");
}

pub(crate) async fn a_session_that_ends_takes_its_invitation_with_it(store: &dyn Everything) {
    let (session, invitation) = invited(store, &mut Maker::new(), 1).await;
    let closed = in_state(&session, SessionState::Closed);
    store.update_session(&closed).await.unwrap();
    assert_eq!(
        store.live_invitation(session.id, at(1)).await.unwrap(),
        None
    );
    assert_eq!(
        store
            .invitation_by_pin(&invitation.pin, at(1))
            .await
            .unwrap(),
        None
    );
    assert_eq!(store.count_pins(at(1)).await.unwrap(), 0);
}

pub(crate) async fn sessions_are_listed_newest_first_up_to_the_limit(store: &dyn Everything) {
    let mut maker = Maker::new();
    let mut ids = Vec::new();
    for born in 1..=5 {
        ids.push(kept(store, &mut maker, born, |_| ()).await.id);
    }
    ids.reverse();
    assert_eq!(listed(store, SessionFilter::default()).await, ids);
    let two = SessionFilter {
        limit: 2,
        ..SessionFilter::default()
    };
    assert_eq!(listed(store, two).await, ids[..2]);
}

pub(crate) async fn lists_can_be_narrowed_to_ones_own_and_to_the_queue(store: &dyn Everything) {
    let mut maker = Maker::new();
    let theirs = kept(store, &mut maker, 1, |session| {
        session.state = SessionState::Waiting
    })
    .await;
    let me = maker.session(0).created_by;
    let made = kept(store, &mut maker, 2, |session| {
        session.created_by = me.clone()
    })
    .await;
    let led = kept(store, &mut maker, 3, |session| {
        session.lead = Some(me.clone());
        session.state = SessionState::Waiting;
    })
    .await;
    let whose = |whose| SessionFilter {
        whose,
        ..SessionFilter::default()
    };
    assert_eq!(
        listed(store, whose(Whose::Mine(me.id))).await,
        [led.id, made.id]
    );
    assert_eq!(listed(store, whose(Whose::Queue)).await, [theirs.id]);
    assert_eq!(
        listed(store, whose(Whose::All)).await,
        [led.id, made.id, theirs.id]
    );
}

pub(crate) async fn open_and_closed_sessions_are_told_apart(store: &dyn Everything) {
    let mut maker = Maker::new();
    let open = kept(store, &mut maker, 1, |_| ()).await;
    let closed = kept(store, &mut maker, 2, |session| {
        session.state = SessionState::Aborted;
        session.ended_at = Some(at(9));
    })
    .await;
    let which = |which| SessionFilter {
        which,
        ..SessionFilter::default()
    };
    assert_eq!(listed(store, which(Which::Open)).await, [open.id]);
    assert_eq!(listed(store, which(Which::Closed)).await, [closed.id]);
    assert_eq!(store.open_sessions().await.unwrap(), [open]);
}

pub(crate) async fn every_word_of_a_query_must_occur_whatever_its_case(store: &dyn Everything) {
    let mut maker = Maker::new();
    let found = kept(store, &mut maker, 1, |_| ()).await;
    kept(store, &mut maker, 2, |session| {
        session.reference = Some("other".to_owned())
    })
    .await;
    let query = async |text: &str| {
        let filter = SessionFilter {
            text: Some(text.to_owned()),
            ..SessionFilter::default()
        };
        listed(store, filter).await
    };
    assert_eq!(query("ticket-10 ÜMIT arendt").await, [found.id]);
    assert_eq!(query("ticket-10 nobody").await, []);
    assert_eq!(query("  ").await.len(), 2);
    for literal in ["%", "_", "' OR 1=1 --", "\"", "\\"] {
        assert_eq!(query(literal).await, [], "{literal}");
    }
}

pub(crate) async fn a_query_follows_a_change(store: &dyn Everything) {
    let (mut session, _) = invited(store, &mut Maker::new(), 1).await;
    session.reference = Some("RENAMED".to_owned());
    store.update_session(&session).await.unwrap();
    for (text, hits) in [("renamed", 1), ("ticket-1042", 0)] {
        let filter = SessionFilter {
            text: Some(text.to_owned()),
            ..SessionFilter::default()
        };
        assert_eq!(listed(store, filter).await.len(), hits, "{text}");
    }
}

pub(crate) async fn a_session_is_found_by_its_conference(store: &dyn Everything) {
    let (session, _) = invited(store, &mut Maker::new(), 1).await;
    let conference = session.conference.unwrap();
    let found = store.session_of_conference(conference).await.unwrap();
    assert_eq!(found, Some(session.clone()));
    let without = SessionRecord {
        conference: None,
        ..session
    };
    store.update_session(&without).await.unwrap();
    assert_eq!(store.session_of_conference(conference).await.unwrap(), None);
}
