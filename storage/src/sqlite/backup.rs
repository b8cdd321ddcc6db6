//! Backup of a running database and restore of a stopped one.
//!
//! A backup is one SQLite file, complete in itself, checked before it gets its name. To restore:
//! stop the server, [`restore`] the file into place, start the server. What stood there before is
//! kept beside it as `PATH.replaced-TIME`; delete it when the restored one is known to be good.
//! A backup of an older release is brought up to date at the next start; one of a newer release
//! is refused.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lens_protocol::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::open::{connect_options, make_private_file, open_error};
use super::{Database, migrate};
use crate::error::{Result, StorageError};

impl Database {
    /// Writes a copy of the whole database, as it is at one moment, to the new file `target`;
    /// the database goes on working meanwhile. `Open` when `target` exists, `Full`, `ReadOnly`.
    pub async fn backup(&self, target: &Path) -> Result<()> {
        let mut connection = self.connect().await?;
        copy_into(&mut connection, target).await?;
        connection.close().await?;
        Ok(())
    }
}

/// Puts the backup at `backup` in the place of the database at `database`, which no process may
/// have open (`Busy`). Returns where the former file is kept, if there was one.
///
/// The backup is checked whole first: `Corrupt` and `NewerSchema` leave everything as it was.
pub async fn restore(backup: &Path, database: &Path, now: Timestamp) -> Result<Option<PathBuf>> {
    verify(backup).await?;
    let part = beside(database, ".part");
    copy_file(backup, &part)?;
    let former = if database.exists() {
        close_out(database).await?;
        let kept = beside(database, &format!(".replaced-{}", now.unix_ms()));
        fs::rename(database, &kept).map_err(|e| open_error(database, e))?;
        Some(kept)
    } else {
        None
    };
    fs::rename(&part, database).map_err(|e| open_error(database, e))?;
    sync_directory(database)?;
    Ok(former)
}

/// Checks that the file is a whole database of Lens that this release can read. Returns its
/// schema's number. `Corrupt`, `NewerSchema`, `AlteredSchema`, `Open`.
pub async fn verify(file: &Path) -> Result<u32> {
    // SQLite would make the file, or read on to an empty database, without a word.
    File::open(file).map_err(|e| open_error(file, e))?;
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .immutable(true)
        .disable_statement_logging()
        .connect()
        .await?;
    let findings: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
        .fetch_all(&mut connection)
        .await?;
    if findings != ["ok"] {
        return Err(StorageError::Corrupt(findings.join("; ")));
    }
    let number = migrate::check(&mut connection, migrate::MIGRATIONS).await?;
    connection.close().await?;
    number.ok_or_else(|| StorageError::Corrupt("the file is empty".to_owned()))
}

/// Copies the database of `connection` into the new file `target`, through a file beside it, so
/// that `target` is whole or not there.
pub(super) async fn copy_into(connection: &mut SqliteConnection, target: &Path) -> Result<()> {
    if target.exists() {
        return Err(StorageError::Open {
            path: target.to_owned(),
            source: std::io::ErrorKind::AlreadyExists.into(),
        });
    }
    let part = beside(target, ".part");
    let copied = copy_to_part(connection, &part).await;
    if copied.is_err() {
        // What is left of a failed copy must not eat the space that is short already.
        let _ = fs::remove_file(&part);
        return copied;
    }
    fs::rename(&part, target).map_err(|e| open_error(target, e))?;
    sync_directory(target)
}

async fn copy_to_part(connection: &mut SqliteConnection, part: &Path) -> Result<()> {
    let _ = fs::remove_file(part);
    make_private_file(part)?;
    let name = part.to_str().ok_or_else(|| StorageError::Open {
        path: part.to_owned(),
        source: std::io::ErrorKind::InvalidFilename.into(),
    })?;
    sqlx::query("VACUUM INTO ?")
        .bind(name)
        .execute(connection)
        .await?;
    File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(|e| open_error(part, e))?;
    verify(part).await?;
    Ok(())
}

/// Writes everything of a stopped database into its one file; `Busy` when somebody has it open.
async fn close_out(database: &Path) -> Result<()> {
    // Leaving WAL mode needs the file exclusively, so it is also the test for a running server.
    let options = connect_options(database, Duration::from_millis(200))
        .journal_mode(SqliteJournalMode::Delete);
    match options.connect().await {
        Ok(connection) => Ok(connection.close().await?),
        Err(error) => match StorageError::from(error) {
            // A damaged database is what one restores a backup for.
            StorageError::Corrupt(_) => Ok(()),
            other => Err(other),
        },
    }
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_file(to);
    make_private_file(to)?;
    let copied = fs::copy(from, to)
        .and_then(|_| File::open(to))
        .and_then(|file| file.sync_all());
    copied.map_err(|e| {
        let _ = fs::remove_file(to);
        open_error(to, e)
    })
}

fn sync_directory(file: &Path) -> Result<()> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|e| open_error(directory, e))
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
