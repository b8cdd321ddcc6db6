//! Participants and their offers, or the answers to their own.

use std::time::Instant;

use lens_protocol::entropy::random_bytes;
use lens_protocol::id::NegotiationId;
use lens_protocol::media::{AddParticipant, MediaPolicy, Offered, Role, SlotKind, TimelineStep};

use super::Shard;
use crate::core::arena::Key;
use crate::core::demux::Ufrag;
use crate::core::gauge::Meter;
use crate::core::link::{Link, NewLink, Phase};
use crate::core::path::Moment;
use crate::core::peer::{Built, Peer};
use crate::core::room::{Newest, Participant, Room};
use crate::core::slots::{self, Seats};
use crate::error::SfuError;

/// Most new generations of one participant a minute. A page on a bad network asks for one every
/// few seconds; each costs a millisecond and more of CPU.
const OFFERS_A_MINUTE: u32 = 30;

/// What a participant's offer, or the answer to its own, has to be made of.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) layout: Vec<SlotKind>,
    /// Number of participants the conference is made for.
    pub(crate) size: u8,
    pub(crate) media: MediaPolicy,
}

/// Whether an offer has to be made.
#[derive(Debug)]
pub(crate) enum Invitation {
    /// This generation has its offer already.
    Exists(Offered),
    /// An offer has to be made.
    Make(Wanted),
}

impl Shard {
    /// Judges a wish to add a participant, or to give it a new generation, before its offer is
    /// made.
    pub(crate) fn invite(
        &self,
        add: &AddParticipant,
        now: Instant,
    ) -> Result<Invitation, SfuError> {
        let key = self.room_key(add.conference, add.epoch)?;
        let room = self.rooms.get(key).ok_or(SfuError::ConferenceNotFound)?;
        match room.participant(add.participant) {
            Some(known) => {
                if known.role != add.role {
                    return Err(SfuError::RoleChanged);
                }
                if add.generation < known.newest.generation {
                    return Err(SfuError::StaleGeneration);
                }
                if add.generation == known.newest.generation {
                    return known.offered().map(Invitation::Exists);
                }
                if known.offers.is_used_up(OFFERS_A_MINUTE, now) {
                    return Err(SfuError::TooManyOffers);
                }
                // Another unconnected one makes room.
                if known.unconnected().is_none() {
                    self.may_connect()?;
                }
            }
            None => {
                self.may_enter(room, add.role)?;
                self.may_connect()?;
            }
        }
        Ok(Invitation::Make(Wanted {
            layout: slots::layout(add.role, room.max_participants),
            size: room.max_participants,
            media: room.media.clone(),
        }))
    }

    /// Adds a participant, or gives it a new generation, with the offer that was made for it.
    pub(crate) fn add(
        &mut self,
        add: AddParticipant,
        mut built: Built,
        negotiation: NegotiationId,
        at: Moment,
    ) -> Result<Offered, SfuError> {
        if let Invitation::Exists(offered) = self.invite(&add, at.instant)? {
            return Ok(offered);
        }
        let key = self.room_key(add.conference, add.epoch)?;
        let room = self.rooms.get(key).ok_or(SfuError::ConferenceNotFound)?;
        let known = room.participant(add.participant);
        if known.is_some_and(|known| known.seats.kinds() != built.kinds) {
            return Err(SfuError::SlotsChanged);
        }
        let kinds = built.kinds.clone();
        let answered = built.answered;
        let link = self.plug(key, &add, (built.peer, built.ufrag, built.kinds), at)?;
        if let Some(link) = self.links.get_mut(link).filter(|_| answered) {
            link.enter(Phase::Answered, TimelineStep::AnswerApplied, at);
        }
        // It grew while it was written, to twice its length at worst.
        built.sdp.shrink_to_fit();
        let newest = Newest {
            generation: add.generation,
            negotiation,
            mids: built.mids,
            sdp: Some(built.sdp),
            answered,
            link: Some(link),
            ended: None,
        };
        self.install(key, add, kinds, newest, at)
    }

    pub(super) fn may_enter(&self, room: &Room, role: Role) -> Result<(), SfuError> {
        if room.participants.len() >= usize::from(room.max_participants) {
            return Err(SfuError::ConferenceFull);
        }
        if role == Role::Camera && room.participants.iter().any(|p| p.role == Role::Camera) {
            return Err(SfuError::RoleTaken);
        }
        match self.config.occupancy.full() {
            Some(cap) => Err(SfuError::NodeFull(cap)),
            None => Ok(()),
        }
    }

    fn may_connect(&self) -> Result<(), SfuError> {
        match self.config.occupancy.too_many_connecting() {
            Some(cap) => Err(SfuError::NodeFull(cap)),
            None => Ok(()),
        }
    }

    fn plug(
        &mut self,
        room: Key,
        add: &AddParticipant,
        (mut peer, ufrag, kinds): (Peer, Ufrag, Vec<SlotKind>),
        at: Moment,
    ) -> Result<Key, SfuError> {
        let known = self.rooms.get(room).ok_or(SfuError::ConferenceNotFound)?;
        peer.expect_at_most(known.media.max_video_kbps);
        let new = NewLink {
            room,
            participant: add.participant,
            generation: add.generation,
            ufrag,
            kinds,
            peer,
            max_video_kbps: known.media.max_video_kbps,
        };
        let entropy = &mut self.config.entropy;
        let link = Link::new(new, at, || {
            u16::from_be_bytes(random_bytes(entropy.as_mut()))
        });
        let key = self.links.insert(|_| link);
        self.config.occupancy.begin_connecting();
        self.demux.register(ufrag, key);
        self.touch(key);
        Ok(key)
    }

    fn install(
        &mut self,
        key: Key,
        add: AddParticipant,
        kinds: Vec<SlotKind>,
        newest: Newest,
        at: Moment,
    ) -> Result<Offered, SfuError> {
        let room = self
            .rooms
            .get_mut(key)
            .ok_or(SfuError::ConferenceNotFound)?;
        let changed = match room.participant_mut(add.participant) {
            Some(known) => {
                let unconnected = known.unconnected();
                known.newest = newest;
                known.memo = add.memo;
                known.pause = add.pause;
                known.offers.allow(OFFERS_A_MINUTE, at.instant);
                if let Some(link) = unconnected {
                    self.close(link, at);
                }
                Vec::new()
            }
            None => {
                self.config.occupancy.enter();
                room.seat(Participant {
                    id: add.participant,
                    role: add.role,
                    memo: add.memo,
                    seats: Seats::new(add.participant, kinds),
                    newest,
                    pause: add.pause,
                    current: None,
                    offers: Meter::a_minute(at.instant),
                })
            }
        };
        self.announce_slots(key, &changed, at);
        self.participant_mut(key, add.participant)?.offered()
    }
}
