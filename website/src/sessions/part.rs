//! Take part: start, join, get a new offer, stop watching.

use axum::extract::State;
use lens_auth::{Action, decide};
use lens_protocol::Problem;
use lens_protocol::id::SessionId;
use lens_protocol::session::{SessionView, TakePart, TakingPart};
use lens_runtime::http::{Failure, Json, Path};

use super::list::view;
use crate::accounts::technician::Technician;
use crate::app::Shared;
use crate::bridge::AtConsole;
use crate::bridge::audience::console_channel;
use crate::metrics::outcome;
use crate::text;

/// Starts a session and becomes its lead: the own offer comes in the answer, the customer's goes
/// to their page. Of two technicians who race, one gets `already_started`. Repeatable by the lead.
#[utoipa::path(
    post, path = "/api/sessions/{id}/start", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = TakePart,
    responses(
        (status = 200, body = TakingPart),
        (status = 409, description = "`already_started`, `consent_missing`", body = Problem),
        (status = 410, description = "`session_closed`", body = Problem),
        (status = 503, description = "`no_media_node`", body = Problem),
    )
)]
pub(crate) async fn start(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Json(wish): Json<TakePart>,
) -> Result<Json<TakingPart>, Failure> {
    let started = tokio::time::Instant::now();
    let live = app.door(&technician, Action::StartSession, id).await?;
    let taken = app
        .bridge
        .start(&live, at_console(technician, &wish)?)
        .await;
    app.metrics.starts.get_or_create(&outcome(&taken)).inc();
    app.metrics
        .start_seconds
        .observe(started.elapsed().as_secs_f64());
    Ok(Json(taken?))
}

/// Joins a started session to watch; the customer is told the name first.
#[utoipa::path(
    post, path = "/api/sessions/{id}/join", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = TakePart,
    responses(
        (status = 200, body = TakingPart),
        (status = 409, description = "`wrong_state`, `conference_full`", body = Problem),
    )
)]
pub(crate) async fn join(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Json(wish): Json<TakePart>,
) -> Result<Json<TakingPart>, Failure> {
    let live = app.door(&technician, Action::WatchSession, id).await?;
    Ok(Json(
        app.bridge
            .join(&live, at_console(technician, &wish)?)
            .await?,
    ))
}

/// A new generation for the caller. When the lead asks again from the same page, or while the
/// customer's side or the media node is broken, everybody gets one: the Restart button.
#[utoipa::path(
    post, path = "/api/sessions/{id}/offer", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = TakePart,
    responses(
        (status = 200, body = TakingPart),
        (status = 404, description = "`participant_not_found`: join first", body = Problem),
        (status = 503, description = "`media_node_lost`, `no_media_node`", body = Problem),
    )
)]
pub(crate) async fn offer(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Json(wish): Json<TakePart>,
) -> Result<Json<TakingPart>, Failure> {
    let live = app.door(&technician, Action::TakePart, id).await?;
    let facts = live.facts(Some(technician.who.id));
    let lead = decide(technician.subject(), Action::RestartSession, Some(&facts)).is_allowed();
    Ok(Json(
        app.bridge
            .offer(&live, at_console(technician, &wish)?, lead)
            .await?,
    ))
}

/// A watching technician leaves; the session goes on. Repeatable.
#[utoipa::path(
    post, path = "/api/sessions/{id}/stop-watching", tag = "sessions",
    params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = SessionView),
        (status = 409, description = "`wrong_state`: the lead closes instead", body = Problem),
    )
)]
pub(crate) async fn stop_watching(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::WatchSession, id).await?;
    app.bridge.stop_watching(&live, technician.who).await?;
    Ok(view(&live))
}

fn at_console(technician: Technician, wish: &TakePart) -> Result<AtConsole, Problem> {
    let channel = console_channel(technician.identity(), text::channel(&wish.channel)?);
    Ok(AtConsole {
        who: technician.who,
        channel,
        login: technician.token,
    })
}
