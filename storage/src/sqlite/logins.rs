//! [`LoginStore`] in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::id::TechnicianId;
use lens_protocol::{SecretDigest, Timestamp};

use super::errors::or_conflict;
use super::rows::{BlobId, Columns};
use super::{Database, accounts};
use crate::error::{Conflict, Result};
use crate::logins::{AtLock, LoginRecord, LoginStore, SignedIn};

#[async_trait]
impl LoginStore for Database {
    async fn record_login(
        &self,
        login: &LoginRecord,
        at_lock: AtLock,
        now: Timestamp,
    ) -> Result<()> {
        let mut write = self.write().await?;
        let counted = sqlx::query(
            "UPDATE accounts SET failed_logins = 0, last_login_at = ?1,
               locked_until = CASE WHEN locked_until > ?1 THEN locked_until END
             WHERE id = ?2 AND disabled = 0 AND auth_epoch = ?3
               AND (?4 OR locked_until IS NULL OR locked_until <= ?1)",
        )
        .bind(now.unix_ms())
        .bind(login.technician.blob())
        .bind(login.auth_epoch.cast_signed())
        .bind(at_lock == AtLock::Pass)
        .execute(write.on())
        .await?;
        if counted.rows_affected() == 0 {
            return Err(Conflict::Account.into());
        }
        sqlx::query("INSERT INTO logins VALUES (?, ?, ?, ?, ?, ?)")
            .bind(login.token.as_bytes().as_slice())
            .bind(login.technician.blob())
            .bind(login.auth_epoch.cast_signed())
            .bind(login.created_at.unix_ms())
            .bind(login.last_seen_at.unix_ms())
            .bind(login.expires_at.unix_ms())
            .execute(write.on())
            .await
            .map_err(|e| or_conflict(e, &[]))?;
        write.commit().await
    }

    async fn signed_in(
        &self,
        token: &SecretDigest,
        idle: Duration,
        now: Timestamp,
    ) -> Result<Option<SignedIn>> {
        let row = sqlx::query(
            "SELECT accounts.*, logins.last_seen_at, logins.expires_at,
                    logins.created_at AS login_at
             FROM logins JOIN accounts
               ON accounts.id = logins.technician AND accounts.auth_epoch = logins.auth_epoch
             WHERE token = ? AND expires_at > ? AND last_seen_at > ? AND disabled = 0",
        )
        .bind(token.as_bytes().as_slice())
        .bind(now.unix_ms())
        .bind(now.minus(idle).unix_ms())
        .fetch_optional(self.readers())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let account = accounts::read(&row)?;
        let columns = Columns(&row);
        let login = LoginRecord {
            token: *token,
            technician: account.id,
            auth_epoch: account.auth_epoch,
            created_at: columns.time("login_at")?,
            last_seen_at: columns.time("last_seen_at")?,
            expires_at: columns.time("expires_at")?,
        };
        Ok(Some(SignedIn { login, account }))
    }

    async fn touch_login(&self, token: &SecretDigest, now: Timestamp) -> Result<()> {
        let mut write = self.write().await?;
        // A clock that was set back takes no life from a login.
        sqlx::query("UPDATE logins SET last_seen_at = max(last_seen_at, ?) WHERE token = ?")
            .bind(now.unix_ms())
            .bind(token.as_bytes().as_slice())
            .execute(write.on())
            .await?;
        write.commit().await
    }

    async fn delete_login(&self, token: &SecretDigest) -> Result<bool> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM logins WHERE token = ?")
            .bind(token.as_bytes().as_slice())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn delete_logins_of(&self, technician: TechnicianId) -> Result<u64> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM logins WHERE technician = ?")
            .bind(technician.blob())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(deleted.rows_affected())
    }

    async fn delete_expired_logins(&self, idle: Duration, now: Timestamp) -> Result<u64> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM logins WHERE expires_at <= ? OR last_seen_at <= ?")
            .bind(now.unix_ms())
            .bind(now.minus(idle).unix_ms())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(deleted.rows_affected())
    }
}
