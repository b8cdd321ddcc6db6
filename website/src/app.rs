//! What every route shares.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use lens_auth::{Action, Decision, Subject, decide};
use lens_protocol::id::{SessionId, TechnicianId};
use lens_protocol::{ErrorCode, Problem, SecretDigest, SecretText, Timestamp};
use lens_runtime::clock::Clock;
use lens_runtime::http::Failure;
use lens_runtime::rate_limit::RateLimiter;
use lens_signaling::Identity;
use lens_storage::CustomerState;

use crate::accounts::devices::Devices;
use crate::accounts::hashing::Hashing;
use crate::accounts::technician::Technician;
use crate::bridge::Bridge;
use crate::bridge::audience::{Audience, Console, console_identity, customer_identity};
use crate::config::Config;
use crate::cookies;
use crate::core::throttle::Throttle;
use crate::core::{Link, Seat};
use crate::metrics::Metrics;
use crate::registry::{Live, Registry};
use crate::stores::Stores;
use crate::tickets::Tickets;

/// A login that is used is noted at most so often: each note is a durable write.
const NOTE_USE: Duration = Duration::from_secs(60);

/// State of all routes.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stores: Stores,
    pub(crate) log: lens_chat_log::ChatLog,
    pub(crate) registry: Registry,
    pub(crate) audience: Arc<Audience>,
    pub(crate) bridge: Bridge,
    pub(crate) hashing: Hashing,
    pub(crate) pin_key: hmac::Key,
    pub(crate) tickets: Tickets<TicketFor>,
    pub(crate) guesses: Throttle,
    pub(crate) logins: RateLimiter<IpAddr>,
    pub(crate) devices: Devices,
    pub(crate) strengths: RateLimiter<IpAddr>,
    /// Sign-ins to accounts that do not exist, as far as they are recorded one by one.
    pub(crate) unknown_accounts: RateLimiter<()>,
    pub(crate) metrics: Metrics,
    /// When the use of a login was last noted, by its mark.
    pub(crate) noted: Mutex<HashMap<Identity, Timestamp>>,
}

/// Handle on [`App`].
pub(crate) type Shared = Arc<App>;

/// What a ticket stands for: the cookies of who asked for it, proved again when it is used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TicketFor {
    pub(crate) console: Option<SecretDigest>,
    pub(crate) customer: Option<SecretDigest>,
}

impl App {
    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens a session's door for a technician, or says why not. A session that may not be seen
    /// looks as if it did not exist.
    pub(crate) async fn door(
        &self,
        technician: &Technician,
        action: Action,
        id: SessionId,
    ) -> Result<Arc<Live>, Failure> {
        let found = self.registry.find(id).await.map_err(Problem::from)?;
        let live = found.ok_or(ErrorCode::SessionNotFound)?;
        let facts = live.facts(Some(technician.who.id));
        match decide(technician.subject(), action, Some(&facts)) {
            Decision::Allow => Ok(live),
            Decision::SignIn => Err(ErrorCode::NotSignedIn.into()),
            Decision::Hide => Err(ErrorCode::SessionNotFound.into()),
            Decision::Deny => {
                let seen = decide(technician.subject(), Action::ReadSession, Some(&facts));
                let code = if seen.is_allowed() {
                    ErrorCode::Forbidden
                } else {
                    ErrorCode::SessionNotFound
                };
                Err(code.into())
            }
        }
    }

    /// The technician behind a console login's token.
    pub(crate) async fn technician(&self, token: SecretDigest) -> Result<Technician, Problem> {
        let idle = self.config.login_idle;
        let found = self
            .stores
            .logins
            .signed_in(&token, idle, self.now())
            .await?;
        let signed_in = found.ok_or(ErrorCode::NotSignedIn)?;
        Ok(Technician::new(signed_in))
    }

