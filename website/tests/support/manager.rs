//! A scripted Session Manager: keeps conferences in memory, makes offers that are recognisable
//! text, tells what the test tells it to tell.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::conference::{
    Answer, ClientAnswer, ClientOffer, ClientToken, Conference, ConferenceEvent,
    ConferenceEventKind, ConferenceEvents, ConferenceState, CreateClientToken, CreateConference,
    Hold, IceCandidates, Join, Nodes, Participant, ParticipantOffer, ParticipantState,
};
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, NodeId, ParticipantId};
use lens_protocol::media::{CauseCode, ClientProtocol, Pause, Role, Slot, SlotKind, Timeline};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::clock::{Clock, ManualClock};
use lens_runtime::entropy::SystemEntropy;
use lens_session_manager::{Caller, SessionManager, Trickle};
use tokio::sync::Notify;

/// Planted in every offer; no log line may hold it.
pub const OFFER_CANARY: &str = "canary-offer-sdp";

/// The double.
pub struct Manager {
    clock: ManualClock,
    inner: Mutex<Inner>,
    told: Notify,
    /// While set, nothing is answered.
    pub silent: AtomicBool,
    /// While set, `create` and `offer` wait for [`Manager::release`].
    pub slow: AtomicBool,
    released: Notify,
}

struct Inner {
    conferences: HashMap<ConferenceId, Conference>,
    events: Vec<ConferenceEvent>,
    life: u64,
    calls: Vec<String>,
    answers: Vec<(ParticipantId, Answer)>,
    fail_next: Option<(String, ErrorCode)>,
    negotiation: u64,
}

