//! The HTTP API under `/v1`, and the private listener's routes.
//!
//! The public door denies by default: nothing but `/v1/openapi.json` is answered before the
//! bearer is known ([`door`]), and what a known one may do is the service's to decide
//! ([`crate::core::access`]). Every route is described where it is written; [`openapi`] is made
//! from the very router that serves.

mod clients;
mod conferences;
mod describe;
pub mod door;
mod events;
mod nodes;
mod participants;
mod private;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use lens_protocol::ErrorCode;
use lens_runtime::http::Failure;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::client::SessionManager;
pub use describe::problem_answer;
pub use door::Door;
pub use private::private;

/// What handlers know.
type Manager = Arc<dyn SessionManager>;

/// The public API: `/v1/…`, for the door that strangers reach.
pub fn public(manager: Arc<dyn SessionManager>, door: Door) -> Router {
    let door = Arc::new(door);
    let (closed, _) = routes().split_for_parts();
    let (open, _) = open_routes().split_for_parts();
    closed
        .route_layer(from_fn_with_state(door.clone(), door::authenticate))
        .merge(open)
        .with_state(manager)
        .fallback(|| async { Failure::from(ErrorCode::NotFound) })
        .method_not_allowed_fallback(|| async { Failure::from(ErrorCode::MethodNotAllowed) })
        .layer(from_fn(door::challenge))
        .layer(from_fn_with_state(door, door::cross_origin))
}

/// The description of the public API, OpenAPI 3.1, made from its routes.
pub fn openapi() -> OpenApi {
    let mut description = routes().merge(open_routes()).into_openapi();
    describe::finish(&mut description);
    description
}

/// What anybody may ask.
fn open_routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::with_openapi(describe::head()).routes(routes!(describe::read))
}

/// What only a known caller may ask.
fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::with_openapi(describe::head())
        .routes(routes!(conferences::create, conferences::list))
        .routes(routes!(conferences::read, conferences::delete))
        .routes(routes!(conferences::hold))
        .routes(routes!(participants::pause))
        .routes(routes!(participants::join))
        .routes(routes!(participants::leave))
        .routes(routes!(participants::offer))
        .routes(routes!(participants::answer))
        .routes(routes!(participants::ice))
        .routes(routes!(participants::timeline))
        .routes(routes!(clients::whip))
        .routes(routes!(clients::whip_trickle, clients::whip_hang_up))
        .routes(routes!(clients::whep))
        .routes(routes!(clients::whep_trickle, clients::whep_hang_up))
        .routes(routes!(clients::token))
        .routes(routes!(events::events))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::drain))
}

/// An answer without a body.
fn no_content() -> Response {
    axum::http::StatusCode::NO_CONTENT.into_response()
}
