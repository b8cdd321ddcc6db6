//! Invitations: a PIN and a link, until redeemed, ended or over.
//!
//! Neither PIN, link nor their halves are kept: the PIN as a keyed HMAC (six digits would be read
//! back from a plain hash at once), lookup and auth as SHA-256. A PIN has one owner from its
//! issue to its expiry, redeemed or not, so that typing it late never leads into somebody else's
//! session; ending the invitation frees it at once.

use async_trait::async_trait;
use lens_protocol::id::{InvitationId, SessionId};
use lens_protocol::{SecretDigest, Timestamp};

use crate::customers::CustomerRecord;
use crate::error::Result;
use crate::sessions::SessionRecord;

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvitationState {
    /// Can be redeemed until it expires.
    Live,
    /// Was redeemed, by one browser.
    Redeemed,
    /// Ended by a technician, by a newer one, with its session, or by time.
    Ended,
}

/// One invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub id: InvitationId,
    /// Into which session.
    pub session: SessionId,
    /// Keyed HMAC of the PIN.
    pub pin: SecretDigest,
    /// SHA-256 of the link's lookup half.
    pub lookup: SecretDigest,
    /// SHA-256 of the link's auth half: what a redeemer by link is checked against.
    pub auth: SecretDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// Worth nothing from then on.
    pub expires_at: Timestamp,
    /// Where it stands; `Live` may be over already, see [`InvitationRecord::is_live`].
    pub state: InvitationState,
}

impl InvitationRecord {
    /// Whether it can be redeemed at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == InvitationState::Live && now < self.expires_at
    }
}

/// Where invitations are kept.
#[async_trait]
pub trait InvitationStore: Send + Sync {
    /// Gives a session a new invitation; a former live one is ended and a customer who is in is
    /// put out, and the session becomes `session`, all or nothing. Returns it as kept.
    /// `Conflict::Revision`, `Conflict::Pin`, `Conflict::Exists`; `NotFound` for the session.
    async fn issue_invitation(
        &self,
        invitation: &InvitationRecord,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord>;

    /// The invitation this PIN leads to at `now`: live, or redeemed and not over yet. None for a
    /// PIN that is wrong, ended or over, which are not told apart.
    async fn invitation_by_pin(
        &self,
        pin: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>>;

    /// The invitation this link leads to at `now`: live, or redeemed and not over yet. None for a
    /// link that is wrong, ended or over.
    async fn invitation_by_lookup(
        &self,
        lookup: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>>;

    /// The live invitation of a session at `now`; none when it was redeemed, ended or is over.
    async fn live_invitation(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<InvitationRecord>>;

    /// Redeems: exactly one caller ever succeeds. The invitation is marked, the customer's
    /// credential kept and the session becomes `session`, all or nothing. Returns the session as
    /// kept. `Conflict::Redeemed` when another was first; `NotFound` when it is unknown, ended or
    /// over at `now`; `Conflict::Revision`; `Conflict::Exists` for the credential.
    async fn redeem_invitation(
        &self,
        customer: &CustomerRecord,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord>;

    /// Ends the live invitation and puts the customer out, whichever there is, and the session
    /// becomes `session`, all or nothing. Returns it as kept. `Conflict::Revision`, `NotFound`.
    async fn withdraw_invitation(
        &self,
        session: &SessionRecord,
        now: Timestamp,
    ) -> Result<SessionRecord>;

    /// How many PINs have an owner at `now`: the next one's length grows with it.
    async fn count_pins(&self, now: Timestamp) -> Result<u64>;

    /// Ends all live invitations that are over at `now` and returns them, so that their sessions'
    /// logs can say so. Each is returned once.
    async fn end_expired_invitations(&self, now: Timestamp) -> Result<Vec<InvitationRecord>>;
}
