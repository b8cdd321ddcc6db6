//! The trace id: one name for one request, in its answer, its log lines and the calls it causes.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use lens_protocol::id::TraceId;
use tracing::Instrument;

use crate::clock::{Clock, SystemClock};
use crate::entropy::SystemEntropy;

/// Carries the trace id in answers, and in requests between roles.
pub const TRACE_HEADER: &str = "lens-trace-id";

tokio::task_local! {
    static CURRENT: TraceId;
}

/// The trace id of the request being handled, if any.
pub fn current() -> Option<TraceId> {
    CURRENT.try_with(|id| *id).ok()
}

/// Middleware of public doors: gives each request a fresh trace id. What strangers send as one is
/// not believed.
pub async fn start(request: Request, next: Next) -> Response {
    let id = TraceId::generate(SystemClock.now(), &mut SystemEntropy::default());
    within(id, request, next).await
}

/// Middleware of private listeners: goes on with the caller's trace id, or starts one.
pub async fn resume(request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(TRACE_HEADER)
        .and_then(|value| value.to_str().ok());
    match given.and_then(|text| text.parse().ok()) {
        Some(id) => within(id, request, next).await,
        None => start(request, next).await,
    }
}

async fn within(id: TraceId, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", trace_id = %id, %method, route);
    let started = Instant::now();
    let handled = async move {
        let response = next.run(request).await;
        let ms = started.elapsed().as_millis();
        tracing::debug!(status = response.status().as_u16(), ms = %ms, "request answered");
        response
    };
    let mut response = CURRENT.scope(id, handled.instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    response
}
