//! The one writer: a transaction that is either committed or never happened.

use sqlx::SqliteConnection;
use tokio::sync::OwnedMutexGuard;

use super::Database;
use crate::error::{Result, StorageError};

/// A transaction under way. Dropped without [`Write::commit`], it never happened.
///
/// sqlx's own `Transaction` is not used: after an error that made SQLite roll back by itself
/// (`SQLITE_FULL`), it goes on counting the transaction as open, and the only writer would be
/// unusable from then on. Instead the connection is closed, which rolls back whatever is open,
/// also when the caller's future is dropped half-way; the next writer opens a new one.
pub(super) struct Write {
    connection: OwnedMutexGuard<Option<SqliteConnection>>,
    committed: bool,
}

impl Database {
    /// Waits for the writer and begins. `Busy` when another holds it for too long.
    pub(super) async fn write(&self) -> Result<Write> {
        let lock = self.inner.writer.clone().lock_owned();
        let mut connection = tokio::time::timeout(self.inner.wait, lock)
            .await
            .map_err(|_| StorageError::Busy)?;
        if connection.is_none() {
            *connection = Some(self.connect().await?);
        }
        let mut write = Write {
            connection,
            committed: false,
        };
        sqlx::query("BEGIN IMMEDIATE").execute(write.on()).await?;
        Ok(write)
    }
}

impl Write {
    /// The connection to run statements on.
    pub(super) fn on(&mut self) -> &mut SqliteConnection {
        self.connection
            .as_mut()
            .expect("the connection is opened before the transaction begins")
    }

    /// Commits durably.
    pub(super) async fn commit(mut self) -> Result<()> {
        sqlx::query("COMMIT").execute(self.on()).await?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if !self.committed {
            *self.connection = None;
        }
    }
}
