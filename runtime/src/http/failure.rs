//! The one error type of handlers: a problem that knows how to become an answer.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lens_protocol::{ErrorCode, Problem};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::trace;

/// A [`Problem`] on its way out: status, `application/problem+json`, `Retry-After` when the wait
/// is known, and the trace id of the request it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Problem);

/// The label of [`REFUSALS`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByCode {
    code: &'static str,
}

/// Requests of this process that were refused or failed. One family for all routes, because every
/// refusal passes here and none has a service's metrics at hand.
pub(crate) static REFUSALS: LazyLock<Family<ByCode, Counter>> = LazyLock::new(Family::default);

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self(Problem::new(code))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(mut problem) = self;
        problem.trace_id = problem.trace_id.or_else(trace::current);
        let code = problem.code.as_str();
        REFUSALS.get_or_create(&ByCode { code }).inc();
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::warn!(code = %problem.code, status = status.as_u16(), "request failed");
        }
        let body = serde_json::to_vec(&problem).expect("a problem is plain data");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_answers_with_its_status_code_and_waiting_time() {
        let problem = Problem::new(ErrorCode::RateLimited).retry_after_s(7);
        let response = Failure(problem).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "7");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        let body = axum::body::to_bytes(response.into_body(), 4096)
            .await
            .expect("small");
        let read: Problem = serde_json::from_slice(&body).expect("a problem");
        assert_eq!(read.code, ErrorCode::RateLimited);
    }
}
