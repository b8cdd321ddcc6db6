//! A streaming server without media: keeps the contract of `SfuControl` (fencing epochs, lives,
//! generations, events, reports) and does as told when it comes to failing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, NodeId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, ConnectionStats, CreateMediaRoom, EndMediaRoom,
    HoldMediaRoom, MediaAddress, NodeReport, NodeState, Offered, ParticipantReport, Pause,
    PauseParticipant, RemoveParticipant, Role, RoomReport, SfuEvent, SfuEventKind, SfuEvents,
    Timeline,
};
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_sfu::SfuControl;
use tokio::sync::{Notify, watch};

/// How the node's process behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Answers.
    Runs,
    /// Connections are refused.
    Gone,
    /// Takes calls and never answers.
    Hangs,
}

/// A node; clones share it.
#[derive(Clone)]
pub struct FakeSfu(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    process: watch::Sender<Process>,
    happened: Notify,
}

/// What the node knows; tests look at it and change it.
pub struct State {
    pub node: NodeId,
    pub life: u64,
    pub region: Option<String>,
    pub addresses: Vec<MediaAddress>,
    pub draining: bool,
    pub load: u32,
    pub max_participants: u32,
    pub rooms: BTreeMap<ConferenceId, FakeRoom>,
    /// Problems the next additions come to, after having been carried out when `true`.
    pub failing_additions: VecDeque<(Problem, bool)>,
    /// Answers taken.
    pub answers: Vec<ApplyAnswer>,
    /// Clients' offers answered.
    pub offers: Vec<AcceptOffer>,
    /// Highest epoch ever seen of a conference.
    fences: HashMap<ConferenceId, Epoch>,
    events: Vec<SfuEvent>,
    negotiations: u64,
}

pub struct FakeRoom {
    pub made: CreateMediaRoom,
    pub held: bool,
    pub peers: BTreeMap<ParticipantId, FakePeer>,
}

pub struct FakePeer {
    pub added: AddParticipant,
    pub negotiation: NegotiationId,
    pub answered: bool,
    pub connected: bool,
}

const CAMERA_OFFER: &str = include_str!("../golden/offer-camera.raw.sdp");
const CLIENT_ANSWER: &str = "v=0\r\no=str0m-0.25.0 7 2 IN IP4 10.0.0.7\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\na=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n\
    a=mid:0\r\na=candidate:1 1 udp 1 10.0.0.7 9 typ host\r\na=end-of-candidates\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 AA:BB\r\n\
    a=setup:passive\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\na=rtcp-mux\r\n";
const VIEWER_OFFER: &str = include_str!("../golden/offer-viewer.raw.sdp");

impl FakeSfu {
    pub fn new(name: &str) -> Self {
        let state = State {
            node: name.parse().expect("a name"),
            life: 1,
            region: None,
            addresses: vec![MediaAddress {
                udp: "192.0.2.10:8443".parse().expect("an address"),
                tcp: Some("192.0.2.10:8443".parse().expect("an address")),
            }],
            draining: false,
            load: 0,
            max_participants: 100,
            rooms: BTreeMap::new(),
            failing_additions: VecDeque::new(),
            answers: Vec::new(),
            offers: Vec::new(),
            fences: HashMap::new(),
            events: Vec::new(),
            negotiations: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            process: watch::Sender::new(Process::Runs),
            happened: Notify::new(),
        }))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .state
            .lock()
            .expect("no test panics while it holds this")
    }

    pub fn set_process(&self, process: Process) {
        self.0.process.send_replace(process);
    }

    /// A new life of the process: everything of the former one is gone.
    pub fn restart(&self) {
        let mut state = self.state();
        state.life += 1;
        state.rooms.clear();
        state.events.clear();
        state.fences.clear();
        drop(state);
        self.set_process(Process::Runs);
        self.0.happened.notify_waiters();
    }

    /// Something happens on the node.
    pub fn happen(&self, conference: ConferenceId, kind: SfuEventKind) {
        let mut state = self.state();
        let epoch = state.rooms[&conference].made.epoch;
        let position = u64::try_from(state.events.len()).expect("few") + 1;
        state.events.push(SfuEvent {
            position,
            at: Timestamp::from_unix_ms(0),
            conference,
            epoch,
            kind,
        });
        drop(state);
        self.0.happened.notify_waiters();
    }

    /// A participant's newest connection comes about.
    pub fn connect(&self, conference: ConferenceId, participant: ParticipantId) {
        let generation = {
            let mut state = self.state();
            let room = state.rooms.get_mut(&conference).expect("it runs here");
            let peer = room.peers.get_mut(&participant).expect("it is there");
            peer.answered = true;
            peer.connected = true;
            peer.added.generation
        };
        self.happen(
            conference,
            SfuEventKind::Connected {
                participant,
                generation,
            },
        );
    }

    pub fn participants(&self) -> usize {
        let state = self.state();
        state.rooms.values().map(|room| room.peers.len()).sum()
    }

    pub fn has(&self, conference: ConferenceId) -> bool {
        self.state().rooms.contains_key(&conference)
    }

    /// Returns when the process answers; refuses when it is gone.
    async fn answering(&self) -> Result<(), Problem> {
        let mut process = self.0.process.subscribe();
        let now = *process.borrow_and_update();
        match now {
            Process::Runs => Ok(()),
            Process::Gone => Err(ErrorCode::Unavailable.into()),
            Process::Hangs => {
                let _ = process.wait_for(|process| *process != Process::Hangs).await;
                Err(ErrorCode::Unavailable.into())
            }
        }
    }
}

