//! `POST /api/invitations/redeem`.
//!
//! A PIN that is wrong, expired, ended or used, and a link that is: one answer, in levelled time.
//! Only who proves to hold a link that was used is told that somebody else used it. The browser
//! that redeemed may come again with the same invitation.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::response::{IntoResponse, Response};
use lens_auth::link::LinkHalves;
use lens_auth::{pin, token};
use lens_protocol::session::{CustomerView, Redeem};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{ClientAddress, Failure, Json};
use lens_storage::{CustomerRecord, CustomerState, InvitationRecord, InvitationState};

use super::consent::view_of;
use crate::app::{App, Shared, level, wait};
use crate::cookies;
use crate::core::{Event, device};
use crate::invitations::pin_digest;
use crate::metrics::outcome;
use crate::registry::Keep;
use crate::text;

/// Longest device description, in characters.
const DEVICE_CHARS: usize = 80;

/// Redeems an invitation: this browser is the customer from now on.
#[utoipa::path(
    post, path = "/api/invitations/redeem", tag = "customer", request_body = Redeem,
    responses(
        (status = 200, description = "In; the cookie is set", body = CustomerView),
        (status = 404, description = "`invitation_not_found`", body = Problem),
        (status = 409, description = "`invitation_taken`: this link was used in another browser", body = Problem),
        (status = 429, description = "`rate_limited`", body = Problem),
    )
)]
pub(crate) async fn redeem(
    State(app): State<Shared>,
    address: ClientAddress,
    headers: HeaderMap,
    Json(redeem): Json<Redeem>,
) -> Result<Response, Failure> {
    let started = tokio::time::Instant::now();
    let answer = app.redeem(redeem, address.network(), &headers).await;
    app.metrics
        .redemptions
        .get_or_create(&outcome(&answer))
        .inc();
    if answer
        .as_ref()
        .is_err_and(|problem| problem.code != ErrorCode::RateLimited)
    {
        level(started, app.config.refusal_time).await;
    }
    Ok(answer?)
}

/// What was shown to be let in.
enum Proof {
    Pin,
    Link,
}

impl App {
    async fn redeem(
        &self,
        redeem: Redeem,
        network: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let now = self.now();
        let (found, proof, locale) = match redeem {
            Redeem::Pin { pin, locale } => {
                self.guesses.check(network, now).map_err(wait)?;
                (self.by_pin(&pin).await?, Proof::Pin, locale)
            }
            Redeem::Link {
                lookup,
                auth,
                locale,
            } => {
                self.guesses.check_address(network, now).map_err(wait)?;
                (self.by_link(lookup, auth).await?, Proof::Link, locale)
            }
        };
        let answer = match found {
            Some(invitation) => self.let_in(&invitation, &proof, locale, headers).await,
            None => Err(ErrorCode::InvitationNotFound.into()),
        };
        match (&answer, &proof) {
            (Ok(_), Proof::Pin) => self.guesses.right(network),
            (Ok(_), Proof::Link) => self.guesses.right_link(network),
            (Err(problem), Proof::Pin) if problem.code != ErrorCode::InvitationNotFound => {
                self.guesses.known();
            }
            _ => {}
        }
        answer
    }

    async fn by_pin(&self, typed: &SecretText) -> Result<Option<InvitationRecord>, Problem> {
        // What is no PIN is looked for all the same, so that the answer takes as long.
        let pin = pin::normalise(typed).unwrap_or_else(|| SecretText::new("-"));
        let digest = pin_digest(&self.pin_key, &pin);
        Ok(self
            .stores
            .invitations
            .invitation_by_pin(&digest, self.now())
            .await?)
    }

    async fn by_link(
        &self,
        lookup: SecretText,
        auth: SecretText,
    ) -> Result<Option<InvitationRecord>, Problem> {
        let halves = LinkHalves { lookup, auth };
        let (Ok(lookup), Ok(auth)) = (halves.lookup_digest(), halves.auth_digest()) else {
            return Ok(None);
        };
        let found = self
            .stores
            .invitations
            .invitation_by_lookup(&lookup, self.now())
            .await?;
        Ok(found.filter(|it| it.auth == auth))
    }

    async fn let_in(
        &self,
        invitation: &InvitationRecord,
        proof: &Proof,
        locale: Option<String>,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        if invitation.state == InvitationState::Redeemed {
            return self.let_in_again(invitation, proof, headers).await;
        }
        let not_found = || Problem::from(ErrorCode::InvitationNotFound);
        let found = self.registry.find(invitation.session).await?;
        let live = found.ok_or_else(not_found)?;
        let agent = headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let device: String = device::describe(agent).chars().take(DEVICE_CHARS).collect();
        let credential = token::generate(&mut SystemEntropy::default());
        let record = CustomerRecord {
            credential: token::digest(&credential),
            session: live.id,
            invitation: invitation.id,
            device: Some(device.clone()),
            locale: locale.and_then(|it| text::locale(&it).ok()),
            redeemed_at: self.now(),
            state: CustomerState::Active,
            put_out_at: None,
        };
        let by = match proof {
            Proof::Pin => "pin",
            Proof::Link => "link",
        };
        live.desk.forget_customer_page();
        let event = Event::Redeemed { device, by };
        let changed = self
            .registry
            .change(&live, event, Keep::Customer(Box::new(record)))
            .await;
        changed.map_err(|problem| refused(problem, proof))?;
        let view = view_of(self, &live).await;
        let life = self.config.longest + self.config.unstarted + self.config.farewell;
        let cookie = cookies::give(cookies::CUSTOMER, &credential, life);
        Ok(([(SET_COOKIE, cookie)], Json(view)).into_response())
    }

    /// The same browser with the same invitation comes back; another one is told no more than it
    /// proved to know.
    async fn let_in_again(
        &self,
        invitation: &InvitationRecord,
        proof: &Proof,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        if let Some(credential) = cookies::find(headers, cookies::CUSTOMER)
            && let Ok((live, own)) = self.customer(credential).await
            && own == invitation.id
        {
            return Ok(Json(view_of(self, &live).await).into_response());
        }
        Err(refused(ErrorCode::InvitationTaken.into(), proof))
    }
}

/// A PIN is short: who guessed a used one must not learn that it was right.
fn refused(problem: Problem, proof: &Proof) -> Problem {
    match (problem.code, proof) {
        (ErrorCode::InvitationTaken, Proof::Link) => problem,
        (
            ErrorCode::InvitationTaken
            | ErrorCode::InvitationNotFound
            | ErrorCode::NotFound
            | ErrorCode::WrongState
            | ErrorCode::SessionClosed,
            _,
        ) => ErrorCode::InvitationNotFound.into(),
        _ => problem,
    }
}
