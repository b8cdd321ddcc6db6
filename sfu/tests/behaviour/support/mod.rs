//! A streaming server and real peers over loopback, for the behaviour tests.
pub mod client;
pub mod stun;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, CauseCode, CreateMediaRoom, HoldMediaRoom,
    MediaPolicy, Offered, Pause, RemoveParticipant, Role, SfuEventKind, SlotKind, Timeline,
    TimelineStep,
};
use lens_runtime::clock::SystemClock;
use lens_sfu::config::TcpDoor;
use lens_sfu::{Config, Sfu, SfuControl, SfuHandle};

pub use client::{Client, Heard, Offering, Options};

/// Longest wait for anything. Far above what is needed, so that a slow machine does not matter.
pub const PATIENCE: Duration = Duration::from_secs(30);

static NEXT: AtomicU8 = AtomicU8::new(1);

fn fresh() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[15] = NEXT.fetch_add(1, Ordering::Relaxed);
    bytes
}

/// A running streaming server.
pub struct World {
    pub sfu: SfuHandle,
}

/// One participant and its client.
pub struct Party {
    pub id: ParticipantId,
    pub role: Role,
    pub offered: Offered,
    pub client: Client,
}

impl Party {
    /// The mid of its first slot of a kind.
    pub fn mid(&self, kind: SlotKind) -> String {
        let slot = self.offered.slots.iter().find(|slot| slot.kind == kind);
        slot.expect("the layout has such a slot").mid.clone()
    }
}

pub fn config() -> Config {
    let mut config = Config::new("sfu-test".parse().unwrap());
    config.listen = vec!["127.0.0.1:0".parse().unwrap()];
    config.tcp = TcpDoor::Own(None);
    config.workers = crate::WORKERS;
    config.rtp_path = crate::RTP_PATH;
    config
}