impl State {
    /// The room of a call, if its epoch is not stale.
    fn room(&mut self, id: ConferenceId, epoch: Epoch) -> Result<&mut FakeRoom, Problem> {
        self.fence(id, epoch)?;
        let room = self.rooms.get_mut(&id);
        room.filter(|room| room.made.epoch == epoch)
            .ok_or_else(|| ErrorCode::ConferenceNotFound.into())
    }

    fn fence(&mut self, id: ConferenceId, epoch: Epoch) -> Result<(), Problem> {
        let fence = self.fences.entry(id).or_insert(epoch);
        if epoch < *fence {
            return Err(ErrorCode::StaleEpoch.into());
        }
        *fence = epoch;
        Ok(())
    }

    fn seat(&mut self, add: AddParticipant) -> Result<Offered, Problem> {
        self.negotiations += 1;
        let negotiation = NegotiationId(self.negotiations);
        let (id, epoch) = (add.conference, add.epoch);
        let room = self.room(id, epoch)?;
        let known = room.peers.get(&add.participant);
        if known.is_some_and(|peer| peer.added.generation >= add.generation) {
            return Err(ErrorCode::StaleGeneration.into());
        }
        let sdp = match add.role {
            Role::Camera => CAMERA_OFFER,
            Role::Viewer => VIEWER_OFFER,
        };
        let peer = FakePeer {
            negotiation,
            answered: false,
            connected: false,
            added: add,
        };
        room.peers.insert(peer.added.participant, peer);
        Ok(Offered {
            negotiation_id: negotiation,
            sdp: sdp.to_owned(),
            slots: Vec::new(),
        })
    }
}

#[async_trait]
impl SfuControl for FakeSfu {
    async fn create_conference(&self, made: CreateMediaRoom) -> Result<(), Problem> {
        self.answering().await?;
        let mut state = self.state();
        if state.draining {
            return Err(ErrorCode::NodeDraining.into());
        }
        state.fence(made.conference, made.epoch)?;
        let newer = state
            .rooms
            .get(&made.conference)
            .is_none_or(|room| room.made.epoch < made.epoch);
        if newer {
            let room = FakeRoom {
                held: false,
                peers: BTreeMap::new(),
                made,
            };
            state.rooms.insert(room.made.conference, room);
        }
        Ok(())
    }

    async fn add_participant(&self, add: AddParticipant) -> Result<Offered, Problem> {
        self.answering().await?;
        // Lets racing calls really race.
        tokio::task::yield_now().await;
        let mut state = self.state();
        match state.failing_additions.pop_front() {
            Some((problem, false)) => Err(problem),
            Some((problem, true)) => {
                state.seat(add)?;
                Err(problem)
            }
            None => state.seat(add),
        }
    }

    async fn accept_offer(&self, offer: AcceptOffer) -> Result<Offered, Problem> {
        let mut seated = self.add_participant(offer.participant.clone()).await?;
        let mut state = self.state();
        let add = &offer.participant;
        let room = state.room(add.conference, add.epoch)?;
        let peer = room.peers.get_mut(&add.participant);
        peer.ok_or(ErrorCode::ParticipantNotFound)?.answered = true;
        // What is answered stands in the golden offer's place: rewriting treats both alike.
        seated.sdp = CLIENT_ANSWER.to_owned();
        state.offers.push(offer);
        Ok(seated)
    }

