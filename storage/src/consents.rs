//! Consents: what a customer agreed to, in which words, before anything was captured.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::{ConsentId, InvitationId, SessionId};
use lens_protocol::session::Capability;

use crate::error::Result;
use crate::sessions::SessionRecord;

/// One agreeing tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Its id.
    pub id: ConsentId,
    /// In which session.
    pub session: SessionId,
    /// By whom: the customer who redeemed this invitation.
    pub invitation: InvitationId,
    /// What the technician may use.
    pub capabilities: Vec<Capability>,
    /// Version of the text shown.
    pub text_version: u32,
    /// SHA-256 of the sentences as shown.
    pub text_sha256: [u8; 32],
    /// The language shown.
    pub locale: String,
    /// The name shown as asking.
    pub shown_name: String,
    /// The door it came through, such as `browser` or `app`.
    pub channel: String,
    /// When it reached the server.
    pub given_at: Timestamp,
}

/// Where consents are kept. Rows are never changed or removed while their session is kept.
#[async_trait]
pub trait ConsentStore: Send + Sync {
    /// Keeps a consent, and the session becomes `session`, all or nothing. Returns it as kept.
    /// `NotFound` when the customer is not active in the session; `Conflict::Revision`,
    /// `Conflict::Exists`.
    async fn give_consent(
        &self,
        consent: &ConsentRecord,
        session: &SessionRecord,
    ) -> Result<SessionRecord>;

    /// All consents of a session, oldest first.
    async fn consents_of(&self, session: SessionId) -> Result<Vec<ConsentRecord>>;

    /// The newest consent of the customer who redeemed this invitation; none before.
    async fn consent_of(&self, invitation: InvitationId) -> Result<Option<ConsentRecord>>;
}
