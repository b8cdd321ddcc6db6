//! What a worker says of itself.

use std::time::Instant;

use lens_protocol::media::{ParticipantReport, RoomReport};

use super::Shard;
use crate::core::link::Phase;
use crate::core::room::{Participant, Room};

/// One worker's part of the node's report.
#[derive(Debug, Default)]
pub(crate) struct ShardReport {
    pub(crate) packets_per_s: u64,
    pub(crate) rooms: Vec<RoomReport>,
}

impl Shard {
    /// The worker's part of the node's report.
    pub(crate) fn report(&self, now: Instant) -> ShardReport {
        ShardReport {
            packets_per_s: self.rate.per_s(now),
            rooms: self
                .rooms
                .iter()
                .map(|room| self.room_report(room))
                .collect(),
        }
    }

    fn room_report(&self, room: &Room) -> RoomReport {
        let participants = room.participants.iter();
        RoomReport {
            conference: room.conference,
            epoch: room.epoch,
            held: room.held,
            max_participants: room.max_participants,
            media: room.media.clone(),
            memo: room.memo.clone(),
            participants: participants.map(|p| self.participant_report(p)).collect(),
        }
    }

    fn participant_report(&self, participant: &Participant) -> ParticipantReport {
        let newest = &participant.newest;
        let link = newest.link.and_then(|link| self.links.get(link));
        ParticipantReport {
            participant: participant.id,
            role: participant.role,
            generation: newest.generation,
            negotiation_id: newest.negotiation,
            answered: newest.answered,
            connected: link.is_some_and(|link| link.phase == Phase::Connected),
            pause: participant.pause,
            memo: participant.memo.clone(),
            slots: participant.slots(),
        }
    }
}
