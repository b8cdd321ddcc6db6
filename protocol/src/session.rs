//! The website's own API about sessions, under `/api`: what console and customer page read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::conference::ParticipantOffer;
use crate::id::{ConferenceId, InvitationId, ParticipantId, SessionId, TechnicianId};
use crate::secret::SecretText;
use crate::signal::{ChatLine, Presence};
use crate::time::Timestamp;

/// Where a session stands. Whether the customer paused is in [`Presence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Made; the invitation is not redeemed.
    Created,
    /// Redeemed; the customer has not agreed yet.
    Connecting,
    /// The customer has agreed and waits for a technician.
    Waiting,
    /// Started.
    Active,
    /// Put on hold by the technician: nobody sees or hears the customer.
    OnHold,
    /// Started, and the customer or the media node is away.
    Reconnecting,
    /// The customer has been away longer than the reconnecting time.
    Offline,
    /// Ended because nothing happened.
    TimedOut,
    /// Ended by a technician, with a reason.
    Closed,
    /// Ended by the customer.
    Aborted,
}

impl SessionState {
    /// Whether the session is over for good.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::TimedOut | Self::Closed | Self::Aborted)
    }

    /// Whether a conference belongs to it now.
    pub const fn is_started(self) -> bool {
        matches!(
            self,
            Self::Active | Self::OnHold | Self::Reconnecting | Self::Offline
        )
    }
}

/// Why a technician closed a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The problem is solved.
    Solved,
    /// It is not.
    NotSolved,
    /// Somebody will come back to it.
    FollowUp,
    /// The customer was not meant to be here.
    WrongNumber,
    /// The customer went away.
    CustomerLeft,
}

/// What the customer lets the technician use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// See through the camera.
    Camera,
    /// Hear and talk.
    Voice,
}

/// Body of `POST /api/sessions`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CreateSession {
    /// Ticket or case number, at most 128 characters.
    pub reference: Option<String>,
    /// The customer's name as the technician knows it, at most 80 characters.
    pub customer_name: Option<String>,
}

/// Body of `PATCH /api/sessions/{id}`: fields left out stay as they are.
pub type DescribeSession = CreateSession;

/// A session as a technician sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Where it stands.
    pub state: SessionState,
    /// Since when.
    pub state_since: Timestamp,
    /// Why media does not flow in `reconnecting`: `customer` (their side) or `node` (ours).
    pub trouble: Option<Trouble>,
    /// Ticket or case number.
    pub reference: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The customer's device in words, such as `iPhone, Safari`; once redeemed.
    pub customer_device: Option<String>,
    /// What the customer agreed to; empty before.
    pub capabilities: Vec<Capability>,
    /// What the customer's page does with camera and microphone.
    pub presence: Presence,
    /// Whether the customer's page is connected to signalling now.
    pub customer_online: bool,
    /// Who made it.
    pub created_by: TechnicianRef,
    /// Who started it and leads it.
    pub lead: Option<TechnicianRef>,
    /// Who takes part now, the customer first.
    pub people: Vec<Person>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it was closed.
    pub close_reason: Option<CloseReason>,
    /// The live invitation without its secrets; none once redeemed, put out or expired.
    pub invitation: Option<InvitationView>,
    /// Its conference, while started.
    pub conference: Option<ConferenceId>,
}

/// Whose side a broken session's trouble is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The customer's connection.
    Customer,
    /// The technician's connection.
    Technician,
    /// The media node: press Restart.
    Node,
}

/// A technician's name beside their id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TechnicianRef {
    /// Their id.
    pub id: TechnicianId,
    /// Their full name.
    pub name: String,
}

/// Somebody in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// What they do.
    pub role: PersonRole,
    /// Their name; the customer's may be unknown.
    pub name: Option<String>,
    /// The technician's id.
    pub technician: Option<TechnicianId>,
    /// Their participant, once the conference knows them.
    pub participant: Option<ParticipantId>,
    /// Whether their media connection works now.
    pub connected: bool,
}

/// What somebody does in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonRole {
    /// Shows the camera.
    Customer,
    /// Leads the session.
    Technician,
    /// Watches; named to the customer.
    Watching,
}

