//! How connections come about and end: connected, failed, closed, replaced.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lens_protocol::media::{CauseCode, SfuEventKind, TimelineStep};

use super::{Broken, Shard, guarded};
use crate::caps::Cap;
use crate::core::arena::Key;
use crate::core::link::{Link, MOST_REFUSALS, Phase};
use crate::core::path::Moment;
use crate::core::peer::{PeerEvent, Produce};
use crate::core::room::Ended;

impl Shard {
    /// Acts on something a peer reported.
    pub(super) fn act(&mut self, key: Key, event: PeerEvent, at: Moment) {
        match event {
            PeerEvent::IceConnected => {
                if let Some(link) = self.links.get_mut(key) {
                    link.journal.note(TimelineStep::IceConnected, at.wall);
                }
            }
            PeerEvent::Connected => self.connected(key, at),
            PeerEvent::KeyframeWanted { slot } => self.keyframe_wanted(key, slot, at),
            PeerEvent::Missing { slot, index } => self.repair(key, slot, index, at),
            PeerEvent::Limit(bps) => self.limited(key, bps),
            PeerEvent::Ceiling(bps) => self.asked_not_to_exceed(key, bps),
            PeerEvent::Clock { slot, ssrc, clock } => self.pass_clock(key, slot, ssrc, clock),
            PeerEvent::Message { binary, data } => self.relay(key, binary, &data, at),
            PeerEvent::Wish(data) => self.wish(key, &data, at),
            PeerEvent::Closed => self.fail(key, CauseCode::PeerClosed, at),
            PeerEvent::TooManyStreams => self.facts.too_many_streams += 1,
            PeerEvent::Counts(counts) => {
                if let Some(link) = self.links.get_mut(key) {
                    link.tally.counts = counts;
                }
            }
        }
    }

    /// Judges the outcome of a peer's step.
    pub(super) fn settle(&mut self, key: Key, result: Result<(), Broken>, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        match result {
            Err(Broken::Panic) => {
                self.facts.peer_faults += 1;
                self.fail(key, CauseCode::StackFault, at);
            }
            Err(Broken::Stack(error)) => {
                self.facts.refused_by_stack += 1;
                link.refusals += 1;
                tracing::debug!(error = %error.0, "the media stack refused a peer's input");
                if link.peer.is_alive() && link.refusals <= MOST_REFUSALS {
                    self.touch(key);
                } else {
                    match ended_cause(link) {
                        CauseCode::OverLimit => self.cut_off(key, Cap::Refusals, at),
                        cause => self.fail(key, cause, at),
                    }
                }
            }
            Ok(()) if !link.peer.is_alive() => {
                let cause = ended_cause(link);
                self.fail(key, cause, at);
            }
            Ok(()) => {}
        }
    }

    /// A connection ends because its peer went over a cap.
    pub(super) fn cut_off(&mut self, key: Key, cap: Cap, at: Moment) {
        self.reached.push(cap);
        self.fail(key, CauseCode::OverLimit, at);
    }

    /// A connection failed. The participant keeps its place; a new generation brings it back.
    pub(super) fn fail(&mut self, key: Key, cause: CauseCode, at: Moment) {
        let standing = self.standing(key);
        let Some(mut link) = self.unplug(key) else {
            return;
        };
        self.endings.push(cause);
        let (room, stats) = (link.room, link.stats());
        link.journal.end(Some(cause), at.wall);
        let journal = link.journal.clone();
        bury(link);
        let Some(known) = self.rooms.get_mut(room) else {
            return;
        };
        let Some((participant, generation, newest)) = standing else {
            return;
        };
        if let Some(participant) = known.participant_mut(participant) {
            if participant.current == Some(key) {
                participant.current = None;
            }
            if newest {
                participant.newest.link = None;
                participant.newest.ended = Some(Ended {
                    cause,
                    journal,
                    stats,
                });
            }
        }
        self.reroute(room);
        if newest {
            let kind = SfuEventKind::Failed {
                participant,
                generation,
                cause,
            };
            self.notice(room, kind, at);
        }
    }

    /// Closes a connection that is not wanted any more; the peer is told.
    pub(super) fn close(&mut self, key: Key, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let mut produce = Produce::default();
        let fault = self.config.fault.as_ref();
        let _ = guarded(fault, link.participant, || {
            link.peer.close(at.instant, &mut produce)
        });
        produce.events.clear();
        self.collect(key, &mut produce);
        if let Some(link) = self.unplug(key) {
            bury(link);
        }
    }

    fn connected(&mut self, key: Key, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        if link.phase != Phase::Connected {
            self.config.occupancy.end_connecting();
        }
        link.enter(Phase::Connected, TimelineStep::DtlsConnected, at);
        let (room, generation) = (link.room, link.generation);
        let Some(known) = self.rooms.get_mut(room) else {
            return;
        };
        let Some(participant) = known
            .participants
            .iter_mut()
            .find(|p| p.newest.link == Some(key))
        else {
            return;
        };
        let id = participant.id;
        participant.newest.sdp = None;
        let former = participant
            .current
            .replace(key)
            .filter(|former| *former != key);
        self.reroute(room);
        if let Some(former) = former {
            self.endings.push(CauseCode::Replaced);
            self.close(former, at);
        }
        let kind = SfuEventKind::Connected {
            participant: id,
            generation,
        };
        self.notice(room, kind, at);
        self.want_keyframes_for(key, at);
    }

    /// Takes a connection out of all tables.
    fn unplug(&mut self, key: Key) -> Option<Link> {
        let link = self.links.remove(key)?;
        if link.phase != Phase::Connected {
            self.config.occupancy.end_connecting();
        }
        self.demux.unregister(&link.ufrag);
        for path in link.paths() {
            self.demux.leave(&path, key);
            self.released.push(path);
        }
        Some(link)
    }
}

/// Drops a connection, whose stack may be in any state.
fn bury(link: Link) {
    let _ = catch_unwind(AssertUnwindSafe(move || drop(link)));
}

fn ended_cause(link: &Link) -> CauseCode {
    match link.phase {
        Phase::Connected if link.peer.is_alive() => CauseCode::OverLimit,
        Phase::Connected => CauseCode::PeerClosed,
        Phase::Offered | Phase::Answered => CauseCode::DtlsFailed,
    }
}
