//! [`ApiKeyStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::ApiKeyId;
use sqlx::sqlite::SqliteRow;

use super::Database;
use super::errors::or_conflict;
use super::rows::{BlobId, Columns, corrupt, json};
use crate::api_keys::{ApiKeyRecord, ApiKeyStore};
use crate::error::{Result, StorageError};

#[async_trait]
impl ApiKeyStore for Database {
    async fn add_api_key(&self, key: &ApiKeyRecord) -> Result<()> {
        let mut write = self.write().await?;
        sqlx::query("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(key.id.blob())
            .bind(key.owner.as_str())
            .bind(&key.name)
            .bind(key.secret.as_bytes().as_slice())
            .bind(json(&key.scopes))
            .bind(json(&key.allowed_origins))
            .bind(key.created_at.unix_ms())
            .bind(key.expires_at.map(Timestamp::unix_ms))
            .bind(key.revoked_at.map(Timestamp::unix_ms))
            .bind(key.last_used_at.map(Timestamp::unix_ms))
            .execute(write.on())
            .await
            .map_err(|e| or_conflict(e, &[]))?;
        write.commit().await
    }

    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyRecord>> {
        let row = sqlx::query("SELECT * FROM api_keys WHERE id = ?")
            .bind(id.blob())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>> {
        let rows = sqlx::query("SELECT * FROM api_keys ORDER BY id DESC")
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn revoke_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool> {
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT * FROM api_keys WHERE id = ?")
            .bind(id.blob())
            .fetch_optional(write.on())
            .await?;
        let key = read(&row.ok_or(StorageError::NotFound("API key"))?)?;
        sqlx::query("UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(now.unix_ms())
            .bind(id.blob())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(key.is_live(now))
    }

    async fn touch_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<()> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE api_keys SET last_used_at = ? WHERE id = ?")
            .bind(now.unix_ms())
            .bind(id.blob())
            .execute(write.on())
            .await?;
        write.commit().await
    }
}

fn read(row: &SqliteRow) -> Result<ApiKeyRecord> {
    let row = Columns(row);
    Ok(ApiKeyRecord {
        id: row.id("id")?,
        owner: row
            .text("owner")?
            .try_into()
            .map_err(|_| corrupt("owner"))?,
        name: row.text("name")?,
        secret: row.digest("secret")?,
        scopes: row.json("scopes")?,
        allowed_origins: row.json("allowed_origins")?,
        created_at: row.time("created_at")?,
        expires_at: row.maybe_time("expires_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
    })
}
