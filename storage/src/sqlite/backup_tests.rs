//! Backups of a database that goes on working, and restores of one that stopped.

use std::path::{Path, PathBuf};

use super::*;
use crate::conformance::sample::{Maker, at};
use crate::events::EventStore;
use crate::sqlite::Database;

async fn with_events(path: &Path, count: u64) -> Database {
    let database = Database::open(path, at(0)).await.unwrap();
    let mut maker = Maker::new();
    let session = maker.session(0).id;
    let events: Vec<_> = (1..=count)
        .map(|seq| maker.event(session, 1, seq))
        .collect();
    database.append_events(&events).await.unwrap();
    database
}

async fn count(database: &Database) -> u64 {
    database
        .count_events(Maker::new().session(0).id)
        .await
        .unwrap()
}

fn in_directory() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (
        directory.path().join("lens.db"),
        directory.path().join("copy.db"),
    );
    (directory, path, copy)
}

#[tokio::test]
async fn a_backup_of_a_working_database_is_whole_and_of_one_moment() {
    let (_directory, path, copy) = in_directory();
    let database = with_events(&path, 300).await;
    let mut maker = Maker::another();
    let session = maker.session(9).id;
    let writing = async {
        for seq in 1..=50 {
            let pair = [
                maker.event(session, 2, 2 * seq),
                maker.event(session, 2, 2 * seq + 1),
            ];
            database.append_events(&pair).await.unwrap();
        }
    };
    let (copied, ()) = tokio::join!(database.backup(&copy), writing);
    copied.unwrap();
    let restored = Database::open(&copy, at(0)).await.unwrap();
    assert_eq!(count(&restored).await, 300);
    assert_eq!(
        restored.count_events(session).await.unwrap() % 2,
        0,
        "a torn pair"
    );
    assert_eq!(database.count_events(session).await.unwrap(), 100);
}

#[tokio::test]
async fn a_backup_never_replaces_a_file() {
    let (_directory, path, copy) = in_directory();
    let database = with_events(&path, 1).await;
    std::fs::write(&copy, "precious").unwrap();
    let refused = database.backup(&copy).await;
    assert!(
        matches!(refused, Err(StorageError::Open { .. })),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&copy).unwrap(), b"precious");
}

#[tokio::test]
async fn a_restored_backup_stands_in_the_place_of_the_former_which_is_kept() {
    let (_directory, path, copy) = in_directory();
    let database = with_events(&path, 5).await;
    database.backup(&copy).await.unwrap();
    let session = Maker::new().session(0).id;
    let more = Maker::another().event(session, 9, 1);
    database.append_events(&[more]).await.unwrap();
    database.close().await;
    let former = restore(&copy, &path, at(7)).await.unwrap().unwrap();
    assert_eq!(count(&Database::open(&path, at(8)).await.unwrap()).await, 5);
    assert_eq!(
        count(&Database::open(&former, at(8)).await.unwrap()).await,
        6
    );
}

#[tokio::test]
async fn a_backup_can_be_restored_where_nothing_was() {
    let (directory, path, copy) = in_directory();
    with_events(&path, 5).await.backup(&copy).await.unwrap();
    let elsewhere = directory.path().join("elsewhere.db");
    assert_eq!(restore(&copy, &elsewhere, at(7)).await.unwrap(), None);
    assert_eq!(
        count(&Database::open(&elsewhere, at(8)).await.unwrap()).await,
        5
    );
}

#[tokio::test]
async fn nothing_is_restored_over_a_database_in_use() {
    let (_directory, path, copy) = in_directory();
    let database = with_events(&path, 5).await;
    database.backup(&copy).await.unwrap();
    let refused = restore(&copy, &path, at(7)).await;
    assert!(matches!(refused, Err(StorageError::Busy)), "{refused:?}");
    let more = Maker::another().event(Maker::new().session(0).id, 9, 1);
    database.append_events(&[more]).await.unwrap();
    assert_eq!(count(&database).await, 6);
}

#[tokio::test]
async fn a_damaged_or_missing_backup_is_refused_before_anything_is_touched() {
    let (directory, path, copy) = in_directory();
    let database = with_events(&path, 400).await;
    database.backup(&copy).await.unwrap();
    database.close().await;
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xa5);
    std::fs::write(&copy, bytes).unwrap();
    let empty = directory.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    for bad in [&copy, &empty] {
        let refused = restore(bad, &path, at(7)).await;
        assert!(
            matches!(refused, Err(StorageError::Corrupt(_))),
            "{refused:?}"
        );
    }
    let refused = restore(&directory.path().join("no.db"), &path, at(7)).await;
    assert!(
        matches!(refused, Err(StorageError::Open { .. })),
        "{refused:?}"
    );
    assert_eq!(
        count(&Database::open(&path, at(8)).await.unwrap()).await,
        400
    );
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced() {
    let (_directory, path, copy) = in_directory();
    let database = with_events(&path, 5).await;
    database.backup(&copy).await.unwrap();
    database.close().await;
    std::fs::write(&path, vec![b'x'; 5_000]).unwrap();
    restore(&copy, &path, at(7)).await.unwrap();
    assert_eq!(count(&Database::open(&path, at(8)).await.unwrap()).await, 5);
}
