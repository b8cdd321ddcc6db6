//! A conference and its participants, as one worker knows them.

use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    CauseCode, ConnectionStats, CreateMediaRoom, MediaPolicy, Offered, Pause, Role, Slot, SlotKind,
};

use super::arena::Key;
use super::gauge::Meter;
use super::link::Routes;
use super::slots::Seats;
use super::timeline::Journal;
use crate::error::SfuError;

/// One conference.
pub(crate) struct Room {
    pub(crate) conference: ConferenceId,
    pub(crate) epoch: Epoch,
    pub(crate) held: bool,
    pub(crate) max_participants: u8,
    pub(crate) media: MediaPolicy,
    pub(crate) memo: serde_json::Value,
    pub(crate) participants: Vec<Participant>,
}

/// One participant, whatever its connections do.
pub(crate) struct Participant {
    pub(crate) id: ParticipantId,
    pub(crate) role: Role,
    pub(crate) memo: serde_json::Value,
    /// Who is in its slots.
    pub(crate) seats: Seats,
    /// The newest offer.
    pub(crate) newest: Newest,
    /// What of its media goes to nobody.
    pub(crate) pause: Pause,
    /// The connected link its media goes over; an older one until the newest is connected.
    pub(crate) current: Option<Key>,
    /// Its new generations.
    pub(crate) offers: Meter,
}

/// The newest offer of a participant and what became of it.
pub(crate) struct Newest {
    pub(crate) generation: Generation,
    pub(crate) negotiation: NegotiationId,
    pub(crate) mids: Vec<String>,
    /// Its text, until it is connected: 8 KB that nobody asks for again.
    pub(crate) sdp: Option<String>,
    pub(crate) answered: bool,
    /// The connection, while it lives.
    pub(crate) link: Option<Key>,
    /// What it was, once it has ended.
    pub(crate) ended: Option<Ended>,
}

/// What is left of a connection.
pub(crate) struct Ended {
    pub(crate) cause: CauseCode,
    pub(crate) journal: Journal,
    pub(crate) stats: ConnectionStats,
}

impl Room {
    pub(crate) fn new(new: CreateMediaRoom) -> Self {
        Self {
            conference: new.conference,
            epoch: new.epoch,
            held: false,
            max_participants: new.max_participants,
            media: new.media,
            memo: new.memo,
            participants: Vec::new(),
        }
    }

    pub(crate) fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants
            .iter()
            .find(|participant| participant.id == id)
    }

    pub(crate) fn participant_mut(&mut self, id: ParticipantId) -> Option<&mut Participant> {
        self.participants
            .iter_mut()
            .find(|participant| participant.id == id)
    }

    /// Seats a new participant among the others. Returns whose slots changed.
    pub(crate) fn seat(&mut self, mut new: Participant) -> Vec<ParticipantId> {
        let mut changed = vec![new.id];
        for other in &mut self.participants {
            new.seats.admit(other.id, other.role);
            if other.seats.admit(new.id, new.role) {
                changed.push(other.id);
            }
        }
        // Most rooms have two, and doubling would make room for four at once.
        self.participants.reserve_exact(1);
        self.participants.push(new);
        changed
    }

    /// Takes a participant out. Returns it and whose slots changed.
    pub(crate) fn unseat(
        &mut self,
        id: ParticipantId,
    ) -> Option<(Participant, Vec<ParticipantId>)> {
        let index = self
            .participants
            .iter()
            .position(|participant| participant.id == id)?;
        let gone = self.participants.remove(index);
        let present: Vec<(ParticipantId, Role)> = self
            .participants
            .iter()
            .map(|one| (one.id, one.role))
            .collect();
        let mut changed = Vec::new();
        for other in &mut self.participants {
            let mut moved = other.seats.dismiss(id);
            // In a layout with few voice slots somebody may have waited for this one.
            for (waiting, role) in present.iter().filter(|(waiting, _)| *waiting != other.id) {
                moved |= other.seats.admit(*waiting, *role);
            }
            if moved {
                changed.push(other.id);
            }
        }
        Some((gone, changed))
    }

    /// Who receives what each connected participant sends: nobody what is paused, and nobody
    /// anything while the conference is held.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (Key, Routes)> + '_ {
        let senders = self.participants.iter();
        senders.filter_map(|from| Some((from.current?, self.routes_of(from))))
    }

    fn routes_of(&self, from: &Participant) -> Routes {
        let receivers = |kind, paused: bool| {
            let open = !self.held && !paused;
            let receivers = self.participants.iter().filter(move |_| open);
            receivers.filter_map(move |to| Some((to.current?, to.seats.seat_of(from.id, kind)?)))
        };
        Routes {
            video: receivers(SlotKind::VideoDown, from.pause.video).collect(),
            voice: receivers(SlotKind::AudioDown, from.pause.voice).collect(),
        }
    }
}

impl Participant {
    /// Its slots as others are told.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.seats.describe(&self.newest.mids)
    }

    /// The newest offer as others are told. `AlreadyAnswered` once it is connected.
    pub(crate) fn offered(&self) -> Result<Offered, SfuError> {
        let sdp = self.newest.sdp.clone();
        Ok(Offered {
            negotiation_id: self.newest.negotiation,
            sdp: sdp.ok_or(SfuError::AlreadyAnswered)?,
            slots: self.slots(),
        })
    }

    /// The connection of its newest offer, as long as that is not connected.
    pub(crate) fn unconnected(&self) -> Option<Key> {
        self.newest.link.filter(|link| self.current != Some(*link))
    }

    /// Its living connections: the newest and, until that is connected, a former one.
    pub(crate) fn links(&self) -> impl Iterator<Item = Key> {
        let former = self
            .current
            .filter(|current| self.newest.link != Some(*current));
        self.newest.link.into_iter().chain(former)
    }
}
