//! The guard of private listeners: nothing is answered without the deployment's internal token.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use lens_protocol::{ErrorCode, SecretText};

use super::{Failure, trace};

/// Wraps `router` so that every request needs `Authorization: Bearer {token}`; others get
/// `token_invalid`. Goes on with the caller's trace id.
pub fn guard(router: Router, token: SecretText) -> Router {
    router
        .layer(from_fn_with_state(Arc::new(token), require))
        .layer(from_fn(trace::resume))
}

async fn require(State(token): State<Arc<SecretText>>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(SecretText::new);
    match given {
        Some(given) if given == *token => next.run(request).await,
        _ => Failure::from(ErrorCode::TokenInvalid).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn status(authorization: &str) -> u16 {
        let router = Router::new().route("/", get(|| async { "in" }));
        let request = Request::get("/").header(AUTHORIZATION, authorization);
        guard(router, SecretText::new("right"))
            .oneshot(request.body(Body::empty()).expect("valid request"))
            .await
            .expect("infallible")
            .status()
            .as_u16()
    }

    #[tokio::test]
    async fn only_the_right_bearer_token_opens_the_door() {
        assert_eq!(status("Bearer right").await, 200);
        for wrong in [
            "Bearer wrong",
            "right",
            "Basic right",
            "Bearer ",
            "bearer right ",
        ] {
            assert_eq!(status(wrong).await, 401, "{wrong:?} was taken");
        }
    }
}
