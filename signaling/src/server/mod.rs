//! The doors: `/ws/{door}` and `/sse/{door}`.

pub(crate) mod origin;
pub(crate) mod posts;
mod sse;
mod websocket;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::routing::{any, get};
use lens_protocol::id::Seq;
use lens_protocol::signal::ServerSignal;
use lens_protocol::{ErrorCode, Problem};

use crate::core::frame;
use crate::error::Closed;
use crate::hub::{Hub, Shared};
use crate::metrics::{ByCarrier, Carrier};

/// The signalling routes. A door is `console` or `customer`; another is `not_found`.
///
/// - `GET /ws/{door}`: WebSocket upgrade. The first frame is `resume`.
/// - `GET /sse/{door}?channel=…&hub=…&last_seq=…`: server-sent events, `Lens-Ticket` in a header
///   where there is no cookie. The first event, `carrier`, holds the key for posts.
/// - `POST /sse/{door}?channel=…` with that key as `Lens-Carrier`: one message or an array.
pub fn router(hub: &Hub) -> Router {
    Router::new()
        .route("/ws/{door}", any(websocket::open))
        .route("/sse/{door}", get(sse::open).post(sse::post))
        .with_state(hub.0.clone())
}

/// An open connection, counted while it lives.
#[derive(Debug)]
pub(crate) struct Connection {
    hub: Arc<Shared>,
    carrier: Carrier,
}

impl Connection {
    /// Counts a new connection, or refuses it when there are too many.
    pub(crate) fn open(hub: &Arc<Shared>, carrier: Carrier) -> Result<Self, Problem> {
        let open = hub.connections.fetch_add(1, Ordering::Relaxed);
        hub.metrics
            .connections
            .get_or_create(&ByCarrier { carrier })
            .inc();
        let connection = Self {
            hub: hub.clone(),
            carrier,
        };
        if open >= hub.config.max_connections {
            connection.ended(Closed::Refused(ErrorCode::Unavailable));
            return Err(Problem::new(ErrorCode::Unavailable).retry_after_s(5));
        }
        Ok(connection)
    }

    /// Counts why it ended.
    pub(crate) fn ended(&self, closed: Closed) {
        self.hub.closed(closed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.hub.connections.fetch_sub(1, Ordering::Relaxed);
        self.hub
            .metrics
            .connections
            .get_or_create(&ByCarrier {
                carrier: self.carrier,
            })
            .dec();
    }
}

/// What a peer that is not let in is told, uncounted.
pub(crate) fn refusal(problem: &Problem) -> String {
    let error = ServerSignal::Error {
        in_reply_to: None,
        code: problem.code,
        detail: problem.detail.clone(),
    };
    frame::write(Seq(0), Seq(0), &frame::body_of(None, &error))
}
