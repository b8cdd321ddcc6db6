//! Commands: conferences, participants, offers, answers.

use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::limits::{PARTICIPANTS, VIDEO_KBPS};
use lens_protocol::media::{
    CauseCode, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, PauseParticipant, RemoveParticipant,
    SfuEventKind, Timeline, TimelineStep,
};

use super::{Broken, Shard, guarded};
use crate::config::MIN_ROOM;
use crate::core::arena::Key;
use crate::core::description::Description;
use crate::core::layers;
use crate::core::link::Phase;
use crate::core::path::Moment;
use crate::core::peer::ParsedAnswer;
use crate::core::room::{Participant, Room};
use crate::error::SfuError;

/// An answer, judged and parsed off the media thread.
pub(crate) struct Answering {
    pub(crate) conference: ConferenceId,
    pub(crate) epoch: Epoch,
    pub(crate) participant: ParticipantId,
    pub(crate) negotiation: NegotiationId,
    pub(crate) answer: Description,
    pub(crate) parsed: ParsedAnswer,
}

impl Shard {
    /// Opens a conference; a newer epoch replaces what was there.
    pub(crate) fn create(&mut self, new: CreateMediaRoom, at: Moment) -> Result<(), SfuError> {
        if !(MIN_ROOM..=PARTICIPANTS).contains(&new.max_participants) {
            return Err(SfuError::RoomSize);
        }
        if !VIDEO_KBPS.contains(&new.media.max_video_kbps) {
            return Err(SfuError::VideoBitrate);
        }
        if let Some(key) = self.by_conference.get(&new.conference).copied() {
            let known = self.rooms.get(key).map_or(Epoch(0), |room| room.epoch);
            if new.epoch == known {
                return Ok(());
            }
            if new.epoch < known {
                return Err(SfuError::StaleEpoch);
            }
            self.dissolve(key, at);
        }
        let conference = new.conference;
        let key = self.rooms.insert(|_| Room::new(new));
        self.by_conference.insert(conference, key);
        Ok(())
    }

    /// Ends a conference; one that is not there is fine. A newer placement than the one known here
    /// ends it as well: it lives elsewhere now.
    pub(crate) fn end(&mut self, end: &EndMediaRoom, at: Moment) -> Result<(), SfuError> {
        let Some(key) = self.by_conference.get(&end.conference).copied() else {
            return Ok(());
        };
        if self
            .rooms
            .get(key)
            .is_some_and(|room| end.epoch < room.epoch)
        {
            return Err(SfuError::StaleEpoch);
        }
        self.dissolve(key, at);
        Ok(())
    }

    /// Holds or resumes a conference.
    pub(crate) fn hold(&mut self, hold: &HoldMediaRoom, at: Moment) -> Result<(), SfuError> {
        let key = self.room_key(hold.conference, hold.epoch)?;
        let Some(room) = self
            .rooms
            .get_mut(key)
            .filter(|room| room.held != hold.held)
        else {
            return Ok(());
        };
        room.held = hold.held;
        let links: Vec<Key> = room.participants.iter().filter_map(|p| p.current).collect();
        self.reroute(key);
        for link in links {
            self.restart_streams(link);
            if !hold.held {
                self.want_keyframes_of(link, layers::ALL, at);
            }
        }
        Ok(())
    }

    /// Pauses or resumes what a participant sends.
    pub(crate) fn pause(&mut self, wanted: &PauseParticipant, at: Moment) -> Result<(), SfuError> {
        let key = self.room_key(wanted.conference, wanted.epoch)?;
        let participant = self.participant_mut(key, wanted.participant)?;
        let before = std::mem::replace(&mut participant.pause, wanted.pause);
        let Some(link) = participant.current.filter(|_| before != wanted.pause) else {
            return Ok(());
        };
        self.cut_streams(link, wanted.pause);
        self.reroute(key);
        if before.video && !wanted.pause.video {
            self.want_keyframes_of(link, layers::ALL, at);
        }
        Ok(())
    }

    /// Applies an answer. An answer that breaks a rule leaves the offer open for a better one; one
    /// that the stack refuses ends the connection.
    pub(crate) fn answer(&mut self, answering: Answering, at: Moment) -> Result<(), SfuError> {
        let key = self.room_key(answering.conference, answering.epoch)?;
        let participant = self.participant_mut(key, answering.participant)?;
        let newest = &mut participant.newest;
        if newest.negotiation != answering.negotiation {
            return Err(SfuError::StaleGeneration);
        }
        if newest.answered {
            return Err(SfuError::AlreadyAnswered);
        }
        let Some(link) = newest.link else {
            let cause = newest.ended.as_ref().map(|ended| ended.cause);
            return Err(SfuError::ConnectionEnded(
                cause.unwrap_or(CauseCode::PeerClosed),
            ));
        };
        answering
            .answer
            .fits(participant.seats.kinds(), &newest.mids)?;
        newest.answered = true;
        self.apply(link, answering.parsed, at)
    }

