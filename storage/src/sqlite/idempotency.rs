//! Idempotency keys on disk: a repeated request is recognised after a restart too.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use sqlx::Row;

use super::Database;
use super::rows::Columns;
use crate::error::{Result, StorageError};
use crate::idempotency::{Claim, IdempotencyKey, IdempotencyStore, StoredAnswer};

#[async_trait]
impl IdempotencyStore for Database {
    async fn claim(
        &self,
        key: &IdempotencyKey,
        fingerprint: &[u8; 32],
        now: Timestamp,
        claimed_until: Timestamp,
    ) -> Result<Claim> {
        let mut write = self.write().await?;
        let row = sqlx::query(
            "SELECT fingerprint, status, body FROM idempotency_keys
             WHERE owner = ? AND key = ? AND until > ?",
        )
        .bind(key.owner.as_str())
        .bind(&key.key)
        .bind(now.unix_ms())
        .fetch_optional(write.on())
        .await?;
        if let Some(row) = row {
            let columns = Columns(&row);
            if columns.array("fingerprint")? != *fingerprint {
                return Ok(Claim::Mismatch);
            }
            let status: Option<u16> = row.try_get("status")?;
            return Ok(match status {
                None => Claim::InFlight,
                Some(status) => Claim::Answered(StoredAnswer {
                    status,
                    body: columns.text("body")?,
                }),
            });
        }
        sqlx::query(
            "INSERT OR REPLACE INTO idempotency_keys (owner, key, fingerprint, until)
             VALUES (?, ?, ?, ?)",
        )
        .bind(key.owner.as_str())
        .bind(&key.key)
        .bind(fingerprint.as_slice())
        .bind(claimed_until.unix_ms())
        .execute(write.on())
        .await?;
        write.commit().await?;
        Ok(Claim::Fresh)
    }

    async fn store_answer(
        &self,
        key: &IdempotencyKey,
        answer: &StoredAnswer,
        kept_until: Timestamp,
    ) -> Result<()> {
        let mut write = self.write().await?;
        let done = sqlx::query(
            "UPDATE idempotency_keys SET status = ?, body = ?, until = ?
             WHERE owner = ? AND key = ? AND status IS NULL",
        )
        .bind(answer.status)
        .bind(&answer.body)
        .bind(kept_until.unix_ms())
        .bind(key.owner.as_str())
        .bind(&key.key)
        .execute(write.on())
        .await?;
        if done.rows_affected() == 0 {
            return Err(StorageError::NotFound("idempotency key"));
        }
        write.commit().await
    }

    async fn release(&self, key: &IdempotencyKey) -> Result<()> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM idempotency_keys WHERE owner = ? AND key = ? AND status IS NULL")
            .bind(key.owner.as_str())
            .bind(&key.key)
            .execute(write.on())
            .await?;
        write.commit().await
    }

    async fn forget_answers(&self, now: Timestamp) -> Result<u64> {
        let mut write = self.write().await?;
        let done = sqlx::query("DELETE FROM idempotency_keys WHERE until <= ?")
            .bind(now.unix_ms())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    async fn open(directory: &tempfile::TempDir) -> Database {
        let path = directory.path().join("lens.db");
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        Database::open(&path, now).await.expect("a new database")
    }

    #[tokio::test]
    async fn the_database_passes_the_suite() {
        let directory = tempfile::tempdir().expect("a directory");
        conformance::idempotency::run(&open(&directory).await).await;
    }

    #[tokio::test]
    async fn an_answer_outlives_the_process() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(&directory).await;
        let answer = conformance::idempotency::answered(&first, "kept").await;
        first.close().await;
        let second = open(&directory).await;
        let again = conformance::idempotency::claim(&second, "kept", 1).await;
        assert_eq!(again, Claim::Answered(answer));
    }
}
