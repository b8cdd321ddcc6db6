//! The node's event log: what happened, in order, for a Session Manager that asks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lens_protocol::media::{SfuEvent, SfuEvents};
use tokio::sync::watch;

use crate::core::shard::Notice;

/// Events kept. A Session Manager that asks at all asks within a second; at ten joins a second
/// this covers a minute without it.
const KEPT: usize = 4_096;
/// Most events in one answer.
const BATCH: usize = 512;

/// A ring of events with positions counted from 1.
pub(crate) struct EventLog {
    life: u64,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<SfuEvent>,
    last: u64,
}

impl EventLog {
    pub(crate) fn new(life: u64) -> Self {
        Self {
            life,
            ring: Mutex::default(),
            newest: watch::Sender::new(0),
        }
    }

    pub(crate) fn life(&self) -> u64 {
        self.life
    }

    /// Appends what happened.
    pub(crate) fn append(&self, notices: impl IntoIterator<Item = Notice>) {
        let mut ring = self.ring();
        for notice in notices {
            ring.last += 1;
            if ring.events.len() == KEPT {
                ring.events.pop_front();
            }
            let event = SfuEvent {
                position: ring.last,
                at: notice.at,
                conference: notice.conference,
                epoch: notice.epoch,
                kind: notice.kind,
            };
            ring.events.push_back(event);
        }
        let last = ring.last;
        drop(ring);
        let newer = |known: &mut u64| std::mem::replace(known, last) != last;
        self.newest.send_if_modified(newer);
    }

    /// Events after `after`; waits up to `wait` for the first one.
    pub(crate) async fn after(&self, after: u64, wait: Duration) -> SfuEvents {
        let mut newest = self.newest.subscribe();
        let differs = newest.wait_for(|last| *last != after);
        let _ = tokio::time::timeout(wait, differs).await;
        self.read(after)
    }

    fn read(&self, after: u64) -> SfuEvents {
        let ring = self.ring();
        let first = ring
            .events
            .front()
            .map_or(ring.last + 1, |event| event.position);
        let gap = after + 1 < first || after > ring.last;
        let newer = ring
            .events
            .iter()
            .filter(|event| gap || event.position > after);
        let events: Vec<SfuEvent> = newer.take(BATCH).cloned().collect();
        SfuEvents {
            life: self.life,
            next: events.last().map_or(ring.last, |event| event.position),
            events,
            gap,
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Nothing in here can leave the ring half changed.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::Timestamp;
    use lens_protocol::id::{ConferenceId, Epoch, ParticipantId};
    use lens_protocol::media::SfuEventKind;

    use super::*;

    const NONE: Duration = Duration::ZERO;

    fn notices(count: usize) -> impl Iterator<Item = Notice> {
        (0..count).map(|_| Notice {
            at: Timestamp::from_unix_ms(1),
            conference: ConferenceId::from_bytes([1; 16]),
            epoch: Epoch(1),
            kind: SfuEventKind::Removed {
                participant: ParticipantId::from_bytes([2; 16]),
            },
        })
    }

    #[tokio::test]
    async fn reading_on_from_next_misses_nothing_and_repeats_nothing() {
        let log = EventLog::new(7);
        log.append(notices(1_500));
        let (mut position, mut seen) = (0, Vec::new());
        loop {
            let batch = log.after(position, NONE).await;
            assert!(!batch.gap);
            if batch.events.is_empty() {
                break;
            }
            seen.extend(batch.events.iter().map(|event| event.position));
            position = batch.next;
        }
        assert_eq!(seen, (1..=1_500).collect::<Vec<u64>>());
    }

    #[tokio::test]
    async fn what_was_dropped_or_belongs_to_another_life_is_a_gap() {
        let log = EventLog::new(7);
        assert!(
            log.after(99, NONE).await.gap,
            "a position of an earlier life"
        );
        log.append(notices(KEPT + 10));
        assert!(log.after(3, NONE).await.gap);
        assert!(!log.after(10, NONE).await.gap);
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_the_first_event() {
        let log = std::sync::Arc::new(EventLog::new(7));
        let reader = std::sync::Arc::clone(&log);
        let waiting = tokio::spawn(async move { reader.after(0, Duration::from_secs(30)).await });
        tokio::task::yield_now().await;
        log.append(notices(1));
        assert_eq!(waiting.await.expect("joined").events.len(), 1);
    }
}
