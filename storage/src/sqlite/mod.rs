//! SQLite: the embedded default for all that must outlive the process.
//!
//! One writer connection and a few readers on one file in WAL mode, `synchronous=FULL`: a commit
//! that was acknowledged survives a power cut. Writers take turns at a fair lock, so none meets
//! `SQLITE_BUSY` from within this process; another process (the command line beside a running
//! server) is waited for, for a while.
//!
//! Start with [`Database::open`]; [`backup`] has backup and restore, [`migrate`] the schema's steps.

mod accounts;
mod api_keys;
pub mod backup;
mod consents;
mod customers;
mod errors;
mod events;
mod idempotency;
mod invitations;
mod logins;
pub mod migrate;
mod open;
mod rows;
mod sessions;
mod settings;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use crate::error::Result;

pub use open::Options;

/// An open database file; clones share it. Implements every trait of the nouns kept in SQLite.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    connect: SqliteConnectOptions,
    wait: std::time::Duration,
    /// None while it is closed: after a change that was not committed, see [`write::Write`].
    writer: Arc<Mutex<Option<SqliteConnection>>>,
    readers: SqlitePool,
}

impl Database {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Connections for reading; never write through them.
    fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }

    /// A new connection with the product's settings.
    async fn connect(&self) -> Result<SqliteConnection> {
        Ok(self.inner.connect.connect().await?)
    }

    /// Closes the file. Calls that come later open it again: stop the services first.
    pub async fn close(&self) {
        if let Some(writer) = self.inner.writer.lock().await.take() {
            // Nothing waits for commit here, so a failure to close loses nothing.
            let _ = sqlx::Connection::close(writer).await;
        }
        self.inner.readers.close().await;
    }
}