/// An invitation without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// Its id.
    pub id: InvitationId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A new invitation with its secrets: shown once, to the technician who made it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// 6 to 9 digits, without blanks.
    pub pin: SecretText,
    /// Where to type it.
    pub pin_url: String,
    /// The session link; its fragment is the secret.
    pub link: SecretText,
    /// The link as a QR code: an SVG document, dark on light, four modules of quiet zone.
    pub qr_svg: SecretText,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Answer of `POST /api/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedSession {
    /// The session.
    pub session: SessionView,
    /// Its first invitation.
    pub invitation: Invitation,
}

/// Answer of `GET /api/sessions`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// Newest first; at most 200.
    pub sessions: Vec<SessionView>,
}

/// Body of `POST /api/sessions/{id}/start`, `/join` and `/offer`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TakePart {
    /// The signalling channel of this console page: rosters and later offers go there.
    pub channel: String,
}

/// Answer of `start`, `join` and `offer`: answer it through signalling.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TakingPart {
    /// The session as it stands now.
    pub session: SessionView,
    /// The console's own offer.
    pub offer: ParticipantOffer,
}

/// Body of `POST /api/sessions/{id}/close`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CloseSession {
    /// Why.
    pub reason: CloseReason,
    /// A note for the log, at most 2,000 characters.
    #[serde(default)]
    pub note: Option<String>,
}

/// Body of `POST /api/invitations/redeem`: either the PIN, or the two halves derived from the
/// link's secret S by HKDF-SHA-256 (no salt; info `lens/lookup/v1` and `lens/auth/v1`; 16 and 32
/// bytes), base64url without padding. S itself never leaves the page.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Redeem {
    /// By typing the number.
    Pin {
        /// Digits; blanks are ignored.
        pin: SecretText,
        /// The page's language, such as `de`.
        #[serde(default)]
        locale: Option<String>,
    },
    /// By the link.
    Link {
        /// Which invitation.
        lookup: SecretText,
        /// Proof of holding the link.
        auth: SecretText,
        /// The page's language.
        #[serde(default)]
        locale: Option<String>,
    },
}

/// The session as its customer sees it: nothing about anybody else's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    /// The session.
    pub session: SessionId,
    /// Where it stands.
    pub state: SessionState,
    /// Whose side trouble is on.
    pub trouble: Option<Trouble>,
    /// The organisation's name.
    pub organisation: String,
    /// Who asks: the lead once started, before that who made the session.
    pub technician: PublicTechnician,
    /// Everybody who sees or will see the picture.
    pub watchers: Vec<PublicTechnician>,
    /// What is asked and promised, to be agreed to.
    pub consent: ConsentText,
    /// What was agreed to; none before.
    pub agreed: Option<Vec<Capability>>,
    /// The chat so far, at most the last 200 lines.
    pub chat: Vec<ChatLine>,
    /// Who ended it, when it is over.
    pub ended_by: Option<EndedBy>,
    /// When the picture was first live.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A technician as customers see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicTechnician {
    /// First name, used in sentences.
    pub first_name: String,
    /// Full name.
    pub name: String,
}

/// Which consent text is in force; the page shows its own catalogue's sentences for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentText {
    /// Version of the text; a new one asks again.
    pub version: u32,
    /// Whether the picture will be recorded.
    pub recorded: bool,
    /// Days chat and log are kept.
    pub kept_days: u32,
}

/// Body of `POST /api/customer/consent`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct GiveConsent {
    /// What the customer agrees to; `camera` at least.
    pub capabilities: Vec<Capability>,
    /// The version shown.
    pub text_version: u32,
    /// The language shown.
    pub locale: String,
    /// SHA-256 of the sentences as shown, in hexadecimal.
    pub text_sha256: String,
    /// The name shown as asking.
    pub shown_name: String,
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The customer.
    Customer,
    /// A technician.
    Technician,
    /// Time.
    Timeout,
    /// A technician put this browser out; the session may go on with somebody else.
    PutOut,
}

/// Answer of `POST /api/tickets`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// Goes into the first signalling frame, once.
    pub ticket: SecretText,
    /// 30 s from now.
    pub expires_at: Timestamp,
}
