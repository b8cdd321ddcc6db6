//! The public door: rate limits, bearers, cross-origin rules.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    AUTHORIZATION, ORIGIN, VARY, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lens_protocol::id::{OwnerId, ParticipantId};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::clock::Clock;
use lens_runtime::http::{ClientAddress, Failure};
use lens_runtime::rate_limit::RateLimiter;

use crate::authenticate::Authenticator;
use crate::client::{Caller, Grant};
use crate::config::DoorLimits;
use crate::metrics::Metrics;

/// Longest bearer text looked at.
const BEARER_BYTES: usize = 4_096;
/// How long a browser may remember what a preflight said, in seconds.
const PREFLIGHT_KEPT_S: u64 = 600;

/// What guards the public API.
pub struct Door {
    authenticator: Arc<dyn Authenticator>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    per_key: RateLimiter<OwnerId>,
    per_participant: RateLimiter<ParticipantId>,
    per_address: RateLimiter<IpAddr>,
}

impl Door {
    /// A door that knows callers by `authenticator` and lets through what `limits` says.
    pub fn new(
        authenticator: Arc<dyn Authenticator>,
        clock: Arc<dyn Clock>,
        limits: DoorLimits,
        metrics: Metrics,
    ) -> Self {
        Self {
            authenticator,
            clock,
            metrics,
            per_key: RateLimiter::new(limits.per_key, limits.remembered),
            per_participant: RateLimiter::new(limits.per_participant, limits.remembered),
            per_address: RateLimiter::new(limits.per_address, limits.remembered),
        }
    }

    fn limited(&self, passed: Result<(), Duration>) -> Result<(), Problem> {
        passed.map_err(|wait| {
            self.metrics.rate_limited.inc();
            let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            Problem::new(ErrorCode::RateLimited).retry_after_s(seconds.max(1))
        })
    }

    fn check_address(&self, address: ClientAddress) -> Result<(), Problem> {
        let now = self.clock.now();
        self.limited(self.per_address.check(&address.network(), now))
    }

    async fn admit(&self, headers: &HeaderMap, address: ClientAddress) -> Result<Caller, Problem> {
        self.check_address(address)?;
        let caller = self.authenticator.authenticate(&bearer(headers)?).await?;
        let now = self.clock.now();
        self.limited(match &caller.grant {
            Grant::Participant { participant, .. } | Grant::Client { participant, .. } => {
                self.per_participant.check(participant, now)
            }
            Grant::Owner | Grant::Scopes(_) => self.per_key.check(&caller.owner, now),
        })?;
        Ok(caller)
    }
}

/// The bearer text of a request. `not_signed_in` when there is none.
fn bearer(headers: &HeaderMap) -> Result<SecretText, Problem> {
    let value = headers
        .get(AUTHORIZATION)
        .ok_or(ErrorCode::NotSignedIn)?
        .to_str()
        .map_err(|_| ErrorCode::TokenInvalid)?;
    let (scheme, text) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || text.is_empty() || text.len() > BEARER_BYTES {
        return Err(ErrorCode::TokenInvalid.into());
    }
    Ok(SecretText::new(text.trim()))
}

/// Lets nobody through who is not known.
pub(super) async fn authenticate(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = client_address(&mut request).await;
    match door.admit(request.headers(), address).await {
        Ok(caller) => {
            let owner = caller.owner.clone();
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(owner);
            response
        }
        Err(problem) => Failure(problem).into_response(),
    }
}

async fn client_address(request: &mut Request) -> ClientAddress {
    let (mut parts, body) = std::mem::take(request).into_parts();
    let Ok(address) = ClientAddress::from_request_parts(&mut parts, &()).await;
    *request = Request::from_parts(parts, body);
    address
}

/// Names the scheme in every 401 (RFC 9110 §11.6.1).
pub(super) async fn challenge(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
    response
}

/// Lets pages of the origins an owner named call from a browser, and no others.
pub(super) async fn cross_origin(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else {
        return next.run(request).await;
    };
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if preflight {
        let address = client_address(&mut request).await;
        return door.preflight(origin, address).await;
    }
    let mut response = next.run(request).await;
    let owner = response.extensions().get::<OwnerId>().cloned();
    if door.allows(&origin, owner.as_ref()).await {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let readable = HeaderValue::from_static(
            "location, retry-after, lens-trace-id, etag, link, accept-patch",
        );
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
    let varies = HeaderValue::from_static("origin");
    response.headers_mut().append(VARY, varies);
    response
}

impl Door {
    async fn allows(&self, origin: &HeaderValue, owner: Option<&OwnerId>) -> bool {
        match origin.to_str() {
            Ok(origin) => self.authenticator.allows_origin(origin, owner).await,
            Err(_) => false,
        }
    }

    async fn preflight(&self, origin: HeaderValue, address: ClientAddress) -> Response {
        if let Err(problem) = self.check_address(address) {
            return Failure(problem).into_response();
        }
        if !self.allows(&origin, None).await {
            return Failure::from(ErrorCode::BadOrigin).into_response();
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let methods = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        let sent =
            HeaderValue::from_static("authorization, content-type, idempotency-key, if-match");
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, sent);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_KEPT_S));
        headers.insert(VARY, HeaderValue::from_static("origin"));
        response
    }
}

/// The caller the door let through. Without the door there is none, and the answer is 401.
pub(super) struct Known(pub(super) Caller);

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller
            .map(Self)
            .ok_or_else(|| ErrorCode::NotSignedIn.into())
    }
}

/// The `Idempotency-Key` of a request.
pub(super) struct IdempotencyKey(pub(super) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        let mut values = parts.headers.get_all("idempotency-key").iter();
        let (first, second) = (values.next(), values.next());
        let text = first.map(|value| value.to_str().map(str::to_owned));
        match (text.transpose(), second) {
            (Ok(key), None) => Ok(Self(key)),
            _ => {
                let detail = "Idempotency-Key: one, of visible ASCII characters";
                let problem = Problem::new(ErrorCode::InvalidValue).with_detail(detail);
                Err(Failure(problem))
            }
        }
    }
}
