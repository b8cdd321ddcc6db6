//! Read what happened: log, chat, connection timelines; tickets for signalling.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use lens_auth::{Action, Subject, decide, token};
use lens_protocol::event::SessionLog;
use lens_protocol::id::{EventId, SessionId};
use lens_protocol::media::Timeline;
use lens_protocol::session::Ticket;
use lens_protocol::signal::ChatLine;
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{Failure, Json, Path, Query};
use lens_storage::events::PAGE_LIMIT;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::accounts::technician::Technician;
use crate::app::{Shared, TicketFor};
use crate::cookies;

/// Which page of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogPage {
    /// The last event of the page before.
    pub(crate) after: Option<EventId>,
    /// At most so many; 500 when left out, and at most.
    #[param(maximum = 500)]
    pub(crate) limit: Option<u32>,
}

impl LogPage {
    /// How many were asked for, 0 for as many as there may be. `invalid_value` for more.
    pub(crate) fn size(&self) -> Result<u32, Problem> {
        let size = self.limit.unwrap_or(0);
        if size > PAGE_LIMIT {
            let detail = format!("limit is {PAGE_LIMIT} at most");
            return Err(Problem::new(ErrorCode::InvalidValue).with_detail(detail));
        }
        Ok(size)
    }
}

/// The session's log, oldest first.
#[utoipa::path(
    get, path = "/api/sessions/{id}/log", tag = "sessions",
    params(("id" = SessionId, Path), LogPage),
    responses(
        (status = 200, body = SessionLog),
        (status = 404, description = "`session_not_found`, `not_found`", body = Problem),
    )
)]
pub(crate) async fn log(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Query(page): Query<LogPage>,
) -> Result<Json<SessionLog>, Failure> {
    app.door(&technician, Action::ReadLog, id).await?;
    let read = app.log.page(id, page.after, page.size()?).await;
    Ok(Json(read.map_err(Problem::from)?))
}

/// The session's last 200 chat lines, oldest first.
#[utoipa::path(
    get, path = "/api/sessions/{id}/chat", tag = "sessions", params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = Vec<ChatLine>),
        (status = 404, description = "`session_not_found`", body = Problem),
    )
)]
pub(crate) async fn chat(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<Vec<ChatLine>>, Failure> {
    let live = app.door(&technician, Action::ReadLog, id).await?;
    Ok(Json(app.registry.chat(&live).await))
}

/// Whose connection.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// `customer` or `own`.
    side: Side,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// The customer's.
    Customer,
    /// The caller's.
    Own,
}

/// What happened to a connection, step by step, with the cause when it failed.
#[utoipa::path(
    get, path = "/api/sessions/{id}/timeline", tag = "sessions",
    params(("id" = SessionId, Path), Whose),
    responses(
        (status = 200, body = Timeline),
        (status = 404, description = "`participant_not_found`", body = Problem),
        (status = 409, description = "`wrong_state`: not started", body = Problem),
    )
)]
pub(crate) async fn timeline(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Query(whose): Query<Whose>,
) -> Result<Json<Timeline>, Failure> {
    let live = app.door(&technician, Action::ReadTimeline, id).await?;
    let session = live.session();
    let participant = match whose.side {
        Side::Customer => session.customer.as_ref().and_then(|it| it.participant),
        Side::Own => session.seat(technician.who.id).map(|seat| seat.participant),
    };
    Ok(Json(app.bridge.timeline(&session, participant).await?))
}

/// A one-use ticket, good for 30 s, that stands for the caller's cookies in the first signalling
/// frame.
#[utoipa::path(
    post, path = "/api/tickets", tag = "sessions",
    responses(
        (status = 201, body = Ticket),
        (status = 401, description = "`not_signed_in`", body = Problem),
    )
)]
pub(crate) async fn ticket(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Ticket>), Failure> {
    let mut worth = TicketFor::default();
    let mut allowed = false;
    if let Some(token) = cookies::find(&headers, cookies::CONSOLE)
        && let Ok(technician) = app.technician(token).await
    {
        worth.console = Some(token);
        allowed |= decide(technician.subject(), Action::IssueTicket, None).is_allowed();
    }
    if let Some(credential) = cookies::find(&headers, cookies::CUSTOMER)
        && let Ok((live, _)) = app.customer(credential).await
    {
        worth.customer = Some(credential);
        let subject = Subject::Customer { session: live.id };
        allowed |= decide(subject, Action::IssueTicket, None).is_allowed();
    }
    if !allowed {
        return Err(ErrorCode::NotSignedIn.into());
    }
    let ticket = token::generate(&mut SystemEntropy::default());
    let expires_at = app.tickets.issue(&ticket, worth, app.now());
    Ok((StatusCode::CREATED, Json(Ticket { ticket, expires_at })))
}
