//! Private listeners: plain HTTP/1.1 on a loopback or private address, for operators and for calls
//! between roles.
//!
//! What is served behind one is guarded by `http::private::guard` unless it is harmless to anybody
//! on that network.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::addresses::is_private;
use crate::http::PeerAddress;
use crate::shutdown::Shutdown;

/// Pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time for a request's head, and between requests on one connection. Other roles keep
/// connections in a pool for 90 s and open new ones when these are closed.
const HEAD_TIME: Duration = Duration::from_secs(60);

/// Connections at once; those beyond are closed. Other roles keep a few, an operator's tools one.
const MOST: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: &'static str,
}

/// A private listener's figures; clones share them.
#[derive(Clone, Debug, Default)]
pub struct PrivateMetrics {
    connections: Family<ByOutcome, Counter>,
}

impl PrivateMetrics {
    /// Makes them visible.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "private_connections",
            "Connections to the private listener by what became of them",
            self.connections.clone(),
        );
    }

    fn count(&self, outcome: &'static str) {
        self.connections.get_or_create(&ByOutcome { outcome }).inc();
    }
}

/// A bound private listener that does not serve yet.
#[derive(Debug)]
pub struct PrivateListener {
    listener: TcpListener,
    address: SocketAddr,
    most: usize,
}

impl PrivateListener {
    /// Binds `address`, which has to be loopback or private: what is said here is not encrypted.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        if !is_private(address.ip()) {
            let sentence = "a private listener takes only a loopback or private address, because \
                            it is not encrypted";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            most: MOST,
        })
    }

    /// Where it is bound; the real port when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections until shutdown, in tasks that shutdown waits for.
    pub fn open(self, router: Router, metrics: PrivateMetrics, shutdown: &Shutdown) {
        let stop = shutdown.token();
        let tasks = shutdown.clone();
        let places = Arc::new(Semaphore::new(self.most));
        shutdown.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = self.listener.accept() => match accepted {
                        Ok((stream, peer)) => {
                            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                                metrics.count("full");
                                continue;
                            };
                            let serving = serve(stream, peer, router.clone(), stop.clone());
                            let metrics = metrics.clone();
                            tasks.spawn(async move {
                                metrics.count(serving.await);
                                drop(place);
                            });
                        }
                        Err(_) => sleep(ACCEPT_PAUSE).await,
                    },
                }
            }
        });
    }
}

/// Serves one connection; says what became of it.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) -> &'static str {
    let _ = stream.set_nodelay(true);
    let handler = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(PeerAddress(peer));
            Ok::<_, Infallible>(match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            })
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), handler);
    tokio::pin!(connection);
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return match ended {
                Ok(()) => "served",
                Err(error) if error.is_parse() => "noise",
                Err(error) if error.is_timeout() => "stalled",
                Err(_) => "broken",
            },
            () = stop.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Asks for `/` on a new connection, which stays open; what was answered, nothing when it was
    /// closed.
    async fn asks(address: SocketAddr) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        // Refused when the other side has closed already.
        let _ = stream.write_all(request).await;
        let mut answer = [0; 1_024];
        let length = stream.read(&mut answer).await.unwrap_or(0);
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        (stream, text)
    }

    #[tokio::test]
    async fn connections_beyond_the_most_are_closed_until_one_ends() {
        let shutdown = Shutdown::new();
        let metrics = PrivateMetrics::default();
        let mut listener = PrivateListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("bound");
        listener.most = 2;
        let address = listener.address();
        let router = Router::new().route("/", get(|| async { "here" }));
        listener.open(router, metrics.clone(), &shutdown);
        let (first, answer) = asks(address).await;
        assert!(answer.ends_with("here"), "{answer}");
        let (_second, answer) = asks(address).await;
        assert!(answer.ends_with("here"), "{answer}");
        let (_third, answer) = asks(address).await;
        assert_eq!(answer, "");
        let count = |outcome| {
            metrics
                .connections
                .get_or_create(&ByOutcome { outcome })
                .get()
        };
        assert_eq!(count("full"), 1);
        drop(first);
        let served = async {
            while count("served") == 0 {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(10);
        tokio::time::timeout(limit, served).await.expect("it ended");
        let answered = async { while asks(address).await.1.is_empty() {} };
        tokio::time::timeout(limit, answered)
            .await
            .expect("a place is free");
    }
}
