//! [`EventStore`] in SQLite.

use async_trait::async_trait;
use lens_protocol::event::SessionEvent;
use lens_protocol::id::{EventId, SessionId};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::Database;
use super::rows::{BlobId, Columns, corrupt, word};
use crate::error::{Result, StorageError};
use crate::events::{Appended, EventStore, PAGE_LIMIT};
use crate::settings::SettingStore;

#[async_trait]
impl EventStore for Database {
    async fn append_events(&self, events: &[SessionEvent]) -> Result<Vec<Appended>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.write().await?;
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(append(write.on(), event).await?);
        }
        write.commit().await?;
        Ok(outcomes)
    }

    async fn events(
        &self,
        session: SessionId,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<SessionEvent>> {
        let position = match after {
            None => 0,
            Some(id) => self.position(session, id).await?,
        };
        let rows = sqlx::query(
            "SELECT * FROM events WHERE session = ? AND position > ? ORDER BY position LIMIT ?",
        )
        .bind(session.blob())
        .bind(position)
        .bind(page(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(read).collect()
    }

    async fn latest_events(
        &self,
        session: SessionId,
        kind: &str,
        limit: u32,
    ) -> Result<Vec<SessionEvent>> {
        let rows = sqlx::query(
            "SELECT * FROM events WHERE session = ? AND kind = ? ORDER BY position DESC LIMIT ?",
        )
        .bind(session.blob())
        .bind(kind)
        .bind(page(limit))
        .fetch_all(self.readers())
        .await?;
        rows.iter().rev().map(read).collect()
    }

    async fn begin_life(&self, source: &str) -> Result<u64> {
        self.raise_counter(&format!("log-life/{source}")).await
    }

    async fn last_seq(&self, session: SessionId, source: &str, epoch: u64) -> Result<Option<u64>> {
        let seq: Option<i64> = sqlx::query_scalar(
            "SELECT max(seq) FROM events WHERE session = ? AND source = ? AND epoch = ?",
        )
        .bind(session.blob())
        .bind(source)
        .bind(epoch.cast_signed())
        .fetch_one(self.readers())
        .await?;
        Ok(seq.map(i64::cast_unsigned))
    }

    async fn count_events(&self, session: SessionId) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE session = ?")
            .bind(session.blob())
            .fetch_one(self.readers())
            .await?;
        Ok(count.cast_unsigned())
    }
}

impl Database {
    async fn position(&self, session: SessionId, id: EventId) -> Result<i64> {
        let position =
            sqlx::query_scalar("SELECT position FROM events WHERE id = ? AND session = ?")
                .bind(id.blob())
                .bind(session.blob())
                .fetch_optional(self.readers())
                .await?;
        position.ok_or(StorageError::NotFound("event"))
    }
}

async fn append(on: &mut SqliteConnection, event: &SessionEvent) -> Result<Appended> {
    let inserted = sqlx::query(
        "INSERT INTO events (id, session, source, epoch, seq, schema_version, at, origin, kind,
            technician, actor, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(event.id.blob())
    .bind(event.session.blob())
    .bind(&event.source)
    .bind(event.epoch.cast_signed())
    .bind(event.seq.cast_signed())
    .bind(event.schema_version)
    .bind(event.at.unix_ms())
    .bind(word(&event.origin))
    .bind(&event.kind)
    .bind(event.technician.as_ref().map(BlobId::blob))
    .bind(&event.actor)
    .bind(body(event))
    .execute(&mut *on)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Appended::Stored);
    }
    let row = sqlx::query(
        "SELECT * FROM events WHERE session = ? AND source = ? AND epoch = ? AND seq = ?",
    )
    .bind(event.session.blob())
    .bind(&event.source)
    .bind(event.epoch.cast_signed())
    .bind(event.seq.cast_signed())
    .fetch_optional(on)
    .await?;
    match row {
        Some(row) if read(&row)? == *event => Ok(Appended::Duplicate),
        _ => Ok(Appended::Clash),
    }
}

fn body(event: &SessionEvent) -> Vec<u8> {
    event.body.to_string().into_bytes()
}

fn page(limit: u32) -> u32 {
    match limit {
        0 => PAGE_LIMIT,
        some => some.min(PAGE_LIMIT),
    }
}

fn read(row: &SqliteRow) -> Result<SessionEvent> {
    let row = Columns(row);
    Ok(SessionEvent {
        id: row.id("id")?,
        session: row.id("session")?,
        source: row.text("source")?,
        epoch: row.count("epoch")?,
        seq: row.count("seq")?,
        schema_version: row.small("schema_version")?,
        at: row.time("at")?,
        origin: row.word("origin")?,
        kind: row.text("kind")?,
        technician: row.maybe_id("technician")?,
        actor: row.maybe_text("actor")?,
        body: serde_json::from_slice(&row.bytes("body")?).map_err(|_| corrupt("body"))?,
    })
}
