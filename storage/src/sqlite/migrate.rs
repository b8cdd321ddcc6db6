//! The schema's steps: numbered, forward only, each applied once and never edited afterwards.
//!
//! To add one: put `NNNN_name.sql` beside the others and a line at the end of [`MIGRATIONS`]. All
//! pending steps run in one exclusive transaction; the file as it was is copied first.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use lens_protocol::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::backup;
use crate::error::{Result, StorageError};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place: 1, 2, 3 … without gaps.
    pub number: u32,
    /// What it is about, in a word.
    pub name: &'static str,
    /// Its statements. The text is part of the schema's identity: not a blank may change.
    pub sql: &'static str,
}

/// All steps, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "registry",
        sql: include_str!("migrations/0001_registry.sql"),
    },
    Migration {
        number: 2,
        name: "idempotency",
        sql: include_str!("migrations/0002_idempotency.sql"),
    },
];

/// "Lens" in ASCII: tells our files from other SQLite files.
const APPLICATION_ID: i64 = 0x4c65_6e73;

/// The newest schema this build knows.
pub fn newest() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

/// Applies what is missing. `NewerSchema` and `AlteredSchema` leave the file untouched.
pub(super) async fn bring_up_to_date(
    connection: &mut SqliteConnection,
    path: &Path,
    now: Timestamp,
) -> Result<()> {
    apply(connection, path, MIGRATIONS, now).await
}

/// What `bring_up_to_date` does, with any list of steps.
async fn apply(
    connection: &mut SqliteConnection,
    path: &Path,
    steps: &[Migration],
    now: Timestamp,
) -> Result<()> {
    let found = check(connection, steps).await?;
    if found == Some(last_number(steps)) {
        return Ok(());
    }
    if let Some(number) = found {
        let copy = copy_name(path, number, now);
        backup::copy_into(connection, &copy).await?;
        tracing::info!(from = number, to = last_number(steps), copy = %copy.display(),
            "the database's schema is brought up to date; the former file was copied");
    }
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut *connection)
        .await?;
    // The connection is dropped by the caller on an error, which rolls everything back.
    // Another process may have been faster while this one waited for the lock.
    let found = check(connection, steps).await?.unwrap_or(0);
    if found == 0 {
        prepare(connection).await?;
    }
    for step in steps.iter().filter(|step| step.number > found) {
        sqlx::raw_sql(step.sql).execute(&mut *connection).await?;
        sqlx::query("INSERT INTO schema_migrations VALUES (?, ?, ?, ?)")
            .bind(step.number)
            .bind(step.name)
            .bind(checksum(step.sql))
            .bind(now.unix_ms())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(())
}

/// The schema's number in the file; none for a new, empty file. Fails for a file of somebody
/// else, of a newer release, or with other steps than ours.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    steps: &[Migration],
) -> Result<Option<u32>> {
    // In one statement: another process can make the schema between two.
    let (application, tables): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if application == 0 && tables == 0 {
        return Ok(None);
    }
    if application != APPLICATION_ID {
        return Err(StorageError::Corrupt(
            "this SQLite file is not one of Lens".to_owned(),
        ));
    }
    let rows = sqlx::query("SELECT number, sha256 FROM schema_migrations ORDER BY number")
        .fetch_all(&mut *connection)
        .await?;
    let mut found = 0;
    for row in rows {
        let number: u32 = row.try_get("number")?;
        let sha256: Vec<u8> = row.try_get("sha256")?;
        match steps.iter().find(|step| step.number == number) {
            None => found = found.max(number),
            Some(step) if checksum(step.sql) == sha256 => found = found.max(number),
            Some(_) => return Err(StorageError::AlteredSchema { number }),
        }
    }
    let known = last_number(steps);
    if found > known {
        return Err(StorageError::NewerSchema { found, known });
    }
    Ok(Some(found))
}

async fn prepare(connection: &mut SqliteConnection) -> Result<()> {
    // 1281715827 is APPLICATION_ID: a pragma takes no parameters. A test compares them.
    sqlx::raw_sql(
        "PRAGMA application_id = 1281715827;
         CREATE TABLE schema_migrations (
             number     INTEGER NOT NULL PRIMARY KEY,
             name       TEXT    NOT NULL,
             sha256     BLOB    NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT;",
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

fn last_number(steps: &[Migration]) -> u32 {
    steps.last().map_or(0, |last| last.number)
}

/// Where the file is copied to before step `number + 1`.
fn copy_name(path: &Path, number: u32, now: Timestamp) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{:04}-{}", number + 1, now.unix_ms()));
    name.into()
}

#[cfg(test)]
#[path = "migrate_tests.rs"]
mod tests;