    async fn apply_answer(&self, answer: ApplyAnswer) -> Result<(), Problem> {
        self.answering().await?;
        let mut state = self.state();
        let room = state.room(answer.conference, answer.epoch)?;
        let peer = room.peers.get_mut(&answer.participant);
        let peer = peer.ok_or(ErrorCode::ParticipantNotFound)?;
        if peer.negotiation != answer.negotiation_id {
            return Err(ErrorCode::StaleGeneration.into());
        }
        if std::mem::replace(&mut peer.answered, true) {
            return Err(ErrorCode::AlreadyAnswered.into());
        }
        state.answers.push(answer);
        Ok(())
    }

    async fn remove_participant(&self, gone: RemoveParticipant) -> Result<(), Problem> {
        self.answering().await?;
        let mut state = self.state();
        state
            .room(gone.conference, gone.epoch)?
            .peers
            .remove(&gone.participant);
        Ok(())
    }

    async fn hold_conference(&self, hold: HoldMediaRoom) -> Result<(), Problem> {
        self.answering().await?;
        self.state().room(hold.conference, hold.epoch)?.held = hold.held;
        Ok(())
    }

    async fn pause_participant(&self, pause: PauseParticipant) -> Result<(), Problem> {
        self.answering().await?;
        let mut state = self.state();
        let room = state.room(pause.conference, pause.epoch)?;
        let peer = room.peers.get_mut(&pause.participant);
        peer.ok_or(ErrorCode::ParticipantNotFound)?.added.pause = pause.pause;
        Ok(())
    }

    async fn end_conference(&self, end: EndMediaRoom) -> Result<(), Problem> {
        self.answering().await?;
        let mut state = self.state();
        state.fence(end.conference, end.epoch)?;
        state.rooms.remove(&end.conference);
        Ok(())
    }

    async fn timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        self.answering().await?;
        let state = self.state();
        let peer = state
            .rooms
            .get(&conference)
            .and_then(|room| room.peers.get(&participant));
        let peer = peer.ok_or(ErrorCode::ParticipantNotFound)?;
        Ok(Timeline {
            participant,
            generation: peer.added.generation,
            node: None,
            steps: Vec::new(),
            cause: None,
            stats: ConnectionStats::default(),
        })
    }

    async fn report(&self) -> Result<NodeReport, Problem> {
        self.answering().await?;
        let state = self.state();
        Ok(NodeReport {
            node: state.node.clone(),
            life: state.life,
            region: state.region.clone(),
            state: match state.draining {
                true => NodeState::Draining,
                false => NodeState::Up,
            },
            addresses: state.addresses.clone(),
            packets_per_s: 0,
            participants: state.load,
            max_participants: state.max_participants,
            rooms: state.rooms.values().map(FakeRoom::report).collect(),
        })
    }

    async fn events(&self, after: u64, wait: Duration) -> Result<SfuEvents, Problem> {
        self.answering().await?;
        let look = || {
            let state = self.state();
            let later = state.events.iter().filter(|event| event.position > after);
            SfuEvents {
                life: state.life,
                events: later.cloned().collect(),
                next: u64::try_from(state.events.len()).expect("few"),
                gap: false,
            }
        };
        let mut process = self.0.process.subscribe();
        let waiting = async {
            loop {
                let happened = self.0.happened.notified();
                let found = look();
                let restarted = found.next < after;
                if !found.events.is_empty() || restarted {
                    return;
                }
                happened.await;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(wait, waiting) => Ok(look()),
            // A connection to a process that dies breaks at once.
            _ = process.wait_for(|process| *process == Process::Gone) => {
                Err(ErrorCode::Unavailable.into())
            }
        }
    }

    async fn drain(&self) -> Result<(), Problem> {
        self.answering().await?;
        self.state().draining = true;
        Ok(())
    }
}

impl FakeRoom {
    fn report(&self) -> RoomReport {
        let peers = self.peers.values().map(|peer| ParticipantReport {
            participant: peer.added.participant,
            role: peer.added.role,
            generation: peer.added.generation,
            negotiation_id: peer.negotiation,
            answered: peer.answered,
            connected: peer.connected,
            pause: peer.added.pause,
            memo: peer.added.memo.clone(),
            slots: Vec::new(),
        });
        RoomReport {
            conference: self.made.conference,
            epoch: self.made.epoch,
            held: self.held,
            max_participants: self.made.max_participants,
            media: self.made.media.clone(),
            memo: self.made.memo.clone(),
            participants: peers.collect(),
        }
    }

    /// What of a participant's media is paused here.
    pub fn paused(&self, participant: ParticipantId) -> Option<Pause> {
        Some(self.peers.get(&participant)?.added.pause)
    }

    /// The generation a participant has here.
    pub fn generation(&self, participant: ParticipantId) -> Option<Generation> {
        let peer = self.peers.get(&participant)?;
        Some(peer.added.generation)
    }
}
