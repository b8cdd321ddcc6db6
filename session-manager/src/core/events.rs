//! What happened, for each owner, in order, within a bounded window.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use lens_protocol::Timestamp;
use lens_protocol::conference::{ConferenceEvent, ConferenceEventKind, ConferenceEvents};
use lens_protocol::id::{ConferenceId, OwnerId};

/// Events kept for each owner. An owner that asks less often than this many events happen is told
/// of a gap and reads its conferences instead.
pub const KEPT_EVENTS: usize = 4_096;
/// Events older than this are dropped, so that an owner who never asks costs nothing.
pub const KEPT_FOR: Duration = Duration::from_secs(600);

/// Most events in one answer; the next ones are asked for with `next`.
pub const PER_ANSWER: usize = 512;

/// The events of all owners in one life of the Session Manager.
#[derive(Debug)]
pub struct EventRings {
    life: u64,
    rings: HashMap<OwnerId, Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    last: u64,
    events: VecDeque<ConferenceEvent>,
}

impl EventRings {
    /// No events yet in this life. `life` stays below 2⁵³, so that every JSON reader keeps it
    /// whole.
    pub fn new(life: u64) -> Self {
        Self {
            life: life & ((1 << 53) - 1),
            rings: HashMap::new(),
        }
    }

    /// Appends an event of `owner`.
    pub fn push(
        &mut self,
        now: Timestamp,
        owner: &OwnerId,
        conference: ConferenceId,
        external_id: Option<String>,
        kind: ConferenceEventKind,
    ) {
        let ring = self.rings.entry(owner.clone()).or_default();
        ring.last += 1;
        ring.events.push_back(ConferenceEvent {
            position: ring.last,
            at: now,
            conference,
            external_id,
            kind,
        });
        ring.forget(now);
    }

    /// The events of `owner` after the position `after`, oldest first.
    ///
    /// `gap` when some of them were dropped, or when `after` lies ahead of this life: then the
    /// asker knew a former one and everything kept is returned.
    pub fn after(&self, owner: &OwnerId, after: u64) -> ConferenceEvents {
        let Some(ring) = self.rings.get(owner) else {
            return self.answer(Vec::new(), 0, after > 0);
        };
        let ahead = after > ring.last;
        let after = if ahead { 0 } else { after };
        let dropped = ring.last - u64::try_from(ring.events.len()).unwrap_or(ring.last);
        let kept = ring.events.iter().filter(|event| event.position > after);
        let events: Vec<_> = kept.take(PER_ANSWER).cloned().collect();
        let next = events.last().map_or(ring.last, |event| event.position);
        self.answer(events, next, ahead || dropped > after)
    }

    fn answer(&self, events: Vec<ConferenceEvent>, next: u64, gap: bool) -> ConferenceEvents {
        ConferenceEvents {
            life: self.life,
            events,
            next,
            gap,
        }
    }
}

impl Ring {
    fn forget(&mut self, now: Timestamp) {
        let old = |event: &ConferenceEvent| now.since(event.at) > KEPT_FOR;
        while self.events.len() > KEPT_EVENTS || self.events.front().is_some_and(old) {
            self.events.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::conference::EndReason;
    use proptest::prelude::*;

    use super::*;

    fn owner(name: &str) -> OwnerId {
        name.parse().expect("a name")
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn push(rings: &mut EventRings, name: &str, now: i64) {
        let kind = ConferenceEventKind::Ended {
            reason: EndReason::Deleted,
        };
        let conference = ConferenceId::from_bytes([0; 16]);
        rings.push(at(now), &owner(name), conference, None, kind);
    }

    fn positions(answer: &ConferenceEvents) -> Vec<u64> {
        answer.events.iter().map(|event| event.position).collect()
    }

    #[test]
    fn an_owner_sees_its_own_events_in_order_and_nobody_elses() {
        let mut rings = EventRings::new(7);
        for _ in 0..3 {
            push(&mut rings, "a", 0);
        }
        push(&mut rings, "b", 0);
        assert_eq!(positions(&rings.after(&owner("a"), 1)), [2, 3]);
        assert_eq!(positions(&rings.after(&owner("b"), 0)), [1]);
        assert!(rings.after(&owner("c"), 0).events.is_empty());
        assert_eq!(rings.after(&owner("a"), 3).next, 3);
    }

    #[test]
    fn a_position_of_a_former_life_is_a_gap_and_starts_over() {
        let mut rings = EventRings::new(7);
        push(&mut rings, "a", 0);
        let answer = rings.after(&owner("a"), 50);
        assert!(answer.gap);
        assert_eq!(positions(&answer), [1]);
        assert!(rings.after(&owner("new"), 50).gap);
    }

    #[test]
    fn old_events_are_dropped_and_missed_ones_are_said_to_be() {
        let mut rings = EventRings::new(7);
        push(&mut rings, "a", 0);
        push(&mut rings, "a", 700_000);
        assert!(rings.after(&owner("a"), 0).gap);
        assert!(!rings.after(&owner("a"), 1).gap);
        assert_eq!(positions(&rings.after(&owner("a"), 0)), [2]);
    }

    proptest! {
        #[test]
        fn reading_on_gives_each_kept_event_once_and_in_order(
            count in 0usize..6_000, start in 0u64..6_000,
        ) {
            let mut rings = EventRings::new(1);
            for _ in 0..count {
                push(&mut rings, "a", 0);
            }
            let last = u64::try_from(count).expect("small");
            let first_kept = last.saturating_sub(4_096) + 1;
            let mut after = start.min(last);
            let mut seen = Vec::new();
            loop {
                let answer = rings.after(&owner("a"), after);
                if answer.events.is_empty() {
                    break;
                }
                seen.extend(positions(&answer));
                after = answer.next;
            }
            let expected: Vec<u64> = (first_kept.max(start.min(last) + 1)..=last).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
