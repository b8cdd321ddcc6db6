//! Idempotency keys of one process. A restart forgets them: for deployments without a data
//! directory and for tests; the product keeps them in SQLite.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lens_protocol::Timestamp;

use crate::error::{Result, StorageError};
use crate::idempotency::{Claim, IdempotencyKey, IdempotencyStore, StoredAnswer};

/// A table in memory; clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryIdempotency(Arc<Mutex<HashMap<IdempotencyKey, Row>>>);

#[derive(Debug)]
struct Row {
    fingerprint: [u8; 32],
    until: Timestamp,
    answer: Option<StoredAnswer>,
}

impl MemoryIdempotency {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<IdempotencyKey, Row>> {
        // Every change below leaves the table whole, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl IdempotencyStore for MemoryIdempotency {
    async fn claim(
        &self,
        key: &IdempotencyKey,
        fingerprint: &[u8; 32],
        now: Timestamp,
        claimed_until: Timestamp,
    ) -> Result<Claim> {
        let mut rows = self.rows();
        if let Some(row) = rows.get(key).filter(|row| now < row.until) {
            return Ok(match &row.answer {
                _ if row.fingerprint != *fingerprint => Claim::Mismatch,
                Some(answer) => Claim::Answered(answer.clone()),
                None => Claim::InFlight,
            });
        }
        let row = Row {
            fingerprint: *fingerprint,
            until: claimed_until,
            answer: None,
        };
        rows.insert(key.clone(), row);
        Ok(Claim::Fresh)
    }

    async fn store_answer(
        &self,
        key: &IdempotencyKey,
        answer: &StoredAnswer,
        kept_until: Timestamp,
    ) -> Result<()> {
        let mut rows = self.rows();
        let claimed = rows.get_mut(key).filter(|row| row.answer.is_none());
        let row = claimed.ok_or(StorageError::NotFound("idempotency key"))?;
        row.answer = Some(answer.clone());
        row.until = kept_until;
        Ok(())
    }

    async fn release(&self, key: &IdempotencyKey) -> Result<()> {
        let mut rows = self.rows();
        if rows.get(key).is_some_and(|row| row.answer.is_none()) {
            rows.remove(key);
        }
        Ok(())
    }

    async fn forget_answers(&self, now: Timestamp) -> Result<u64> {
        let mut rows = self.rows();
        let before = rows.len();
        rows.retain(|_, row| now < row.until);
        Ok(u64::try_from(before - rows.len()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn the_table_in_memory_passes_the_suite() {
        conformance::idempotency::run(&MemoryIdempotency::new()).await;
    }
}
