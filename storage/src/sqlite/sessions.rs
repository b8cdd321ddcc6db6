//! [`SessionStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, SessionId, TechnicianId};
use lens_protocol::session::TechnicianRef;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use super::errors::or_conflict;
use super::rows::{BlobId, Columns, corrupt, json, word};
use super::{Database, invitations};
use crate::error::{Conflict, Result, StorageError};
use crate::invitations::InvitationRecord;
use crate::sessions::{
    LIST_LIMIT, Revision, SessionFilter, SessionRecord, SessionStore, Which, Whose,
};

/// More words would only make the query slower.
const QUERY_WORDS: usize = 8;

#[async_trait]
impl SessionStore for Database {
    async fn create_session(
        &self,
        session: &SessionRecord,
        invitation: &InvitationRecord,
        now: Timestamp,
    ) -> Result<SessionRecord> {
        let mut kept = session.clone();
        kept.revision = Revision(1);
        let mut write = self.write().await?;
        let insert = sqlx::query(
            "INSERT INTO sessions VALUES
             (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        bind_all(insert.bind(kept.id.blob()), &kept)
            .execute(write.on())
            .await
            .map_err(|e| or_conflict(e, &[]))?;
        invitations::insert(write.on(), invitation, now).await?;
        write.commit().await?;
        Ok(kept)
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>> {
        let row = sqlx::query("SELECT * FROM sessions WHERE id = ?")
            .bind(id.blob())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn update_session(&self, session: &SessionRecord) -> Result<SessionRecord> {
        let mut write = self.write().await?;
        let kept = replace(write.on(), session).await?;
        if kept.state.is_ended() {
            invitations::end_with_session(write.on(), kept.id).await?;
        }
        write.commit().await?;
        Ok(kept)
    }

    async fn list_sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionRecord>> {
        let whose = match filter.whose {
            Whose::All => "?1 IS NULL",
            Whose::Mine(_) => "(created_by = ?1 OR lead = ?1)",
            Whose::Queue => {
                "?1 IS NULL AND ended_at IS NULL AND state = 'waiting' AND lead IS NULL"
            }
        };
        let which = match filter.which {
            Which::Any => "",
            Which::Open => "AND ended_at IS NULL",
            Which::Closed => "AND ended_at IS NOT NULL",
        };
        // Only the constants above go into the text; what comes from outside is bound.
        let sql = format!(
            "SELECT * FROM sessions WHERE {whose} {which}
             AND NOT EXISTS (SELECT 1 FROM json_each(?2) WHERE instr(search, json_each.value) = 0)
             ORDER BY id DESC LIMIT ?3"
        );
        let technician = match &filter.whose {
            Whose::Mine(technician) => Some(technician.blob()),
            Whose::All | Whose::Queue => None,
        };
        let limit = match filter.limit {
            0 => LIST_LIMIT,
            some => some.min(LIST_LIMIT),
        };
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(technician)
            .bind(json(&query_words(filter.text.as_deref().unwrap_or(""))))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn open_sessions(&self) -> Result<Vec<SessionRecord>> {
        let rows = sqlx::query("SELECT * FROM sessions WHERE ended_at IS NULL ORDER BY id")
            .fetch_all(self.readers())
            .await?;
        rows.iter().map(read).collect()
    }

    async fn session_of_conference(&self, id: ConferenceId) -> Result<Option<SessionRecord>> {
        let row = sqlx::query("SELECT * FROM sessions WHERE conference = ?")
            .bind(id.blob())
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

/// Replaces a session's row if nobody else did since it was read.
pub(super) async fn replace(
    on: &mut SqliteConnection,
    session: &SessionRecord,
) -> Result<SessionRecord> {
    let mut kept = session.clone();
    kept.revision = Revision(session.revision.0.wrapping_add(1));
    let update = sqlx::query(
        "UPDATE sessions SET revision = ?, state = ?, state_since = ?, trouble = ?,
            reference = ?, customer_name = ?, customer_device = ?, capabilities = ?,
            presence = ?, created_by = ?, created_by_name = ?, lead = ?, lead_name = ?,
            people = ?, created_at = ?, started_at = ?, ended_at = ?, ended_by = ?,
            close_reason = ?, conference = ?, search = ?
         WHERE id = ? AND revision = ?",
    );
    let updated = bind_all(update, &kept)
        .bind(kept.id.blob())
        .bind(session.revision.0.cast_signed())
        .execute(&mut *on)
        .await?;
    if updated.rows_affected() == 1 {
        return Ok(kept);
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT revision FROM sessions WHERE id = ?")
        .bind(kept.id.blob())
        .fetch_optional(on)
        .await?;
    match found {
        Some(_) => Err(Conflict::Revision.into()),
        None => Err(StorageError::NotFound("session")),
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds every column but `id`, in the order of the table.
fn bind_all<'q>(statement: Statement<'q>, session: &'q SessionRecord) -> Statement<'q> {
    let lead = session.lead.as_ref();
    statement
        .bind(session.revision.0.cast_signed())
        .bind(word(&session.state))
        .bind(session.state_since.unix_ms())
        .bind(session.trouble.as_ref().map(word))
        .bind(&session.reference)
        .bind(&session.customer_name)
        .bind(&session.customer_device)
        .bind(json(&session.capabilities))
        .bind(json(&session.presence))
        .bind(session.created_by.id.blob())
        .bind(&session.created_by.name)
        .bind(lead.map(|lead| lead.id.blob()))
        .bind(lead.map(|lead| lead.name.as_str()))
        .bind(json(&session.people))
        .bind(session.created_at.unix_ms())
        .bind(session.started_at.map(Timestamp::unix_ms))
        .bind(session.ended_at.map(Timestamp::unix_ms))
        .bind(session.ended_by.as_ref().map(word))
        .bind(session.close_reason.as_ref().map(word))
        .bind(session.conference.as_ref().map(BlobId::blob))
        .bind(search_text(session))
}

fn read(row: &SqliteRow) -> Result<SessionRecord> {
    let row = Columns(row);
    Ok(SessionRecord {
        id: row.id("id")?,
        revision: Revision(row.count("revision")?),
        state: row.word("state")?,
        state_since: row.time("state_since")?,
        trouble: row.maybe_word("trouble")?,
        reference: row.maybe_text("reference")?,
        customer_name: row.maybe_text("customer_name")?,
        customer_device: row.maybe_text("customer_device")?,
        capabilities: row.json("capabilities")?,
        presence: row.json("presence")?,
        created_by: TechnicianRef {
            id: row.id("created_by")?,
            name: row.text("created_by_name")?,
        },
        lead: read_lead(&row)?,
        people: row.json("people")?,
        created_at: row.time("created_at")?,
        started_at: row.maybe_time("started_at")?,
        ended_at: row.maybe_time("ended_at")?,
        ended_by: row.maybe_word("ended_by")?,
        close_reason: row.maybe_word("close_reason")?,
        conference: row.maybe_id("conference")?,
    })
}

fn read_lead(row: &Columns<'_>) -> Result<Option<TechnicianRef>> {
    let id: Option<TechnicianId> = row.maybe_id("lead")?;
    match (id, row.maybe_text("lead_name")?) {
        (None, None) => Ok(None),
        (Some(id), Some(name)) => Ok(Some(TechnicianRef { id, name })),
        _ => Err(corrupt("lead")),
    }
}

/// What a text query looks into. SQLite folds the case of ASCII only, so it is done here.
fn search_text(session: &SessionRecord) -> String {
    let parts = [
        session.reference.as_deref(),
        session.customer_name.as_deref(),
        Some(session.created_by.name.as_str()),
        session.lead.as_ref().map(|lead| lead.name.as_str()),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join("\n").to_lowercase()
}

fn query_words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .take(QUERY_WORDS)
        .map(str::to_lowercase)
        .collect()
}
