//! The drivers around the core: clock, store, media nodes, tasks.
//!
//! | file | what it drives |
//! |---|---|
//! | [`calls`] | the [`SessionManager`](crate::SessionManager) trait: rights, then work that outlives its caller |
//! | [`conferences`] | create, read, hold, end |
//! | [`participants`] | join, offer, answer, leave |
//! | [`clients`] | participants that make their own offers: WHIP, WHEP |
//! | [`placing`] | finding a node, placing anew, calls with the fencing epoch |
//! | [`replay`] | idempotency keys |
//! | [`rooms`] | the table: one change of a conference at a time |
//! | [`nodes`], [`watch`] | media nodes and the task that watches each |
//! | [`reconcile`] | rebuilding, refreshing and cleaning up by a node's report |
//! | [`expire`] | ending what is over |

mod calls;
mod clients;
mod conferences;
mod expire;
mod nodes;
mod participants;
mod placing;
mod reconcile;
mod replay;
mod rooms;
mod watch;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lens_protocol::conference::{ConferenceEventKind, ConferenceEvents};
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::id::OwnerId;
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_runtime::clock::Clock;
use lens_runtime::shutdown::Shutdown;
use lens_sfu::SfuControl;
use lens_storage::{ConferenceStore, IdempotencyStore};
use tokio::sync::watch as signal;

use crate::config::Config;
use crate::core::conference::Room;
use crate::core::events::EventRings;
use crate::core::past::Past;
use crate::error::StartError;
use crate::metrics::Metrics;
use crate::token::MediaTokens;
use nodes::Nodes;
use rooms::Rooms;

/// What the service is built from.
pub struct Parts {
    /// The clock; times on every door come from it.
    pub clock: Arc<dyn Clock>,
    /// Where ids and the service's life come from.
    pub entropy: Box<dyn Entropy>,
    /// The table of conferences.
    pub conferences: Arc<dyn ConferenceStore>,
    /// Answers to requests with an `Idempotency-Key`.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// The streaming servers.
    pub nodes: Vec<Arc<dyn SfuControl>>,
    /// What is counted.
    pub metrics: Metrics,
    /// Owns the service's tasks.
    pub shutdown: Shutdown,
}

/// A running Session Manager; clones share it. Its calls are those of
/// [`SessionManager`](crate::SessionManager).
#[derive(Clone)]
pub struct SessionManagerService {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    clock: Arc<dyn Clock>,
    entropy: Mutex<Box<dyn Entropy>>,
    rooms: Rooms,
    idempotency: Arc<dyn IdempotencyStore>,
    nodes: Nodes,
    events: Mutex<EventRings>,
    past: Mutex<Past>,
    /// Raised with each event, for those who wait for one.
    happened: signal::Sender<u64>,
    tokens: Arc<MediaTokens>,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl SessionManagerService {
    /// Starts watching the nodes, takes over what they report, and returns when each has reported
    /// or the time for that is over.
    pub async fn start(config: Config, parts: Parts) -> Result<Self, StartError> {
        if parts.nodes.is_empty() {
            return Err(StartError::NoNodes);
        }
        let tokens = MediaTokens::open(&config.data_dir, config.token_life)?;
        let mut entropy = parts.entropy;
        let life = u64::from_be_bytes(random_bytes(entropy.as_mut()));
        let (nodes, inboxes) = Nodes::new(parts.nodes, config.nodes, parts.metrics.clone());
        let inner = Arc::new(Inner {
            clock: parts.clock,
            entropy: Mutex::new(entropy),
            rooms: Rooms::new(parts.conferences),
            idempotency: parts.idempotency,
            nodes,
            events: Mutex::new(EventRings::new(life)),
            past: Mutex::default(),
            happened: signal::Sender::new(0),
            tokens: Arc::new(tokens),
            metrics: parts.metrics,
            shutdown: parts.shutdown,
            config,
        });
        watch::start(&inner, inboxes);
        expire::start(&inner);
        inner
            .nodes
            .first_reports(inner.config.nodes.start_wait)
            .await;
        Ok(Self { inner })
    }

    /// The keys of the media tokens it signs, for the public door.
    pub fn media_keys(&self) -> Arc<MediaTokens> {
        self.inner.tokens.clone()
    }

    /// Whether at least one media node answers: what `/readyz` says.
    pub fn is_ready(&self) -> bool {
        self.inner.nodes.any_up()
    }

    /// Runs `work` to its end even when the caller goes away: a half-done join would leave a
    /// participant nobody knows of.
    async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        match self.inner.shutdown.spawn(work).await {
            Ok(result) => result,
            Err(_) => Err(ErrorCode::Internal.into()),
        }
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Makes something that needs time and randomness: an id.
    fn generate<T>(&self, make: impl FnOnce(Timestamp, &mut dyn Entropy) -> T) -> T {
        let now = self.now();
        let mut entropy = self.entropy.lock().unwrap_or_else(PoisonError::into_inner);
        make(now, entropy.as_mut())
    }

    /// Tells the owner of `room` what happened.
    fn tell(&self, room: &Room, kind: ConferenceEventKind) {
        let external_id = room.settings.external_id.clone();
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.now(), &room.owner, room.id, external_id, kind);
        self.happened.send_modify(|count| *count += 1);
    }

    /// The owner's events after `after`, or none when none comes within `wait`.
    async fn events_after(&self, owner: &OwnerId, after: u64, wait: Duration) -> ConferenceEvents {
        let mut happened = self.happened.subscribe();
        let look = || {
            let rings = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            rings.after(owner, after)
        };
        let waiting = async {
            loop {
                happened.borrow_and_update();
                let found = look();
                if found.gap || !found.events.is_empty() || happened.changed().await.is_err() {
                    return found;
                }
            }
        };
        let stopping = self.shutdown.token();
        tokio::select! {
            found = tokio::time::timeout(wait, waiting) => found.unwrap_or_else(|_| look()),
            () = stopping.cancelled() => look(),
        }
    }
}
