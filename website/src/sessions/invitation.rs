//! Reissue the invitation; put out whoever redeemed it.

use axum::extract::State;
use axum::http::StatusCode;
use lens_auth::Action;
use lens_protocol::id::SessionId;
use lens_protocol::session::{Invitation, SessionState, SessionView};
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::http::{Failure, Json, Path};

use super::list::view;
use crate::accounts::technician::Technician;
use crate::app::Shared;
use crate::core::Event;
use crate::invitations::{self, TRIES};
use crate::origin::RequestHost;
use crate::registry::{Keep, invitation_view};

/// A new PIN and link; the former ones end. Not while somebody is in: put them out first.
#[utoipa::path(
    post, path = "/api/sessions/{id}/invitation", tag = "sessions",
    params(("id" = SessionId, Path)),
    responses(
        (status = 201, body = Invitation),
        (status = 409, description = "`wrong_state`: the customer is in", body = Problem),
    )
)]
pub(crate) async fn reissue(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
    host: RequestHost,
) -> Result<(StatusCode, Json<Invitation>), Failure> {
    let live = app.door(&technician, Action::IssueInvitation, id).await?;
    let public_url = app.config.public_url(host.name());
    for _ in 0..TRIES {
        // Asked first: a refusal must not depend on which PIN was drawn.
        let state = live.session().state;
        if state.is_ended() {
            return Err(ErrorCode::SessionClosed.into());
        }
        if state != SessionState::Created {
            let detail = "the customer is in: put them out first";
            return Err(Problem::new(ErrorCode::WrongState)
                .with_detail(detail)
                .into());
        }
        let now = app.now();
        let pins = app
            .stores
            .invitations
            .count_pins(now)
            .await
            .map_err(Problem::from)?;
        let life = app.config.invitation_life;
        let fresh = invitations::draw(id, pins, &app.pin_key, public_url, life, now)?;
        let invitation = invitation_view(&fresh.record);
        let event = Event::Invited {
            by: technician.who.clone(),
            invitation,
        };
        let keep = Keep::Invitation(Box::new(fresh.record));
        match app.registry.change(&live, event, keep).await {
            Ok(_) => return Ok((StatusCode::CREATED, Json(fresh.shown))),
            // A PIN that is taken looks like this; so does a state that changed meanwhile, which
            // the next round finds out.
            Err(problem) if problem.code == ErrorCode::WrongState => {}
            Err(problem) => return Err(problem.into()),
        }
    }
    Err(Problem::new(ErrorCode::Unavailable)
        .with_detail("no free PIN was found")
        .into())
}

/// Ends the invitation, or the credential of the browser that redeemed it: the session is back
/// where it was before anybody came. Repeatable.
#[utoipa::path(
    post, path = "/api/sessions/{id}/put-out", tag = "sessions",
    params(("id" = SessionId, Path)),
    responses(
        (status = 200, body = SessionView),
        (status = 410, description = "`session_closed`", body = Problem),
    )
)]
pub(crate) async fn put_out(
    State(app): State<Shared>,
    technician: Technician,
    Path(id): Path<SessionId>,
) -> Result<Json<SessionView>, Failure> {
    let live = app.door(&technician, Action::PutOutCustomer, id).await?;
    app.registry
        .change(&live, Event::PutOut { by: technician.who }, Keep::PutOut)
        .await?;
    live.desk.forget_customer_page();
    Ok(view(&live))
}