impl Manager {
    pub fn new(clock: ManualClock) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self {
            clock,
            inner: Mutex::new(Inner {
                conferences: HashMap::new(),
                events: Vec::new(),
                life: 1,
                calls: Vec::new(),
                answers: Vec::new(),
                fail_next: None,
                negotiation: 0,
            }),
            told: Notify::new(),
            silent: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            released: Notify::new(),
        })
    }

    /// The calls so far, by name.
    pub fn calls(&self) -> Vec<String> {
        self.inner().calls.clone()
    }

    /// Waits until this of a participant's media is paused.
    pub async fn until_paused(&self, id: ConferenceId, participant: ParticipantId, pause: Pause) {
        let is = || {
            let mut inner = self.inner();
            let mut all = inner.open(id).unwrap().participants.iter();
            all.find(|it| it.id == participant).unwrap().pause == pause
        };
        let waiting = async {
            loop {
                let told = self.told.notified();
                if is() {
                    return;
                }
                told.await;
            }
        };
        let limit = Duration::from_secs(10);
        let paused = tokio::time::timeout(limit, waiting).await;
        paused.expect("the media server was not told of the pause");
    }

    pub fn count(&self, call: &str) -> usize {
        self.inner().calls.iter().filter(|it| *it == call).count()
    }

    pub fn answers(&self) -> Vec<(ParticipantId, Answer)> {
        self.inner().answers.clone()
    }

    /// The next call of this name fails.
    pub fn fail_next(&self, call: &str, code: ErrorCode) {
        self.inner().fail_next = Some((call.into(), code));
    }

    pub fn release(&self) {
        self.slow.store(false, Ordering::SeqCst);
        self.released.notify_waiters();
    }

    /// Tells the owner of a conference that something happened.
    pub fn tell(&self, conference: ConferenceId, kind: ConferenceEventKind) {
        self.inner().tell(&self.clock, conference, kind);
        self.told.notify_waiters();
    }

    /// A participant's media can flow, in its newest generation.
    pub fn connect(&self, conference: ConferenceId, participant: ParticipantId) {
        let generation = self.set_state(conference, participant, ParticipantState::Connected);
        self.tell(
            conference,
            ConferenceEventKind::ParticipantConnected {
                participant,
                generation,
            },
        );
    }

    /// A participant's newest connection broke.
    pub fn break_link(&self, conference: ConferenceId, participant: ParticipantId) {
        let generation = self.set_state(conference, participant, ParticipantState::Failed);
        let cause = CauseCode::Silent;
        let kind = ConferenceEventKind::ParticipantFailed {
            participant,
            generation,
            cause,
        };
        self.tell(conference, kind);
    }

    /// The media node of a conference is gone.
    pub fn lose_node(&self, conference: ConferenceId) {
        let node: NodeId = "sfu-1".parse().unwrap();
        self.tell(conference, ConferenceEventKind::MediaNodeLost { node });
    }

    /// Forgets everything, as a new process without any SFU would.
    pub fn forget_all(&self) {
        let mut inner = self.inner();
        inner.conferences.clear();
        inner.events.clear();
        inner.life += 1;
        drop(inner);
        self.told.notify_waiters();
    }

    pub fn is_held(&self, conference: ConferenceId) -> bool {
        self.inner()
            .conferences
            .get(&conference)
            .is_some_and(|it| it.held)
    }

    /// Who is in a conference.
    pub fn participants(&self, conference: ConferenceId) -> Vec<ParticipantId> {
        let inner = self.inner();
        let found = inner.conferences.get(&conference);
        let all = found.into_iter().flat_map(|it| &it.participants);
        all.map(|it| it.id).collect()
    }

    pub fn live_conferences(&self) -> usize {
        let inner = self.inner();
        inner
            .conferences
            .values()
            .filter(|it| it.state == ConferenceState::Open)
            .count()
    }

    fn set_state(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
        state: ParticipantState,
    ) -> Generation {
        let mut inner = self.inner();
        let conference = inner.conferences.get_mut(&conference).unwrap();
        let found = conference
            .participants
            .iter_mut()
            .find(|it| it.id == participant)
            .unwrap();
        found.state = state;
        found.generation
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    async fn enter(&self, call: &str) -> Result<(), Problem> {
        let failure = {
            let mut inner = self.inner();
            inner.calls.push(call.into());
            inner.fail_next.take_if(|(name, _)| name == call)
        };
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.slow.load(Ordering::SeqCst) && matches!(call, "create" | "offer") {
            self.released.notified().await;
        }
        failure.map_or(Ok(()), |(_, code)| Err(code.into()))
    }
}

impl Inner {
    fn tell(&mut self, clock: &ManualClock, conference: ConferenceId, kind: ConferenceEventKind) {
        let external_id = self
            .conferences
            .get(&conference)
            .and_then(|it| it.external_id.clone());
        let position = self.events.len() as u64 + 1;
        let at = clock.now();
        self.events.push(ConferenceEvent {
            position,
            at,
            conference,
            external_id,
            kind,
        });
    }

    fn open(&mut self, id: ConferenceId) -> Result<&mut Conference, Problem> {
        let found = self
            .conferences
            .get_mut(&id)
            .ok_or(ErrorCode::ConferenceNotFound)?;
        if found.state == ConferenceState::Ended {
            return Err(ErrorCode::ConferenceEnded.into());
        }
        Ok(found)
    }

    fn offer(
        &mut self,
        clock: &ManualClock,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        self.negotiation += 1;
        let negotiation_id = NegotiationId(self.negotiation);
        let conference = self.open(id)?;
        let found = conference
            .participants
            .iter()
            .find(|it| it.id == participant);
        let generation = found.ok_or(ErrorCode::ParticipantNotFound)?.generation;
        let slots = slots_of(conference, participant);
        Ok(ParticipantOffer {
            conference: id,
            participant,
            generation,
            negotiation_id,
            sdp: format!("v=0 {OFFER_CANARY} {participant} {generation}"),
            ice_servers: Vec::new(),
            slots,
            expires_at: clock.now().plus(Duration::from_secs(600)),
            media_token: Some(SecretText::new("canary-media-token")),
        })
    }
}

