//! [`InvitationStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::id::{InvitationId, SessionId};
use lens_protocol::{SecretDigest, Timestamp};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::errors::or_conflict;
use super::rows::{BlobId, Columns, corrupt};
use super::{Database, customers, sessions};
use crate::customers::CustomerRecord;
use crate::error::{Conflict, Result, StorageError};
use crate::invitations::{InvitationRecord, InvitationState, InvitationStore};
use crate::sessions::SessionRecord;

#[async_trait]
impl InvitationStore for Database {
    async fn issue_invitation(
        &self,
        invitation: &InvitationRecord,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord> {
        let mut write = self.write().await?;
        let kept = sessions::replace(write.on(), session).await?;
        end_all(write.on(), kept.id, now).await?;
        insert(write.on(), invitation, now).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn invitation_by_pin(
        &self,
        pin: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>> {
        let row = sqlx::query(
            "SELECT * FROM invitations
             WHERE pin = ? AND holds_pin = 1 AND state <> 'ended' AND expires_at > ?",
        )
        .bind(pin.as_bytes().as_slice())
        .bind(now.unix_ms())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(read).transpose()
    }

    async fn invitation_by_lookup(
        &self,
        lookup: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>> {
        let row = sqlx::query(
            "SELECT * FROM invitations
             WHERE lookup = ? AND state <> 'ended' AND expires_at > ?",
        )
        .bind(lookup.as_bytes().as_slice())
        .bind(now.unix_ms())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(read).transpose()
    }

    async fn live_invitation(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>> {
        let row = sqlx::query(
            "SELECT * FROM invitations WHERE session = ? AND state = 'live' AND expires_at > ?",
        )
        .bind(session.blob())
        .bind(now.unix_ms())
        .fetch_optional(self.readers())
        .await?;
        row.as_ref().map(read).transpose()
    }

    async fn redeem_invitation(
        &self,
        customer: &CustomerRecord,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord> {
        let mut write = self.write().await?;
        let redeemed = sqlx::query(
            "UPDATE invitations SET state = 'redeemed'
             WHERE id = ? AND session = ? AND state = 'live' AND expires_at > ?",
        )
        .bind(customer.invitation.blob())
        .bind(session.id.blob())
        .bind(now.unix_ms())
        .execute(write.on())
        .await?;
        if redeemed.rows_affected() == 0 {
            return Err(why_not_redeemed(write.on(), customer.invitation, now).await?);
        }
        customers::insert(write.on(), customer).await?;
        let kept = sessions::replace(write.on(), session).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn withdraw_invitation(
        &self,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord> {
        let mut write = self.write().await?;
        let kept = sessions::replace(write.on(), session).await?;
        end_all(write.on(), kept.id, now).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn count_pins(&self, now: Timestamp) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM invitations WHERE holds_pin = 1 AND expires_at > ?",
        )
        .bind(now.unix_ms())
        .fetch_one(self.readers())
        .await?;
        Ok(count.cast_unsigned())
    }

    async fn end_expired_invitations(&self, now: Timestamp) -> Result<Vec<InvitationRecord>> {
        // Asked through a reader first: most of the time there is nothing to write.
        let over: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM invitations WHERE holds_pin = 1 AND expires_at <= ?",
        )
        .bind(now.unix_ms())
        .fetch_one(self.readers())
        .await?;
        if over == 0 {
            return Ok(Vec::new());
        }
        let mut write = self.write().await?;
        let rows = sqlx::query(
            "UPDATE invitations SET state = 'ended', holds_pin = 0
             WHERE holds_pin = 1 AND state = 'live' AND expires_at <= ? RETURNING *",
        )
        .bind(now.unix_ms())
        .fetch_all(write.on())
        .await?;
        sqlx::query("UPDATE invitations SET holds_pin = 0 WHERE holds_pin = 1 AND expires_at <= ?")
            .bind(now.unix_ms())
            .execute(write.on())
            .await?;
        write.commit().await?;
        rows.iter().map(read).collect()
    }
}

/// Adds a live invitation. Its PIN must have no owner at `now`.
pub(super) async fn insert(
    on: &mut SqliteConnection,
    invitation: &InvitationRecord,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "UPDATE invitations SET holds_pin = 0
         WHERE pin = ? AND holds_pin = 1 AND expires_at <= ?",
    )
    .bind(invitation.pin.as_bytes().as_slice())
    .bind(now.unix_ms())
    .execute(&mut *on)
    .await?;
    sqlx::query("INSERT INTO invitations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(invitation.id.blob())
        .bind(invitation.session.blob())
        .bind(invitation.pin.as_bytes().as_slice())
        .bind(invitation.state != InvitationState::Ended)
        .bind(invitation.lookup.as_bytes().as_slice())
        .bind(invitation.auth.as_bytes().as_slice())
        .bind(invitation.created_at.unix_ms())
        .bind(invitation.expires_at.unix_ms())
        .bind(state_word(invitation.state))
        .execute(on)
        .await
        .map_err(|e| or_conflict(e, &[("invitations.pin", Conflict::Pin)]))?;
    Ok(())
}

/// Ends the invitations of a session that has ended; its customer stays known, so that their
/// page can say that it is over.
pub(super) async fn end_with_session(on: &mut SqliteConnection, session: SessionId) -> Result<()> {
    sqlx::query(
        "UPDATE invitations SET holds_pin = 0, state = iif(state = 'live', 'ended', state)
         WHERE session = ? AND (holds_pin = 1 OR state = 'live')",
    )
    .bind(session.blob())
    .execute(on)
    .await?;
    Ok(())
}

/// Ends whatever leads or led into the session: invitations, and the customer who is in.
async fn end_all(on: &mut SqliteConnection, session: SessionId, now: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE invitations SET holds_pin = 0, state = 'ended'
         WHERE session = ? AND state <> 'ended'",
    )
    .bind(session.blob())
    .execute(&mut *on)
    .await?;
    customers::put_out(on, session, now).await
}

async fn why_not_redeemed(
    on: &mut SqliteConnection,
    id: InvitationId,
    now: Timestamp,
) -> Result<StorageError> {
    let redeemed: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM invitations WHERE id = ? AND state = 'redeemed' AND expires_at > ?",
    )
    .bind(id.blob())
    .bind(now.unix_ms())
    .fetch_one(on)
    .await?;
    Ok(match redeemed {
        0 => StorageError::NotFound("invitation"),
        _ => Conflict::Redeemed.into(),
    })
}

fn read(row: &SqliteRow) -> Result<InvitationRecord> {
    let row = Columns(row);
    Ok(InvitationRecord {
        id: row.id("id")?,
        session: row.id("session")?,
        pin: row.digest("pin")?,
        lookup: row.digest("lookup")?,
        auth: row.digest("auth")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        state: match row.text("state")?.as_str() {
            "live" => InvitationState::Live,
            "redeemed" => InvitationState::Redeemed,
            "ended" => InvitationState::Ended,
            _ => return Err(corrupt("state")),
        },
    })
}

const fn state_word(state: InvitationState) -> &'static str {
    match state {
        InvitationState::Live => "live",
        InvitationState::Redeemed => "redeemed",
        InvitationState::Ended => "ended",
    }
}
