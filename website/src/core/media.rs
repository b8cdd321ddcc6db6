//! The part of the transitions that is about media: start, join, restart, links.

use lens_chat_log::kind;
use lens_protocol::id::ParticipantId;
use lens_protocol::session::{PersonRole, SessionState, TechnicianRef};
use lens_protocol::{ErrorCode, Timestamp};
use serde_json::json;

use super::event::{Event, Fact, Place};
use super::session::{Link, Rules, Seat, Session};
use super::transition::{Outcome, seat_at};

impl Session {
    /// Whether `by` may start it now: `Ok(true)` for a first start, `Ok(false)` when they lead it
    /// already. Who loses the race gets `already_started`.
    pub fn may_start(&self, by: &TechnicianRef, rules: &Rules) -> Result<bool, ErrorCode> {
        match self.state {
            state if state.is_ended() => Err(ErrorCode::SessionClosed),
            state if state.is_started() && self.is_led_by(by.id) => Ok(false),
            state if state.is_started() => Err(ErrorCode::AlreadyStarted),
            SessionState::Waiting if self.agreed(rules).is_some() => Ok(true),
            _ => Err(ErrorCode::ConsentMissing),
        }
    }

    pub(super) fn take_media(&mut self, now: Timestamp, rules: &Rules, event: Event) -> Outcome {
        match event {
            Event::Started {
                by,
                conference,
                customer,
                viewer,
            } => {
                if !self.may_start(&by, rules)? {
                    return Err(ErrorCode::AlreadyStarted);
                }
                self.conference = Some(conference);
                self.started_at.get_or_insert(now);
                self.seats = vec![seat(&by, PersonRole::Technician, viewer)];
                self.seat_customer(customer);
                let fact = Fact::by(
                    &by,
                    kind::SESSION_STARTED,
                    json!({"conference": conference}),
                );
                self.lead = Some(by);
                self.enter(now, SessionState::Active);
                Ok(vec![fact])
            }
            Event::Joined { by, place } => self.join(&by, place),
            Event::StoppedWatching { by } => self.stop_watching(&by),
            Event::Restarted {
                by,
                conference,
                places,
            } => {
                self.needs_start()?;
                self.conference = Some(conference);
                self.node_lost = false;
                for (former, place) in &places {
                    self.replace(*former, *place);
                }
                let body = json!({"conference": conference, "participants": places.len()});
                Ok(vec![Fact::by(&by, kind::SESSION_RESTARTED, body)])
            }
            Event::Offered(place) => {
                self.needs_start()?;
                self.offered(place);
                Ok(Vec::new())
            }
            Event::MediaConnected(place) => Ok(self.connected(place)),
            Event::MediaFailed { place, cause } => Ok(self.failed(place, &cause)),
            Event::FirstPicture if self.state.is_started() => {
                Ok(vec![Fact::sfu(kind::MEDIA_FIRST_PICTURE, json!({}))])
            }
            Event::NodeLost { node } if self.state.is_started() && !self.node_lost => {
                self.node_lost = true;
                for seat in &mut self.seats {
                    seat.link = Link::Pending;
                }
                if let Some(customer) = &mut self.customer {
                    customer.link = Link::Pending;
                }
                Ok(vec![Fact::server(
                    kind::MEDIA_NODE_LOST,
                    json!({"node": node}),
                )])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn needs_start(&self) -> Result<(), ErrorCode> {
        if self.state.is_started() {
            Ok(())
        } else {
            Err(ErrorCode::WrongState)
        }
    }

    fn join(&mut self, by: &TechnicianRef, place: Place) -> Outcome {
        self.needs_start()?;
        let known = self.seats.iter_mut().find(|seat| seat.who.id == by.id);
        if let Some(known) = known {
            *known = seat(by, known.role, place);
            return Ok(Vec::new());
        }
        self.seats.push(seat(by, PersonRole::Watching, place));
        Ok(vec![Fact::by(
            by,
            kind::WATCHER_JOINED,
            json!({"name": by.name}),
        )])
    }

    fn stop_watching(&mut self, by: &TechnicianRef) -> Outcome {
        if self.is_led_by(by.id) && self.state.is_started() {
            return Err(ErrorCode::WrongState);
        }
        let before = self.seats.len();
        self.seats.retain(|seat| seat.who.id != by.id);
        if self.seats.len() == before {
            return Ok(Vec::new());
        }
        Ok(vec![Fact::by(
            by,
            kind::WATCHER_LEFT,
            json!({"name": by.name}),
        )])
    }

    fn seat_customer(&mut self, place: Place) {
        if let Some(customer) = &mut self.customer {
            customer.participant = Some(place.participant);
            customer.newest = place.generation;
            customer.link = Link::Pending;
        }
    }

    /// After a restart everybody's link waits for a new answer.
    fn replace(&mut self, former: ParticipantId, place: Place) {
        if self.is_customer(former) {
            self.seat_customer(place);
        } else if let Some(seat) = self
            .seats
            .iter_mut()
            .find(|seat| seat.participant == former)
        {
            seat.participant = place.participant;
            seat.newest = place.generation;
            seat.link = Link::Pending;
        }
    }

    /// On their own request: a customer's former path may still carry the picture, while a
    /// console that asks has lost its own.
    fn offered(&mut self, place: Place) {
        if self.is_customer(place.participant) {
            if let Some(customer) = &mut self.customer {
                customer.newest = customer.newest.max(place.generation);
            }
        } else if let Some(seat) = seat_at(&mut self.seats, place) {
            seat.newest = seat.newest.max(place.generation);
            seat.link = Link::Pending;
        }
    }

    fn connected(&mut self, place: Place) -> Vec<Fact> {
        match self.link_of(place) {
            Some((who, link)) => {
                *link = Link::Connected;
                let body = json!({"who": who, "generation": place.generation});
                vec![Fact::sfu(kind::MEDIA_CONNECTED, body)]
            }
            None => Vec::new(),
        }
    }

    fn failed(&mut self, place: Place, cause: &str) -> Vec<Fact> {
        match self.link_of(place) {
            Some((who, link)) => {
                *link = Link::Broken;
                let body = json!({"who": who, "generation": place.generation, "cause": cause});
                vec![Fact::sfu(kind::MEDIA_FAILED, body)]
            }
            None => Vec::new(),
        }
    }

    /// Whose link it is, unless a newer generation has replaced it.
    fn link_of(&mut self, place: Place) -> Option<(&'static str, &mut Link)> {
        let customer = self.customer.as_mut();
        if let Some(customer) = customer.filter(|it| it.participant == Some(place.participant)) {
            return (place.generation >= customer.newest)
                .then_some(("customer", &mut customer.link));
        }
        let seat = seat_at(&mut self.seats, place)?;
        let who = match seat.role {
            PersonRole::Watching => "watching",
            _ => "technician",
        };
        (place.generation >= seat.newest).then_some((who, &mut seat.link))
    }

    fn is_customer(&self, participant: ParticipantId) -> bool {
        self.customer
            .as_ref()
            .is_some_and(|it| it.participant == Some(participant))
    }
}

fn seat(who: &TechnicianRef, role: PersonRole, place: Place) -> Seat {
    Seat {
        who: who.clone(),
        role,
        participant: place.participant,
        newest: place.generation,
        link: Link::Pending,
    }
}
