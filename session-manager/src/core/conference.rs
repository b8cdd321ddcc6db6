//! One conference: its limits, its placement, who sits in it.
//!
//! ```text
//! open ── admit ──▶ seat reserved ── seated ──▶ offered ── answered ──▶ connecting ──▶ connected
//!  │                                   ▲                                    │             │
//!  │                                   └──────── seated (next generation) ◀─┴── failed ◀──┘
//!  └── end ──▶ ended (kept for an hour to be read, at most 500 of an owner)
//! ```
//!
//! A seat is reserved before the node is asked, so that two racing joins cannot both have the
//! last place or the camera's. A generation is used up before the node is asked, so that none is
//! ever given twice, whatever answers get lost.

use std::time::Duration;

use lens_protocol::conference::{
    Answer, Conference, ConferenceEventKind, ConferenceState, CreateConference, EndReason, Join,
    ParticipantState,
};
use lens_protocol::id::{
    ConferenceId, Epoch, Generation, NegotiationId, NodeId, OwnerId, ParticipantId,
};
use lens_protocol::media::{CauseCode, ClientProtocol, Pause, Role, RoomReport, SfuEventKind};
use lens_protocol::{ErrorCode, Timestamp};
use serde::{Deserialize, Serialize};

use super::memo::RoomMemo;
use super::seat::{Seat, state_of};

/// How long a seat may stay reserved. Longer than any call to a node; a seat reserved by a
/// process that died is free again afterwards.
const RESERVED_FOR: Duration = Duration::from_secs(30);

/// A conference as the Session Manager keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: ConferenceId,
    /// Who made it.
    pub owner: OwnerId,
    /// Its limits and policy.
    pub settings: CreateConference,
    /// When it was made.
    pub created_at: Timestamp,
    /// The placement in force, counted.
    pub epoch: Epoch,
    /// The placement in force.
    pub placement: Placement,
    /// Whether it is held.
    pub held: bool,
    /// Who takes part, in the order of joining.
    pub seats: Vec<Seat>,
    /// Since when nobody takes part; meaningless while somebody does.
    pub vacant_since: Timestamp,
    /// Whether anybody ever took part.
    pub ever_joined: bool,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// Where a conference runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// On which node.
    pub node: NodeId,
    /// In which life of it.
    pub life: u64,
    /// Whether node or life are gone.
    pub lost: bool,
}

/// How a conference ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

