//! The operator's routes on the private listener: `/metrics`, `/healthz`, `/readyz`.
//!
//! Health says that the process runs; readiness, that it can do its work: what it depends on
//! answers, and it is not draining. `/metrics` is open on loopback; on another private address it
//! needs the internal token, as calls between roles do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use lens_protocol::SecretText;
use lens_runtime::http::{Json, private};
use lens_runtime::metrics::{self, Registry};
use lens_runtime::shutdown::Shutdown;
use serde_json::{Map, Value};

/// How long something this process depends on may take to answer.
const CHECK_TIME: Duration = Duration::from_secs(2);

/// Asks whether one thing this process depends on works.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) ask: Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>,
}

impl Check {
    /// A check named `name`.
    pub(crate) fn new<F, Fut>(name: &'static str, ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        Self {
            name,
            ask: Box::new(move || Box::pin(ask())),
        }
    }
}

struct Readiness {
    checks: Vec<Check>,
    shutdown: Shutdown,
}

/// The routes. `guard` holds the internal token when the listener is not on loopback.
pub(crate) fn router(
    registry: Registry,
    checks: Vec<Check>,
    shutdown: Shutdown,
    guard: Option<SecretText>,
) -> Router {
    let readiness = Arc::new(Readiness { checks, shutdown });
    let figures = Router::new()
        .route("/metrics", get(figures))
        .with_state(Arc::new(registry));
    let figures = match guard {
        Some(token) => private::guard(figures, token),
        None => figures,
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(readiness)
        .merge(figures)
}

async fn figures(State(registry): State<Arc<Registry>>) -> Response {
    (
        [(CONTENT_TYPE, metrics::CONTENT_TYPE)],
        metrics::text(&registry),
    )
        .into_response()
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    let mut report = Map::new();
    let draining = readiness.shutdown.is_requested();
    report.insert("draining".to_owned(), Value::Bool(draining));
    let mut all = !draining;
    for check in &readiness.checks {
        let works = tokio::time::timeout(CHECK_TIME, (check.ask)())
            .await
            .unwrap_or(false);
        all &= works;
        report.insert(check.name.to_owned(), Value::Bool(works));
    }
    let status = if all {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Value::Object(report))).into_response()
}
