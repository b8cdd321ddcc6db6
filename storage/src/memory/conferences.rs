//! Conferences of one process. Streaming servers report theirs, so a restart loses none that runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, NodeId, OwnerId};

use crate::conferences::{Added, ConferenceRecord, ConferenceStore};
use crate::error::{Conflict, Result, StorageError};

/// A table in memory; clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryConferences(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    /// By id, which is by age.
    rows: BTreeMap<ConferenceId, ConferenceRecord>,
    /// The live ones that have a name of their owner's.
    names: HashMap<(OwnerId, String), ConferenceId>,
}

impl MemoryConferences {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Every change below leaves the table whole, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, mut wanted: impl FnMut(&ConferenceRecord) -> bool) -> Vec<ConferenceRecord> {
        let table = self.table();
        let rows = table.rows.values().filter(|row| wanted(row));
        rows.cloned().collect()
    }
}

fn name_of(record: &ConferenceRecord) -> Option<(OwnerId, String)> {
    let external_id = record.external_id.clone().filter(|_| record.live)?;
    Some((record.owner.clone(), external_id))
}

fn at_most(mut rows: Vec<ConferenceRecord>, limit: u32) -> Vec<ConferenceRecord> {
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows
}

#[async_trait]
impl ConferenceStore for MemoryConferences {
    async fn add_conference(&self, record: &ConferenceRecord) -> Result<Added> {
        let mut table = self.table();
        if table.rows.contains_key(&record.id) {
            return Err(Conflict::Exists.into());
        }
        if let Some(name) = name_of(record) {
            if let Some(taken) = table.names.get(&name) {
                return Ok(Added::ExternalIdTaken(*taken));
            }
            table.names.insert(name, record.id);
        }
        let mut row = record.clone();
        row.version = 1;
        table.rows.insert(row.id, row);
        Ok(Added::Done)
    }

    async fn conference(&self, id: ConferenceId) -> Result<Option<ConferenceRecord>> {
        Ok(self.table().rows.get(&id).cloned())
    }

    async fn change_conference(&self, record: &ConferenceRecord) -> Result<u64> {
        let mut table = self.table();
        let table = &mut *table;
        let row = table.rows.get_mut(&record.id);
        let row = row.ok_or(StorageError::NotFound("conference"))?;
        if row.version != record.version {
            return Err(Conflict::Revision.into());
        }
        if let Some(name) = name_of(row).filter(|_| !record.live) {
            table.names.remove(&name);
        }
        row.live = record.live;
        row.node = record.node.clone();
        row.due_at = record.due_at;
        // Not over the old text, which would keep room for twice as much.
        row.body = record.body.clone();
        row.version += 1;
        Ok(row.version)
    }

    async fn remove_conference(&self, id: ConferenceId) -> Result<()> {
        let mut table = self.table();
        if let Some(name) = table.rows.remove(&id).as_ref().and_then(name_of) {
            table.names.remove(&name);
        }
        Ok(())
    }

    async fn conferences_of(&self, owner: &OwnerId, limit: u32) -> Result<Vec<ConferenceRecord>> {
        let mut rows = self.find(|row| row.owner == *owner);
        rows.reverse();
        Ok(at_most(rows, limit))
    }

    async fn conferences_on(&self, node: &NodeId) -> Result<Vec<ConferenceRecord>> {
        Ok(self.find(|row| row.live && row.node.as_ref() == Some(node)))
    }

    async fn conferences_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ConferenceRecord>> {
        let mut rows = self.find(|row| row.due_at <= now);
        rows.sort_by_key(|row| row.due_at);
        Ok(at_most(rows, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn the_table_in_memory_passes_the_suite() {
        conformance::conferences::run(&MemoryConferences::new()).await;
    }
}