impl Room {
    /// A new conference on `node`, in its first placement.
    pub fn new(
        id: ConferenceId,
        owner: OwnerId,
        settings: CreateConference,
        (node, life): (NodeId, u64),
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            owner,
            settings,
            created_at: now,
            epoch: Epoch(1),
            placement: Placement {
                node,
                life,
                lost: false,
            },
            held: false,
            seats: Vec::new(),
            vacant_since: now,
            ever_joined: false,
            ended: None,
        }
    }

    /// The conference a node reports, as far as its memos tell; none when they do not. Clients with
    /// offers of their own that are not connected are not taken over: their end may have been told
    /// to nobody, and they would keep their place for good.
    pub fn adopt(report: &RoomReport, node: &NodeId, life: u64, now: Timestamp) -> Option<Self> {
        let memo = RoomMemo::read(&report.memo)?;
        let place = (node.clone(), life);
        let mut room = Self::new(report.conference, memo.owner, memo.settings, place, now);
        room.created_at = memo.created_at;
        room.epoch = report.epoch;
        room.held = report.held;
        room.seats = report
            .participants
            .iter()
            .map(|one| Seat::adopt(one, now))
            .filter(|seat| seat.protocol.is_none() || seat.state == ParticipantState::Connected)
            .collect();
        room.seats.sort_by_key(|seat| (seat.joined_at, seat.id));
        room.ever_joined = !room.seats.is_empty();
        Some(room)
    }

    /// When it ends in any case.
    pub fn expires_at(&self) -> Timestamp {
        let longest = Duration::from_secs(u64::from(self.settings.max_duration_s));
        self.created_at.plus(longest)
    }

    /// What the node keeps of it.
    pub fn memo(&self) -> RoomMemo {
        RoomMemo::new(self.owner.clone(), self.settings.clone(), self.created_at)
    }

    /// `conference_ended` once it has.
    pub fn live(&self) -> Result<(), ErrorCode> {
        match self.ended {
            None => Ok(()),
            Some(_) => Err(ErrorCode::ConferenceEnded),
        }
    }

    /// Reserves a seat. `conference_ended`, `conference_full`, `role_taken`.
    pub fn admit(
        &mut self,
        id: ParticipantId,
        join: &Join,
        now: Timestamp,
    ) -> Result<(), ErrorCode> {
        self.live()?;
        let abandoned = |seat: &Seat| seat.reserved && now.since(seat.joined_at) > RESERVED_FOR;
        self.seats.retain(|seat| !abandoned(seat));
        let camera = |seat: &Seat| seat.role == Role::Camera;
        if join.role == Role::Camera && self.seats.iter().any(camera) {
            return Err(ErrorCode::RoleTaken);
        }
        if self.seats.len() >= usize::from(self.settings.max_participants) {
            return Err(ErrorCode::ConferenceFull);
        }
        self.seats.push(Seat::reserve(id, join, now));
        Ok(())
    }

    /// Reserves a seat for somebody who makes their own offer. As [`Room::admit`], and
    /// `protocol_not_allowed`; `already_answered` for somebody who is there.
    pub fn admit_client(
        &mut self,
        id: ParticipantId,
        protocol: ClientProtocol,
        join: &Join,
        now: Timestamp,
    ) -> Result<(), ErrorCode> {
        self.live()?;
        if !self.settings.media.allows(protocol) {
            return Err(ErrorCode::ProtocolNotAllowed);
        }
        if self.seat(id).is_ok() {
            return Err(ErrorCode::AlreadyAnswered);
        }
        self.admit(id, join, now)?;
        if let Some(seat) = self.seat_mut(id) {
            seat.protocol = Some(protocol);
        }
        Ok(())
    }

    /// The seat of somebody who came in this way. `participant_not_found`.
    pub fn client(&self, id: ParticipantId, protocol: ClientProtocol) -> Result<&Seat, ErrorCode> {
        let seat = self.seat(id)?;
        let came_so = seat.protocol == Some(protocol) && !seat.reserved;
        came_so
            .then_some(seat)
            .ok_or(ErrorCode::ParticipantNotFound)
    }

    /// Frees the seats of those whom no new generation can reach, after their connections are
    /// lost. Returns who they were.
    pub fn vacate_clients(&mut self, now: Timestamp) -> Vec<ParticipantId> {
        let gone = |seat: &&Seat| seat.protocol.is_some() && !seat.reserved;
        let clients = self.seats.iter().filter(gone);
        let clients: Vec<ParticipantId> = clients.map(|seat| seat.id).collect();
        for id in &clients {
            self.vacate(*id, now);
        }
        clients
    }

    /// The seat of a participant. `participant_not_found`.
    pub fn seat(&self, id: ParticipantId) -> Result<&Seat, ErrorCode> {
        let found = self.seats.iter().find(|seat| seat.id == id);
        found.ok_or(ErrorCode::ParticipantNotFound)
    }

    fn seat_mut(&mut self, id: ParticipantId) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.id == id)
    }

    /// Notes what of a participant's media is paused from now on, and returns what was.
    /// `participant_not_found`.
    pub fn pause(&mut self, id: ParticipantId, pause: Pause) -> Result<Pause, ErrorCode> {
        let seat = self.seat_mut(id).ok_or(ErrorCode::ParticipantNotFound)?;
        Ok(std::mem::replace(&mut seat.pause, pause))
    }

    /// The participants whose pause a report of this placement does not know.
    pub fn wrongly_paused<'a>(
        &'a self,
        report: &'a RoomReport,
    ) -> impl Iterator<Item = ParticipantId> + 'a {
        let reported = report.participants.iter();
        let wrong = reported.filter(|reported| {
            self.seat(reported.participant)
                .is_ok_and(|seat| seat.pause != reported.pause)
        });
        wrong.map(|reported| reported.participant)
    }

    /// Uses up the next generation of a participant. `participant_not_found`.
    pub fn next_generation(&mut self, id: ParticipantId) -> Result<Generation, ErrorCode> {
        let seat = self.seat_mut(id).ok_or(ErrorCode::ParticipantNotFound)?;
        seat.used_generation = seat.used_generation.next();
        Ok(seat.used_generation)
    }

    /// Notes the offer the node made: it is the one in force.
    pub fn seated(
        &mut self,
        id: ParticipantId,
        generation: Generation,
        negotiation: NegotiationId,
        mids: Vec<String>,
    ) {
        self.ever_joined = true;
        if let Some(seat) = self.seat_mut(id) {
            seat.reserved = false;
            seat.generation = generation;
            seat.negotiation = negotiation;
            seat.mids = Some(mids);
            seat.state = ParticipantState::Offered;
            seat.cause = None;
        }
    }

    /// Whether `answer` belongs to the offer in force, and that one waits for it.
    /// `participant_not_found`, `stale_generation`, `already_answered`.
    pub fn awaits(&self, id: ParticipantId, answer: &Answer) -> Result<&Seat, ErrorCode> {
        let seat = self.seat(id)?;
        if answer.generation != seat.generation || answer.negotiation_id != seat.negotiation {
            return Err(ErrorCode::StaleGeneration);
        }
        match seat.state {
            ParticipantState::Offered => Ok(seat),
            ParticipantState::Failed => Err(ErrorCode::StaleGeneration),
            ParticipantState::Connecting | ParticipantState::Connected => {
                Err(ErrorCode::AlreadyAnswered)
            }
        }
    }

    /// Notes that the node took the answer.
    pub fn answered(&mut self, id: ParticipantId) {
        if let Some(seat) = self.seat_mut(id) {
            seat.state = ParticipantState::Connecting;
        }
    }

    /// Frees a seat. False when there was none.
    pub fn vacate(&mut self, id: ParticipantId, now: Timestamp) -> bool {
        let Some(place) = self.seats.iter().position(|seat| seat.id == id) else {
            return false;
        };
        let seat = self.seats.remove(place);
        // A join that failed keeps nobody's place warm.
        if self.seats.is_empty() && !seat.reserved {
            self.vacant_since = now;
        }
        true
    }

    /// Ends it; nobody sits in it any more.
    pub fn end(&mut self, reason: EndReason, now: Timestamp) {
        self.seats.clear();
        self.ended = Some(Ended { reason, at: now });
    }

    /// Notes that its node, or that life of it, is gone: every participant needs a new
    /// generation. False when that was known, or when it has ended.
    pub fn lose(&mut self) -> bool {
        if self.placement.lost || self.ended.is_some() {
            return false;
        }
        self.placement.lost = true;
        for seat in &mut self.seats {
            seat.state = ParticipantState::Failed;
            seat.cause = Some(CauseCode::NodeLost);
        }
        true
    }

    /// Places it anew; the former placement's calls are stale from now on.
    pub fn place(&mut self, node: NodeId, life: u64) {
        self.epoch = self.epoch.next();
        self.placement = Placement {
            node,
            life,
            lost: false,
        };
    }

    /// Whether a report of this placement has nothing for [`Room::refresh`] and nobody who left.
    pub fn agrees_with(&self, report: &RoomReport) -> bool {
        report.participants.iter().all(|reported| {
            self.seat(reported.participant).is_ok_and(|seat| {
                seat.generation != reported.generation || !seat.may_become(state_of(reported))
            })
        })
    }

    /// Takes what the node reports of this very placement, after events were missed or the node
    /// came back unharmed. Returns what changed, for the owner.
    pub fn refresh(&mut self, report: &RoomReport) -> Vec<ConferenceEventKind> {
        self.placement.lost = false;
        let mut changes = Vec::new();
        for reported in &report.participants {
            let Some(seat) = self.seat_mut(reported.participant) else {
                continue;
            };
            let state = state_of(reported);
            if seat.generation == reported.generation && seat.may_become(state) {
                seat.state = state;
                seat.cause = None;
                if state == ParticipantState::Connected {
                    changes.push(ConferenceEventKind::ParticipantConnected {
                        participant: seat.id,
                        generation: seat.generation,
                    });
                }
            }
        }
        changes
    }

    /// Takes an event of the node's. Returns what the owner is told; nothing when the event
    /// belongs to a former generation or to somebody who left.
    pub fn apply(&mut self, event: SfuEventKind) -> Option<ConferenceEventKind> {
        match event {
            SfuEventKind::Connected {
                participant,
                generation,
            } => {
                let seat = self.seat_mut(participant)?;
                if seat.generation != generation {
                    return None;
                }
                seat.state = ParticipantState::Connected;
                seat.cause = None;
                Some(ConferenceEventKind::ParticipantConnected {
                    participant,
                    generation,
                })
            }
            SfuEventKind::Failed {
                participant,
                generation,
                cause,
            } => {
                let seat = self.seat_mut(participant)?;
                if seat.generation != generation {
                    return None;
                }
                seat.state = ParticipantState::Failed;
                seat.cause = Some(cause);
                Some(ConferenceEventKind::ParticipantFailed {
                    participant,
                    generation,
                    cause,
                })
            }
            SfuEventKind::FirstKeyframe { participant } => {
                self.seat(participant).ok()?;
                Some(ConferenceEventKind::FirstKeyframe { participant })
            }
            SfuEventKind::Slots { participant, slots } => {
                self.seat(participant).ok()?;
                Some(ConferenceEventKind::Roster { participant, slots })
            }
            SfuEventKind::Removed { .. } => None,
        }
    }

    /// As its owner sees it.
    pub fn view(&self) -> Conference {
        let runs = self.ended.is_none() && !self.placement.lost;
        let seats = self.seats.iter().filter(|seat| !seat.reserved);
        Conference {
            id: self.id,
            owner: self.owner.clone(),
            external_id: self.settings.external_id.clone(),
            state: match self.ended {
                None => ConferenceState::Open,
                Some(_) => ConferenceState::Ended,
            },
            end_reason: self.ended.map(|ended| ended.reason),
            held: self.held,
            epoch: self.epoch,
            node: runs.then(|| self.placement.node.clone()),
            created_at: self.created_at,
            expires_at: self.expires_at(),
            ended_at: self.ended.map(|ended| ended.at),
            settings: self.settings.clone(),
            participants: seats.map(Seat::view).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
