//! What can happen to a session, and what is written about it.

use lens_protocol::event::Origin;
use lens_protocol::id::{ConferenceId, Generation, ParticipantId};
use lens_protocol::session::{CloseReason, InvitationView, TechnicianRef};
use lens_protocol::signal::Presence;
use serde_json::Value;

use super::session::Consent;

/// One PeerConnection of one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub participant: ParticipantId,
    /// Which one.
    pub generation: Generation,
}

/// The consent sheet as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// In which language.
    pub locale: String,
    /// SHA-256 of the sentences, in hexadecimal.
    pub text_sha256: String,
    /// Who was named as asking.
    pub name: String,
}

/// Something that happens to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A technician gives it a reference or a name; `None` leaves the field.
    Described {
        /// Who.
        by: TechnicianRef,
        /// Ticket or case number; empty takes it away.
        reference: Option<String>,
        /// The customer's name; empty takes it away.
        customer_name: Option<String>,
    },
    /// A technician has a new invitation made; the former one ends.
    Invited {
        /// Who.
        by: TechnicianRef,
        /// The new one.
        invitation: InvitationView,
    },
    /// A browser redeemed the invitation.
    Redeemed {
        /// Its device in words.
        device: String,
        /// `pin` or `link`.
        by: &'static str,
    },
    /// The customer agreed.
    Consented {
        /// To what.
        consent: Consent,
        /// What was shown, for the record.
        shown: Shown,
    },
    /// The customer said no.
    Declined,
    /// The customer ended it.
    Left,
    /// A technician started it and its conference stands.
    Started {
        /// Who leads.
        by: TechnicianRef,
        /// The conference.
        conference: ConferenceId,
        /// The customer's place in it.
        customer: Place,
        /// The lead's place in it.
        viewer: Place,
    },
    /// A further technician watches.
    Joined {
        /// Who.
        by: TechnicianRef,
        /// Their place in the conference.
        place: Place,
    },
    /// A watching technician leaves.
    StoppedWatching {
        /// Who.
        by: TechnicianRef,
    },
    /// The lead had media set up anew; links wait for answers again.
    Restarted {
        /// Who.
        by: TechnicianRef,
        /// The conference, perhaps a new one.
        conference: ConferenceId,
        /// Everybody who got a new generation: their former participant, and their place now.
        places: Vec<(ParticipantId, Place)>,
    },
    /// Somebody got a new generation on their own request.
    Offered(Place),
    /// Nobody sees or hears the customer from now on.
    Held {
        /// By whom.
        by: TechnicianRef,
    },
    /// They do again.
    Resumed {
        /// By whom.
        by: TechnicianRef,
    },
    /// The wrong person was let in, or nobody should come in any more.
    PutOut {
        /// By whom.
        by: TechnicianRef,
    },
    /// A technician ended it.
    Closed {
        /// Who.
        by: TechnicianRef,
        /// Why.
        reason: CloseReason,
        /// A note for the log.
        note: Option<String>,
    },
    /// The customer's page is connected to signalling; `new_page` after a reload.
    CustomerOnline {
        /// Whether the page before this one took its media connection with it.
        new_page: bool,
    },
    /// The customer's page lost signalling.
    CustomerOffline,
    /// What the customer's page does with camera and microphone.
    Presence(Presence),
    /// Somebody's media can flow.
    MediaConnected(Place),
    /// Somebody's media broke.
    MediaFailed {
        /// Whose.
        place: Place,
        /// Why, as a stable name.
        cause: String,
    },
    /// The customer's first picture passed the media server.
    FirstPicture,
    /// The media node does not answer, or the conference is gone with it.
    NodeLost {
        /// Which node, when known.
        node: Option<String>,
    },
    /// The conference reached its longest duration.
    DurationReached,
    /// Time passed.
    Time,
}

/// Something to write into the session log.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// One of [`lens_chat_log::kind`].
    pub kind: &'static str,
    /// Where it was observed.
    pub origin: Origin,
    /// The technician who acted, when one did.
    pub actor: Option<TechnicianRef>,
    /// What else there is to know.
    pub body: Value,
}

impl Fact {
    /// Observed by the website itself.
    pub fn server(kind: &'static str, body: Value) -> Self {
        Self {
            kind,
            origin: Origin::Server,
            actor: None,
            body,
        }
    }

    /// Told by the customer's page.
    pub fn app(kind: &'static str, body: Value) -> Self {
        Self {
            origin: Origin::App,
            ..Self::server(kind, body)
        }
    }

    /// Observed by a streaming server.
    pub fn sfu(kind: &'static str, body: Value) -> Self {
        Self {
            origin: Origin::Sfu,
            ..Self::server(kind, body)
        }
    }

    /// Done by a technician.
    pub fn by(technician: &TechnicianRef, kind: &'static str, body: Value) -> Self {
        Self {
            origin: Origin::Console,
            actor: Some(technician.clone()),
            ..Self::server(kind, body)
        }
    }
}
