//! Make, list, read and describe sessions.

use axum::extract::State;
use axum::http::StatusCode;
use lens_auth::{Action, decide};
use lens_protocol::id::SessionId;
use lens_protocol::limits::{ID_CHARS, NAME_CHARS};
use lens_protocol::session::{
    CreateSession, CreatedSession, DescribeSession, SessionView, Sessions,
};
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{Failure, Json, Path, Query};
use lens_storage::{SessionFilter, Which, Whose};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::accounts::technician::Technician;
use crate::app::Shared;
use crate::core::view::session_view;
use crate::core::{Event, Session};
use crate::invitations::{self, TRIES};
use crate::origin::RequestHost;
use crate::registry::{Live, invitation_view};
use crate::text;

/// Longest search text, in characters.
const SEARCH_CHARS: usize = 128;

/// Makes a session with its first invitation. No media part is touched.
#[utoipa::path(
    post, path = "/api/sessions", tag = "sessions", request_body = CreateSession,
    responses(
        (status = 201, body = CreatedSession),
        (status = 401, description = "`not_signed_in`", body = Problem),
        (status = 422, description = "`invalid_value`", body = Problem),
    )
)]
pub(crate) async fn create(
    State(app): State<Shared>,
    technician: Technician,
    host: RequestHost,
    Json(wish): Json<CreateSession>,
) -> Result<(StatusCode, Json<CreatedSession>), Failure> {
    if !decide(technician.subject(), Action::CreateSession, None).is_allowed() {
        return Err(ErrorCode::Forbidden.into());
    }
    let wish = checked(&wish)?;
    let public_url = app.config.public_url(host.name());
    for _ in 0..TRIES {
        let now = app.now();
        let id = SessionId::generate(now, &mut SystemEntropy::default());
        let live = app
            .stores
            .invitations
            .count_pins(now)
            .await
            .map_err(Problem::from)?;
        let life = app.config.invitation_life;
        let fresh = invitations::draw(id, live, &app.pin_key, public_url, life, now)?;
        let mut session = Session::new(id, technician.who.clone(), now);
        session.reference = wish.reference.clone().filter(|it| !it.is_empty());
        session.customer_name = wish.customer_name.clone().filter(|it| !it.is_empty());
        session.invitation = Some(invitation_view(&fresh.record));
        match app.registry.create(session, fresh.record).await {
            Ok(live) => {
                let session = session_view(&live?.session());
                let created = CreatedSession {
                    session,
                    invitation: fresh.shown,
                };
                return Ok((StatusCode::CREATED, Json(created)));
            }
            Err(error) if invitations::is_taken(&error) => {}
            Err(error) => return Err(Problem::from(error).into()),
        }
    }
    Err(Problem::new(ErrorCode::Unavailable)
        .with_detail("no free PIN was found")
        .into())
}

/// Which sessions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// `all` (default), `mine` or `queue`.
    filter: Option<Filter>,
    /// `open` or `closed`; both when left out.
    state: Option<Standing>,
    /// Words that occur in reference or names; at most 128 characters.
    #[param(max_length = 128)]
    q: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Filter {
    /// Everybody's.
    All,
    /// Made or led by the caller.
    Mine,
    /// Waiting, led by nobody.
    Queue,
}

#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Not ended.
    Open,
    /// Ended.
    Closed,
}

/// Lists sessions, newest first, at most 200.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions", params(Wanted),
    responses((status = 200, body = Sessions))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    technician: Technician,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Sessions>, Failure> {
    let whose = match wanted.filter {
        None | Some(Filter::All) => Whose::All,
        Some(Filter::Mine) => Whose::Mine(technician.who.id),
        Some(Filter::Queue) => Whose::Queue,
    };
    let which = match wanted.state {
        None => Which::Any,
        Some(Standing::Open) => Which::Open,
        Some(Standing::Closed) => Which::Closed,
    };
    let text = text::optional("q", wanted.q.as_deref(), SEARCH_CHARS)?;
    let filter = SessionFilter {
        whose,
        which,
        text: text.filter(|it| !it.is_empty()),
        limit: 0,
    };
    let found = app
        .stores
        .sessions
        .list_sessions(&filter)
        .await
        .map_err(Problem::from)?;
    let mut sessions = Vec::with_capacity(found.len());
    for record in found {
        let session = match app.registry.live(record.id) {
            Some(live) => live.session(),
            None => app.registry.over(&record),
        };
        let facts = crate::registry::facts_of(&session, Some(technician.who.id));
        if decide(technician.subject(), Action::ReadSession, Some(&facts)).is_allowed() {
            sessions.push(session_view(&session));
        }
    }
    Ok(Json(Sessions { sessions }))
}

/// One session.
#[utoipa::path(
    get, path = "/api/sessions/{id}", tag = "sessions", params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = SessionView),
        (status = 404, description = "`session_not_found`", body = Problem),
    )
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::ReadSession, id).await?;
    Ok(view(&live))
}

/// Gives a session a reference or its customer a name; fields left out stay, empty ones go.
#[utoipa::path(
    patch, path = "/api/sessions/{id}", tag = "sessions", params(("id" = SessionId, Path)),
    request_body = DescribeSession,
    responses(
        (status = 200, body = SessionView),
        (status = 403, description = "`forbidden`", body = Problem),
        (status = 410, description = "`session_closed`", body = Problem),
    )
)]
pub(crate) async fn describe(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    Json(wish): Json<DescribeSession>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::DescribeSession, id).await?;
    let wish = checked(&wish)?;
    let event = Event::Described {
        by: technician.who,
        reference: wish.reference,
        customer_name: wish.customer_name,
    };
    app.registry.apply(&live, event).await?;
    Ok(view(&live))
}

/// The session as it stands now.
pub(crate) fn view(live: &Live) -> Json<SessionView> {
    Json(session_view(&live.session()))
}

fn checked(wish: &CreateSession) -> Result<CreateSession, Problem> {
    Ok(CreateSession {
        reference: text::optional("reference", wish.reference.as_deref(), ID_CHARS)?,
        customer_name: text::optional("customer_name", wish.customer_name.as_deref(), NAME_CHARS)?,
    })
}