    /// Notes that a login was used, now and then.
    pub(crate) async fn note_use(&self, token: &SecretDigest, identity: &Identity) {
        let now = self.now();
        let due = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            let last = noted.get(identity).copied().unwrap_or_default();
            let due = now.since(last) >= NOTE_USE;
            if due {
                noted.retain(|_, at| now.since(*at) < NOTE_USE);
                noted.insert(identity.clone(), now);
            }
            due
        };
        if due && let Err(error) = self.stores.logins.touch_login(token, now).await {
            tracing::warn!(%error, "the use of a login was not noted");
        }
    }

    /// The same for a message of an open console.
    pub(crate) async fn login_used(&self, console: &Console) {
        let identity = console_identity(console.technician, &console.token);
        self.note_use(&console.token, &identity).await;
    }

    /// Who connects at the console's door.
    pub(crate) async fn identify_console(
        &self,
        headers: &HeaderMap,
        ticket: Option<&SecretText>,
    ) -> Result<Identity, Problem> {
        let token = match ticket {
            Some(ticket) => self
                .tickets
                .take(ticket, self.now())
                .and_then(|it| it.console),
            None => cookies::find(headers, cookies::CONSOLE),
        };
        let token = token.ok_or(refusal(ticket))?;
        let technician = self.technician(token).await?;
        let identity = technician.identity();
        let console = Console {
            technician: technician.who.id,
            role: technician.role,
            name: technician.who.name.clone(),
            token,
            proved_at: self.now(),
        };
        self.audience.know(identity.clone(), console);
        Ok(identity)
    }

    /// Who connects at the customer's door.
    pub(crate) async fn identify_customer(
        &self,
        headers: &HeaderMap,
        ticket: Option<&SecretText>,
    ) -> Result<Identity, Problem> {
        let credential = match ticket {
            Some(ticket) => self
                .tickets
                .take(ticket, self.now())
                .and_then(|it| it.customer),
            None => cookies::find(headers, cookies::CUSTOMER),
        };
        let credential = credential.ok_or(refusal(ticket))?;
        let (live, invitation) = self.customer(credential).await?;
        if live.session().state.is_ended() {
            return Err(ErrorCode::SessionClosed.into());
        }
        Ok(customer_identity(live.id, invitation))
    }

    /// The session a customer's credential opens, and the invitation it redeemed.
    pub(crate) async fn customer(
        &self,
        credential: SecretDigest,
    ) -> Result<(Arc<Live>, lens_protocol::id::InvitationId), Problem> {
        let found = self.stores.customers.customer(&credential).await?;
        let record = found.filter(|it| it.state == CustomerState::Active);
        let record = record.ok_or(ErrorCode::NotSignedIn)?;
        let live = self
            .registry
            .find(record.session)
            .await?
            .ok_or(ErrorCode::NotSignedIn)?;
        let session = live.session();
        let own = session.customer.as_ref().map(|it| it.invitation) == Some(record.invitation);
        let over = session.ended_at.map(|at| self.now().since(at));
        if !own || over.is_some_and(|over| over >= self.config.farewell) {
            return Err(ErrorCode::NotSignedIn.into());
        }
        Ok((live, record.invitation))
    }

    /// Whether a customer may do `action` in their session.
    pub(crate) fn customer_may(&self, live: &Live, action: Action) -> Result<(), Problem> {
        let subject = Subject::Customer { session: live.id };
        if decide(subject, action, Some(&live.facts(None))).is_allowed() {
            Ok(())
        } else {
            Err(ErrorCode::Forbidden.into())
        }
    }

    /// Ends consoles whose login does not count any more: of one technician, or of all.
    pub(crate) async fn check_consoles(&self, of: Option<TechnicianId>) {
        for (identity, console) in self.audience.consoles() {
            if of.is_some_and(|id| id != console.technician) {
                continue;
            }
            match self.technician(console.token).await {
                Ok(_) => self
                    .audience
                    .forget_idle(&identity, self.now().minus(NOTE_USE)),
                Err(problem) if problem.code == ErrorCode::NotSignedIn => {
                    self.metrics.consoles_signed_out.inc();
                    self.audience.sign_out(&identity);
                }
                // The store's trouble is no reason to throw anybody out.
                Err(problem) => {
                    tracing::warn!(code = %problem.code, "a console's login was not checked");
                }
            }
        }
    }
}

impl App {
    /// Takes technicians out of conferences whose login does not count any more: one, or all.
    /// Whoever only hides their console from the check above is found here.
    pub(crate) async fn check_seats(&self, of: Option<TechnicianId>) {
        for live in self.registry.all() {
            let session = live.session();
            for seat in &session.seats {
                if of.is_none_or(|id| id == seat.who.id) && self.has_lost(&live, seat).await {
                    tracing::info!(session = %live.id, technician = %seat.who.id,
                        "a technician who is signed out leaves the conference");
                    if let Err(problem) = self.bridge.unseat(&live, seat.who.clone()).await {
                        tracing::warn!(session = %live.id, code = %problem.code,
                            "a technician who is signed out was not taken out; tried again soon");
                    }
                }
            }
        }
    }

    async fn has_lost(&self, live: &Live, seat: &Seat) -> bool {
        if let Some(login) = live.desk.login(seat.who.id) {
            let found = self.technician(login).await;
            return found.is_err_and(|problem| problem.code == ErrorCode::NotSignedIn);
        }
        // Seated by a former process, or taken out already.
        let found = self.stores.accounts.account(seat.who.id).await;
        let disabled = matches!(found, Ok(Some(account)) if account.disabled);
        disabled && seat.link != Link::Broken
    }
}

fn refusal(ticket: Option<&SecretText>) -> ErrorCode {
    match ticket {
        Some(_) => ErrorCode::TicketInvalid,
        None => ErrorCode::NotSignedIn,
    }
}

/// The problem of somebody who has to wait.
pub(crate) fn wait(wait: Duration) -> Problem {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    Problem::new(ErrorCode::RateLimited).retry_after_s(seconds.max(1))
}

/// Sleeps until the next multiple of `step` since `started`, so that refusals of different kinds
/// take the same time to a watch.
pub(crate) async fn level(started: tokio::time::Instant, step: Duration) {
    if step.is_zero() {
        return;
    }
    let steps = started.elapsed().as_nanos() / step.as_nanos() + 1;
    let until = step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
    tokio::time::sleep_until(started + until).await;
}
