//! Who listens: open consoles and customers' pages, by way of the signalling hub.
//!
//! Knows signalling and nothing of media. Everything here queues and returns at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use lens_auth::{Action, Subject, decide};
use lens_protocol::account::AccountRole;
use lens_protocol::id::{InvitationId, SessionId, TechnicianId};
use lens_protocol::session::CustomerView;
use lens_protocol::signal::{ByeReason, ChatLine, ServerSignal};
use lens_protocol::{SecretDigest, Timestamp};
use lens_signaling::{Channel, Door, Hub, Identity, Outbound};

use crate::core::{Session, view};
use crate::registry::facts_of;

/// Whose console an identity is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Console {
    /// The technician.
    pub(crate) technician: TechnicianId,
    /// What the account may do.
    pub(crate) role: AccountRole,
    /// Their name, as chat lines show it.
    pub(crate) name: String,
    /// The login behind it.
    pub(crate) token: SecretDigest,
    /// When this was last proved.
    pub(crate) proved_at: Timestamp,
}

/// The hub, and which consoles are on it.
#[derive(Debug)]
pub(crate) struct Audience {
    hub: Hub,
    consoles: Mutex<HashMap<Identity, Console>>,
}

/// The signalling identity of a login's consoles. Two browsers of one technician are two.
pub(crate) fn console_identity(technician: TechnicianId, token: &SecretDigest) -> Identity {
    let mark = lens_auth::token::digest_bytes(token.as_bytes());
    let mark = u64::from_be_bytes(mark.as_bytes()[..8].try_into().expect("8 of 32 bytes"));
    Identity(format!("technician:{technician}:{mark:016x}"))
}

/// The channel of one console page.
pub(crate) fn console_channel(identity: Identity, name: &str) -> Channel {
    Channel {
        door: Door::Console,
        identity,
        name: name.to_owned(),
    }
}

/// The signalling identity of the customer who redeemed `invitation`. One that was put out can
/// never receive what is meant for the next.
pub(crate) fn customer_identity(session: SessionId, invitation: InvitationId) -> Identity {
    Identity(format!("customer:{session}:{invitation}"))
}

/// Session and invitation of a customer's identity.
pub(crate) fn parse_customer(identity: &Identity) -> Option<(SessionId, InvitationId)> {
    let (session, invitation) = identity.0.strip_prefix("customer:")?.split_once(':')?;
    Some((session.parse().ok()?, invitation.parse().ok()?))
}

impl Audience {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            consoles: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Remembers whose console this is; called at each connection.
    pub(crate) fn know(&self, identity: Identity, console: Console) {
        self.lock().insert(identity, console);
    }

    /// Whose console this is.
    pub(crate) fn console(&self, identity: &Identity) -> Option<Console> {
        self.lock().get(identity).cloned()
    }

    /// Every known console login.
    pub(crate) fn consoles(&self) -> Vec<(Identity, Console)> {
        self.lock()
            .iter()
            .map(|(identity, console)| (identity.clone(), console.clone()))
            .collect()
    }

    /// Forgets a login without channels that was proved before `since`.
    pub(crate) fn forget_idle(&self, identity: &Identity, since: Timestamp) {
        if self.hub.channels_of(identity).is_empty() {
            self.lock()
                .retain(|known, console| known != identity || console.proved_at >= since);
        }
    }

    /// Ends all consoles of a login that does not count any more.
    pub(crate) fn sign_out(&self, identity: &Identity) {
        self.lock().remove(identity);
        self.hub.close_identity(identity, ByeReason::SignedOut);
    }

    /// A session changed: every console that may see it.
    pub(crate) fn session_changed(&self, session: &Session) {
        let view = Box::new(view::session_view(session));
        let signal = ServerSignal::Session {
            view: Some(view),
            customer: None,
        };
        self.consoles_that_may(session, Action::ReadSession, &signal);
    }

    /// The customer's page state changed.
    pub(crate) fn customer_changed(
        &self,
        session: SessionId,
        invitation: InvitationId,
        view: CustomerView,
    ) {
        let signal = ServerSignal::Session {
            view: None,
            customer: Some(Box::new(view)),
        };
        let identity = customer_identity(session, invitation);
        self.hub.send_identity(
            &identity,
            Outbound {
                session: Some(session),
                signal,
            },
        );
    }

    /// The customer was put out: a last word, then the end.
    pub(crate) fn customer_put_out(
        &self,
        session: SessionId,
        invitation: InvitationId,
        last: CustomerView,
    ) {
        self.customer_changed(session, invitation, last);
        let identity = customer_identity(session, invitation);
        self.hub.close_identity(&identity, ByeReason::PutOut);
    }

    /// The session is over for its customer.
    pub(crate) fn customer_session_ended(&self, session: SessionId, invitation: InvitationId) {
        let identity = customer_identity(session, invitation);
        self.hub.close_identity(&identity, ByeReason::Closed);
    }

    /// A kept chat line, for everybody in the session.
    pub(crate) fn chat(&self, session: &Session, line: &ChatLine) {
        let signal = ServerSignal::Chat(line.clone());
        self.consoles_that_may(session, Action::WriteChat, &signal);
        self.to_customer(session, signal);
    }

    /// A message for the session's customer. False when no page of theirs is known.
    pub(crate) fn to_customer(&self, session: &Session, signal: ServerSignal) -> bool {
        let Some(customer) = &session.customer else {
            return false;
        };
        let identity = customer_identity(session.id, customer.invitation);
        let message = Outbound {
            session: Some(session.id),
            signal,
        };
        self.hub.send_identity(&identity, message) > 0
    }

    /// A message for one page.
    pub(crate) fn to_channel(&self, channel: &Channel, session: SessionId, signal: ServerSignal) {
        self.hub.send(
            channel,
            Outbound {
                session: Some(session),
                signal,
            },
        );
    }

    fn consoles_that_may(&self, session: &Session, action: Action, signal: &ServerSignal) {
        let message = Outbound {
            session: Some(session.id),
            signal: signal.clone(),
        };
        for (identity, console) in self.lock().iter() {
            let subject = Subject::Technician {
                id: console.technician,
                role: console.role,
            };
            let facts = facts_of(session, Some(console.technician));
            if decide(subject, action, Some(&facts)).is_allowed() {
                self.hub.send_identity(identity, message.clone());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Identity, Console>> {
        self.consoles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
