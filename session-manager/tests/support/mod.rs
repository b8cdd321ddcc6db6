//! A Session Manager over fake streaming servers, for tests that tell a story.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test file uses a part of it"
)]

mod fake_sfu;
pub mod house;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lens_protocol::conference::{
    Answer, Conference, ConferenceEvent, ConferenceEventKind, CreateConference, Join,
    ParticipantOffer,
};
use lens_protocol::id::{ConferenceId, OwnerId, ParticipantId};
use lens_protocol::media::Role;
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_runtime::clock::ManualClock;
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::shutdown::Shutdown;
use lens_session_manager::{
    Caller, Config, Grant, Metrics, Parts, SessionManager, SessionManagerService,
};
use lens_sfu::SfuControl;
use lens_storage::memory::{MemoryConferences, MemoryIdempotency};
use lens_storage::{ConferenceStore, IdempotencyStore};

pub use fake_sfu::{FakeSfu, Process};

pub const CHROMIUM_CAMERA: &str = include_str!("../golden/answer-camera.chromium.sdp");
pub const FIREFOX_CAMERA: &str = include_str!("../golden/answer-camera.firefox.sdp");
pub const CHROMIUM_VIEWER: &str = include_str!("../golden/answer-viewer.chromium.sdp");

/// How long a test waits for what has to happen. Only a failing test takes that long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A deployment whose Session Manager can be stopped and started anew.
pub struct Stage {
    pub nodes: Vec<FakeSfu>,
    pub clock: ManualClock,
    pub directory: tempfile::TempDir,
    pub conferences: Arc<dyn ConferenceStore>,
    pub idempotency: Arc<dyn IdempotencyStore>,
    pub manager: SessionManagerService,
    pub metrics: Metrics,
    shutdown: Shutdown,
}

pub fn website() -> Caller {
    Caller {
        owner: "website".parse().expect("a name"),
        grant: Grant::Owner,
    }
}

pub fn owner(name: &str) -> Caller {
    Caller {
        owner: name.parse::<OwnerId>().expect("a name"),
        grant: Grant::Owner,
    }
}

impl Stage {
    /// A deployment with these nodes.
    pub async fn with(names: &[&str]) -> Self {
        let nodes: Vec<FakeSfu> = names.iter().map(|name| FakeSfu::new(name)).collect();
        Self::over(nodes).await
    }

    pub async fn over(nodes: Vec<FakeSfu>) -> Self {
        let idempotency = Arc::new(MemoryIdempotency::new());
        Self::with_idempotency(nodes, idempotency).await
    }

    pub async fn with_idempotency(
        nodes: Vec<FakeSfu>,
        idempotency: Arc<dyn IdempotencyStore>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
        let conferences: Arc<dyn ConferenceStore> = Arc::new(MemoryConferences::new());
        let metrics = Metrics::default();
        let shutdown = Shutdown::new();
        let parts = Parts {
            clock: Arc::new(clock.clone()),
            entropy: Box::new(SystemEntropy::default()),
            conferences: conferences.clone(),
            idempotency: idempotency.clone(),
            nodes: controls(&nodes),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        };
        let config = config(directory.path().to_owned());
        let manager = SessionManagerService::start(config, parts)
            .await
            .expect("it starts");
        Self {
            nodes,
            clock,
            directory,
            conferences,
            idempotency,
            manager,
            metrics,
            shutdown,
        }
    }

    /// Stops the Session Manager and starts another one with an empty table; the nodes go on.
    pub async fn restart_manager(&mut self) {
        self.shutdown.request();
        assert!(self.shutdown.finished(PATIENCE).await, "a task hangs");
        self.shutdown = Shutdown::new();
        self.metrics = Metrics::default();
        self.conferences = Arc::new(MemoryConferences::new());
        let parts = Parts {
            clock: Arc::new(self.clock.clone()),
            entropy: Box::new(SystemEntropy::default()),
            conferences: self.conferences.clone(),
            idempotency: self.idempotency.clone(),
            nodes: controls(&self.nodes),
            metrics: self.metrics.clone(),
            shutdown: self.shutdown.clone(),
        };
        let config = config(self.directory.path().to_owned());
        self.manager = SessionManagerService::start(config, parts)
            .await
            .expect("it starts");
    }

    pub async fn create(&self) -> Conference {
        self.create_with(CreateConference::default()).await
    }

    pub async fn create_with(&self, request: CreateConference) -> Conference {
        let made = self.manager.create(&website(), None, request).await;
        made.expect("there is a node")
    }

    pub async fn join(&self, id: ConferenceId, role: Role) -> ParticipantOffer {
        let joined = self.try_join(id, role).await;
        joined.expect("there is room")
    }

    pub async fn try_join(
        &self,
        id: ConferenceId,
        role: Role,
    ) -> Result<ParticipantOffer, Problem> {
        self.manager.join(&website(), id, None, join(role)).await
    }

    pub async fn answer(&self, offer: &ParticipantOffer, sdp: &str) -> Result<(), Problem> {
        let answer = Answer {
            generation: offer.generation,
            negotiation_id: offer.negotiation_id,
            sdp: sdp.to_owned(),
        };
        let (id, participant) = (offer.conference, offer.participant);
        self.manager
            .answer(&website(), id, participant, answer)
            .await
    }

    pub async fn read(&self, id: ConferenceId) -> Conference {
        let read = self.manager.conference(&website(), id).await;
        read.expect("it is known")
    }

    pub async fn offer(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        self.manager.offer(&website(), id, participant).await
    }

    /// The website's events so far.
    pub async fn events(&self) -> Vec<ConferenceEvent> {
        let read = self.manager.events(&website(), 0, Duration::ZERO).await;
        read.expect("granted").events
    }

    /// Waits for the first event that `wanted` says yes to.
    pub async fn event(&self, wanted: impl Fn(&ConferenceEventKind) -> bool) -> ConferenceEvent {
        let found = async {
            let mut after = 0;
            loop {
                let wait = Duration::from_secs(1);
                let read = self.manager.events(&website(), after, wait).await;
                let read = read.expect("granted");
                after = read.next;
                if let Some(event) = read.events.into_iter().find(|event| wanted(&event.kind)) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .expect("the event comes")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// Waits until `done` says so.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "still not: {what}");
}

pub fn join(role: Role) -> Join {
    Join {
        role,
        display_name: "Ana".to_owned(),
        codecs: None,
    }
}

pub fn code<T>(result: Result<T, Problem>) -> Option<ErrorCode> {
    result.err().map(|problem| problem.code)
}

fn controls(nodes: &[FakeSfu]) -> Vec<Arc<dyn SfuControl>> {
    let node = |node: &FakeSfu| Arc::new(node.clone()) as Arc<dyn SfuControl>;
    nodes.iter().map(node).collect()
}

fn config(data_dir: PathBuf) -> Config {
    let mut config = Config {
        data_dir,
        expiry_every: Duration::from_millis(10),
        ..Config::default()
    };
    // Reports more often than in the product: what only they reveal is waited for.
    config.nodes.report_every = Duration::from_millis(50);
    config.nodes.retry_every = Duration::from_millis(10);
    // Longer than any test waits: what ends a call to a lost node is that it is found lost.
    config.nodes.call_timeout = Duration::from_secs(60);
    config
}
