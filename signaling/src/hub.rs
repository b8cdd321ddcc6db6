//! The hub: what the host program holds to send, and what carriers attach to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use lens_protocol::entropy::Entropy;
use lens_protocol::id::Seq;
use lens_protocol::signal::ByeReason;
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::shutdown::Shutdown;
use tokio::sync::Notify;

use crate::config::HubConfig;
use crate::core::channel::{ChannelCore, Idle, Link, Received, Transmit};
use crate::core::frame::{self, Body, PeerFrame};
use crate::error::Closed;
use crate::host::{Channel, Host, Identity, Outbound};
use crate::metrics::{ByReason, HubMetrics};
use crate::registry::{Call, Entry, Registry, work};
use crate::server::posts::Posts;

/// Carries messages between peers and the host. Clones share it.
///
/// Hub and host need each other. So the hub is made first, handed to the host, and then told of
/// it; until then connections get `unavailable`:
///
/// ```text
/// let hub = Hub::new(HubConfig::default(), shutdown);
/// let bridge = Arc::new(Bridge::new(hub.clone(), …));
/// hub.attach(bridge);
/// let routes = lens_signaling::server::router(&hub);
/// ```
///
/// Nothing here blocks or waits: messages are queued, carriers and workers do the rest.
#[derive(Clone, Debug)]
pub struct Hub(pub(crate) Arc<Shared>);

/// How much a hub holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open connections.
    pub connections: usize,
    /// Channels, attached or waiting for their peer.
    pub channels: usize,
    /// Identities with at least one channel.
    pub identities: usize,
}

pub(crate) struct Shared {
    pub(crate) config: HubConfig,
    pub(crate) host: OnceLock<Arc<dyn Host>>,
    pub(crate) shutdown: Shutdown,
    pub(crate) registry: Registry,
    pub(crate) metrics: HubMetrics,
    pub(crate) connections: AtomicUsize,
    pub(crate) posts: Posts,
    life: String,
    births: AtomicU64,
}

/// What a peer says when it connects.
#[derive(Debug)]
pub(crate) struct Hello {
    pub(crate) channel: String,
    pub(crate) hub: Option<String>,
    pub(crate) last_seq: Seq,
}

impl Hub {
    /// A hub without channels. Needs a tokio runtime; its tasks end when `shutdown` is requested.
    pub fn new(config: HubConfig, shutdown: Shutdown) -> Self {
        let hub = Self(Arc::new(Shared {
            config,
            host: OnceLock::new(),
            shutdown: shutdown.clone(),
            registry: Registry::default(),
            metrics: HubMetrics::default(),
            connections: AtomicUsize::new(0),
            posts: Posts::default(),
            life: random_name(),
            births: AtomicU64::new(0),
        }));
        let shared = hub.0.clone();
        let stop = shutdown.token();
        shutdown.spawn(async move {
            stop.cancelled().await;
            for entry in shared.registry.all() {
                entry.close(Some(ByeReason::ShuttingDown));
            }
        });
        hub
    }

    /// Tells the hub its host. Only the first call counts.
    pub fn attach(&self, host: Arc<dyn Host>) {
        if self.0.host.set(host).is_err() {
            tracing::warn!("a signalling hub has one host; the second is ignored");
        }
    }

    /// Queues a message for one channel. False when there is no such channel.
    pub fn send(&self, channel: &Channel, message: Outbound) -> bool {
        let Some(entry) = self.0.registry.find(channel) else {
            return false;
        };
        self.0
            .push(&entry, frame::body_of(message.session, &message.signal))
    }

    /// Queues a message for every channel of an identity. Returns for how many.
    pub fn send_identity(&self, identity: &Identity, message: Outbound) -> usize {
        let entries = self.0.registry.of(identity);
        if entries.is_empty() {
            return 0;
        }
        let body = frame::body_of(message.session, &message.signal);
        entries
            .iter()
            .filter(|entry| self.0.push(entry, body.clone()))
            .count()
    }

    /// Ends a channel: what is queued and a `bye` still go out. Harmless when there is none.
    pub fn close(&self, channel: &Channel, reason: ByeReason) {
        if let Some(entry) = self.0.registry.find(channel) {
            entry.close(Some(reason));
        }
    }

