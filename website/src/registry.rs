//! The session registry: every open session in memory, every change of one in one place.
//!
//! [`Registry::change`] takes an event through the pure core, keeps the new record, writes what
//! happened into the session log, and only then tells everybody. Changes of one session come one
//! after the other; sessions do not wait for each other. A change runs to its end even when the
//! request that caused it is dropped, so memory and store cannot part.
//!
//! The order on failure: a store that refuses changes nothing; a log that refuses after the store
//! took the change leaves the entries owed, and they are written before anything later is.

mod live;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use lens_chat_log::{ChatLog, Draft, kind};
use lens_protocol::event::Origin;
use lens_protocol::id::{ConferenceId, InvitationId, SessionId};
use lens_protocol::session::{EndedBy, SessionState, TechnicianRef};
use lens_protocol::signal::ChatLine;
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_runtime::clock::Clock;
use lens_storage::{
    Conflict, ConsentRecord, CustomerRecord, InvitationRecord, SessionRecord, StorageError,
};
use serde_json::json;
use tokio::sync::mpsc;
use tracing::Instrument;

pub(crate) use live::{CHAT_KEPT, Live, facts_of};
pub(crate) use record::invitation_view;
use record::{Beside, record_of, session_of};

use crate::bridge::audience::Audience;
use crate::core::view::House;
use crate::core::{Event, Fact, Rules, Session};
use crate::metrics::{Metrics, Outcome};
use crate::stores::Stores;
use live::State;

/// How a change is kept: alone, or in one transaction with the row that caused it.
#[derive(Debug)]
pub(crate) enum Keep {
    /// The session's record alone.
    Record,
    /// With a new invitation.
    Invitation(Box<InvitationRecord>),
    /// With the credential of the browser that redeemed.
    Customer(Box<CustomerRecord>),
    /// With the consent row.
    Consent(Box<ConsentRecord>),
    /// With the end of invitation and credential.
    PutOut,
}

/// What the registry is made of.
pub(crate) struct Parts {
    pub(crate) stores: Stores,
    pub(crate) log: ChatLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rules: Rules,
    pub(crate) farewell: Duration,
    pub(crate) house: House,
    pub(crate) audience: Arc<Audience>,
    pub(crate) metrics: Metrics,
    /// Conferences that belong to no session any more.
    pub(crate) orphans: mpsc::UnboundedSender<ConferenceId>,
}

/// The registry. Clones share it.
#[derive(Clone)]
pub(crate) struct Registry(Arc<Inner>);

struct Inner {
    parts: Parts,
    house: RwLock<House>,
    live: Mutex<HashMap<SessionId, Arc<Live>>>,
}

