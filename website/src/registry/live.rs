//! One session in memory: its state behind a lock, a snapshot beside it for readers.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use lens_auth::SessionFacts;
use lens_chat_log::Draft;
use lens_protocol::id::{SessionId, TechnicianId};
use lens_protocol::signal::ChatLine;
use lens_storage::SessionRecord;

use crate::bridge::desk::Desk;
use crate::core::Session;

/// Chat lines a page gets when it draws itself anew.
pub(crate) const CHAT_KEPT: u32 = 200;

/// A session in memory.
#[derive(Debug)]
pub(crate) struct Live {
    /// Its id.
    pub(crate) id: SessionId,
    /// Held while the Session Manager is asked to change something about this session: one such
    /// change at a time, and events go on meanwhile.
    pub(crate) gate: tokio::sync::Mutex<()>,
    /// What the bridge knows about its participants.
    pub(crate) desk: Desk,
    pub(super) state: tokio::sync::Mutex<State>,
    snapshot: RwLock<Arc<Session>>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Arc<Session>,
    pub(super) record: SessionRecord,
    /// Entries the log has not taken yet.
    pub(super) owed: Vec<Draft>,
    chat: VecDeque<(Option<TechnicianId>, ChatLine)>,
}

impl Live {
    pub(super) fn new(session: Session, record: SessionRecord, chat: Vec<ChatLine>) -> Self {
        let session = Arc::new(session);
        let chat = chat.into_iter().map(|line| (None, line)).collect();
        Self {
            id: session.id,
            gate: tokio::sync::Mutex::new(()),
            desk: Desk::default(),
            snapshot: RwLock::new(session.clone()),
            state: tokio::sync::Mutex::new(State {
                session,
                record,
                owed: Vec::new(),
                chat,
            }),
        }
    }

    /// The session as it stood after its newest change.
    pub(crate) fn session(&self) -> Arc<Session> {
        self.snapshot
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn publish(&self, session: &Arc<Session>) {
        let mut snapshot = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *snapshot = session.clone();
    }

    /// What a decision about this session rests on, for `technician`.
    pub(crate) fn facts(&self, technician: Option<TechnicianId>) -> SessionFacts {
        facts_of(&self.session(), technician)
    }
}

/// What a decision about `session` rests on.
pub(crate) fn facts_of(session: &Session, technician: Option<TechnicianId>) -> SessionFacts {
    SessionFacts {
        session: session.id,
        created_by: session.created_by.id,
        lead: session.lead.as_ref().map(|lead| lead.id),
        takes_part: technician.is_some_and(|id| session.seat(id).is_some()),
    }
}

impl State {
    /// The chat as others see it: without the senders' own names for their lines.
    pub(super) fn chat_lines(&self) -> Vec<ChatLine> {
        let lines = self.chat.iter().map(|(_, line)| line.clone());
        lines
            .map(|line| ChatLine {
                client_id: None,
                ..line
            })
            .collect()
    }

    /// The line that `speaker` said under this name before.
    pub(super) fn said_before(
        &self,
        speaker: Option<TechnicianId>,
        client_id: Option<&str>,
    ) -> Option<ChatLine> {
        let same = |line: &ChatLine| client_id.is_some() && line.client_id.as_deref() == client_id;
        let found = self
            .chat
            .iter()
            .find(|(who, line)| *who == speaker && same(line));
        found.map(|(_, line)| line.clone())
    }

    pub(super) fn said(&mut self, speaker: Option<TechnicianId>, line: ChatLine) {
        self.chat.push_back((speaker, line));
        while self.chat.len() > CHAT_KEPT as usize {
            self.chat.pop_front();
        }
    }
}