/// One video slot up or down, and an audio slot for each of the others.
fn slots_of(conference: &Conference, you: ParticipantId) -> Vec<Slot> {
    let mut slots = Vec::new();
    for other in conference.participants.iter().filter(|it| it.id != you) {
        if other.role == Role::Camera {
            let source = Some(other.id);
            slots.push(Slot {
                mid: "1".into(),
                kind: SlotKind::VideoDown,
                source,
            });
        }
        let mid = format!("{}", slots.len() + 2);
        slots.push(Slot {
            mid,
            kind: SlotKind::AudioDown,
            source: Some(other.id),
        });
    }
    slots
}

#[async_trait]
impl SessionManager for Manager {
    async fn create(
        &self,
        caller: &Caller,
        _key: Option<String>,
        settings: CreateConference,
    ) -> Result<Conference, Problem> {
        self.enter("create").await?;
        let mut inner = self.inner();
        let taken = inner
            .conferences
            .values()
            .any(|it| it.state == ConferenceState::Open && it.external_id == settings.external_id);
        if taken {
            return Err(ErrorCode::ExternalIdTaken.into());
        }
        let now = self.clock.now();
        let conference = Conference {
            id: ConferenceId::generate(now, &mut SystemEntropy::default()),
            owner: caller.owner.clone(),
            external_id: settings.external_id.clone(),
            state: ConferenceState::Open,
            end_reason: None,
            held: false,
            epoch: Epoch(1),
            node: None,
            created_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
            ended_at: None,
            settings,
            participants: Vec::new(),
        };
        inner.conferences.insert(conference.id, conference.clone());
        Ok(conference)
    }

    async fn conferences(&self, _caller: &Caller) -> Result<Vec<Conference>, Problem> {
        self.enter("conferences").await?;
        Ok(self.inner().conferences.values().cloned().collect())
    }

    async fn conference(&self, _caller: &Caller, id: ConferenceId) -> Result<Conference, Problem> {
        self.enter("conference").await?;
        self.inner().open(id).map(|it| it.clone())
    }

    async fn delete(&self, _caller: &Caller, id: ConferenceId) -> Result<(), Problem> {
        self.enter("delete").await?;
        if let Some(found) = self.inner().conferences.get_mut(&id) {
            found.state = ConferenceState::Ended;
        }
        Ok(())
    }

    async fn hold(&self, _caller: &Caller, id: ConferenceId, hold: Hold) -> Result<(), Problem> {
        self.enter("hold").await?;
        self.inner().open(id)?.held = hold.held;
        Ok(())
    }

    async fn join(
        &self,
        _caller: &Caller,
        id: ConferenceId,
        _key: Option<String>,
        request: Join,
    ) -> Result<ParticipantOffer, Problem> {
        self.enter("join").await?;
        let mut inner = self.inner();
        let conference = inner.open(id)?;
        if conference.participants.len() >= usize::from(conference.settings.max_participants) {
            return Err(ErrorCode::ConferenceFull.into());
        }
        let participant = ParticipantId::generate(self.clock.now(), &mut SystemEntropy::default());
        conference.participants.push(Participant {
            id: participant,
            role: request.role,
            display_name: request.display_name.clone(),
            generation: Generation(1),
            state: ParticipantState::Offered,
            cause: None,
            joined_at: self.clock.now(),
            pause: Pause::default(),
            protocol: None,
        });
        let others: Vec<_> = conference.participants.iter().map(|it| it.id).collect();
        let rosters: Vec<_> = others
            .iter()
            .map(|other| (*other, slots_of(conference, *other)))
            .collect();
        let offer = inner.offer(&self.clock, id, participant);
        let joined = ConferenceEventKind::ParticipantJoined {
            participant,
            role: request.role,
            display_name: request.display_name,
            protocol: None,
        };
        inner.tell(&self.clock, id, joined);
        for (participant, slots) in rosters {
            inner.tell(
                &self.clock,
                id,
                ConferenceEventKind::Roster { participant, slots },
            );
        }
        drop(inner);
        self.told.notify_waiters();
        offer
    }

