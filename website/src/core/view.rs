//! What a technician and what a customer may see of a session.

use lens_protocol::session::{
    Capability, ConsentText, CustomerView, Person, PersonRole, PublicTechnician, SessionView,
    TechnicianRef,
};
use lens_protocol::signal::ChatLine;

use super::session::{Rules, Session};

/// What customers are told beside the session itself; the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct House {
    /// The organisation's name.
    pub organisation: String,
    /// Days chat and log are kept.
    pub kept_days: u32,
}

/// The session for technicians.
pub fn session_view(session: &Session) -> SessionView {
    let customer = session.customer.as_ref();
    SessionView {
        id: session.id,
        state: session.state,
        state_since: session.state_since,
        trouble: session.trouble,
        reference: session.reference.clone(),
        customer_name: session.customer_name.clone(),
        customer_device: customer.map(|it| it.device.clone()),
        capabilities: capabilities(session),
        presence: customer.map(|it| it.presence.clone()).unwrap_or_default(),
        customer_online: customer.is_some_and(|it| it.online) && !session.state.is_ended(),
        created_by: session.created_by.clone(),
        lead: session.lead.clone(),
        people: people(session),
        created_at: session.created_at,
        started_at: session.started_at,
        ended_at: session.ended_at,
        close_reason: session.close_reason,
        invitation: session.invitation.clone(),
        conference: session.conference,
    }
}

/// What the customer agreed to, whatever the text's version was.
pub fn capabilities(session: &Session) -> Vec<Capability> {
    let consent = session.customer.as_ref().and_then(|it| it.consent.as_ref());
    consent
        .map(|it| it.capabilities.clone())
        .unwrap_or_default()
}

/// Who takes part now: the customer, the lead, those who watch.
pub fn people(session: &Session) -> Vec<Person> {
    let customer = session
        .customer
        .as_ref()
        .filter(|_| !session.state.is_ended());
    let customer = customer.map(|it| Person {
        role: PersonRole::Customer,
        name: session.customer_name.clone(),
        technician: None,
        participant: it.participant,
        connected: it.link.is_connected(),
    });
    let seats = session.seats.iter().map(|seat| Person {
        role: seat.role,
        name: Some(seat.who.name.clone()),
        technician: Some(seat.who.id),
        participant: Some(seat.participant),
        connected: seat.link.is_connected(),
    });
    customer.into_iter().chain(seats).collect()
}

/// The session for its customer.
pub fn customer_view(
    session: &Session,
    rules: &Rules,
    house: &House,
    chat: Vec<ChatLine>,
) -> CustomerView {
    let watchers = if session.seats.is_empty() {
        vec![public(session.asking())]
    } else {
        session.seats.iter().map(|seat| public(&seat.who)).collect()
    };
    CustomerView {
        session: session.id,
        state: session.state,
        trouble: session.trouble,
        organisation: house.organisation.clone(),
        technician: public(session.asking()),
        watchers,
        consent: ConsentText {
            version: rules.consent_version,
            recorded: false,
            kept_days: house.kept_days,
        },
        agreed: session.agreed(rules).map(<[_]>::to_vec),
        chat,
        ended_by: session.ended_by,
        started_at: session.started_at,
        ended_at: session.ended_at,
    }
}

/// A technician as customers see them: the first word of the name stands in sentences.
pub fn public(technician: &TechnicianRef) -> PublicTechnician {
    let first = technician
        .name
        .split_whitespace()
        .next()
        .unwrap_or(&technician.name);
    PublicTechnician {
        first_name: first.to_owned(),
        name: technician.name.clone(),
    }
}
