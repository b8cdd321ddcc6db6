//! Conferences that have ended and can still be read: bounded for each owner, so that whoever opens
//! and closes them by the thousand fills no memory with their past.

use std::collections::{HashMap, VecDeque};

use lens_protocol::id::{ConferenceId, OwnerId};

/// Ended conferences that each owner can read, at most. The eldest are forgotten before their hour.
pub const MOST_ENDED: usize = 500;

/// The ended conferences of all owners, in the order of their ends.
#[derive(Debug, Default)]
pub struct Past {
    ended: HashMap<OwnerId, VecDeque<ConferenceId>>,
    over: Vec<ConferenceId>,
}

impl Past {
    /// Notes an end.
    pub fn push(&mut self, owner: &OwnerId, id: ConferenceId) {
        let ended = self.ended.entry(owner.clone()).or_default();
        ended.push_back(id);
        if ended.len() > MOST_ENDED {
            self.over.extend(ended.pop_front());
        }
    }

    /// Takes those that are to be forgotten now.
    pub fn over(&mut self) -> Vec<ConferenceId> {
        std::mem::take(&mut self.over)
    }

    /// One has been forgotten because its hour is over.
    pub fn forget(&mut self, owner: &OwnerId, id: ConferenceId) {
        if let Some(ended) = self.ended.get_mut(owner) {
            // The eldest in most cases.
            if let Some(place) = ended.iter().position(|it| *it == id) {
                ended.remove(place);
            }
            if ended.is_empty() {
                self.ended.remove(owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConferenceId {
        ConferenceId::from_bytes((number as u128).to_be_bytes())
    }

    #[test]
    fn the_eldest_of_an_owner_make_room_and_no_others() {
        let owner = |name: &str| name.parse::<OwnerId>().expect("a name");
        let (busy, calm) = (owner("busy"), owner("calm"));
        let mut past = Past::default();
        past.push(&calm, id(0));
        for number in 1..=MOST_ENDED {
            past.push(&busy, id(number));
        }
        assert_eq!(past.over(), []);
        past.push(&busy, id(9_001));
        past.push(&busy, id(9_002));
        assert_eq!(past.over(), [id(1), id(2)]);
        assert_eq!(past.over(), []);
        past.forget(&busy, id(3));
        past.push(&busy, id(9_003));
        assert_eq!(past.over(), [], "there was room");
        past.forget(&calm, id(0));
        past.forget(&calm, id(0));
        assert_eq!(past.ended.len(), 1);
    }
}
