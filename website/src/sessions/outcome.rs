//! Hold, resume, close.

use axum::extract::State;
use lens_auth::Action;
use lens_protocol::Problem;
use lens_protocol::id::SessionId;
use lens_protocol::limits::NOTE_CHARS;
use lens_protocol::session::{CloseSession, SessionView};
use lens_runtime::http::{Failure, Json, Path};

use super::list::view;
use crate::accounts::technician::Technician;
use crate::app::Shared;
use crate::core::Event;
use crate::text;

/// From now on nobody sees or hears the customer. Repeatable.
#[utoipa::path(
    post, path = "/api/sessions/{id}/hold", tag = "sessions", params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = SessionView),
        (status = 409, description = "`wrong_state`", body = Problem),
    )
)]
pub(crate) async fn hold(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::HoldSession, id).await?;
    app.bridge.hold(&live, technician.who, true).await?;
    Ok(view(&live))
}

/// The hold is over. Repeatable.
#[utoipa::path(
    post, path = "/api/sessions/{id}/resume", tag = "sessions", params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = SessionView),
        (status = 409, description = "`wrong_state`", body = Problem),
    )
)]
pub(crate) async fn resume(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::HoldSession, id).await?;
    app.bridge.hold(&live, technician.who, false).await?;
    Ok(view(&live))
}

/// Ends a session with a reason; its conference and all rights end with it.
#[utoipa::path(
    post, path = "/api/sessions/{id}/close", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = CloseSession,
    responses(
        (status = 200, body = SessionView),
        (status = 410, description = "`session_closed`", body = Problem),
    )
)]
pub(crate) async fn close(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Json(wish): Json<CloseSession>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::CloseSession, id).await?;
    let note = text::optional("note", wish.note.as_deref(), NOTE_CHARS)?;
    let note = note.filter(|it| !it.is_empty());
    let event = Event::Closed {
        by: technician.who,
        reason: wish.reason,
        note,
    };
    app.registry.apply(&live, event).await?;
    Ok(view(&live))
}
