//! Between the registry's [`Session`] and the store's [`SessionRecord`].
//!
//! The record leaves out what only this process knows (who is online, which generation is the
//! newest); a session that was read back learns it again from pages and the Session Manager.

use lens_protocol::id::InvitationId;
use lens_protocol::session::{InvitationView, Person, PersonRole, SessionState, Trouble};
use lens_storage::{InvitationRecord, Revision, SessionRecord};

use crate::core::{Consent, Customer, Link, Seat, Session, view};

/// The record of `session`, as the successor of `revision`.
pub(super) fn record_of(session: &Session, revision: Revision) -> SessionRecord {
    let customer = session.customer.as_ref();
    SessionRecord {
        id: session.id,
        revision,
        state: session.state,
        state_since: session.state_since,
        trouble: session.trouble,
        reference: session.reference.clone(),
        customer_name: session.customer_name.clone(),
        customer_device: customer.map(|it| it.device.clone()),
        capabilities: view::capabilities(session),
        presence: customer.map(|it| it.presence.clone()).unwrap_or_default(),
        created_by: session.created_by.clone(),
        lead: session.lead.clone(),
        people: view::people(session),
        created_at: session.created_at,
        started_at: session.started_at,
        ended_at: session.ended_at,
        ended_by: session.ended_by,
        close_reason: session.close_reason,
        conference: session.conference,
    }
}

/// What stands beside the record of a session.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Its live invitation.
    pub(super) invitation: Option<InvitationRecord>,
    /// The invitation its customer redeemed.
    pub(super) customer: Option<InvitationId>,
    /// The version of the text its customer agreed to.
    pub(super) consent_version: Option<u32>,
}

/// The session that `record` describes.
pub(super) fn session_of(record: &SessionRecord, beside: &Beside) -> Session {
    let mut session = Session::new(record.id, record.created_by.clone(), record.created_at);
    session.reference.clone_from(&record.reference);
    session.customer_name.clone_from(&record.customer_name);
    session.state = record.state;
    session.state_since = record.state_since;
    session.trouble = record.trouble;
    session.trouble_since = record.trouble.map(|_| record.state_since);
    session.invitation = beside.invitation.as_ref().map(invitation_view);
    session.customer = customer_of(record, beside);
    session.lead.clone_from(&record.lead);
    session.held = record.state == SessionState::OnHold;
    session.conference = record.conference;
    session.node_lost = record.trouble == Some(Trouble::Node);
    session.seats = record.people.iter().filter_map(seat_of).collect();
    session.started_at = record.started_at;
    session.ended_at = record.ended_at;
    session.ended_by = record.ended_by;
    session.close_reason = record.close_reason;
    session
}

/// An invitation without its secrets.
pub(crate) fn invitation_view(record: &InvitationRecord) -> InvitationView {
    InvitationView {
        id: record.id,
        expires_at: record.expires_at,
    }
}

fn customer_of(record: &SessionRecord, beside: &Beside) -> Option<Customer> {
    let consent = beside.consent_version.map(|version| Consent {
        capabilities: record.capabilities.clone(),
        version,
    });
    let place = record
        .people
        .iter()
        .find(|person| person.role == PersonRole::Customer);
    Some(Customer {
        invitation: beside.customer?,
        device: record.customer_device.clone().unwrap_or_default(),
        online: false,
        was_cut: false,
        consent,
        presence: record.presence.clone(),
        participant: place.and_then(|person| person.participant),
        newest: Default::default(),
        link: place.map_or(Link::Pending, |person| link_of(person, record)),
    })
}

fn seat_of(person: &Person) -> Option<Seat> {
    let who = lens_protocol::session::TechnicianRef {
        id: person.technician?,
        name: person.name.clone().unwrap_or_default(),
    };
    Some(Seat {
        who,
        role: person.role,
        participant: person.participant?,
        newest: Default::default(),
        link: if person.connected {
            Link::Connected
        } else {
            Link::Pending
        },
    })
}

fn link_of(customer: &Person, record: &SessionRecord) -> Link {
    match (customer.connected, record.trouble) {
        (true, _) => Link::Connected,
        (false, Some(Trouble::Customer)) => Link::Broken,
        (false, _) => Link::Pending,
    }
}