    async fn offer(
        &self,
        _caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        self.enter("offer").await?;
        let mut inner = self.inner();
        let found = inner
            .open(id)?
            .participants
            .iter_mut()
            .find(|it| it.id == participant);
        let found = found.ok_or(ErrorCode::ParticipantNotFound)?;
        found.generation = found.generation.next();
        found.state = ParticipantState::Offered;
        inner.offer(&self.clock, id, participant)
    }

    async fn pause(
        &self,
        _caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem> {
        self.enter("pause").await?;
        let mut inner = self.inner();
        let mut all = inner.open(id)?.participants.iter_mut();
        let found = all.find(|it| it.id == participant);
        found.ok_or(ErrorCode::ParticipantNotFound)?.pause = pause;
        self.told.notify_waiters();
        Ok(())
    }

    async fn answer(
        &self,
        _caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        self.enter("answer").await?;
        let mut inner = self.inner();
        let found = inner
            .open(id)?
            .participants
            .iter()
            .find(|it| it.id == participant);
        if found.ok_or(ErrorCode::ParticipantNotFound)?.generation != answer.generation {
            return Err(ErrorCode::StaleGeneration.into());
        }
        inner.answers.push((participant, answer));
        Ok(())
    }

    async fn candidates(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        _participant: ParticipantId,
        _candidates: IceCandidates,
    ) -> Result<(), Problem> {
        self.enter("candidates").await
    }

    async fn leave(
        &self,
        _caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        self.enter("leave").await?;
        self.inner()
            .open(id)?
            .participants
            .retain(|it| it.id != participant);
        Ok(())
    }

    async fn timeline(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        self.enter("timeline").await?;
        Ok(Timeline {
            participant,
            generation: Generation(1),
            node: None,
            steps: Vec::new(),
            cause: None,
            stats: Default::default(),
        })
    }

    async fn accept(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        _offer: ClientOffer,
    ) -> Result<ClientAnswer, Problem> {
        Err(ErrorCode::ProtocolNotAllowed.into())
    }

    async fn trickle(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        _participant: ParticipantId,
        _trickle: Trickle,
    ) -> Result<(), Problem> {
        Err(ErrorCode::ParticipantNotFound.into())
    }

    async fn hang_up(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        _participant: ParticipantId,
        _protocol: ClientProtocol,
    ) -> Result<(), Problem> {
        Ok(())
    }

    async fn client_token(
        &self,
        _caller: &Caller,
        _id: ConferenceId,
        _request: CreateClientToken,
    ) -> Result<ClientToken, Problem> {
        Err(ErrorCode::ProtocolNotAllowed.into())
    }

    async fn nodes(&self, _caller: &Caller) -> Result<Nodes, Problem> {
        Ok(Nodes { nodes: Vec::new() })
    }

    async fn drain(&self, _caller: &Caller, _node: NodeId) -> Result<(), Problem> {
        Ok(())
    }

    async fn events(
        &self,
        _caller: &Caller,
        after: u64,
        wait: Duration,
    ) -> Result<ConferenceEvents, Problem> {
        let until = tokio::time::Instant::now() + wait;
        loop {
            let told = self.told.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            {
                let inner = self.inner();
                let new: Vec<_> = inner
                    .events
                    .iter()
                    .filter(|it| it.position > after)
                    .cloned()
                    .collect();
                let anew = after > inner.events.len() as u64;
                if !new.is_empty() || anew || tokio::time::Instant::now() >= until {
                    let next = inner.events.len() as u64;
                    return Ok(ConferenceEvents {
                        life: inner.life,
                        events: new,
                        next,
                        gap: false,
                    });
                }
            }
            let _ = tokio::time::timeout_at(until, told).await;
        }
    }
}
