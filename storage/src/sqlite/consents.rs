//! [`ConsentStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::id::{InvitationId, SessionId};
use sqlx::sqlite::SqliteRow;

use super::errors::or_conflict;
use super::rows::{BlobId, Columns, json};
use super::{Database, sessions};
use crate::consents::{ConsentRecord, ConsentStore};
use crate::error::{Result, StorageError};
use crate::sessions::SessionRecord;

#[async_trait]
impl ConsentStore for Database {
    async fn give_consent(
        &self,
        consent: &ConsentRecord,
        session: &SessionRecord,
    ) -> Result<SessionRecord> {
        let mut write = self.write().await?;
        let active: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM customers
             WHERE invitation = ? AND session = ? AND state = 'active'",
        )
        .bind(consent.invitation.blob())
        .bind(consent.session.blob())
        .fetch_one(write.on())
        .await?;
        if active == 0 || consent.session != session.id {
            return Err(StorageError::NotFound("customer"));
        }
        sqlx::query("INSERT INTO consents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(consent.id.blob())
            .bind(consent.session.blob())
            .bind(consent.invitation.blob())
            .bind(json(&consent.capabilities))
            .bind(consent.text_version)
            .bind(consent.text_sha256.as_slice())
            .bind(&consent.locale)
            .bind(&consent.shown_name)
            .bind(&consent.channel)
            .bind(consent.given_at.unix_ms())
            .execute(write.on())
            .await
            .map_err(|e| or_conflict(e, &[]))?;
        let kept = sessions::replace(write.on(), session).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn consents_of(&self, session: SessionId) -> Result<Vec<ConsentRecord>> {
        let rows = sqlx::query("SELECT * FROM consents WHERE session = ? ORDER BY given_at, id")
            .bind(session.blob())
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn consent_of(&self, invitation: InvitationId) -> Result<Option<ConsentRecord>> {
        let row = sqlx::query(
            "SELECT * FROM consents WHERE invitation = ? ORDER BY given_at DESC, id DESC LIMIT 1",
        )
        .bind(invitation.blob())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &SqliteRow) -> Result<ConsentRecord> {
    let row = Columns(row);
    Ok(ConsentRecord {
        id: row.id("id")?,
        session: row.id("session")?,
        invitation: row.id("invitation")?,
        capabilities: row.json("capabilities")?,
        text_version: row.small("text_version")?,
        text_sha256: row.array("text_sha256")?,
        locale: row.text("locale")?,
        shown_name: row.text("shown_name")?,
        channel: row.text("channel")?,
        given_at: row.time("given_at")?,
    })
}
