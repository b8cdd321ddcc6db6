//! What the hub needs from the program that hosts it: the [`Host`] trait.

use async_trait::async_trait;
use axum::http::HeaderMap;
use lens_protocol::id::SessionId;
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_protocol::{ErrorCode, Problem, SecretText};

/// Which kind of page or app connects; part of the URL (`/ws/console`, `/ws/customer`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// A technician's console.
    Console,
    /// A customer's page.
    Customer,
}

/// Who is behind a channel, named by the host, such as `customer:{session}`. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(pub String);

/// One page load of one identity. Reconnects keep it; a reload makes a new one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Through which door.
    pub door: Door,
    /// Whose.
    pub identity: Identity,
    /// The page's own name for it (see `PeerSignal::Resume`).
    pub name: String,
}

/// A message the host wants delivered.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The message.
    pub signal: ServerSignal,
}

/// The program behind the hub. Calls for one channel come one after the other, in order:
/// `attached`, then `received` and at most one `detached` until the next `attached`; `gone` last.
/// A channel of the same name may begin again after `gone`, with `attached(fresh = true)`.
///
/// A slow call holds up only its own channel: the hub stops reading that peer when some calls
/// wait. When the process shuts down, peers are told so and nothing more is called.
#[async_trait]
pub trait Host: Send + Sync + 'static {
    /// Who connects? Cookies for pages (the hub has checked `Origin`), a one-use ticket for apps
    /// and embedded frames. Refuse with `not_signed_in` or `ticket_invalid`.
    async fn identify(
        &self,
        door: Door,
        headers: &HeaderMap,
        ticket: Option<&SecretText>,
    ) -> Result<Identity, Problem>;

    /// A carrier is attached to the channel: the first, or again after a cut. When `fresh`,
    /// nothing could be replayed, and what this returns is sent first (a snapshot); what the host
    /// sends meanwhile follows it.
    async fn attached(&self, channel: &Channel, fresh: bool) -> Vec<Outbound>;

    /// A counted message, exactly once in the channel's life and in order, the final `bye`
    /// included. An error goes back as `error` with the message's `seq`. The message is
    /// acknowledged when this returns; one that never was comes again after a restart, so what
    /// must not happen twice needs a name of its own (`client_id`, `negotiation_id`).
    async fn received(
        &self,
        channel: &Channel,
        session: Option<SessionId>,
        signal: PeerSignal,
    ) -> Result<(), Problem>;

    /// The carrier was lost; the peer may come back within the window.
    async fn detached(&self, channel: &Channel);

    /// The channel is gone: the window passed, the peer said bye, or it was closed.
    async fn gone(&self, channel: &Channel);
}

impl std::str::FromStr for Door {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "console" => Ok(Self::Console),
            "customer" => Ok(Self::Customer),
            _ => Err(ErrorCode::NotFound.into()),
        }
    }
}

impl std::fmt::Display for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Console => "console",
            Self::Customer => "customer",
        })
    }
}
