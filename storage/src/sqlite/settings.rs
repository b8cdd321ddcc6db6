//! [`SettingStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::{SecretDigest, Timestamp};
use sqlx::SqliteConnection;

use super::rows::corrupt;
use super::{Database, accounts};
use crate::accounts::AccountRecord;
use crate::error::{Conflict, Result, StorageError};
use crate::settings::{SettingStore, SetupToken};

#[async_trait]
impl SettingStore for Database {
    async fn organisation(&self) -> Result<Option<String>> {
        let name = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'organisation'")
            .fetch_optional(self.readers())
            .await?;
        Ok(name)
    }

    async fn set_organisation(&self, name: &str) -> Result<()> {
        let mut write = self.write().await?;
        write_organisation(write.on(), name).await?;
        write.commit().await
    }

    async fn set_setup_token(&self, token: &SetupToken) -> Result<()> {
        let mut write = self.write().await?;
        if accounts::count_administrators(write.on()).await? > 0 {
            return Err(Conflict::SetupDone.into());
        }
        sqlx::query("INSERT OR REPLACE INTO setup_token VALUES (1, ?, ?)")
            .bind(token.token.as_bytes().as_slice())
            .bind(token.expires_at.unix_ms())
            .execute(write.on())
            .await?;
        write.commit().await
    }

    async fn complete_setup(
        &self,
        token: &SecretDigest,
        organisation: &str,
        administrator: &AccountRecord,
        now: Timestamp,
    ) -> Result<()> {
        let mut write = self.write().await?;
        let consumed = sqlx::query("DELETE FROM setup_token WHERE token = ? AND expires_at > ?")
            .bind(token.as_bytes().as_slice())
            .bind(now.unix_ms())
            .execute(write.on())
            .await?;
        if consumed.rows_affected() == 0 {
            return Err(StorageError::NotFound("set-up token"));
        }
        if accounts::count_administrators(write.on()).await? > 0 {
            return Err(Conflict::SetupDone.into());
        }
        write_organisation(write.on(), organisation).await?;
        accounts::insert(write.on(), administrator).await?;
        write.commit().await
    }

    async fn server_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let mut write = self.write().await?;
        let kept: Vec<u8> = sqlx::query_scalar(
            "INSERT INTO server_secrets VALUES (?, ?)
             ON CONFLICT (name) DO UPDATE SET secret = secret RETURNING secret",
        )
        .bind(name)
        .bind(fresh.as_slice())
        .fetch_one(write.on())
        .await?;
        write.commit().await?;
        kept.try_into().map_err(|_| corrupt("secret"))
    }

    async fn raise_counter(&self, name: &str) -> Result<u64> {
        let mut write = self.write().await?;
        let value: i64 = sqlx::query_scalar(
            "INSERT INTO counters VALUES (?, 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )
        .bind(name)
        .fetch_one(write.on())
        .await?;
        write.commit().await?;
        Ok(value.cast_unsigned())
    }
}

async fn write_organisation(on: &mut SqliteConnection, name: &str) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO settings VALUES ('organisation', ?)")
        .bind(name)
        .execute(on)
        .await?;
    Ok(())
}