impl World {
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let sfu = Sfu::start(config, Arc::new(SystemClock)).expect("the server starts");
        Self { sfu }
    }

    /// Opens a conference for `size` participants.
    pub async fn conference(&self, size: u8) -> ConferenceId {
        self.conference_with(size, MediaPolicy::default()).await
    }

    pub async fn conference_with(&self, size: u8, media: MediaPolicy) -> ConferenceId {
        let conference = ConferenceId::from_bytes(fresh());
        let room = CreateMediaRoom {
            conference,
            epoch: Epoch(1),
            max_participants: size,
            media,
            memo: serde_json::json!({"who": "test"}),
        };
        self.sfu.create_conference(room).await.expect("created");
        conference
    }

    /// Adds a participant and has a plain client answer its offer.
    pub async fn join(&self, conference: ConferenceId, role: Role) -> Party {
        self.join_with(conference, role, Options::default()).await
    }

    pub async fn join_with(&self, conference: ConferenceId, role: Role, options: Options) -> Party {
        let id = ParticipantId::from_bytes(fresh());
        self.enter(conference, id, role, Generation(1), options)
            .await
    }

    /// The same, and waits until it is connected.
    pub async fn join_connected(&self, conference: ConferenceId, role: Role) -> Party {
        let party = self.join(conference, role).await;
        self.connected(conference, &party).await;
        party
    }

    /// All figures of the node, as they are scraped.
    pub fn figures(&self) -> String {
        let mut registry = lens_runtime::metrics::registry();
        self.sfu.metrics().register(&mut registry);
        lens_runtime::metrics::text(&registry)
    }

    /// Asks for an offer.
    pub async fn offer(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
        role: Role,
        generation: Generation,
    ) -> Result<Offered, lens_protocol::Problem> {
        let add = AddParticipant {
            conference,
            epoch: Epoch(1),
            participant,
            role,
            generation,
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        self.sfu.add_participant(add).await
    }

    /// Brings a client's own offer.
    pub async fn accept(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
        role: Role,
        sdp: &str,
    ) -> Result<Offered, lens_protocol::Problem> {
        let participant = AddParticipant {
            conference,
            epoch: Epoch(1),
            participant,
            role,
            generation: Generation(1),
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        let sdp = sdp.to_owned();
        self.sfu
            .accept_offer(AcceptOffer { participant, sdp })
            .await
    }

    /// Brings a client with an offer of its own, and waits until it is connected.
    pub async fn come(
        &self,
        conference: ConferenceId,
        role: Role,
        (offering, sdp): (Offering, String),
    ) -> Party {
        let id = ParticipantId::from_bytes(fresh());
        let offered = self.accept(conference, id, role, &sdp).await;
        let offered = offered.expect("an answer");
        let client = offering.answered(&offered.sdp);
        let party = Party {
            id,
            role,
            offered,
            client,
        };
        self.connected(conference, &party).await;
        party
    }

    pub async fn answer(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
        negotiation_id: NegotiationId,
        sdp: &str,
    ) -> Result<(), lens_protocol::Problem> {
        let answer = ApplyAnswer {
            conference,
            epoch: Epoch(1),
            participant,
            negotiation_id,
            sdp: sdp.to_owned(),
        };
        self.sfu.apply_answer(answer).await
    }

    /// Gives a participant (a new) generation with a client of its own.
    pub async fn enter(
        &self,
        conference: ConferenceId,
        id: ParticipantId,
        role: Role,
        generation: Generation,
        options: Options,
    ) -> Party {
        let offered = self
            .offer(conference, id, role, generation)
            .await
            .expect("an offer");
        let (client, answer) = Client::answer(&offered.sdp, options);
        self.answer(conference, id, offered.negotiation_id, &answer)
            .await
            .expect("the answer is taken");
        Party {
            id,
            role,
            offered,
            client,
        }
    }

    pub async fn hold(&self, conference: ConferenceId, held: bool) {
        let hold = HoldMediaRoom {
            conference,
            epoch: Epoch(1),
            held,
        };
        self.sfu
            .hold_conference(hold)
            .await
            .expect("held or resumed");
    }

    pub async fn remove(&self, conference: ConferenceId, participant: ParticipantId) {
        let remove = RemoveParticipant {
            conference,
            epoch: Epoch(1),
            participant,
        };
        self.sfu.remove_participant(remove).await.expect("removed");
    }

    /// Waits until a party's connection is up on both sides.
    pub async fn connected(&self, conference: ConferenceId, party: &Party) {
        party
            .client
            .wait("the client is connected", |seen| seen.connected)
            .await;
        self.reached(conference, party.id, TimelineStep::DtlsConnected)
            .await;
    }

    /// Waits until a participant's newest connection has reached a step.
    pub async fn reached(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
        step: TimelineStep,
    ) {
        let until = Instant::now() + PATIENCE;
        loop {
            let timeline = self
                .sfu
                .timeline(conference, participant)
                .await
                .expect("a timeline");
            if timeline.steps.iter().any(|entry| entry.step == step) {
                return;
            }
            assert!(
                Instant::now() < until,
                "never reached {step:?}: {timeline:?}"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn sfu_timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Timeline {
        self.sfu
            .timeline(conference, participant)
            .await
            .expect("a timeline")
    }

    /// Waits for an event that `wanted` picks, from the start of the node's life.
    pub async fn event<T>(&self, what: &str, wanted: impl Fn(&SfuEventKind) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut position = 0;
        loop {
            let batch = self
                .sfu
                .events(position, Duration::from_millis(200))
                .await
                .unwrap();
            if let Some(found) = batch.events.iter().find_map(|event| wanted(&event.kind)) {
                return found;
            }
            position = batch.next;
            assert!(Instant::now() < until, "never saw: {what}");
        }
    }

    /// Waits for a participant's failure.
    pub async fn failed(&self, who: ParticipantId) -> CauseCode {
        self.event("a failure", |kind| match kind {
            SfuEventKind::Failed {
                participant, cause, ..
            } if *participant == who => Some(*cause),
            _ => None,
        })
        .await
    }
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