    /// Ends every channel of an identity.
    pub fn close_identity(&self, identity: &Identity, reason: ByeReason) {
        for entry in self.0.registry.of(identity) {
            entry.close(Some(reason));
        }
    }

    /// The channels of an identity that have not ended, oldest first.
    pub fn channels_of(&self, identity: &Identity) -> Vec<Channel> {
        let entries = self.0.registry.of(identity);
        let living = entries
            .iter()
            .filter(|entry| !entry.state().core.is_ending());
        living.map(|entry| entry.channel.clone()).collect()
    }

    /// Whether a carrier is attached to the channel now.
    pub fn is_attached(&self, channel: &Channel) -> bool {
        let entry = self.0.registry.find(channel);
        entry.is_some_and(|entry| entry.state().core.is_carried())
    }

    /// How much the hub holds.
    pub fn counts(&self) -> Counts {
        let map = self.0.registry.lock();
        Counts {
            connections: self.0.connections.load(Ordering::Relaxed),
            channels: map.values().map(Vec::len).sum(),
            identities: map.len(),
        }
    }

    /// The hub's metrics, to be registered once.
    pub fn metrics(&self) -> &HubMetrics {
        &self.0.metrics
    }
}

impl Shared {
    fn push(&self, entry: &Entry, body: Body) -> bool {
        let mut state = entry.state();
        let taken = state.core.push(Instant::now(), body);
        if taken {
            self.metrics.sent.inc();
            state.wake.notify_one();
        }
        taken
    }

    fn next_life(&self) -> (u64, String) {
        let birth = self.births.fetch_add(1, Ordering::Relaxed);
        (birth, format!("{}.{birth}", self.life))
    }

    /// The host, or why nobody can connect now.
    pub(crate) fn host(&self) -> Result<&Arc<dyn Host>, Problem> {
        if self.shutdown.is_requested() {
            return Err(ErrorCode::Unavailable.into());
        }
        self.host.get().ok_or_else(|| ErrorCode::Unavailable.into())
    }

    /// Attaches a new carrier of `identity` to the channel it names.
    pub(crate) fn attach(
        self: &Arc<Self>,
        door: crate::Door,
        identity: Identity,
        hello: &Hello,
    ) -> Result<Carrier, Problem> {
        if !is_channel_name(&hello.channel) {
            let detail = "channel is 16 to 64 of A-Z, a-z, 0-9, '-' and '_'";
            return Err(Problem::new(ErrorCode::InvalidValue).with_detail(detail));
        }
        self.host()?;
        let channel = Channel {
            door,
            identity,
            name: hello.channel.clone(),
        };
        let mut map = self.registry.lock();
        let entries = map.entry(channel.identity.clone()).or_default();
        let entry = match entries.iter().find(|entry| entry.channel == channel) {
            Some(entry) => entry.clone(),
            None => {
                self.make_room(entries);
                let entry = self.open(channel);
                entries.push(entry.clone());
                entry
            }
        };
        Ok(self.carry(entry, hello))
    }

    /// Ends the oldest channels of an identity that has as many as it may: first those whose peer
    /// is away. Nobody is locked out by tabs of former days.
    fn make_room(&self, entries: &[Arc<Entry>]) {
        let living: Vec<_> = entries
            .iter()
            .filter(|e| !e.state().core.is_ending())
            .collect();
        if living.len() >= self.config.channels_per_identity {
            let away = living.iter().find(|entry| !entry.state().core.is_carried());
            if let Some(entry) = away.or(living.first()) {
                entry.close(Some(ByeReason::Replaced));
            }
        }
    }

    fn open(self: &Arc<Self>, channel: Channel) -> Arc<Entry> {
        let (birth, life) = self.next_life();
        let core = ChannelCore::new(Instant::now(), life, &self.config);
        let (entry, calls) = Entry::new(channel, core, birth);
        self.metrics.channels.inc();
        self.shutdown
            .spawn(work(self.clone(), entry.clone(), calls));
        entry
    }

