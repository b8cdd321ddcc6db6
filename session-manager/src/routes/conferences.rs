//! `/v1/conferences` and `/v1/conferences/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use lens_protocol::conference::{Conference, CreateConference, Hold};
use lens_protocol::id::ConferenceId;
use lens_runtime::http::{Failure, Json, Path};

use super::describe::{BodyProblems, Problems};
use super::door::{IdempotencyKey, Known};
use super::{Manager, no_content};

/// Make a conference.
///
/// It is placed on a media node at once. `external_id` is unique among your live conferences: a
/// second one answers 409 and names the first. With an `Idempotency-Key`, the same request within
/// 24 hours answers what the first one did.
#[utoipa::path(
    post, path = "/v1/conferences", operation_id = "create_conference", tag = "conferences",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128,
        pattern = "^[!-~]{1,128}$",
        description = "Makes repeating this request harmless for 24 hours")),
    request_body = CreateConference,
    responses((status = 201, description = "Made", body = Conference,
        headers(("Location" = String, description = "Where to read it"))), BodyProblems, Problems),
)]
pub(super) async fn create(
    State(manager): State<Manager>,
    Known(caller): Known,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<CreateConference>,
) -> Result<Response, Failure> {
    let conference = manager.create(&caller, key, request).await?;
    let location = format!("/v1/conferences/{}", conference.id);
    let created = (
        StatusCode::CREATED,
        [(LOCATION, location)],
        Json(conference),
    );
    Ok(created.into_response())
}

/// List your conferences.
///
/// Newest first; ended ones stay in the list for an hour, at most 500 of them.
#[utoipa::path(
    get, path = "/v1/conferences", operation_id = "list_conferences", tag = "conferences",
    responses((status = 200, description = "Yours", body = Vec<Conference>), Problems),
)]
pub(super) async fn list(
    State(manager): State<Manager>,
    Known(caller): Known,
) -> Result<Json<Vec<Conference>>, Failure> {
    Ok(Json(manager.conferences(&caller).await?))
}

/// Read a conference.
#[utoipa::path(
    get, path = "/v1/conferences/{id}", operation_id = "read_conference", tag = "conferences",
    params(("id" = ConferenceId, Path, description = "The conference")),
    responses((status = 200, description = "As it stands", body = Conference), Problems),
)]
pub(super) async fn read(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<ConferenceId>,
) -> Result<Json<Conference>, Failure> {
    Ok(Json(manager.conference(&caller, id).await?))
}

/// End a conference.
///
/// Everybody is put out; its media tokens are worth nothing from then on. Repeatable.
#[utoipa::path(
    delete, path = "/v1/conferences/{id}", operation_id = "delete_conference", tag = "conferences",
    params(("id" = ConferenceId, Path, description = "The conference")),
    responses((status = 204, description = "It has ended"), Problems),
)]
pub(super) async fn delete(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<ConferenceId>,
) -> Result<Response, Failure> {
    manager.delete(&caller, id).await?;
    Ok(no_content())
}

/// Hold or resume a conference.
///
/// While held, nobody's media is forwarded to anybody. Repeatable.
#[utoipa::path(
    put, path = "/v1/conferences/{id}/hold", operation_id = "hold_conference", tag = "conferences",
    params(("id" = ConferenceId, Path, description = "The conference")),
    request_body = Hold,
    responses((status = 204, description = "So it is"), BodyProblems, Problems),
)]
pub(super) async fn hold(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<ConferenceId>,
    Json(hold): Json<Hold>,
) -> Result<Response, Failure> {
    manager.hold(&caller, id, hold).await?;
    Ok(no_content())
}
