//! What every [`crate::EventStore`] has to do.

use lens_protocol::event::SessionEvent;
use lens_protocol::id::SessionId;

use super::Everything;
use super::sample::{Maker, at};
use crate::error::StorageError;
use crate::events::{Appended, PAGE_LIMIT};

fn some(maker: &mut Maker, session: SessionId, count: u64) -> Vec<SessionEvent> {
    (1..=count)
        .map(|seq| maker.event(session, 1, seq))
        .collect()
}

pub(crate) async fn events_come_back_in_the_order_of_their_commits(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let mut events = some(&mut maker, session, 3);
    // An id born earlier, and a counter that is lower, do not change the order.
    events[1].at = at(-500);
    events.swap(0, 2);
    let stored = store.append_events(&events).await.unwrap();
    assert_eq!(stored, [Appended::Stored; 3]);
    assert_eq!(store.events(session, None, 0).await.unwrap(), events);
    assert_eq!(store.count_events(session).await.unwrap(), 3);
}

pub(crate) async fn pages_follow_each_other_without_gap_or_repetition(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, other) = (maker.session(0).id, maker.session(0).id);
    let events = some(&mut maker, session, 7);
    store.append_events(&events[..3]).await.unwrap();
    store
        .append_events(&some(&mut maker, other, 2))
        .await
        .unwrap();
    store.append_events(&events[3..]).await.unwrap();
    let mut read = Vec::new();
    loop {
        let after = read.last().map(|event: &SessionEvent| event.id);
        let page = store.events(session, after, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        read.extend(page);
    }
    assert_eq!(read, events);
}

pub(crate) async fn a_page_has_a_highest_length(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let limit = PAGE_LIMIT as usize;
    let events = some(&mut maker, session, u64::from(PAGE_LIMIT) + 1);
    store.append_events(&events).await.unwrap();
    for asked in [0, u32::MAX] {
        assert_eq!(
            store.events(session, None, asked).await.unwrap().len(),
            limit
        );
    }
}

pub(crate) async fn sending_the_same_again_is_harmless(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let events = some(&mut maker, session, 3);
    store.append_events(&events[..2]).await.unwrap();
    let outcomes = store.append_events(&events).await.unwrap();
    use Appended::{Duplicate, Stored};
    assert_eq!(outcomes, [Duplicate, Duplicate, Stored]);
    assert_eq!(store.events(session, None, 0).await.unwrap(), events);
}

pub(crate) async fn another_event_with_the_same_number_is_a_clash_and_not_kept(
    store: &dyn Everything,
) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let events = some(&mut maker, session, 2);
    store.append_events(&events[..1]).await.unwrap();
    let mut altered = events[0].clone();
    altered.body = serde_json::json!({ "text": "altered" });
    let mut same_id = maker.event(session, 1, 9);
    same_id.id = events[0].id;
    let batch = [altered, same_id, events[1].clone()];
    let outcomes = store.append_events(&batch).await.unwrap();
    use Appended::{Clash, Stored};
    assert_eq!(outcomes, [Clash, Clash, Stored]);
    assert_eq!(store.events(session, None, 0).await.unwrap(), events);
}

pub(crate) async fn a_number_counts_per_session_source_and_life(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, other) = (maker.session(0).id, maker.session(0).id);
    let mut from_sfu = maker.event(session, 1, 1);
    from_sfu.source = "sfu-1".to_owned();
    let batch = [
        maker.event(session, 1, 1),
        maker.event(session, 2, 1),
        maker.event(other, 1, 1),
        from_sfu,
    ];
    assert_eq!(
        store.append_events(&batch).await.unwrap(),
        [Appended::Stored; 4]
    );
}

pub(crate) async fn the_highest_number_of_a_life_is_told(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let batch = [
        maker.event(session, 1, 5),
        maker.event(session, 1, 2),
        maker.event(session, 2, 9),
    ];
    store.append_events(&batch).await.unwrap();
    assert_eq!(
        store.last_seq(session, "website", 1).await.unwrap(),
        Some(5)
    );
    assert_eq!(store.last_seq(session, "website", 3).await.unwrap(), None);
    assert_eq!(store.last_seq(session, "sfu-1", 1).await.unwrap(), None);
}

pub(crate) async fn counters_up_to_the_last_bit_are_kept(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let batch = [
        maker.event(session, u64::MAX, u64::MAX),
        maker.event(session, 0, 0),
    ];
    assert_eq!(
        store.append_events(&batch).await.unwrap(),
        [Appended::Stored; 2]
    );
    assert_eq!(store.events(session, None, 0).await.unwrap(), batch);
}

pub(crate) async fn the_latest_of_a_kind_are_told_oldest_first(store: &dyn Everything) {
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let mut events = some(&mut maker, session, 6);
    for line in [1, 2, 4, 5] {
        events[line].kind = "chat.line".to_owned();
    }
    store.append_events(&events).await.unwrap();
    let latest = store.latest_events(session, "chat.line", 3).await.unwrap();
    assert_eq!(
        latest,
        [events[2].clone(), events[4].clone(), events[5].clone()]
    );
    assert_eq!(
        store.latest_events(session, "camera.off", 3).await.unwrap(),
        []
    );
}

pub(crate) async fn a_page_after_an_event_of_another_session_is_not_found(store: &dyn Everything) {
    let mut maker = Maker::new();
    let (session, other) = (maker.session(0).id, maker.session(0).id);
    let event = maker.event(session, 1, 1);
    store
        .append_events(std::slice::from_ref(&event))
        .await
        .unwrap();
    let page = store.events(other, Some(event.id), 10).await;
    assert!(matches!(page, Err(StorageError::NotFound(_))), "{page:?}");
}

pub(crate) async fn an_empty_batch_is_nothing(store: &dyn Everything) {
    assert_eq!(store.append_events(&[]).await.unwrap(), []);
}

pub(crate) async fn every_life_of_a_writer_has_its_own_epoch(store: &dyn Everything) {
    let begin = |source| store.begin_life(source);
    let (one, two, other) = tokio::join!(begin("website"), begin("website"), begin("sfu-1"));
    let mut epochs = [one.unwrap(), two.unwrap()];
    epochs.sort_unstable();
    assert_eq!((epochs, other.unwrap()), ([1, 2], 1));
}