    fn carry(self: &Arc<Self>, entry: Arc<Entry>, hello: &Hello) -> Carrier {
        let now = Instant::now();
        let mut state = entry.state();
        if state.core.is_carried() && !state.core.is_ending() {
            entry.call(Call::Detached);
        }
        let known = hello.hub.as_deref() == Some(state.core.life());
        if state.core.is_ending() || !known {
            let (birth, life) = self.next_life();
            state.birth = birth;
            state.core.start_over(now, life);
        }
        let attached = state.core.attach(now, known.then_some(hello.last_seq));
        entry.call(Call::Attached(attached));
        let outcome = if attached.fresh {
            &self.metrics.snapshots
        } else {
            &self.metrics.resumed
        };
        outcome.inc();
        let wake = Arc::new(Notify::new());
        std::mem::replace(&mut state.wake, wake.clone()).notify_one();
        drop(state);
        Carrier {
            hub: self.clone(),
            entry,
            link: attached.link,
            wake,
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

/// One connection's hold on its channel; dropping it detaches.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub(crate) hub: Arc<Shared>,
    pub(crate) entry: Arc<Entry>,
    pub(crate) link: Link,
    wake: Arc<Notify>,
}

impl Carrier {
    /// A frame of the peer. An error ends the connection.
    pub(crate) fn receive(&self, text: &str) -> Result<(), Closed> {
        self.hub.receive(&self.entry, self.link, frame::read(text))
    }

    /// What to do next; ask until it says `Wait` or `End`.
    pub(crate) fn poll(&self) -> Transmit {
        self.entry
            .state()
            .core
            .poll_transmit(Instant::now(), self.link)
    }

    /// Why the connection has to end although something is still being written to it.
    pub(crate) fn broken(&self) -> Option<Closed> {
        self.entry.state().core.broken(self.link)
    }

    /// Returns when [`Carrier::poll`] may have something new.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether the host keeps up with this peer; while not, the peer is not read.
    pub(crate) fn may_read(&self) -> bool {
        let waiting = self.entry.state().core.waiting_for_host();
        usize::try_from(waiting).unwrap_or(usize::MAX) < self.hub.config.host_backlog
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        let mut state = self.entry.state();
        let ending = state.core.is_ending();
        if state.core.detach(Instant::now(), self.link) && !ending {
            self.entry.call(Call::Detached);
        }
    }
}

impl Shared {
    /// Counts a peer that was not let in.
    pub(crate) fn refused(&self, code: ErrorCode) {
        self.closed(Closed::Refused(code));
    }

    /// Counts why a peer was cut off or turned away.
    pub(crate) fn closed(&self, closed: Closed) {
        self.metrics
            .closed
            .get_or_create(&ByReason {
                reason: closed.name(),
            })
            .inc();
    }

    /// A frame of the peer behind `entry`, by whichever way it came.
    pub(crate) fn receive(
        &self,
        entry: &Entry,
        link: Link,
        frame: Result<PeerFrame, frame::NoEnvelope>,
    ) -> Result<(), Closed> {
        let frame = frame.map_err(|frame::NoEnvelope| Closed::Unreadable)?;
        let mut state = entry.state();
        match state.core.receive(Instant::now(), link, frame) {
            Received::Deliver {
                seq,
                session,
                signal,
            } => {
                let birth = state.birth;
                entry.call(Call::Received {
                    birth,
                    seq,
                    session,
                    signal,
                });
            }
            Received::Farewell {
                seq,
                session,
                signal,
            } => {
                let birth = state.birth;
                entry.call(Call::Received {
                    birth,
                    seq,
                    session,
                    signal,
                });
                state.core.close(Instant::now(), None);
                entry.call(Call::Gone);
                state.wake.notify_one();
            }
            Received::Nothing(idle) => {
                match idle {
                    Idle::Alive => {}
                    Idle::Duplicate => _ = self.metrics.duplicates.inc(),
                    Idle::Unknown => _ = self.metrics.unknown_kinds.inc(),
                    Idle::Invalid => _ = self.metrics.invalid.inc(),
                }
                // It may have made an acknowledgement or an error due.
                state.wake.notify_one();
            }
            Received::Close(closed) => return Err(closed),
        }
        Ok(())
    }
}

/// 128 random bits, as text for the wire.
pub(crate) fn random_name() -> String {
    let mut bytes = [0; 16];
    SystemEntropy::default().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_channel_name(name: &str) -> bool {
    (16..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
