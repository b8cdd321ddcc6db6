//! A session's signals: offers, rosters and commands in; answers and requests out.

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::id::MessageId;
use lens_protocol::peer::CommandOutcome;
use lens_protocol::signal::Roster;
use serde_json::{Map, Value};

use super::backoff::back_off;
use super::connection::{Connection, OfferName};
use super::letters::Settled;
use super::session::Session;
use super::{Event, Output, SignalReport};
use crate::code::{Code, SdkCode};
use crate::frame::Track;
use crate::message::Command;
use crate::network::{InboundSignal, OfferReason, OutboundBody};
use crate::state::State;

/// How long to wait for an offer that was asked for before asking again.
const OFFER: Duration = Duration::from_secs(5);
/// Refusals after which another offer will never come.
const FINAL: [ErrorCode; 6] = [
    ErrorCode::NotSignedIn,
    ErrorCode::Forbidden,
    ErrorCode::SessionNotFound,
    ErrorCode::SessionClosed,
    ErrorCode::ConferenceNotFound,
    ErrorCode::ConferenceEnded,
];

impl Session {
    pub(super) fn signal(&mut self, signal: InboundSignal) {
        match signal {
            InboundSignal::Offer(offer) => self.offer(&offer),
            InboundSignal::Roster(roster) => self.roster(roster),
            InboundSignal::Command {
                id,
                command,
                arguments,
            } => self.command(id, &command, &arguments),
            InboundSignal::KeyMessage { from, payload } => {
                self.tell(Event::KeyMessage(from, payload));
            }
            InboundSignal::Bye { reason } if reason == "shutting_down" => {}
            InboundSignal::Bye { .. } => self.end(State::Closed),
            InboundSignal::Unknown { .. } => self.stats.ignored += 1,
        }
    }

    pub(super) fn command(&mut self, id: MessageId, command: &str, arguments: &Map<String, Value>) {
        let Some(command) = Command::parse(command, arguments) else {
            let outcome = CommandOutcome::Unsupported;
            self.stats.ignored += 1;
            self.letters
                .post(self.now, OutboundBody::CommandReply { id, outcome });
            return;
        };
        let event = self.talk.signalled(id, command);
        self.tell(event);
    }

    pub(super) fn offer(&mut self, offer: &ParticipantOffer) {
        let name = OfferName::of(offer);
        if self
            .generations
            .offer
            .is_some_and(|known| !name.is_newer(&known))
        {
            self.stats.stale_signals += 1;
            return;
        }
        self.generations.offer = Some(name);
        self.settle_request();
        // Answers to older offers would be refused; what is under way is of no use.
        self.letters
            .withdraw(|body| matches!(body, OutboundBody::Answer { .. }));
        if let Some(next) = self.generations.next.take() {
            self.drop_connection(next);
        }
        if self.state == State::New {
            self.set_state(State::Connecting);
        }
        let id = self.generations.new_id();
        let (config, entropy) = (&self.config, &mut *self.entropy);
        let answered = Connection::answer(id, offer, config, &self.identity, entropy, self.now);
        let Ok((connection, sdp)) = answered else {
            return self.on_trouble(None, OfferReason::Failed);
        };
        self.outputs.push_back(Output::Open(id));
        self.generations.next = Some(Box::new(connection));
        self.occupy();
        let OfferName {
            conference,
            participant,
            generation,
            negotiation_id,
        } = name;
        let answer = OutboundBody::Answer {
            conference,
            participant,
            generation,
            negotiation_id,
            sdp,
        };
        self.letters.post(self.now, answer);
    }

    pub(super) fn settled(&mut self, settled: Settled) {
        match settled {
            Settled::Nothing => {}
            Settled::Sent(OutboundBody::OfferRequest { reason, .. }) => {
                self.asking = Some((reason, self.now + OFFER));
            }
            Settled::Sent(OutboundBody::Bye { .. }) => self.goodbye = Some(self.now),
            Settled::Sent(_) => {}
            Settled::Refused(body, report) => self.refused(&body, report),
        }
    }

