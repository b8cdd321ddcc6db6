//! `GET /api/customer`, consent, decline, leave.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use lens_auth::Action;
use lens_protocol::id::{ConsentId, InvitationId};
use lens_protocol::limits::NAME_CHARS;
use lens_protocol::session::{Capability, CustomerView, GiveConsent};
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{Failure, Json};
use lens_storage::ConsentRecord;
use std::sync::Arc;

use crate::app::{App, Shared};
use crate::cookies;
use crate::core::{Consent, Event, Shown, view};
use crate::registry::{Keep, Live};
use crate::text;

/// The door consents come through, as their rows say it.
const CHANNEL: &str = "browser";

/// The customer of a request, extracted from the cookie. `not_signed_in` for everybody else,
/// those who were put out included.
pub(crate) struct Customer {
    live: Arc<Live>,
    invitation: InvitationId,
}

impl FromRequestParts<Shared> for Customer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let credential = cookies::find(&parts.headers, cookies::CUSTOMER);
        let (live, invitation) = app
            .customer(credential.ok_or(ErrorCode::NotSignedIn)?)
            .await?;
        Ok(Self { live, invitation })
    }
}

/// The session as its customer sees it. Readable for a while after its end.
#[utoipa::path(
    get, path = "/api/customer", tag = "customer",
    responses(
        (status = 200, body = CustomerView),
        (status = 401, description = "`not_signed_in`: redeem an invitation", body = Problem),
    )
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    customer: Customer,
) -> Result<Json<CustomerView>, Failure> {
    app.customer_may(&customer.live, Action::ReadSession)?;
    Ok(Json(view_of(&app, &customer.live).await))
}

/// The agreeing tap. The consent is on disk when this is answered.
#[utoipa::path(
    post, path = "/api/customer/consent", tag = "customer", request_body = GiveConsent,
    responses(
        (status = 200, body = CustomerView),
        (status = 409, description = "`consent_changed`: read it again", body = Problem),
        (status = 410, description = "`session_closed`", body = Problem),
        (status = 422, description = "`invalid_value`", body = Problem),
    )
)]
pub(crate) async fn agree(
    State(app): State<Shared>,
    customer: Customer,
    Json(given): Json<GiveConsent>,
) -> Result<Json<CustomerView>, Failure> {
    app.customer_may(&customer.live, Action::GiveConsent)?;
    let now = app.now();
    let record = ConsentRecord {
        id: ConsentId::generate(now, &mut SystemEntropy::default()),
        session: customer.live.id,
        invitation: customer.invitation,
        capabilities: capabilities(&given.capabilities)?,
        text_version: given.text_version,
        text_sha256: sha256(&given.text_sha256)?,
        locale: text::locale(&given.locale)?,
        shown_name: text::required("shown_name", &given.shown_name, NAME_CHARS)?,
        channel: CHANNEL.to_owned(),
        given_at: now,
    };
    let event = Event::Consented {
        consent: Consent {
            capabilities: record.capabilities.clone(),
            version: record.text_version,
        },
        shown: Shown {
            locale: record.locale.clone(),
            text_sha256: given.text_sha256.to_ascii_lowercase(),
            name: record.shown_name.clone(),
        },
    };
    let keep = Keep::Consent(Box::new(record));
    app.registry.change(&customer.live, event, keep).await?;
    Ok(Json(view_of(&app, &customer.live).await))
}

/// No: the session is over.
#[utoipa::path(
    post, path = "/api/customer/decline", tag = "customer",
    responses((status = 200, body = CustomerView))
)]
pub(crate) async fn decline(
    State(app): State<Shared>,
    customer: Customer,
) -> Result<Json<CustomerView>, Failure> {
    app.customer_may(&customer.live, Action::GiveConsent)?;
    finish(&app, &customer, Event::Declined).await
}

/// Stop: the session is over.
#[utoipa::path(
    post, path = "/api/customer/leave", tag = "customer",
    responses((status = 200, body = CustomerView))
)]
pub(crate) async fn leave(
    State(app): State<Shared>,
    customer: Customer,
) -> Result<Json<CustomerView>, Failure> {
    app.customer_may(&customer.live, Action::LeaveSession)?;
    finish(&app, &customer, Event::Left).await
}

/// Ends it; one that is over already is what was wanted.
async fn finish(
    app: &App,
    customer: &Customer,
    event: Event,
) -> Result<Json<CustomerView>, Failure> {
    match app.registry.apply(&customer.live, event).await {
        Err(problem) if problem.code != ErrorCode::SessionClosed => Err(problem.into()),
        _ => Ok(Json(view_of(app, &customer.live).await)),
    }
}

/// The session as its customer sees it now.
pub(crate) async fn view_of(app: &App, live: &Live) -> CustomerView {
    let chat = app.registry.chat(live).await;
    let (rules, house) = (app.registry.rules(), app.registry.house());
    view::customer_view(&live.session(), rules, &house, chat)
}

/// Each once, in their own order.
fn capabilities(given: &[Capability]) -> Result<Vec<Capability>, Problem> {
    if given.len() > 8 {
        return Err(text::invalid("capabilities holds camera and voice"));
    }
    let all = [Capability::Camera, Capability::Voice];
    Ok(all.into_iter().filter(|it| given.contains(it)).collect())
}

fn sha256(hex: &str) -> Result<[u8; 32], Problem> {
    let wrong = || text::invalid("text_sha256 is 64 hexadecimal digits");
    if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}
