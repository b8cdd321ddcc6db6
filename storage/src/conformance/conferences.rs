//! What every [`ConferenceStore`] has to do.

use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, OwnerId};

use crate::conferences::{Added, ConferenceRecord, ConferenceStore};
use crate::error::{Conflict, StorageError};

/// Runs the suite against an empty store; panics where it fails.
pub(crate) async fn run(store: &dyn ConferenceStore) {
    what_is_added_is_found(store).await;
    a_name_is_unique_among_the_live_ones_of_an_owner(store).await;
    racing_changes_have_one_winner(store).await;
    lists_are_complete_ordered_and_bounded(store).await;
    due_ones_come_longest_due_first(store).await;
    a_removed_one_is_gone_with_its_name(store).await;
}

fn owner(name: &str) -> OwnerId {
    name.parse().expect("a name")
}

fn record(number: u8, owner_name: &str, external_id: Option<&str>) -> ConferenceRecord {
    ConferenceRecord {
        id: ConferenceId::from_bytes([number; 16]),
        owner: owner(owner_name),
        external_id: external_id.map(str::to_owned),
        live: true,
        node: Some("sfu-1".parse().expect("a name")),
        due_at: Timestamp::from_unix_ms(1_000_000 + i64::from(number)),
        version: 1,
        body: format!("{{\"number\":{number}}}"),
    }
}

async fn add(store: &dyn ConferenceStore, record: &ConferenceRecord) -> Added {
    store
        .add_conference(record)
        .await
        .expect("the store answers")
}

fn numbers(rows: &[ConferenceRecord]) -> Vec<u8> {
    rows.iter().map(|row| row.id.as_bytes()[0]).collect()
}

async fn what_is_added_is_found(store: &dyn ConferenceStore) {
    let one = record(1, "a", None);
    assert_eq!(add(store, &one).await, Added::Done);
    assert_eq!(
        store.conference(one.id).await.expect("read"),
        Some(one.clone())
    );
    let again = store
        .add_conference(&one)
        .await
        .expect_err("its id is taken");
    assert!(again.is_conflict(Conflict::Exists));
    let unknown = ConferenceId::from_bytes([99; 16]);
    assert_eq!(store.conference(unknown).await.expect("read"), None);
}

async fn a_name_is_unique_among_the_live_ones_of_an_owner(store: &dyn ConferenceStore) {
    let mut first = record(10, "b", Some("case 7"));
    assert_eq!(add(store, &first).await, Added::Done);
    let second = record(11, "b", Some("case 7"));
    assert_eq!(add(store, &second).await, Added::ExternalIdTaken(first.id));
    assert_eq!(store.conference(second.id).await.expect("read"), None);
    assert_eq!(
        add(store, &record(12, "c", Some("case 7"))).await,
        Added::Done
    );

    first.live = false;
    first.node = None;
    store.change_conference(&first).await.expect("as read");
    assert_eq!(add(store, &second).await, Added::Done);
    let kept = store
        .conference(first.id)
        .await
        .expect("read")
        .expect("kept");
    assert_eq!(kept.external_id.as_deref(), Some("case 7"));
}

async fn racing_changes_have_one_winner(store: &dyn ConferenceStore) {
    let read = record(20, "d", None);
    assert_eq!(add(store, &read).await, Added::Done);
    let changed = ConferenceRecord {
        body: "changed".to_owned(),
        ..read.clone()
    };
    assert_eq!(store.change_conference(&changed).await.expect("as read"), 2);
    let late = store.change_conference(&read).await.expect_err("too late");
    assert!(late.is_conflict(Conflict::Revision));
    let kept = store
        .conference(read.id)
        .await
        .expect("read")
        .expect("kept");
    assert_eq!((kept.body.as_str(), kept.version), ("changed", 2));
    let unknown = store.change_conference(&record(98, "d", None)).await;
    assert!(matches!(unknown, Err(StorageError::NotFound(_))));
}

async fn lists_are_complete_ordered_and_bounded(store: &dyn ConferenceStore) {
    for number in 30..34 {
        let mut row = record(number, "e", None);
        row.live = number != 31;
        row.node = row.live.then(|| "sfu-2".parse().expect("a name"));
        assert_eq!(add(store, &row).await, Added::Done);
    }
    let all = store.conferences_of(&owner("e"), 10).await.expect("read");
    assert_eq!(numbers(&all), [33, 32, 31, 30]);
    let some = store.conferences_of(&owner("e"), 2).await.expect("read");
    assert_eq!(numbers(&some), [33, 32]);
    let node = "sfu-2".parse().expect("a name");
    let on = store.conferences_on(&node).await.expect("read");
    assert_eq!(numbers(&on), [30, 32, 33]);
}

async fn due_ones_come_longest_due_first(store: &dyn ConferenceStore) {
    for (number, due) in [(40, 30), (41, 10), (42, 20), (43, 40)] {
        let mut row = record(number, "f", None);
        row.due_at = Timestamp::from_unix_ms(due);
        assert_eq!(add(store, &row).await, Added::Done);
    }
    let now = Timestamp::from_unix_ms(30);
    let due = store.conferences_due(now, 10).await.expect("read");
    assert_eq!(numbers(&due), [41, 42, 40]);
    let first = store.conferences_due(now, 1).await.expect("read");
    assert_eq!(numbers(&first), [41]);
}

async fn a_removed_one_is_gone_with_its_name(store: &dyn ConferenceStore) {
    let first = record(50, "g", Some("name"));
    assert_eq!(add(store, &first).await, Added::Done);
    store.remove_conference(first.id).await.expect("removed");
    store.remove_conference(first.id).await.expect("harmless");
    assert_eq!(store.conference(first.id).await.expect("read"), None);
    assert_eq!(
        add(store, &record(51, "g", Some("name"))).await,
        Added::Done
    );
}
