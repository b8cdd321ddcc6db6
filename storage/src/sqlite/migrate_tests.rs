//! The schema's steps, applied, refused and rolled back.

use std::path::Path;

use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::*;
use crate::conformance::sample::at;
use crate::sqlite::Database;
use crate::sqlite::open::connect_options;

async fn connect(path: &Path) -> SqliteConnection {
    let options = connect_options(path, std::time::Duration::from_secs(1));
    options.create_if_missing(true).connect().await.unwrap()
}

async fn migrated(path: &Path, steps: &[Migration]) -> Result<()> {
    let mut connection = connect(path).await;
    let outcome = apply(&mut connection, path, steps, at(0)).await;
    connection.close().await.unwrap();
    outcome
}

/// Every table, index and trigger of the file, as SQL.
async fn schema(path: &Path) -> Vec<String> {
    let mut connection = connect(path).await;
    let schema = sqlx::query_scalar(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    schema
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect()
}

fn extra(number: u32, sql: &'static str) -> Vec<Migration> {
    let mut steps = MIGRATIONS.to_vec();
    let name = "extra";
    steps.push(Migration { number, name, sql });
    steps
}

#[test]
fn steps_are_numbered_without_gaps() {
    let numbers: Vec<u32> = MIGRATIONS.iter().map(|step| step.number).collect();
    let expected: Vec<u32> = (1..=newest()).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn every_earlier_schema_becomes_the_newest_and_is_copied_first() {
    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("fresh.db");
    migrated(&fresh, MIGRATIONS).await.unwrap();
    for known in 1..MIGRATIONS.len() {
        let path = directory.path().join(format!("{known}.db"));
        migrated(&path, &MIGRATIONS[..known]).await.unwrap();
        migrated(&path, MIGRATIONS).await.unwrap();
        assert_eq!(schema(&path).await, schema(&fresh).await, "from {known}");
        let copy = copy_name(&path, known as u32, at(0));
        assert_eq!(backup::verify(&copy).await.unwrap(), known as u32);
    }
}

#[tokio::test]
async fn a_schema_that_is_up_to_date_is_not_copied() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    for _ in 0..2 {
        migrated(&path, MIGRATIONS).await.unwrap();
    }
    assert_eq!(names_in(directory.path()), ["lens.db"]);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_a_sentence_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    let newer = extra(newest() + 1, "CREATE TABLE of_tomorrow (x INTEGER) STRICT;");
    migrated(&path, &newer).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = Database::open(&path, at(0)).await.err().unwrap();
    let StorageError::NewerSchema { found, known } = refused else {
        panic!("{refused}");
    };
    assert_eq!((found, known), (newest() + 1, newest()));
    assert!(
        refused
            .to_string()
            .contains("start the release that wrote it"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_schema_with_an_altered_step_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    let mut altered = MIGRATIONS.to_vec();
    altered[0].sql = "CREATE TABLE something_else (x INTEGER) STRICT;";
    migrated(&path, &altered[..1]).await.unwrap();
    let refused = migrated(&path, MIGRATIONS).await;
    assert!(
        matches!(refused, Err(StorageError::AlteredSchema { number: 1 })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_former_schema() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    migrated(&path, MIGRATIONS).await.unwrap();
    let before = schema(&path).await;
    let broken = extra(
        newest() + 1,
        "CREATE TABLE half (x INTEGER) STRICT; CREATE TABL oops;",
    );
    assert!(migrated(&path, &broken).await.is_err());
    assert_eq!(schema(&path).await, before);
    Database::open(&path, at(0)).await.unwrap();
}

#[tokio::test]
async fn files_of_others_are_refused_as_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = directory.path().join("foreign.db");
    let mut connection = connect(&foreign).await;
    sqlx::raw_sql("CREATE TABLE theirs (x INTEGER)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let garbage = directory.path().join("garbage.db");
    std::fs::write(&garbage, vec![b'x'; 10_000]).unwrap();
    for path in [foreign, garbage] {
        let refused = Database::open(&path, at(0)).await.err();
        assert!(
            matches!(refused, Some(StorageError::Corrupt(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn whoever_opens_a_new_file_at_once_succeeds() {
    let directory = tempfile::tempdir().unwrap();
    // One pair meets in the few microseconds that matter in one of a hundred times.
    for file in 0..20 {
        let path = directory.path().join(format!("{file}.db"));
        let open = || Database::open(&path, at(0));
        let (first, second, third, fourth) = tokio::join!(open(), open(), open(), open());
        for opened in [first, second, third, fourth] {
            opened.unwrap();
        }
    }
}

#[tokio::test]
async fn our_files_say_whose_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    migrated(&path, MIGRATIONS).await.unwrap();
    let header = std::fs::read(&path).unwrap();
    // https://www.sqlite.org/fileformat2.html: the application id stands at byte 68.
    assert_eq!(&header[68..72], b"Lens");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lens.db");
    let database = Database::open(&path, at(0)).await.unwrap();
    database
        .backup(&directory.path().join("copy.db"))
        .await
        .unwrap();
    for name in names_in(directory.path()) {
        let metadata = std::fs::metadata(directory.path().join(&name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}
