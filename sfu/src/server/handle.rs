//! The control handle: what a Session Manager in the same process holds, and the HTTP door calls.

use std::net::{IpAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_protocol::Problem;
use lens_protocol::id::{ConferenceId, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom,
    MediaAddress, NodeReport, NodeState, Offered, PauseParticipant, RemoveParticipant, SfuEvents,
    Timeline,
};
use lens_runtime::clock::Clock;
use lens_runtime::entropy::SystemEntropy;
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::directory::Directory;
use super::events::EventLog;
use super::sockets::Door;
use super::worker::{Inbound, Port, new_connection};
use crate::caps::Cap;
use crate::config::{Config, RtpPath};
use crate::core::demux::Names;
use crate::core::description::Description;
use crate::core::occupancy::Occupancy;
use crate::core::offer::Offer;
use crate::core::path::Moment;
use crate::core::peer::{self, Blueprint, Built, Credentials, Identity};
use crate::core::shard::{Answering, Invitation, Shard, ShardReport, Wanted};
use crate::error::SfuError;
use crate::metrics::Metrics;

/// How long one DTLS certificate is shown. RFC 8827 wants it changed now and then; making one
/// takes a millisecond.
const IDENTITY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Control of a running node. Clones share it; the node stops with the last one.
#[derive(Clone)]
pub struct SfuHandle(Arc<Running>);

struct Running {
    node: Node,
    ports: Vec<Port>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The node's parts that no worker owns.
pub(super) struct Node {
    pub(super) config: Config,
    addresses: Vec<MediaAddress>,
    pub(super) doors: Vec<Door>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) log: Arc<EventLog>,
    pub(super) metrics: Metrics,
    pub(super) occupancy: Arc<Occupancy>,
    /// What its ICE user names are sealed with.
    pub(super) names: Names,
    /// Which worker a conference lives on. Held over creating and ending one, so that the two
    /// never cross.
    directory: AsyncMutex<Directory>,
    identity: Mutex<Option<(Identity, Instant)>>,
    negotiations: AtomicU64,
    draining: AtomicBool,
}

impl Node {
    pub(super) fn new(
        config: Config,
        addresses: Vec<MediaAddress>,
        doors: Vec<Door>,
        life: u64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            occupancy: super::occupancy(&config),
            names: Names::new(&mut SystemEntropy::default()),
            metrics: super::metrics(),
            log: Arc::new(EventLog::new(life)),
            directory: AsyncMutex::default(),
            identity: Mutex::default(),
            negotiations: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            config,
            addresses,
            doors,
            clock,
        }
    }

    pub(super) fn into_handle(self, workers: Vec<(Port, JoinHandle<()>)>) -> SfuHandle {
        let (ports, threads) = workers.into_iter().unzip();
        SfuHandle(Arc::new(Running {
            node: self,
            ports,
            threads: Mutex::new(threads),
        }))
    }

    fn identity(&self) -> Result<Identity, SfuError> {
        let mut kept = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((identity, since)) = kept.as_ref()
            && since.elapsed() < IDENTITY_LIFE
        {
            return Ok(identity.clone());
        }
        let identity = Identity::generate()?;
        *kept = Some((identity.clone(), Instant::now()));
        Ok(identity)
    }

    fn build(&self, worker: usize, wanted: &Wanted) -> Result<Built, SfuError> {
        peer::build(self.blueprint(worker, wanted, &self.identity()?))
    }

    fn accept(
        &self,
        worker: usize,
        wanted: &Wanted,
        asked: &AcceptOffer,
    ) -> Result<Built, SfuError> {
        let (role, codecs) = (asked.participant.role, &wanted.media.video_codecs);
        let offer = Offer::parse(&asked.sdp, role, wanted.size, codecs)?;
        peer::accept(self.blueprint(worker, wanted, &self.identity()?), &offer)
    }

    fn blueprint<'a>(
        &'a self,
        worker: usize,
        wanted: &'a Wanted,
        identity: &'a Identity,
    ) -> Blueprint<'a> {
        let worker = u8::try_from(worker).expect("at most 64 workers were started");
        Blueprint {
            credentials: Credentials::new(worker, &self.names, &mut SystemEntropy::default()),
            identity,
            addresses: &self.addresses,
            layout: &wanted.layout,
            codecs: &wanted.media.video_codecs,
            simulcast: wanted.media.simulcast,
            own_path: self.config.rtp_path == RtpPath::Own,
            channel: true,
            now: Instant::now(),
        }
    }

    fn door(&self, local: IpAddr) -> Option<u8> {
        let exact = self.doors.iter().position(|door| door.local.ip() == local);
        let family = || {
            let doors = self.doors.iter();
            doors
                .clone()
                .position(|door| door.local.is_ipv4() == local.is_ipv4())
        };
        exact
            .or_else(family)
            .and_then(|door| u8::try_from(door).ok())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for port in &self.ports {
            let _ = port.tell(Inbound::Stop);
        }
    }
}

