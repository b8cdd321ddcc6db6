//! [`CustomerStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::id::SessionId;
use lens_protocol::{SecretDigest, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Database;
use super::errors::or_conflict;
use super::rows::{BlobId, Columns, corrupt};
use crate::customers::{CustomerRecord, CustomerState, CustomerStore};
use crate::error::Result;

#[async_trait]
impl CustomerStore for Database {
    async fn customer(&self, credential: &SecretDigest) -> Result<Option<CustomerRecord>> {
        let row = sqlx::query("SELECT * FROM customers WHERE credential = ?")
            .bind(credential.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn customer_of_session(&self, session: SessionId) -> Result<Option<CustomerRecord>> {
        let row = sqlx::query("SELECT * FROM customers WHERE session = ? AND state = 'active'")
            .bind(session.blob())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

/// Adds the row of a customer who is in.
pub(super) async fn insert(on: &mut SqliteConnection, customer: &CustomerRecord) -> Result<()> {
    sqlx::query("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, 'active', NULL)")
        .bind(customer.credential.as_bytes().as_slice())
        .bind(customer.session.blob())
        .bind(customer.invitation.blob())
        .bind(&customer.device)
        .bind(&customer.locale)
        .bind(customer.redeemed_at.unix_ms())
        .execute(on)
        .await
        .map_err(|e| or_conflict(e, &[]))?;
    Ok(())
}

/// Puts the customer of a session out, if one is in.
pub(super) async fn put_out(
    on: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE customers SET state = 'put_out', put_out_at = ?
         WHERE session = ? AND state = 'active'",
    )
    .bind(now.unix_ms())
    .bind(session.blob())
    .execute(on)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<CustomerRecord> {
    let row = Columns(row);
    Ok(CustomerRecord {
        credential: row.digest("credential")?,
        session: row.id("session")?,
        invitation: row.id("invitation")?,
        device: row.maybe_text("device")?,
        locale: row.maybe_text("locale")?,
        redeemed_at: row.time("redeemed_at")?,
        state: match row.text("state")?.as_str() {
            "active" => CustomerState::Active,
            "put_out" => CustomerState::PutOut,
            _ => return Err(corrupt("state")),
        },
        put_out_at: row.maybe_time("put_out_at")?,
    })
}
