//! Customers: the browser or app that redeemed an invitation, known by its credential alone.
//!
//! A customer has no name and no account; they are the invitation they redeemed. The credential
//! lives as long as the session and dies when a technician puts them out. It is made by
//! [`crate::InvitationStore::redeem_invitation`].

use async_trait::async_trait;
use lens_protocol::id::{InvitationId, SessionId};
use lens_protocol::{SecretDigest, Timestamp};

use crate::error::Result;

/// Whether a customer's credential still opens the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustomerState {
    /// It does, until the session ends.
    Active,
    /// A technician put this browser out.
    PutOut,
}

/// One redeemed invitation's browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerRecord {
    /// SHA-256 of the token in the browser's cookie.
    pub credential: SecretDigest,
    /// The session it opens.
    pub session: SessionId,
    /// The invitation it redeemed; one customer each.
    pub invitation: InvitationId,
    /// The device in words, such as `iPhone, Safari`.
    pub device: Option<String>,
    /// The page's language, such as `de`.
    pub locale: Option<String>,
    /// When it was redeemed.
    pub redeemed_at: Timestamp,
    /// Whether it still opens the session.
    pub state: CustomerState,
    /// When it was put out.
    pub put_out_at: Option<Timestamp>,
}

/// Where customers' credentials are kept.
#[async_trait]
pub trait CustomerStore: Send + Sync {
    /// The customer with this credential; none when it is unknown. One that was put out, or whose
    /// session ended, is found: the page tells the person so.
    async fn customer(&self, credential: &SecretDigest) -> Result<Option<CustomerRecord>>;

    /// The customer who is in this session; none when nobody redeemed or they were put out.
    async fn customer_of_session(&self, session: SessionId) -> Result<Option<CustomerRecord>>;
}