impl SfuHandle {
    /// Where peers reach the node.
    pub fn addresses(&self) -> &[MediaAddress] {
        &self.0.node.addresses
    }

    /// The node's figures.
    pub fn metrics(&self) -> &Metrics {
        &self.0.node.metrics
    }

    /// Takes a TCP connection whose first bytes are a STUN frame (RFC 4571) and of which nothing
    /// has been read. Never blocks; a connection that cannot be taken is closed.
    pub fn accept_tcp(&self, stream: TcpStream) {
        let addresses = (stream.local_addr(), stream.peer_addr());
        let (Ok(local), Ok(remote)) = addresses else {
            return;
        };
        let Some(door) = self.0.node.door(local.ip().to_canonical()) else {
            return;
        };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let stream = mio::net::TcpStream::from_std(stream);
        let passing = new_connection(stream, door, remote, Instant::now());
        if let Some(port) = self.0.ports.first() {
            let _ = port.tell(Inbound::Tcp(Box::new(passing)));
        }
    }

    /// Tells all peers goodbye, ends the workers and waits for them.
    pub async fn stop(&self) {
        for port in &self.0.ports {
            let _ = port.tell(Inbound::Stop);
        }
        let threads = {
            let mut threads = self
                .0
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *threads)
        };
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                let _ = thread.join();
            }
        });
        let _ = joined.await;
    }

    /// Runs `command` on a worker's thread.
    async fn on<T: Send + 'static>(
        &self,
        worker: usize,
        command: impl FnOnce(&mut Shard, Moment) -> T + Send + 'static,
    ) -> Result<T, SfuError> {
        let (reply, answer) = oneshot::channel();
        let port = self.0.ports.get(worker).ok_or(SfuError::Stopped)?;
        let log = Arc::clone(&self.0.node.log);
        port.tell(Inbound::Command(Box::new(move |shard, at| {
            let outcome = command(shard, at);
            // Before the reply, so that a caller who has it finds in the log what it caused.
            log.append(shard.notices.drain(..));
            let _ = reply.send(outcome);
        })))?;
        answer.await.map_err(|_| SfuError::Stopped)
    }

    async fn worker_of(&self, conference: ConferenceId) -> Result<usize, SfuError> {
        let directory = self.0.node.directory.lock().await;
        let worker = directory.worker_of(conference);
        worker.ok_or(SfuError::ConferenceNotFound)
    }

    pub(super) async fn create(&self, room: CreateMediaRoom) -> Result<(), SfuError> {
        let node = &self.0.node;
        let mut directory = node.directory.lock().await;
        let conference = room.conference;
        let known = directory.worker_of(conference);
        if known.is_none() {
            if directory.has_ended(conference, room.epoch) {
                return Err(SfuError::StaleEpoch);
            }
            if node.draining.load(Ordering::Relaxed) {
                return Err(SfuError::NodeDraining);
            }
            if directory.len() >= i64::from(node.config.max_conferences) {
                return Err(SfuError::NodeFull(Cap::Conferences));
            }
            if let Some(cap) = node.occupancy.full() {
                return Err(SfuError::NodeFull(cap));
            }
        }
        let worker = known.unwrap_or_else(|| directory.least_busy(self.0.ports.len()));
        self.on(worker, move |shard, at| shard.create(room, at))
            .await??;
        directory.begin(conference, worker);
        node.metrics.conferences.set(directory.len());
        Ok(())
    }

    pub(super) async fn end(&self, end: EndMediaRoom) -> Result<(), SfuError> {
        let node = &self.0.node;
        let mut directory = node.directory.lock().await;
        if let Some(worker) = directory.worker_of(end.conference) {
            let asked = end.clone();
            self.on(worker, move |shard, at| shard.end(&asked, at))
                .await??;
        }
        directory.end(end.conference, end.epoch);
        node.metrics.conferences.set(directory.len());
        self.count_participants();
        Ok(())
    }

    pub(super) async fn add(&self, add: AddParticipant) -> Result<Offered, SfuError> {
        self.enter(add, Node::build).await
    }

    pub(super) async fn accept(&self, asked: AcceptOffer) -> Result<Offered, SfuError> {
        let add = asked.participant.clone();
        self.enter(add, move |node, worker, wanted| {
            node.accept(worker, wanted, &asked)
        })
        .await
    }

    /// Adds a participant with the peer that `make` builds for it, off the media thread.
    async fn enter(
        &self,
        add: AddParticipant,
        make: impl FnOnce(&Node, usize, &Wanted) -> Result<Built, SfuError> + Send + 'static,
    ) -> Result<Offered, SfuError> {
        let worker = self.worker_of(add.conference).await?;
        let asked = add.clone();
        let invited = self
            .on(worker, move |shard, at| shard.invite(&asked, at.instant))
            .await??;
        let wanted = match invited {
            Invitation::Exists(offered) => return Ok(offered),
            Invitation::Make(wanted) => wanted,
        };
        let running = Arc::clone(&self.0);
        let built = off_thread(move || make(&running.node, worker, &wanted)).await?;
        let negotiation = NegotiationId(self.0.node.negotiations.fetch_add(1, Ordering::Relaxed));
        let offered = self
            .on(worker, move |shard, at| {
                shard.add(add, built, negotiation, at)
            })
            .await??;
        self.count_participants();
        Ok(offered)
    }

    pub(super) async fn answer(&self, apply: ApplyAnswer) -> Result<(), SfuError> {
        let worker = self.worker_of(apply.conference).await?;
        let answering = off_thread(move || {
            let answer = Description::parse(&apply.sdp)?;
            Ok(Answering {
                conference: apply.conference,
                epoch: apply.epoch,
                participant: apply.participant,
                negotiation: apply.negotiation_id,
                parsed: peer::parse_answer(&answer.sdp)?,
                answer,
            })
        });
        let answering = answering.await?;
        self.on(worker, move |shard, at| shard.answer(answering, at))
            .await?
    }

    pub(super) async fn remove(&self, remove: RemoveParticipant) -> Result<(), SfuError> {
        let Ok(worker) = self.worker_of(remove.conference).await else {
            return Ok(());
        };
        let removed = self
            .on(worker, move |shard, at| shard.remove(&remove, at))
            .await?;
        self.count_participants();
        removed
    }

    pub(super) async fn hold(&self, hold: HoldMediaRoom) -> Result<(), SfuError> {
        let worker = self.worker_of(hold.conference).await?;
        self.on(worker, move |shard, at| shard.hold(&hold, at))
            .await?
    }

    pub(super) async fn pause(&self, pause: PauseParticipant) -> Result<(), SfuError> {
        let worker = self.worker_of(pause.conference).await?;
        self.on(worker, move |shard, at| shard.pause(&pause, at))
            .await?
    }

    pub(super) async fn read_timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, SfuError> {
        let worker = self.worker_of(conference).await?;
        self.on(worker, move |shard, _| {
            shard.timeline(conference, participant)
        })
        .await?
    }

    pub(super) async fn read_report(&self) -> Result<NodeReport, SfuError> {
        let node = &self.0.node;
        let mut whole = ShardReport::default();
        for worker in 0..self.0.ports.len() {
            let part = self
                .on(worker, |shard, at| shard.report(at.instant))
                .await?;
            whole.packets_per_s += part.packets_per_s;
            whole.rooms.extend(part.rooms);
        }
        let draining = node.draining.load(Ordering::Relaxed);
        Ok(NodeReport {
            node: node.config.node.clone(),
            life: node.log.life(),
            region: node.config.region.clone(),
            state: if draining {
                NodeState::Draining
            } else {
                NodeState::Up
            },
            addresses: node.addresses.clone(),
            packets_per_s: whole.packets_per_s,
            participants: node.occupancy.participants(),
            max_participants: node.config.max_participants,
            rooms: whole.rooms,
        })
    }

    pub(super) async fn read_events(&self, after: u64, wait: Duration) -> SfuEvents {
        self.0.node.log.after(after, wait).await
    }

    pub(super) fn begin_drain(&self) {
        self.0.node.draining.store(true, Ordering::Relaxed);
    }

    /// The same outcome as a problem; a cap that refused is counted.
    pub(super) fn judged<T>(&self, outcome: Result<T, SfuError>) -> Result<T, Problem> {
        if let Some(cap) = outcome.as_ref().err().and_then(SfuError::cap) {
            self.0.node.metrics.note_reached(cap);
        }
        Ok(outcome?)
    }

    fn count_participants(&self) {
        let node = &self.0.node;
        let count = node.occupancy.participants();
        node.metrics.participants.set(i64::from(count));
    }
}

/// Runs CPU work on the blocking pool. A panic in it is the caller's bad input, nothing more.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SfuError> + Send + 'static,
) -> Result<T, SfuError> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|_| Err(SfuError::InvalidSdp("the media stack cannot read it")))
}