    pub(super) fn refused(&mut self, body: &OutboundBody, report: SignalReport) {
        let code = match report {
            SignalReport::Refused(code) => Some(code),
            _ => None,
        };
        if let Some(code) = code.filter(|code| FINAL.contains(code)) {
            return self.end(State::Failed(Code::Server(code)));
        }
        match body {
            // An offer that was answered or replaced meanwhile: the newer one is on its way.
            OutboundBody::Answer { .. } if code == Some(ErrorCode::AlreadyAnswered) => {}
            OutboundBody::Answer { generation, .. } => {
                let next = self.generations.next.as_ref();
                let is_next = next.is_some_and(|next| next.name.generation == *generation);
                if is_next {
                    let id = next.map(|next| next.id);
                    self.on_trouble(id, OfferReason::Failed);
                }
            }
            OutboundBody::OfferRequest { .. } if code.is_none() => {
                self.end(State::Failed(Code::Sdk(SdkCode::SignallingFailed)));
            }
            OutboundBody::OfferRequest { reason, .. } => {
                let reason = *reason;
                self.ask(reason);
            }
            OutboundBody::Bye { .. } => self.goodbye = Some(self.now),
            OutboundBody::CommandReply { .. } | OutboundBody::KeyMessage { .. } => {
                self.stats.ignored += 1;
            }
        }
    }

    /// Asks for an offer, unless one is asked for already.
    pub(super) fn ask(&mut self, reason: OfferReason) {
        let is_request = |body: &OutboundBody| matches!(body, OutboundBody::OfferRequest { .. });
        if self.asking.is_some() || self.letters.any(is_request) {
            return;
        }
        let at = self.now + back_off(self.attempt, &mut *self.entropy);
        self.attempt = self.attempt.saturating_add(1);
        let generation = self.generations.offer.map(|offer| offer.generation);
        self.letters
            .post(at, OutboundBody::OfferRequest { generation, reason });
    }

    pub(super) fn settle_request(&mut self) {
        self.asking = None;
        self.letters
            .withdraw(|body| matches!(body, OutboundBody::OfferRequest { .. }));
    }

    pub(super) fn roster(&mut self, roster: Roster) {
        if self.id().is_some_and(|id| id != roster.you) {
            self.stats.stale_signals += 1;
            return;
        }
        let others = roster
            .participants
            .iter()
            .filter(|it| it.participant != roster.you);
        let sources = others.flat_map(|entry| {
            let slots = entry.slots.iter();
            slots.map(|slot| (slot.mid.clone(), entry.participant))
        });
        self.occupied = Some((roster.you, sources.collect()));
        self.roster = roster.participants;
        self.tell(Event::Roster(self.roster.clone()));
        self.occupy();
        self.show();
    }

    /// Writes down whose media comes in which section. Sections are named anew in each generation:
    /// a roster that names none of these belongs to another one, and says nothing here.
    pub(super) fn occupy(&mut self) {
        let Some((you, sources)) = &self.occupied else {
            return;
        };
        for connection in self.generations.each() {
            let names = |mid: &str| sources.iter().find(|(known, _)| known == mid);
            let receivers = &mut connection.receivers;
            let speaks = receivers.iter().any(|it| names(&it.track.mid).is_some());
            if connection.name.participant != *you || (!sources.is_empty() && !speaks) {
                continue;
            }
            for receiver in receivers {
                let participant = names(&receiver.track.mid).map(|(_, source)| *source);
                if receiver.track.participant != participant {
                    let track = Arc::make_mut(&mut receiver.track);
                    track.participant = participant;
                }
            }
        }
    }

    /// Tells who came into a slot and who left it.
    pub(super) fn show(&mut self) {
        let playing = self.generations.playing();
        let receivers = playing
            .into_iter()
            .flat_map(|connection| &connection.receivers);
        let occupied = receivers.filter(|receiver| receiver.track.participant.is_some());
        let wanted: Vec<Arc<Track>> = occupied.map(|it| Arc::clone(&it.track)).collect();
        let former = std::mem::replace(&mut self.tracks, wanted.clone());
        let same = |one: &Track, other: &Track| {
            (one.kind, one.participant) == (other.kind, other.participant)
        };
        for gone in former
            .iter()
            .filter(|it| !wanted.iter().any(|new| same(new, it)))
        {
            self.tell(Event::TrackEnd(Arc::clone(gone)));
        }
        for new in wanted.iter().filter(|it| !former.contains(it)) {
            self.tell(Event::Track(Arc::clone(new)));
        }
    }
}
