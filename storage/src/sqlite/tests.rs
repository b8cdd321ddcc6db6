//! SQLite passes the suite of every noun, and bears neighbours and callers who walk away.

use std::time::Duration;

use tempfile::TempDir;

use super::{Database, Options};
use crate::conformance::conformance_tests;
use crate::conformance::sample::{Maker, at};
use crate::error::StorageError;
use crate::events::EventStore;
use crate::settings::SettingStore;

conformance_tests!(super::open);

async fn open() -> (Database, TempDir) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("lens.db");
    let database = Database::open(&path, at(0)).await.expect("a new database");
    (database, directory)
}

#[tokio::test]
async fn two_processes_take_turns_at_writing() {
    let (first, _directory) = open().await;
    let second = Database::open(first.path(), at(0)).await.unwrap();
    let raise = async |database: &Database| {
        let mut values = Vec::new();
        for _ in 0..25 {
            values.push(database.raise_counter("x").await.unwrap());
        }
        values
    };
    let (mut values, others) = tokio::join!(raise(&first), raise(&second));
    values.extend(others);
    values.sort_unstable();
    assert_eq!(values, (1..=50).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_neighbour_who_holds_the_database_too_long_is_named() {
    let (holder, _directory) = open().await;
    let options = Options {
        wait: Duration::from_millis(50),
        ..Options::default()
    };
    let waiter = Database::open_with(holder.path(), &options, at(0))
        .await
        .unwrap();
    let held = holder.write().await.unwrap();
    let refused = waiter.raise_counter("x").await;
    assert!(matches!(refused, Err(StorageError::Busy)), "{refused:?}");
    held.commit().await.unwrap();
    assert_eq!(waiter.raise_counter("x").await.unwrap(), 1);
}

#[tokio::test]
async fn readers_do_not_wait_for_the_writer() {
    let (database, _directory) = open().await;
    database.set_organisation("before").await.unwrap();
    let mut write = database.write().await.unwrap();
    sqlx::query("UPDATE settings SET value = 'after'")
        .execute(write.on())
        .await
        .unwrap();
    assert_eq!(
        database.organisation().await.unwrap().as_deref(),
        Some("before")
    );
    write.commit().await.unwrap();
    assert_eq!(
        database.organisation().await.unwrap().as_deref(),
        Some("after")
    );
}

#[tokio::test]
async fn a_change_that_is_not_committed_never_happened() {
    let (database, _directory) = open().await;
    database.set_organisation("before").await.unwrap();
    let mut write = database.write().await.unwrap();
    sqlx::query("UPDATE settings SET value = 'after'")
        .execute(write.on())
        .await
        .unwrap();
    drop(write);
    assert_eq!(
        database.organisation().await.unwrap().as_deref(),
        Some("before")
    );
    database.set_organisation("later").await.unwrap();
}

#[tokio::test]
async fn a_caller_who_walks_away_leaves_all_or_nothing_and_a_working_writer() {
    let (database, _directory) = open().await;
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    for attempt in 0..40_u64 {
        let batch: Vec<_> = (0..20)
            .map(|seq| maker.event(session, attempt, seq))
            .collect();
        // Each attempt is given up at another place of the transaction.
        let patience = Duration::from_micros(attempt * 97);
        let _ = tokio::time::timeout(patience, database.append_events(&batch)).await;
    }
    let last = maker.event(session, 1_000, 1);
    database.append_events(&[last]).await.unwrap();
    let count = database.count_events(session).await.unwrap();
    assert_eq!(count % 20, 1, "a torn batch among {count}");
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (database, _directory) = open().await;
    let refused = sqlx::query("DELETE FROM settings")
        .execute(database.readers())
        .await;
    let refused = refused.map(|_| ()).map_err(StorageError::from);
    assert!(
        matches!(refused, Err(StorageError::ReadOnly)),
        "{refused:?}"
    );
}
