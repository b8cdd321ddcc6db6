//! One support session as the registry holds it: facts only, all of them plain data.
//!
//! `state` and `trouble` are never set by hand: [`super::transition`] derives them from the facts
//! (held, links, node lost, who is away) after each event, so that they cannot contradict.

use std::time::Duration;

use lens_protocol::Timestamp;
use lens_protocol::id::{
    ConferenceId, Generation, InvitationId, ParticipantId, SessionId, TechnicianId,
};
use lens_protocol::media::Pause;
use lens_protocol::session::{
    Capability, CloseReason, EndedBy, InvitationView, PersonRole, SessionState, TechnicianRef,
    Trouble,
};
use lens_protocol::signal::{CameraState, Presence};

/// How long things may take. Times of the registry, not of any one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Away longer than this, a started session turns from reconnecting to offline. Shorter:
    /// a lift ride looks final. Longer: the technician waits for nobody.
    pub reconnecting: Duration,
    /// Offline longer than this, it times out.
    pub offline: Duration,
    /// Not started and nobody there for this long, it times out.
    pub unstarted: Duration,
    /// The consent text in force; older consents ask again.
    pub consent_version: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            reconnecting: Duration::from_secs(60),
            offline: Duration::from_secs(30 * 60),
            unstarted: Duration::from_secs(2 * 3600),
            consent_version: 1,
        }
    }
}

/// One support case, from create to close.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who made it.
    pub created_by: TechnicianRef,
    /// When.
    pub created_at: Timestamp,
    /// Ticket or case number.
    pub reference: Option<String>,
    /// The customer's name as the technician knows it.
    pub customer_name: Option<String>,
    /// Where it stands; derived.
    pub state: SessionState,
    /// Since when.
    pub state_since: Timestamp,
    /// Whose side trouble is on, while reconnecting or offline; derived.
    pub trouble: Option<Trouble>,
    /// Since when there has been this trouble.
    pub trouble_since: Option<Timestamp>,
    /// The live invitation.
    pub invitation: Option<InvitationView>,
    /// Who redeemed it.
    pub customer: Option<Customer>,
    /// Who started it.
    pub lead: Option<TechnicianRef>,
    /// Whether the technician holds it.
    pub held: bool,
    /// Its conference, while started.
    pub conference: Option<ConferenceId>,
    /// Whether the conference's media node is gone.
    pub node_lost: bool,
    /// Technicians who take part, the lead first.
    pub seats: Vec<Seat>,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Why it was closed.
    pub close_reason: Option<CloseReason>,
}

/// The browser that redeemed the invitation.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// What it redeemed: its credential and consents belong to this.
    pub invitation: InvitationId,
    /// Its device in words.
    pub device: String,
    /// Whether its page is connected to signalling.
    pub online: bool,
    /// Whether it was connected and is not any more: coming back is worth a line in the record.
    pub was_cut: bool,
    /// What it agreed to.
    pub consent: Option<Consent>,
    /// What it does with camera and microphone.
    pub presence: Presence,
    /// Its participant, once started.
    pub participant: Option<ParticipantId>,
    /// The newest generation offered; what older ones do says nothing any more.
    pub newest: Generation,
    /// Its media connection.
    pub link: Link,
}

impl Customer {
    /// What nobody may be shown now. A pause by tap stops the picture and lets the voice go on; a
    /// phone call or another app stops both.
    pub fn pause(&self) -> Pause {
        let away = matches!(
            self.presence.camera,
            CameraState::PausedCall | CameraState::PausedAway
        );
        Pause {
            video: away || self.presence.camera == CameraState::Paused,
            voice: away || self.presence.muted,
        }
    }
}

/// What was agreed to, and to which text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Camera, perhaps voice.
    pub capabilities: Vec<Capability>,
    /// Version of the text.
    pub version: u32,
}

/// A technician who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Who.
    pub who: TechnicianRef,
    /// Leading or watching.
    pub role: PersonRole,
    /// Their participant.
    pub participant: ParticipantId,
    /// The newest generation offered.
    pub newest: Generation,
    /// Their media connection.
    pub link: Link,
}

/// Where a participant's media connection stands, as the Session Manager tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Not offered, or offered and not connected yet.
    #[default]
    Pending,
    /// Media can flow.
    Connected,
    /// It broke; a new generation brings it back.
    Broken,
}

impl Link {
    /// Whether media can flow.
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected)
    }
}

impl Session {
    /// A new session of `created_by`, without invitation.
    pub fn new(id: SessionId, created_by: TechnicianRef, now: Timestamp) -> Self {
        Self {
            id,
            created_by,
            created_at: now,
            reference: None,
            customer_name: None,
            state: SessionState::Created,
            state_since: now,
            trouble: None,
            trouble_since: None,
            invitation: None,
            customer: None,
            lead: None,
            held: false,
            conference: None,
            node_lost: false,
            seats: Vec::new(),
            started_at: None,
            ended_at: None,
            ended_by: None,
            close_reason: None,
        }
    }

    /// The seat of a technician.
    pub fn seat(&self, technician: TechnicianId) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.who.id == technician)
    }

    /// Whether `technician` leads it.
    pub fn is_led_by(&self, technician: TechnicianId) -> bool {
        self.lead.as_ref().is_some_and(|lead| lead.id == technician)
    }

    /// What the customer agreed to under the text in force; none when it must be asked again.
    pub fn agreed(&self, rules: &Rules) -> Option<&[Capability]> {
        let consent = self.customer.as_ref()?.consent.as_ref()?;
        (consent.version == rules.consent_version).then_some(&consent.capabilities)
    }

    /// The name others see for the customer in the conference.
    pub fn customer_display_name(&self) -> &str {
        self.customer_name.as_deref().unwrap_or("Customer")
    }

    /// Who asks for the camera: the lead once started, before that who made the session.
    pub fn asking(&self) -> &TechnicianRef {
        self.lead.as_ref().unwrap_or(&self.created_by)
    }

    /// When time alone will change something, if ever.
    pub fn deadline(&self, rules: &Rules) -> Option<Timestamp> {
        if self.state.is_ended() {
            return None;
        }
        let invitation = self.invitation.as_ref().map(|live| live.expires_at);
        let own = if self.state.is_started() {
            match (self.trouble, self.state) {
                (None | Some(Trouble::Technician), _) => None,
                (Some(_), SessionState::Offline) => Some(self.state_since.plus(rules.offline)),
                (Some(_), _) => self.trouble_since.map(|at| at.plus(rules.reconnecting)),
            }
        } else if self
            .customer
            .as_ref()
            .is_some_and(|customer| customer.online)
        {
            None
        } else {
            Some(self.state_since.plus(rules.unstarted))
        };
        invitation.into_iter().chain(own).min()
    }
}
