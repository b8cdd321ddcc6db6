//! The Session Manager in another process, over its private listener.
//!
//! One `POST` per call, `/internal/session-manager/{call}`, with the caller in the body: the door
//! has authenticated them, and the listener believes it because of the internal token.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::http::Uri;
use lens_protocol::conference::{
    Answer, ClientAnswer, ClientOffer, ClientToken, Conference, ConferenceEvents,
    CreateClientToken, CreateConference, Hold, IceCandidates, Join, Nodes, ParticipantOffer,
};
use lens_protocol::id::{ConferenceId, NodeId, ParticipantId};
use lens_protocol::media::{ClientProtocol, Pause, Timeline};
use lens_protocol::{Problem, SecretText};
use lens_runtime::http::client::ControlClient;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Caller, SessionManager, Trickle};
use crate::token::MediaKeys;

/// Where the private routes begin.
pub(crate) const PREFIX: &str = "/internal/session-manager";
/// How long a call may take: two calls to nodes and a second opinion, with room.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a media key's absence is believed: a stranger's tokens with made-up key names must
/// not become calls to another process.
const ABSENCE: Duration = Duration::from_secs(5);

/// A call on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked<T> {
    /// Who calls.
    pub(crate) caller: Caller,
    /// With what.
    pub(crate) with: T,
}

/// A media key on the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NamedKey {
    pub(crate) key_id: String,
    pub(crate) public: [u8; 32],
}

/// Calls a Session Manager in another process. `unavailable` when it does not answer.
pub struct RemoteSessionManager {
    client: ControlClient,
    key: Mutex<Option<NamedKey>>,
    asked_for_key: Mutex<Option<Instant>>,
}

impl RemoteSessionManager {
    /// The Session Manager whose private listener is at `base`, with the deployment's internal
    /// token.
    pub fn new(base: Uri, token: SecretText) -> Self {
        Self {
            client: ControlClient::new(base, token),
            key: Mutex::new(None),
            asked_for_key: Mutex::new(None),
        }
    }

    async fn call<Req: Serialize + Send, Res: DeserializeOwned>(
        &self,
        name: &str,
        caller: &Caller,
        with: Req,
    ) -> Result<Res, Problem> {
        self.call_within(CALL_TIMEOUT, name, caller, with).await
    }

    async fn call_within<Req: Serialize + Send, Res: DeserializeOwned>(
        &self,
        timeout: Duration,
        name: &str,
        caller: &Caller,
        with: Req,
    ) -> Result<Res, Problem> {
        let asked = Asked {
            caller: caller.clone(),
            with,
        };
        let path = format!("{PREFIX}/{name}");
        self.client.post(&path, &asked, timeout).await
    }

    fn known_key(&self, key_id: &str) -> Option<[u8; 32]> {
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        key.as_ref()
            .filter(|key| key.key_id == key_id)
            .map(|key| key.public)
    }

    /// Whether the key may be asked for now; notes that it was.
    fn may_ask_for_key(&self) -> bool {
        let mut asked = self
            .asked_for_key
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if asked.is_some_and(|at| at.elapsed() < ABSENCE) {
            return false;
        }
        *asked = Some(Instant::now());
        true
    }
}

#[async_trait]
impl MediaKeys for RemoteSessionManager {
    async fn media_key(&self, key_id: &str) -> Result<Option<[u8; 32]>, Problem> {
        if let Some(public) = self.known_key(key_id) {
            return Ok(Some(public));
        }
        if !self.may_ask_for_key() {
            return Ok(None);
        }
        let path = format!("{PREFIX}/media-key");
        let key: Result<NamedKey, Problem> = self.client.get(&path, CALL_TIMEOUT).await;
        if key.is_err() {
            // Not an absence: the next token may ask again.
            *self
                .asked_for_key
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = None;
        }
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key?);
        Ok(self.known_key(key_id))
    }
}

#[async_trait]
impl SessionManager for RemoteSessionManager {
    async fn create(
        &self,
        caller: &Caller,
        idempotency_key: Option<String>,
        request: CreateConference,
    ) -> Result<Conference, Problem> {
        self.call("create", caller, (idempotency_key, request))
            .await
    }

    async fn conferences(&self, caller: &Caller) -> Result<Vec<Conference>, Problem> {
        self.call("conferences", caller, ()).await
    }

    async fn conference(&self, caller: &Caller, id: ConferenceId) -> Result<Conference, Problem> {
        self.call("conference", caller, id).await
    }

    async fn delete(&self, caller: &Caller, id: ConferenceId) -> Result<(), Problem> {
        self.call("delete", caller, id).await
    }

    async fn hold(&self, caller: &Caller, id: ConferenceId, hold: Hold) -> Result<(), Problem> {
        self.call("hold", caller, (id, hold)).await
    }

    async fn join(
        &self,
        caller: &Caller,
        id: ConferenceId,
        idempotency_key: Option<String>,
        request: Join,
    ) -> Result<ParticipantOffer, Problem> {
        self.call("join", caller, (id, idempotency_key, request))
            .await
    }

    async fn offer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        self.call("offer", caller, (id, participant)).await
    }

    async fn answer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        self.call("answer", caller, (id, participant, answer)).await
    }

    async fn candidates(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        candidates: IceCandidates,
    ) -> Result<(), Problem> {
        let with = (id, participant, candidates);
        self.call("candidates", caller, with).await
    }

    async fn pause(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem> {
        self.call("pause", caller, (id, participant, pause)).await
    }

    async fn leave(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        self.call("leave", caller, (id, participant)).await
    }

    async fn accept(
        &self,
        caller: &Caller,
        id: ConferenceId,
        offer: ClientOffer,
    ) -> Result<ClientAnswer, Problem> {
        self.call("accept", caller, (id, offer)).await
    }

    async fn trickle(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        trickle: Trickle,
    ) -> Result<(), Problem> {
        let with = (id, participant, trickle);
        self.call("trickle", caller, with).await
    }

    async fn hang_up(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        protocol: ClientProtocol,
    ) -> Result<(), Problem> {
        let with = (id, participant, protocol);
        self.call("hang-up", caller, with).await
    }

    async fn client_token(
        &self,
        caller: &Caller,
        id: ConferenceId,
        request: CreateClientToken,
    ) -> Result<ClientToken, Problem> {
        self.call("client-token", caller, (id, request)).await
    }

    async fn timeline(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        self.call("timeline", caller, (id, participant)).await
    }

    async fn nodes(&self, caller: &Caller) -> Result<Nodes, Problem> {
        self.call("nodes", caller, ()).await
    }

    async fn drain(&self, caller: &Caller, node: NodeId) -> Result<(), Problem> {
        self.call("drain", caller, node).await
    }

    async fn events(
        &self,
        caller: &Caller,
        after: u64,
        wait: Duration,
    ) -> Result<ConferenceEvents, Problem> {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let timeout = wait.saturating_add(CALL_TIMEOUT);
        self.call_within(timeout, "events", caller, (after, wait_ms))
            .await
    }
}
