//! Data channel messages from one participant to the others.

use super::{Broken, Shard, guarded};
use crate::core::arena::Key;
use crate::core::path::Moment;
use crate::core::peer::CHANNEL_MESSAGE;

/// Most data channel messages a second from one participant. Pointer movements at 60 Hz fit.
const MESSAGES_PER_S: u32 = 200;

impl Shard {
    /// Relays a data channel message to all the others of a conference.
    pub(super) fn relay(&mut self, from: Key, binary: bool, data: &[u8], at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let small = data.len() <= CHANNEL_MESSAGE as usize;
        if !small || !link.messages.allow(MESSAGES_PER_S, at.instant) {
            self.facts.messages_dropped += 1;
            return;
        }
        let sender = link.participant;
        let Some(room) = self.rooms.get(link.room).filter(|room| !room.held) else {
            self.facts.messages_dropped += 1;
            return;
        };
        let receivers = room.participants.iter().filter(|p| p.id != sender);
        let receivers: Vec<Key> = receivers.filter_map(|p| p.current).collect();
        for to in receivers {
            let Some(link) = self.links.get_mut(to) else {
                continue;
            };
            let fault = self.config.fault.as_ref();
            let sent = guarded::<_, Broken>(fault, link.participant, || {
                Ok(link.peer.send_message(binary, data))
            });
            match sent {
                Ok(true) => self.facts.messages_relayed += 1,
                Ok(false) => self.facts.messages_dropped += 1,
                Err(broken) => self.settle(to, Err(broken), at),
            }
            self.touch(to);
        }
    }
}