impl Registry {
    pub(crate) fn new(parts: Parts) -> Self {
        let house = RwLock::new(parts.house.clone());
        Self(Arc::new(Inner {
            parts,
            house,
            live: Mutex::new(HashMap::new()),
        }))
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.parts.rules
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// What customers are told beside their session.
    pub(crate) fn house(&self) -> House {
        self.0
            .house
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives the organisation its name.
    pub(crate) fn rename_house(&self, organisation: String) {
        let mut house = self.0.house.write().unwrap_or_else(PoisonError::into_inner);
        house.organisation = organisation;
    }

    /// Reads all open sessions, once, before anything is served.
    pub(crate) async fn load(&self) -> Result<(), StorageError> {
        for record in self.0.parts.stores.sessions.open_sessions().await? {
            self.bring_in(record).await?;
        }
        Ok(())
    }

    /// Every session in memory.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.lock().values().cloned().collect()
    }

    /// The session in memory, if it is there.
    pub(crate) fn live(&self, id: SessionId) -> Option<Arc<Live>> {
        self.lock().get(&id).cloned()
    }

    /// The session, read from the store when it is over for long.
    pub(crate) async fn find(&self, id: SessionId) -> Result<Option<Arc<Live>>, StorageError> {
        if let Some(live) = self.live(id) {
            return Ok(Some(live));
        }
        match self.0.parts.stores.sessions.session(id).await? {
            Some(record) => self.bring_in(record).await.map(Some),
            None => Ok(None),
        }
    }

    async fn bring_in(&self, record: SessionRecord) -> Result<Arc<Live>, StorageError> {
        let id = record.id;
        let beside = self.beside(&record).await?;
        let chat = match self.0.parts.log.chat(id, CHAT_KEPT).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::warn!(session = %id, %error, "the chat of a session was not read");
                Vec::new()
            }
        };
        let session = session_of(&record, &beside);
        let live = Arc::new(Live::new(session, record, chat));
        Ok(self.lock().entry(id).or_insert(live).clone())
    }

    async fn beside(&self, record: &SessionRecord) -> Result<Beside, StorageError> {
        if record.state.is_ended() && record.customer_device.is_none() {
            return Ok(Beside::default());
        }
        let stores = &self.0.parts.stores;
        let customer = stores.customers.customer_of_session(record.id).await?;
        let consent = match &customer {
            Some(customer) => stores.consents.consent_of(customer.invitation).await?,
            None => None,
        };
        Ok(Beside {
            invitation: stores
                .invitations
                .live_invitation(record.id, self.now())
                .await?,
            customer: customer.map(|it| it.invitation),
            consent_version: consent.map(|it| it.text_version),
        })
    }

    /// A session that is over, as its record alone tells it.
    pub(crate) fn over(&self, record: &SessionRecord) -> Arc<Session> {
        let somebody = record.customer_device.as_ref();
        let beside = Beside {
            // Which invitation it was does not matter any more.
            customer: somebody.map(|_| InvitationId::from_bytes([0; 16])),
            consent_version: somebody.map(|_| 0),
            ..Beside::default()
        };
        Arc::new(session_of(record, &beside))
    }

    /// Adds a session with its first invitation. `Conflict::Pin` and `Conflict::Exists` are the
    /// caller's to answer with other numbers.
    pub(crate) async fn create(
        &self,
        session: Session,
        invitation: InvitationRecord,
    ) -> Result<Result<Arc<Live>, Problem>, StorageError> {
        let registry = self.clone();
        let made = async move { registry.create_whole(session, invitation).await };
        match tokio::spawn(made.in_current_span()).await {
            Ok(made) => made,
            Err(_) => Ok(Err(ErrorCode::Internal.into())),
        }
    }

    async fn create_whole(
        &self,
        session: Session,
        invitation: InvitationRecord,
    ) -> Result<Result<Arc<Live>, Problem>, StorageError> {
        let parts = &self.0.parts;
        let record = record_of(&session, Default::default());
        let now = session.created_at;
        let record = parts
            .stores
            .sessions
            .create_session(&record, &invitation, now)
            .await?;
        let by = session.created_by.clone();
        let made = json!({"reference": session.reference});
        let issued = json!({"invitation": invitation.id, "expires_at": invitation.expires_at});
        let facts = [
            Fact::by(&by, kind::SESSION_CREATED, made),
            Fact::by(&by, kind::INVITATION_MADE, issued),
        ];
        let live = Arc::new(Live::new(session, record, Vec::new()));
        self.lock().insert(live.id, live.clone());
        parts.metrics.sessions_created.inc();
        let mut state = live.state.lock().await;
        state
            .owed
            .extend(facts.into_iter().map(|fact| draft(live.id, now, fact)));
        let written = self.write_owed(&mut state).await;
        parts.audience.session_changed(&state.session);
        drop(state);
        Ok(written.map(|()| live))
    }

    /// Takes an event, keeping the record alone.
    pub(crate) async fn apply(
        &self,
        live: &Arc<Live>,
        event: Event,
    ) -> Result<Arc<Session>, Problem> {
        self.change(live, event, Keep::Record).await
    }

    /// Takes an event; see the module's words for the order of things. Returns the session as it
    /// stands then.
    pub(crate) async fn change(
        &self,
        live: &Arc<Live>,
        event: Event,
        keep: Keep,
    ) -> Result<Arc<Session>, Problem> {
        let (registry, live) = (self.clone(), live.clone());
        let change = async move { registry.change_whole(&live, event, keep).await };
        let done = tokio::spawn(change.in_current_span()).await;
        done.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }

    async fn change_whole(
        &self,
        live: &Live,
        event: Event,
        keep: Keep,
    ) -> Result<Arc<Session>, Problem> {
        let now = self.now();
        let mut state = live.state.lock().await;
        let mut session = Session::clone(&state.session);
        let facts = session.apply(now, self.rules(), event)?;
        let next = record_of(&session, state.record.revision);
        if next != state.record || !matches!(keep, Keep::Record) {
            state.record = self.keep(next, &keep, now).await?;
        }
        let before = std::mem::replace(&mut state.session, Arc::new(session));
        live.publish(&state.session);
        state
            .owed
            .extend(facts.into_iter().map(|fact| draft(live.id, now, fact)));
        let written = self.write_owed(&mut state).await;
        if before != state.session {
            self.tell(&before, &state, now);
        }
        written.map(|()| state.session.clone())
    }

    /// Keeps the record. A revision that was raised behind our back (a restored backup, a tool) is
    /// adopted once: this process owns its sessions.
    async fn keep(
        &self,
        mut next: SessionRecord,
        keep: &Keep,
        now: Timestamp,
    ) -> Result<SessionRecord, StorageError> {
        match self.keep_once(&next, keep, now).await {
            Err(error) if error.is_conflict(Conflict::Revision) => {
                let kept = self.0.parts.stores.sessions.session(next.id).await?;
                next.revision = kept.ok_or(error)?.revision;
                tracing::warn!(session = %next.id, "a session's row was changed by somebody else");
                self.keep_once(&next, keep, now).await
            }
            done => done,
        }
    }

    async fn keep_once(
        &self,
        next: &SessionRecord,
        keep: &Keep,
        now: Timestamp,
    ) -> Result<SessionRecord, StorageError> {
        let stores = &self.0.parts.stores;
        match keep {
            Keep::Record => stores.sessions.update_session(next).await,
            Keep::Invitation(it) => stores.invitations.issue_invitation(it, next, now).await,
            Keep::Customer(it) => stores.invitations.redeem_invitation(it, next, now).await,
            Keep::Consent(it) => stores.consents.give_consent(it, next).await,
            Keep::PutOut => stores.invitations.withdraw_invitation(next, now).await,
        }
    }

    async fn write_owed(&self, state: &mut State) -> Result<(), Problem> {
        if state.owed.is_empty() {
            return Ok(());
        }
        match self.0.parts.log.record(state.owed.clone()).await {
            Ok(_) => {
                state.owed.clear();
                Ok(())
            }
            Err(error) => {
                tracing::error!(session = %state.session.id, %error, "the log owes entries");
                Err(error.into())
            }
        }
    }

    /// Tells consoles and the customer, ends channels that lost their right, gives conferences
    /// that lost their session to be ended.
    fn tell(&self, before: &Session, state: &State, now: Timestamp) {
        let parts = &self.0.parts;
        let session = &state.session;
        parts.audience.session_changed(session);
        let former = before.customer.as_ref().map(|it| it.invitation);
        let current = session.customer.as_ref().map(|it| it.invitation);
        let (rules, house) = (self.rules(), self.house());
        if let Some(invitation) = former.filter(|former| current != Some(*former)) {
            let mut last = crate::core::view::customer_view(before, rules, &house, Vec::new());
            last.state = SessionState::Closed;
            last.ended_by = Some(EndedBy::PutOut);
            last.ended_at = Some(now);
            parts
                .audience
                .customer_put_out(session.id, invitation, last);
        }
        if let Some(invitation) = current {
            let chat = state.chat_lines();
            let view = crate::core::view::customer_view(session, rules, &house, chat);
            parts
                .audience
                .customer_changed(session.id, invitation, view);
        }
        if session.state.is_ended() && !before.state.is_ended() {
            let outcome = ending(session.state);
            parts
                .metrics
                .sessions_ended
                .get_or_create(&Outcome { outcome })
                .inc();
            if let Some(invitation) = current {
                parts
                    .audience
                    .customer_session_ended(session.id, invitation);
            }
        }
        if let Some(orphan) = before
            .conference
            .filter(|it| session.conference != Some(*it))
        {
            // The receiver lives as long as the bridge; when it is gone, so is the process.
            let _ = parts.orphans.send(orphan);
        }
    }

    /// Keeps a chat line and shows it to everybody in the session, once per `client_id` of a
    /// sender.
    pub(crate) async fn say(
        &self,
        live: &Arc<Live>,
        line: ChatLine,
        technician: Option<TechnicianRef>,
    ) -> Result<Said, Problem> {
        let (registry, live) = (self.clone(), live.clone());
        let saying = async move { registry.say_whole(&live, line, technician).await };
        let done = tokio::spawn(saying.in_current_span()).await;
        done.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
    }

    async fn say_whole(
        &self,
        live: &Live,
        line: ChatLine,
        technician: Option<TechnicianRef>,
    ) -> Result<Said, Problem> {
        let mut state = live.state.lock().await;
        if state.session.state.is_ended() {
            return Err(ErrorCode::SessionClosed.into());
        }
        if state.session.customer.is_none() {
            return Err(ErrorCode::WrongState.into());
        }
        let speaker = technician.as_ref().map(|it| it.id);
        if let Some(kept) = state.said_before(speaker, line.client_id.as_deref()) {
            return Ok(Said::Again(kept));
        }
        self.write_owed(&mut state).await?;
        let entry = Draft::chat(live.id, speaker, &line);
        self.0
            .parts
            .log
            .record(vec![entry])
            .await
            .map_err(Problem::from)?;
        state.said(speaker, line.clone());
        self.0.parts.metrics.chat_lines.inc();
        self.0.parts.audience.chat(&state.session, &line);
        Ok(Said::Kept)
    }

    /// The chat so far, at most the last lines.
    pub(crate) async fn chat(&self, live: &Live) -> Vec<ChatLine> {
        live.state.lock().await.chat_lines()
    }

    /// What time alone changes; forgets sessions that are over for long.
    pub(crate) async fn tick(&self) {
        let now = self.now();
        let mut open = 0;
        for live in self.all() {
            let session = live.session();
            if let Some(ended_at) = session.ended_at {
                if now.since(ended_at) >= self.0.parts.farewell {
                    self.lock().remove(&live.id);
                }
                continue;
            }
            open += 1;
            if session.deadline(self.rules()).is_some_and(|at| at <= now)
                && let Err(problem) = self.apply(&live, Event::Time).await
            {
                tracing::warn!(session = %live.id, code = %problem.code, "time did not pass");
            }
        }
        self.0.parts.metrics.sessions_open.set(open);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Arc<Live>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a chat line.
#[derive(Debug)]
pub(crate) enum Said {
    /// It was kept and shown to everybody.
    Kept,
    /// It was kept before: the sender alone needs its echo again.
    Again(ChatLine),
}

fn draft(session: SessionId, at: Timestamp, fact: Fact) -> Draft {
    Draft {
        session,
        at,
        origin: if fact.actor.is_some() {
            Origin::Console
        } else {
            fact.origin
        },
        kind: fact.kind,
        technician: fact.actor.as_ref().map(|it| it.id),
        actor: fact.actor.map(|it| it.name),
        body: fact.body,
    }
}

fn ending(state: SessionState) -> &'static str {
    match state {
        SessionState::Closed => "closed",
        SessionState::Aborted => "aborted",
        _ => "timed_out",
    }
}
