//! `/v1/conferences/{id}/participants` and what belongs to one participant.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use lens_protocol::conference::{Answer, IceCandidates, Join, ParticipantOffer};
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{Pause, Timeline};
use lens_runtime::http::{Failure, Json, Path};

use super::describe::{BodyProblems, Problems};
use super::door::{IdempotencyKey, Known};
use super::{Manager, no_content};

/// Join: add a participant and get its offer.
///
/// The answer holds the SDP offer for the participant's PeerConnection, and a media token with
/// which the participant itself may answer, ask for a new generation and leave, for at most 10
/// minutes. A conference has one camera.
#[utoipa::path(
    post, path = "/v1/conferences/{id}/participants", operation_id = "join",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128,
            pattern = "^[!-~]{1,128}$",
            description = "Makes repeating this request harmless for 24 hours"),
    ),
    request_body = Join,
    responses((status = 201, description = "Joined; answer the offer", body = ParticipantOffer,
        headers(("Location" = String, description = "The participant's address"))),
        BodyProblems, Problems),
)]
pub(super) async fn join(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<ConferenceId>,
    IdempotencyKey(key): IdempotencyKey,
    Json(request): Json<Join>,
) -> Result<Response, Failure> {
    let offer = manager.join(&caller, id, key, request).await?;
    let location = format!("/v1/conferences/{id}/participants/{}", offer.participant);
    let created = (StatusCode::CREATED, [(LOCATION, location)], Json(offer));
    Ok(created.into_response())
}

/// Leave: remove a participant.
///
/// Repeatable.
#[utoipa::path(
    delete, path = "/v1/conferences/{id}/participants/{pid}", operation_id = "leave",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    responses((status = 204, description = "It has left"), Problems),
)]
pub(super) async fn leave(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<Response, Failure> {
    manager.leave(&caller, id, participant).await?;
    Ok(no_content())
}

/// Get a new generation.
///
/// A new offer for a new PeerConnection of the same participant: after a reload, a network change
/// or the loss of the media node. The former generation is closed once the new one is connected.
#[utoipa::path(
    post, path = "/v1/conferences/{id}/participants/{pid}/offer", operation_id = "new_offer",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    responses((status = 200, description = "The new offer", body = ParticipantOffer), Problems),
)]
pub(super) async fn offer(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<Json<ParticipantOffer>, Failure> {
    Ok(Json(manager.offer(&caller, id, participant).await?))
}

/// Answer the offer.
///
/// Quote generation and negotiation of the offer. An answer to an older one is refused with
/// `stale_generation`, a second answer with `already_answered`.
#[utoipa::path(
    put, path = "/v1/conferences/{id}/participants/{pid}/answer", operation_id = "answer",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    request_body = Answer,
    responses((status = 204, description = "Taken"), BodyProblems, Problems),
)]
pub(super) async fn answer(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
    Json(answer): Json<Answer>,
) -> Result<Response, Failure> {
    manager.answer(&caller, id, participant, answer).await?;
    Ok(no_content())
}

/// Add ICE candidates.
///
/// Accepted and ignored: the media node learns a peer's addresses from its connectivity checks.
#[utoipa::path(
    patch, path = "/v1/conferences/{id}/participants/{pid}/ice", operation_id = "add_candidates",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    request_body = IceCandidates,
    responses((status = 204, description = "Accepted"), BodyProblems, Problems),
)]
pub(super) async fn ice(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
    Json(candidates): Json<IceCandidates>,
) -> Result<Response, Failure> {
    manager
        .candidates(&caller, id, participant, candidates)
        .await?;
    Ok(no_content())
}

/// Pause or resume what a participant sends.
///
/// The media node forwards nothing of it from then on, in this generation and the next ones;
/// resumed video starts with a keyframe. Repeatable.
#[utoipa::path(
    put, path = "/v1/conferences/{id}/participants/{pid}/pause", operation_id = "pause",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    request_body = Pause,
    responses((status = 204, description = "Done"), BodyProblems, Problems),
)]
pub(super) async fn pause(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
    Json(pause): Json<Pause>,
) -> Result<Response, Failure> {
    manager.pause(&caller, id, participant, pause).await?;
    Ok(no_content())
}

/// Read a participant's timeline.
///
/// What happened to its newest connection, step by step, with one cause code when it failed.
#[utoipa::path(
    get, path = "/v1/conferences/{id}/participants/{pid}/timeline", operation_id = "timeline",
    tag = "participants",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    responses((status = 200, description = "Its steps", body = Timeline), Problems),
)]
pub(super) async fn timeline(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<Json<Timeline>, Failure> {
    Ok(Json(manager.timeline(&caller, id, participant).await?))
}
