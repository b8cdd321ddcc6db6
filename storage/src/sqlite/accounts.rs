//! [`AccountStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::account::AccountRole;
use lens_protocol::id::TechnicianId;
use lens_protocol::{SecretText, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Database;
use super::errors::or_conflict;
use super::rows::{BlobId, Columns, word};
use super::write::Write;
use crate::accounts::{AccountRecord, AccountStore};
use crate::error::{Conflict, Result, StorageError};

const ABSENT: StorageError = StorageError::NotFound("account");

#[async_trait]
impl AccountStore for Database {
    async fn add_account(&self, account: &AccountRecord) -> Result<()> {
        let mut write = self.write().await?;
        insert(write.on(), account).await?;
        write.commit().await
    }

    async fn account(&self, id: TechnicianId) -> Result<Option<AccountRecord>> {
        let row = sqlx::query("SELECT * FROM accounts WHERE id = ?")
            .bind(id.blob())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn account_by_email(&self, email: &str) -> Result<Option<AccountRecord>> {
        let row = sqlx::query("SELECT * FROM accounts WHERE email = ?")
            .bind(email)
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn accounts(&self) -> Result<Vec<AccountRecord>> {
        let rows = sqlx::query("SELECT * FROM accounts ORDER BY email")
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn count_accounts(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM accounts")
            .fetch_one(self.readers())
            .await?;
        Ok(count.cast_unsigned())
    }

    async fn has_administrator(&self) -> Result<bool> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM accounts WHERE role = 'administrator' AND disabled = 0",
        )
        .fetch_one(self.readers())
        .await?;
        Ok(count > 0)
    }

    async fn record_failed_login(
        &self,
        id: TechnicianId,
        lock_after: u32,
        lock_until: Timestamp,
        now: Timestamp,
    ) -> Result<AccountRecord> {
        let mut write = self.write().await?;
        let mut account = existing(&mut write, id).await?;
        if account.is_locked(now) {
            write.commit().await?;
            return Ok(account);
        }
        account.failed_logins = account.failed_logins.saturating_add(1);
        account.locked_until = None;
        if account.failed_logins >= lock_after {
            account.failed_logins = 0;
            account.locked_until = Some(lock_until);
        }
        sqlx::query("UPDATE accounts SET failed_logins = ?, locked_until = ? WHERE id = ?")
            .bind(account.failed_logins)
            .bind(account.locked_until.map(Timestamp::unix_ms))
            .bind(id.blob())
            .execute(write.on())
            .await?;
        write.commit().await?;
        Ok(account)
    }

    async fn unlock_account(&self, id: TechnicianId) -> Result<()> {
        let mut write = self.write().await?;
        existing(&mut write, id).await?;
        sqlx::query("UPDATE accounts SET failed_logins = 0, locked_until = NULL WHERE id = ?")
            .bind(id.blob())
            .execute(write.on())
            .await?;
        write.commit().await
    }

    async fn set_password(&self, id: TechnicianId, hash: &SecretText) -> Result<u64> {
        let mut write = self.write().await?;
        let account = existing(&mut write, id).await?;
        sqlx::query(
            "UPDATE accounts SET password = ?, failed_logins = 0, locked_until = NULL
             WHERE id = ?",
        )
        .bind(hash.expose())
        .bind(id.blob())
        .execute(write.on())
        .await?;
        let epoch = end_logins(&mut write, &account).await?;
        write.commit().await?;
        Ok(epoch)
    }

    async fn rehash_password(
        &self,
        id: TechnicianId,
        former: &SecretText,
        hash: &SecretText,
    ) -> Result<()> {
        let mut write = self.write().await?;
        existing(&mut write, id).await?;
        sqlx::query("UPDATE accounts SET password = ? WHERE id = ? AND password = ?")
            .bind(hash.expose())
            .bind(id.blob())
            .bind(former.expose())
            .execute(write.on())
            .await?;
        write.commit().await
    }

    async fn set_disabled(&self, id: TechnicianId, disabled: bool) -> Result<u64> {
        let mut write = self.write().await?;
        let account = existing(&mut write, id).await?;
        if account.disabled == disabled {
            write.commit().await?;
            return Ok(account.auth_epoch);
        }
        sqlx::query("UPDATE accounts SET disabled = ? WHERE id = ?")
            .bind(disabled)
            .bind(id.blob())
            .execute(write.on())
            .await?;
        let mut epoch = account.auth_epoch;
        if disabled {
            let administers = account.role == AccountRole::Administrator;
            if administers && count_administrators(write.on()).await? == 0 {
                return Err(Conflict::LastAdministrator.into());
            }
            epoch = end_logins(&mut write, &account).await?;
        }
        write.commit().await?;
        Ok(epoch)
    }

    async fn rename_account(&self, id: TechnicianId, name: &str) -> Result<()> {
        let mut write = self.write().await?;
        existing(&mut write, id).await?;
        sqlx::query("UPDATE accounts SET name = ? WHERE id = ?")
            .bind(name)
            .bind(id.blob())
            .execute(write.on())
            .await?;
        write.commit().await
    }
}

/// Adds the row of an account.
pub(super) async fn insert(on: &mut SqliteConnection, account: &AccountRecord) -> Result<()> {
    sqlx::query("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(account.id.blob())
        .bind(&account.email)
        .bind(&account.name)
        .bind(word(&account.role))
        .bind(account.password.as_ref().map(SecretText::expose))
        .bind(account.disabled)
        .bind(account.failed_logins)
        .bind(account.locked_until.map(Timestamp::unix_ms))
        .bind(account.auth_epoch.cast_signed())
        .bind(account.created_at.unix_ms())
        .bind(account.last_login_at.map(Timestamp::unix_ms))
        .execute(on)
        .await
        .map_err(|e| or_conflict(e, &[("accounts.email", Conflict::Email)]))?;
    Ok(())
}

/// How many administrators can sign in.
pub(super) async fn count_administrators(on: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM accounts WHERE role = 'administrator' AND disabled = 0",
    )
    .fetch_one(on)
    .await?)
}

/// An account from its row.
pub(super) fn read(row: &SqliteRow) -> Result<AccountRecord> {
    let row = Columns(row);
    Ok(AccountRecord {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        role: row.word("role")?,
        password: row.maybe_text("password")?.map(SecretText::new),
        disabled: row.flag("disabled")?,
        failed_logins: row.small("failed_logins")?,
        locked_until: row.maybe_time("locked_until")?,
        auth_epoch: row.count("auth_epoch")?,
        created_at: row.time("created_at")?,
        last_login_at: row.maybe_time("last_login_at")?,
    })
}

async fn existing(write: &mut Write, id: TechnicianId) -> Result<AccountRecord> {
    let row = sqlx::query("SELECT * FROM accounts WHERE id = ?")
        .bind(id.blob())
        .fetch_optional(write.on())
        .await?;
    read(&row.ok_or(ABSENT)?)
}

async fn end_logins(write: &mut Write, account: &AccountRecord) -> Result<u64> {
    let epoch = account.auth_epoch.wrapping_add(1);
    sqlx::query("UPDATE accounts SET auth_epoch = ? WHERE id = ?")
        .bind(epoch.cast_signed())
        .bind(account.id.blob())
        .execute(write.on())
        .await?;
    sqlx::query("DELETE FROM logins WHERE technician = ?")
        .bind(account.id.blob())
        .execute(write.on())
        .await?;
    Ok(epoch)
}
