//! The HTTPS door: one TCP port for pages, APIs, WebSockets and ICE-TCP.
//!
//! ```text
//! first bytes            what it is                       what happens
//! 16 03                  TLS                              handshake, then HTTP/1.1 or HTTP/2
//! LL LL 00 01 .. .. 21 12 a4 42   STUN in a 2-byte frame  handed to the media server (RFC 6544)
//! GET, POST, …           HTTP without TLS                 308 to the https address
//! anything else          noise                            closed
//! ```
//!
//! Measured with Chromium (`0060 0001 004c 2112a442`) and Firefox (`0064 0001 0050`). Each
//! connection has a task of its own from its first byte on, and each step a time limit, so a
//! client that stalls stalls itself alone. Connections are capped in number, as a whole and per
//! address. Shutdown lets requests that run finish.

mod connections;
mod first_bytes;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod plain_http;
mod serve;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ipnet::IpNet;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::http::TrustedProxies;
use crate::shutdown::Shutdown;
use connections::Connections;

/// Takes over a connection whose first bytes are STUN; nothing has been read from it yet.
pub type MediaHandler = Arc<dyn Fn(TcpStream) + Send + Sync>;

/// Limits of the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoorSettings {
    /// Most TCP connections at once. Default 20000: two for each of 10,000 consoles.
    pub max_connections: usize,
    /// Most TCP connections of one IPv4 address or IPv6 /64 at once. Default 512: an office behind
    /// one address.
    pub max_connections_per_address: usize,
    /// Seconds a client has for its first bytes, for the TLS handshake, and for each request's
    /// head. Default 10. A higher value lets stalled clients hold their place longer.
    pub patience_s: u32,
    /// Networks of reverse proxies whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_connections_per_address: 512,
            patience_s: 10,
            trusted_proxies: Vec::new(),
        }
    }
}

impl DoorSettings {
    fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.patience_s.max(1)))
    }
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Tls,
    Media,
    PlainHttp,
    Noise,
    Stalled,
    HandshakeFailed,
    OverLimit,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let word = match self {
            Self::Tls => "tls",
            Self::Media => "media",
            Self::PlainHttp => "plain_http",
            Self::Noise => "noise",
            Self::Stalled => "stalled",
            Self::HandshakeFailed => "handshake_failed",
            Self::OverLimit => "over_limit",
        };
        word.encode(encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: Outcome,
}

/// The door's figures.
#[derive(Clone, Debug, Default)]
pub struct DoorMetrics {
    connections: Family<ByOutcome, Counter>,
    open: Gauge,
}

impl DoorMetrics {
    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "door_connections",
            "TCP connections by what became of them",
            self.connections.clone(),
        );
        registry.register(
            "door_open_connections",
            "TCP connections now",
            self.open.clone(),
        );
    }

    fn count(&self, outcome: Outcome) {
        self.connections.get_or_create(&ByOutcome { outcome }).inc();
    }
}

/// A bound port that does not serve yet.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("address", &self.address)
            .finish()
    }
}

/// What a door leads to.
#[derive(Clone)]
pub struct Behind {
    /// The TLS side.
    pub tls: Arc<ServerConfig>,
    /// Pages and APIs.
    pub router: Router,
    /// The media server, when this process has one.
    pub media: Option<MediaHandler>,
    /// Limits.
    pub settings: DoorSettings,
    /// Figures.
    pub metrics: DoorMetrics,
}

impl Door {
    /// Binds `address`. `[::]` takes IPv4 too; where the machine has no IPv6, `0.0.0.0` is taken
    /// in its place.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = match bind(address) {
            Err(error) if address.ip().is_unspecified() && address.is_ipv6() && no_ipv6(&error) => {
                bind(SocketAddr::new(
                    IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    address.port(),
                ))?
            }
            other => other?,
        };
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it is bound; the real port when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections until shutdown, in tasks that shutdown waits for.
    pub fn open(self, behind: Behind, shutdown: &Shutdown) {
        let connections = Connections::new(
            behind.settings.max_connections,
            behind.settings.max_connections_per_address,
            behind.metrics.open.clone(),
        );
        let proxies = TrustedProxies(behind.settings.trusted_proxies.clone().into());
        let entrance = Arc::new(serve::Entrance {
            behind,
            connections,
            proxies,
        });
        shutdown.spawn(serve::accept(self.listener, entrance, shutdown.clone()));
    }
}

fn no_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT and EADDRNOTAVAIL on Linux; std has no kind for the former.
    error.raw_os_error() == Some(97) || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // A restart must not wait for connections of its former life to fade.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}
