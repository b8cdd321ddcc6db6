//! A hub on a real port, with a host that writes down what it is told.

pub(crate) mod events;
pub(crate) mod relay;
pub(crate) mod socket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::HeaderMap;
use lens_protocol::id::{ConferenceId, SessionId};
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::shutdown::Shutdown;
use lens_signaling::client::{Client, ClientConfig, Event, TcpDial};
use lens_signaling::metrics::ByReason;
use lens_signaling::{Channel, Door, Host, Hub, HubConfig, Identity, Outbound};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

/// Generous: only reached when something never happens.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What the host was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Attached(bool),
    Received(String),
    Detached,
    Gone,
}

/// Knows everybody by the cookie `who=…`, and one ticket.
#[derive(Default)]
pub(crate) struct Recorder {
    told: Mutex<Vec<Told>>,
    changed: watch::Sender<u64>,
    ticket: Mutex<Option<String>>,
    /// While set, `received` does not return.
    pub(crate) stuck: AtomicBool,
}

impl Recorder {
    fn tell(&self, told: Told) {
        self.told.lock().expect("no panic while held").push(told);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn issue(&self, ticket: &str) {
        *self.ticket.lock().expect("no panic while held") = Some(ticket.to_owned());
    }

    pub(crate) fn seen(&self) -> Vec<Told> {
        self.told.lock().expect("no panic while held").clone()
    }

    /// The numbers received, in order.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let text = |told| match told {
            Told::Received(text) => text.parse().ok(),
            _ => None,
        };
        self.seen().into_iter().filter_map(text).collect()
    }

    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut(&[Told]) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !done(&self.told.lock().expect("no panic while held")) {
                changed.changed().await.expect("the recorder lives");
            }
        };
        if tokio::time::timeout(LIMIT, wait).await.is_err() {
            panic!("never happened: {what}; told {} things", self.seen().len());
        }
    }
}

#[async_trait]
impl Host for Recorder {
    async fn identify(
        &self,
        _door: Door,
        headers: &HeaderMap,
        ticket: Option<&SecretText>,
    ) -> Result<Identity, Problem> {
        if let Some(ticket) = ticket {
            let known = self.ticket.lock().expect("no panic while held").take();
            let good = known.as_deref() == Some(ticket.expose());
            return if good {
                Ok(Identity("ticket".into()))
            } else {
                Err(ErrorCode::TicketInvalid.into())
            };
        }
        let cookie = headers
            .get("cookie")
            .and_then(|cookie| cookie.to_str().ok());
        let who = cookie.and_then(|cookie| cookie.strip_prefix("who="));
        who.map(|who| Identity(who.to_owned()))
            .ok_or_else(|| ErrorCode::NotSignedIn.into())
    }

    async fn attached(&self, channel: &Channel, fresh: bool) -> Vec<Outbound> {
        self.tell(Told::Attached(fresh));
        let state = serde_json::json!({ "for": channel.identity.0 });
        let snapshot = Outbound {
            session: None,
            signal: ServerSignal::Snapshot { state },
        };
        if fresh { vec![snapshot] } else { Vec::new() }
    }

    async fn received(
        &self,
        _channel: &Channel,
        _session: Option<SessionId>,
        signal: PeerSignal,
    ) -> Result<(), Problem> {
        while self.stuck.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let text = match signal {
            PeerSignal::Candidate { candidate } if candidate == "refuse" => {
                return Err(Problem::new(ErrorCode::WrongState).with_detail("not now"));
            }
            PeerSignal::Candidate { candidate } if candidate == "panic" => panic!("asked to"),
            PeerSignal::Candidate { candidate } => candidate,
            other => format!("{other:?}"),
        };
        self.tell(Told::Received(text));
        Ok(())
    }

    async fn detached(&self, _channel: &Channel) {
        self.tell(Told::Detached);
    }

    async fn gone(&self, _channel: &Channel) {
        self.tell(Told::Gone);
    }
}

/// A running hub.
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) host: Arc<Recorder>,
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
}

impl World {
    pub(crate) async fn new(config: HubConfig) -> Self {
        let world = Self::without_host(config).await;
        world.hub.attach(world.host.clone());
        world
    }

    pub(crate) async fn without_host(config: HubConfig) -> Self {
        let shutdown = Shutdown::new();
        let hub = Hub::new(config, shutdown.clone());
        let host = Arc::new(Recorder::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let routes = lens_signaling::server::router(&hub);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            hub,
            host,
            address,
            shutdown,
        }
    }

    pub(crate) fn config(&self, who: &str) -> ClientConfig {
        ClientConfig {
            dial: Arc::new(TcpDial(self.address)),
            host: self.address.to_string(),
            door: Door::Customer,
            cookie: Some(SecretText::new(format!("who={who}"))),
            origin: Some(format!("https://{}", self.address)),
            tickets: None,
        }
    }

    pub(crate) fn client(&self, who: &str) -> (Client, Events) {
        let (client, events) = Client::open(self.config(who));
        (client, Events(events))
    }

    /// Waits until the hub holds as many connections.
    pub(crate) async fn until_connections(&self, number: usize) {
        let wait = async {
            while self.hub.counts().connections != number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, wait).await;
        assert!(
            waited.is_ok(),
            "{} connections, not {number}",
            self.hub.counts().connections
        );
    }

    /// How often connections were ended or refused for this reason.
    pub(crate) fn closed(&self, reason: &'static str) -> u64 {
        self.hub
            .metrics()
            .closed
            .get_or_create(&ByReason { reason })
            .get()
    }

    pub(crate) fn channel_of(&self, who: &str) -> Channel {
        let channels = self.hub.channels_of(&Identity(who.into()));
        channels.first().cloned().expect("a channel")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// What a client reports, with a limit on waiting.
pub(crate) struct Events(pub(crate) UnboundedReceiver<Event>);

impl Events {
    pub(crate) async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(LIMIT, self.0.recv()).await;
        event.expect("an event in time").expect("the client lives")
    }

    /// The next message, whatever happens to the connection meanwhile.
    pub(crate) async fn signal(&mut self) -> ServerSignal {
        loop {
            if let Event::Signal { signal, .. } = self.next().await {
                return *signal;
            }
        }
    }
}

pub(crate) fn numbered(number: u64) -> Outbound {
    let conference = ConferenceId::from_bytes([7; 16]);
    let signal = ServerSignal::Candidate {
        conference,
        candidate: number.to_string(),
    };
    Outbound {
        session: None,
        signal,
    }
}

pub(crate) fn candidate(text: impl ToString) -> PeerSignal {
    PeerSignal::Candidate {
        candidate: text.to_string(),
    }
}

/// Limits that no honest test reaches.
pub(crate) fn generous() -> HubConfig {
    HubConfig {
        burst: 1_000_000,
        messages_per_s: 1_000_000,
        ..HubConfig::default()
    }
}

pub(crate) const NAME: &str = "0123456789abcdef";