    /// Removes a participant; one that is not there is fine.
    pub(crate) fn remove(
        &mut self,
        remove: &RemoveParticipant,
        at: Moment,
    ) -> Result<(), SfuError> {
        let key = match self.room_key(remove.conference, remove.epoch) {
            Err(SfuError::ConferenceNotFound) => return Ok(()),
            other => other?,
        };
        let room = self
            .rooms
            .get_mut(key)
            .ok_or(SfuError::ConferenceNotFound)?;
        let Some((gone, changed)) = room.unseat(remove.participant) else {
            return Ok(());
        };
        self.reroute(key);
        self.config.occupancy.leave(1);
        for link in gone.links() {
            self.close(link, at);
        }
        let participant = gone.id;
        self.notice(key, SfuEventKind::Removed { participant }, at);
        self.announce_slots(key, &changed, at);
        Ok(())
    }

    /// What happened to a participant's newest connection.
    pub(crate) fn timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, SfuError> {
        let key = self.by_conference.get(&conference);
        let room = key.and_then(|key| self.rooms.get(*key));
        let room = room.ok_or(SfuError::ConferenceNotFound)?;
        let known = room
            .participant(participant)
            .ok_or(SfuError::ParticipantNotFound)?;
        let newest = &known.newest;
        if let Some(ended) = &newest.ended {
            let stats = ended.stats.clone();
            return Ok(ended
                .journal
                .describe(participant, newest.generation, stats));
        }
        let link = newest.link.and_then(|link| self.links.get(link));
        let link = link.ok_or(SfuError::ParticipantNotFound)?;
        Ok(link
            .journal
            .describe(participant, newest.generation, link.stats()))
    }

    /// Ends all conferences: the node stops.
    pub(crate) fn dissolve_all(&mut self, at: Moment) {
        let rooms: Vec<Key> = self.by_conference.values().copied().collect();
        for key in rooms {
            self.dissolve(key, at);
        }
    }

    pub(super) fn room_key(&self, conference: ConferenceId, epoch: Epoch) -> Result<Key, SfuError> {
        let key = self.by_conference.get(&conference).copied();
        let key = key.ok_or(SfuError::ConferenceNotFound)?;
        let room = self.rooms.get(key).ok_or(SfuError::ConferenceNotFound)?;
        if epoch < room.epoch {
            return Err(SfuError::StaleEpoch);
        }
        // A newer placement than the one this node was told of: it has no conference here yet.
        if epoch > room.epoch {
            return Err(SfuError::ConferenceNotFound);
        }
        Ok(key)
    }

    pub(super) fn participant_mut(
        &mut self,
        room: Key,
        id: ParticipantId,
    ) -> Result<&mut Participant, SfuError> {
        let room = self
            .rooms
            .get_mut(room)
            .ok_or(SfuError::ConferenceNotFound)?;
        room.participant_mut(id)
            .ok_or(SfuError::ParticipantNotFound)
    }

    fn apply(&mut self, key: Key, parsed: ParsedAnswer, at: Moment) -> Result<(), SfuError> {
        let link = self
            .links
            .get_mut(key)
            .ok_or(SfuError::ParticipantNotFound)?;
        link.enter(Phase::Answered, TimelineStep::AnswerApplied, at);
        let mut produce = std::mem::take(&mut self.scratch);
        let fault = self.config.fault.as_ref();
        let result = guarded(fault, link.participant, || {
            link.peer.answer(at.instant, parsed, &mut produce)
        });
        self.collect(key, &mut produce);
        self.scratch = produce;
        match result {
            Ok(()) => {
                self.touch(key);
                Ok(())
            }
            Err(broken) => {
                if let Broken::Panic = broken {
                    self.facts.peer_faults += 1;
                }
                self.fail(key, CauseCode::BadAnswer, at);
                Err(SfuError::InvalidSdp("the media stack refused it"))
            }
        }
    }

    fn dissolve(&mut self, key: Key, at: Moment) {
        let Some(room) = self.rooms.remove(key) else {
            return;
        };
        self.by_conference.remove(&room.conference);
        self.config.occupancy.leave(room.participants.len());
        for participant in &room.participants {
            for link in participant.links() {
                self.close(link, at);
            }
        }
    }

    /// Tells each connection of a conference anew who receives what it sends.
    pub(super) fn reroute(&mut self, key: Key) {
        let Some(room) = self.rooms.get(key) else {
            return;
        };
        for (link, routes) in room.routes() {
            if let Some(link) = self.links.get_mut(link) {
                link.routes = routes;
            }
        }
        self.follow(key);
    }

    pub(super) fn announce_slots(&mut self, key: Key, whose: &[ParticipantId], at: Moment) {
        for participant in whose.iter().copied() {
            let room = self.rooms.get(key);
            let known = room.and_then(|room| room.participant(participant));
            if let Some(slots) = known.map(Participant::slots) {
                self.notice(key, SfuEventKind::Slots { participant, slots }, at);
            }
        }
    }

    /// The participant and generation of a link, and whether it is the newest.
    pub(super) fn standing(&self, key: Key) -> Option<(ParticipantId, Generation, bool)> {
        let link = self.links.get(key)?;
        let participant = self.rooms.get(link.room)?.participant(link.participant)?;
        let newest = participant.newest.link == Some(key);
        Some((link.participant, link.generation, newest))
    }
}
