//! The table of conferences: typed, and changed by one caller at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lens_protocol::id::{ConferenceId, NodeId, OwnerId};
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_storage::conferences::Added;
use lens_storage::{ConferenceRecord, ConferenceStore};
use tokio::sync::OwnedMutexGuard;

use crate::core::conference::Room;
use crate::core::expiry;

/// Most conferences in one list.
const LISTED: u32 = 1_000;
/// Most ended conferences looked at in one round of expiry; the next round takes the rest.
const DUE_AT_ONCE: u32 = 256;

type Lock = tokio::sync::Mutex<()>;

/// The table.
pub(super) struct Rooms {
    store: Arc<dyn ConferenceStore>,
    /// One lock for each conference in use. Other processes on the same store are kept apart by
    /// the record's version.
    locks: Mutex<HashMap<ConferenceId, Weak<Lock>>>,
}

/// A conference nobody else of this process can change.
pub(super) struct LockedRoom {
    pub(super) room: Room,
    version: u64,
    store: Arc<dyn ConferenceStore>,
    _lock: OwnedMutexGuard<()>,
}

impl Rooms {
    pub(super) fn new(store: Arc<dyn ConferenceStore>) -> Self {
        Self {
            store,
            locks: Mutex::default(),
        }
    }

    /// Waits for the conference's turn.
    async fn turn(&self, id: ConferenceId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() > 64 && locks.len() == locks.capacity() {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            let known = locks.get(&id).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::new(Lock::default());
                locks.insert(id, Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    /// Adds a conference and keeps it for this caller. `external_id_taken`.
    pub(super) async fn add(&self, room: Room) -> Result<LockedRoom, Problem> {
        let lock = self.turn(room.id).await;
        match self.store.add_conference(&record(&room, 1)).await? {
            Added::Done => Ok(self.locked(room, 1, lock)),
            Added::ExternalIdTaken(taken) => Err(Problem::new(ErrorCode::ExternalIdTaken)
                .with_detail(format!("the live conference is {taken}"))),
        }
    }

    /// Waits for the conference's turn and reads it.
    pub(super) async fn lock(&self, id: ConferenceId) -> Result<Option<LockedRoom>, Problem> {
        let lock = self.turn(id).await;
        let record = self.store.conference(id).await?;
        record
            .map(|record| Ok(self.locked(read(&record)?, record.version, lock)))
            .transpose()
    }

    fn locked(&self, room: Room, version: u64, lock: OwnedMutexGuard<()>) -> LockedRoom {
        LockedRoom {
            room,
            version,
            store: self.store.clone(),
            _lock: lock,
        }
    }

    /// Reads a conference as it stands.
    pub(super) async fn get(&self, id: ConferenceId) -> Result<Option<Room>, Problem> {
        let record = self.store.conference(id).await?;
        record.as_ref().map(read).transpose()
    }

    /// The owner's conferences, newest first.
    pub(super) async fn of(&self, owner: &OwnerId) -> Result<Vec<Room>, Problem> {
        let records = self.store.conferences_of(owner, LISTED).await?;
        records.iter().map(read).collect()
    }

    /// The live conferences on a node.
    pub(super) async fn on(&self, node: &NodeId) -> Result<Vec<Room>, Problem> {
        let records = self.store.conferences_on(node).await?;
        records.iter().map(read).collect()
    }

    /// Conferences that have to be looked at, some of them if there are many.
    pub(super) async fn due(&self, now: Timestamp) -> Result<Vec<ConferenceId>, Problem> {
        let records = self.store.conferences_due(now, DUE_AT_ONCE).await?;
        Ok(records.iter().map(|record| record.id).collect())
    }
}

impl LockedRoom {
    /// Writes the room as it stands now.
    pub(super) async fn save(&mut self) -> Result<(), Problem> {
        let record = record(&self.room, self.version);
        self.version = self.store.change_conference(&record).await?;
        Ok(())
    }

    /// Takes the conference out of the table.
    pub(super) async fn remove(self) -> Result<(), Problem> {
        Ok(self.store.remove_conference(self.room.id).await?)
    }
}

fn record(room: &Room, version: u64) -> ConferenceRecord {
    let live = room.ended.is_none();
    ConferenceRecord {
        id: room.id,
        owner: room.owner.clone(),
        external_id: room.settings.external_id.clone(),
        live,
        node: live.then(|| room.placement.node.clone()),
        due_at: expiry::next_look(room),
        version,
        body: serde_json::to_string(room).expect("a room is plain data"),
    }
}

fn read(record: &ConferenceRecord) -> Result<Room, Problem> {
    serde_json::from_str(&record.body).map_err(|error| {
        tracing::error!(conference = %record.id, %error, "a kept conference cannot be read");
        ErrorCode::StorageFailed.into()
    })
}
