//! From an accepted connection to answered requests.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use lens_protocol::ErrorCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::connections::{Connections, Place};
use super::first_bytes::{Kind, kind_of};
use super::{Behind, Outcome, plain_http};
use crate::http::{Failure, PeerAddress, TrustedProxies};
use crate::shutdown::Shutdown;

/// Pause after the system refused a connection, mostly for lack of file descriptors: trying again
/// at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// HTTP/2 pings a silent connection this often, and closes it when the answer is as late.
const PING_EVERY: Duration = Duration::from_secs(30);
/// HTTP/1.1 connections wait this long for their next request.
const IDLE: Duration = Duration::from_secs(60);
/// Longest request head, in bytes.
const HEAD_BYTES: usize = 32 * 1024;
/// Most requests at once on one HTTP/2 connection.
const STREAMS: u32 = 128;

/// What all connections of a door share.
pub(super) struct Entrance {
    pub(super) behind: Behind,
    pub(super) connections: Connections,
    pub(super) proxies: TrustedProxies,
}

/// Accepts until shutdown.
pub(super) async fn accept(listener: TcpListener, entrance: Arc<Entrance>, shutdown: Shutdown) {
    let stop = shutdown.token();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if !concerns_one_connection(&error) {
                    tracing::warn!(%error, "the system refuses connections");
                    sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        match entrance.connections.take(peer.ip()) {
            Some(place) => {
                let entrance = Arc::clone(&entrance);
                shutdown.spawn(welcome(entrance, stream, peer, place, stop.clone()));
            }
            None => entrance.behind.metrics.count(Outcome::OverLimit),
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

async fn welcome(
    entrance: Arc<Entrance>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    stop: CancellationToken,
) {
    let patience = entrance.behind.settings.patience();
    let first = tokio::select! {
        () = stop.cancelled() => return,
        first = timeout(patience, kind_of(&stream)) => first,
    };
    let metrics = &entrance.behind.metrics;
    let outcome = match first {
        Err(_) => Outcome::Stalled,
        Ok(Err(_) | Ok(Kind::Noise)) => Outcome::Noise,
        Ok(Ok(Kind::Stun)) => match &entrance.behind.media {
            Some(hand_over) => {
                hand_over(stream);
                Outcome::Media
            }
            None => Outcome::Noise,
        },
        Ok(Ok(Kind::PlainHttp)) => {
            // A browser that does not read its redirect has nothing to lose but its place.
            let _ = timeout(patience, plain_http::redirect(stream)).await;
            Outcome::PlainHttp
        }
        Ok(Ok(Kind::Tls)) => {
            let _ = stream.set_nodelay(true);
            serve_tls(&entrance, stream, peer, stop).await
        }
    };
    metrics.count(outcome);
    drop(place);
}

async fn serve_tls(
    entrance: &Arc<Entrance>,
    stream: TcpStream,
    peer: SocketAddr,
    stop: CancellationToken,
) -> Outcome {
    let behind = &entrance.behind;
    let acceptor = TlsAcceptor::from(Arc::clone(&behind.tls));
    let tls = match timeout(behind.settings.patience(), acceptor.accept(stream)).await {
        Err(_) => return Outcome::Stalled,
        Ok(Err(_)) => return Outcome::HandshakeFailed,
        Ok(Ok(tls)) => tls,
    };
    let h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let handler = service_fn(|request: hyper::Request<Incoming>| {
        let entrance = Arc::clone(entrance);
        async move { Ok::<_, Infallible>(answer(&entrance, peer, request).await) }
    });
    let http = http_of(h2);
    let connection = http.serve_connection_with_upgrades(TokioIo::new(tls), handler);
    tokio::pin!(connection);
    let mut draining = false;
    loop {
        tokio::select! {
            // Errors here are the client's: broken off, over a limit, not HTTP.
            _ = connection.as_mut() => return Outcome::Tls,
            () = stop.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The version was agreed on by ALPN; guessing it from the bytes again would wait without limit.
fn http_of(h2: bool) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if h2 {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_EVERY)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES as u32);
    builder
}

/// Answers one request. A handler that panics costs its own request and nothing else.
async fn answer(
    entrance: &Entrance,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Response {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(PeerAddress(peer));
    request.extensions_mut().insert(entrance.proxies.clone());
    let handled = entrance.behind.router.clone().oneshot(request);
    match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            tracing::error!("a request handler panicked");
            Failure::from(ErrorCode::Internal).into_response()
        }
    }
}
