//! Sessions: the registry's rows, changed by compare-and-swap.
//!
//! Read a record, change it, hand it back: the store takes it only while its revision is still
//! the one that was read. Changes that belong together (a redemption and the state it leads to)
//! are one method of the noun that causes them, with the changed session as an argument.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, SessionId, TechnicianId};
use lens_protocol::session::{
    Capability, CloseReason, EndedBy, InvitationView, Person, SessionState, SessionView,
    TechnicianRef, Trouble,
};
use lens_protocol::signal::Presence;

use crate::error::Result;
use crate::invitations::InvitationRecord;

/// Most sessions one list returns.
pub const LIST_LIMIT: u32 = 200;

/// Which form of a record this is. Raised by the store with every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// One support case as the registry knows it. Who is online, and the live invitation, are not in
/// here: the hub and [`crate::InvitationStore`] know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// The form that was read; zero in a record that was never kept.
    pub revision: Revision,
    /// Where it stands.
    pub state: SessionState,
    /// Since when.
    pub state_since: Timestamp,
    /// Whose side trouble is on.
    pub trouble: Option<Trouble>,
    /// Ticket or case number.
    pub reference: Option<String>,
    /// The customer's name as the technician knows it.
    pub customer_name: Option<String>,
    /// The customer's device in words, once redeemed.
    pub customer_device: Option<String>,
    /// What the customer agreed to.
    pub capabilities: Vec<Capability>,
    /// What the customer's page last said about camera and microphone.
    pub presence: Presence,
    /// Who made it.
    pub created_by: TechnicianRef,
    /// Who leads it.
    pub lead: Option<TechnicianRef>,
    /// Who takes part, the customer first.
    pub people: Vec<Person>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Why it was closed.
    pub close_reason: Option<CloseReason>,
    /// Its conference, while started.
    pub conference: Option<ConferenceId>,
}

impl SessionRecord {
    /// The session as a technician sees it, with its live invitation and whether the customer's
    /// page is connected to signalling now.
    pub fn view(
        &self,
        invitation: Option<&InvitationRecord>,
        customer_online: bool,
    ) -> SessionView {
        SessionView {
            id: self.id,
            state: self.state,
            state_since: self.state_since,
            trouble: self.trouble,
            reference: self.reference.clone(),
            customer_name: self.customer_name.clone(),
            customer_device: self.customer_device.clone(),
            capabilities: self.capabilities.clone(),
            presence: self.presence.clone(),
            customer_online,
            created_by: self.created_by.clone(),
            lead: self.lead.clone(),
            people: self.people.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            close_reason: self.close_reason,
            invitation: invitation.map(|live| InvitationView {
                id: live.id,
                expires_at: live.expires_at,
            }),
            conference: self.conference,
        }
    }
}

/// Whose sessions to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    #[default]
    All,
    /// Those this technician made or leads.
    Mine(TechnicianId),
    /// Those whose customer waits and which nobody leads.
    Queue,
}

/// Which sessions to list, by being over or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Both.
    #[default]
    Any,
    /// Not ended.
    Open,
    /// Ended.
    Closed,
}

/// What to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Whose.
    pub whose: Whose,
    /// Open or closed.
    pub which: Which,
    /// Words that must all occur in reference, customer's name, maker's or lead's name, whatever
    /// their case; at most the first 8 words count.
    pub text: Option<String>,
    /// At most so many; zero and anything above [`LIST_LIMIT`] mean [`LIST_LIMIT`].
    pub limit: u32,
}

/// Where sessions are kept.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Adds a session with its first invitation. `Conflict::Exists` for an id or the link's
    /// lookup, `Conflict::Pin` when the PIN has a live owner. Returns the record as kept.
    async fn create_session(
        &self,
        session: &SessionRecord,
        invitation: &InvitationRecord,
        now: Timestamp,
    ) -> Result<SessionRecord>;

    /// The session with this id; none when there is none.
    async fn session(&self, id: SessionId) -> Result<Option<SessionRecord>>;

    /// Replaces a session if its revision is still `session.revision`; returns it with the new
    /// one. `Conflict::Revision` when it was changed in between, `NotFound`. A session that is
    /// ended takes its live invitation with it, in the same transaction.
    async fn update_session(&self, session: &SessionRecord) -> Result<SessionRecord>;

    /// Sessions that fit the filter, newest first.
    async fn list_sessions(&self, filter: &SessionFilter) -> Result<Vec<SessionRecord>>;

    /// All sessions that have not ended, oldest first: what a starting registry must look after.
    async fn open_sessions(&self) -> Result<Vec<SessionRecord>>;

    /// The session to which this conference belongs now; none when there is none.
    async fn session_of_conference(&self, id: ConferenceId) -> Result<Option<SessionRecord>>;
}
