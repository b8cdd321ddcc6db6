//! What follows from what a node says: rebuilding the table, refreshing it, ending strays.
//!
//! | the node reports | the table says | so |
//! |---|---|---|
//! | a room | nothing, and this is its first report to us | take it over |
//! | a room | nothing | end it: its creation failed |
//! | a room with a memo that cannot be read | nothing | leave it alone |
//! | a room | ended, or placed elsewhere under a higher epoch | end it |
//! | a room | the same under a lower epoch, first report | take it over, the other is fenced off |
//! | a room | this very placement | refresh, remove participants who left |
//! | another life | a room of the former one | lost: tell the owner |

use lens_protocol::Problem;
use lens_protocol::conference::ConferenceEventKind;
use lens_protocol::id::{Epoch, NodeId};
use lens_protocol::media::{EndMediaRoom, NodeReport, RoomReport, SfuEvent};

use super::Inner;
use super::nodes::{Job, NodeLink};
use super::placing;
use super::rooms::LockedRoom;
use crate::core::conference::Room;
use crate::core::memo::RoomMemo;

/// Where a report comes from.
struct Origin<'a> {
    link: &'a NodeLink,
    node: &'a NodeId,
    life: u64,
    first: bool,
}

/// Does what follows from one job. What fails is logged and found again in the next report.
pub(super) async fn apply(inner: &Inner, link: &NodeLink, job: Job) {
    match job {
        Job::Report { report, first } => inner.take_report(link, &report, first).await,
        Job::Lost { node, life } => {
            inner
                .lose_rooms(&node, |room| room.placement.life == life)
                .await
        }
        Job::Events { events } => {
            for event in events {
                let conference = event.conference;
                if let Err(problem) = inner.take_event(link, event).await {
                    tracing::warn!(%conference, code = %problem.code, "an event was not kept");
                }
            }
        }
    }
}

impl Inner {
    async fn take_report(&self, link: &NodeLink, report: &NodeReport, first: bool) {
        let origin = Origin {
            link,
            node: &report.node,
            life: report.life,
            first,
        };
        self.lose_rooms(&report.node, |room| room.placement.life != report.life)
            .await;
        for room in &report.rooms {
            if let Err(problem) = self.take_room(&origin, room).await {
                tracing::warn!(conference = %room.conference, code = %problem.code,
                    "a reported conference was not taken in");
            }
        }
    }

    /// Marks those live rooms on `node` lost that `gone` says yes to, and tells their owners.
    async fn lose_rooms(&self, node: &NodeId, gone: impl Fn(&Room) -> bool) {
        let rooms = match self.rooms.on(node).await {
            Ok(rooms) => rooms,
            Err(problem) => {
                tracing::warn!(%node, code = %problem.code, "lost conferences cannot be read");
                return;
            }
        };
        for room in rooms
            .into_iter()
            .filter(|room| gone(room) && !room.placement.lost)
        {
            let noted = async {
                if let Some(mut locked) = self.rooms.lock(room.id).await?
                    && locked.room.placement == room.placement
                {
                    self.note_loss(&mut locked).await?;
                }
                Ok::<(), Problem>(())
            };
            if let Err(problem) = noted.await {
                tracing::warn!(conference = %room.id, code = %problem.code,
                    "a lost conference could not be marked");
            }
        }
    }

    async fn take_room(&self, origin: &Origin<'_>, report: &RoomReport) -> Result<(), Problem> {
        let known = self.rooms.get(report.conference).await?;
        if known
            .as_ref()
            .is_some_and(|room| is_as_reported(room, origin, report))
        {
            return Ok(());
        }
        match self.rooms.lock(report.conference).await? {
            None if RoomMemo::read(&report.memo).is_none() => {
                tracing::debug!(conference = %report.conference, node = %origin.node,
                    "a conference of another release is left alone");
                Ok(())
            }
            None if origin.first => self.adopt(origin, report).await,
            None => {
                self.end_stray(origin, report, report.epoch).await;
                Ok(())
            }
            Some(locked) => self.settle(origin, report, locked).await,
        }
    }

    /// Takes over a room that an earlier life of ours made.
    async fn adopt(&self, origin: &Origin<'_>, report: &RoomReport) -> Result<(), Problem> {
        let adopted = Room::adopt(report, origin.node, origin.life, self.now());
        let Some(room) = adopted else {
            return Ok(());
        };
        let locked = self.rooms.add(room).await?;
        self.metrics.conferences_adopted.inc();
        tracing::info!(conference = %locked.room.id, node = %origin.node,
            participants = locked.room.seats.len(), "conference taken over from its node");
        Ok(())
    }

    async fn settle(
        &self,
        origin: &Origin<'_>,
        report: &RoomReport,
        mut locked: LockedRoom,
    ) -> Result<(), Problem> {
        let room = &locked.room;
        let here = room.placement.node == *origin.node && room.epoch == report.epoch;
        if room.ended.is_none() && here && room.placement.life == origin.life {
            return self.refresh(origin, report, locked).await;
        }
        if room.ended.is_none() && origin.first && report.epoch > room.epoch {
            let newer = Room::adopt(report, origin.node, origin.life, self.now());
            if let Some(newer) = newer {
                locked.room = newer;
                return locked.save().await;
            }
        }
        if !here || room.ended.is_some() {
            let epoch = room.epoch.max(report.epoch);
            self.end_stray(origin, report, epoch).await;
        }
        Ok(())
    }

    async fn refresh(
        &self,
        origin: &Origin<'_>,
        report: &RoomReport,
        mut locked: LockedRoom,
    ) -> Result<(), Problem> {
        let changes = locked.room.refresh(report);
        locked.save().await?;
        for change in changes {
            self.tell(&locked.room, change);
        }
        if report.held != locked.room.held {
            placing::hold(origin.link, &locked.room).await?;
        }
        for participant in locked.room.wrongly_paused(report) {
            placing::pause(origin.link, &locked.room, participant).await?;
        }
        let left = report
            .participants
            .iter()
            .map(|reported| reported.participant)
            .filter(|id| locked.room.seat(*id).is_err());
        for participant in left {
            self.metrics.strays_ended.inc();
            self.remove_from_node(&locked.room, participant).await;
        }
        Ok(())
    }

    /// Ends a room nobody knows of, under an epoch the node has to respect.
    async fn end_stray(&self, origin: &Origin<'_>, report: &RoomReport, epoch: Epoch) {
        self.metrics.strays_ended.inc();
        tracing::info!(conference = %report.conference, node = %origin.node, "stray conference ended");
        let request = EndMediaRoom {
            conference: report.conference,
            epoch,
        };
        let ended = origin
            .link
            .call(origin.link.control.end_conference(request))
            .await;
        if let Err(problem) = ended {
            tracing::warn!(conference = %report.conference, code = %problem.code,
                "a stray conference could not be ended yet");
        }
    }

    async fn take_event(&self, link: &NodeLink, event: SfuEvent) -> Result<(), Problem> {
        let Some(mut locked) = self.rooms.lock(event.conference).await? else {
            return Ok(());
        };
        let room = &mut locked.room;
        let here = link
            .view()
            .as_ref()
            .is_some_and(|view| view.id == room.placement.node);
        if !here || room.epoch != event.epoch || room.ended.is_some() {
            return Ok(());
        }
        let Some(change) = room.apply(event.kind) else {
            return Ok(());
        };
        // Who sits where is the node's to know; everything else is kept.
        if !matches!(change, ConferenceEventKind::Roster { .. }) {
            locked.save().await?;
        }
        let failed = match &change {
            ConferenceEventKind::ParticipantFailed { participant, .. } => Some(*participant),
            _ => None,
        };
        self.tell(&locked.room, change);
        if let Some(participant) = failed
            && locked.room.seat(participant)?.protocol.is_some()
        {
            self.lose_client(&mut locked, participant).await?;
        }
        Ok(())
    }
}

/// Whether a report says nothing new about a room: true for nearly all, nearly always.
fn is_as_reported(room: &Room, origin: &Origin<'_>, report: &RoomReport) -> bool {
    room.ended.is_none()
        && room.placement.node == *origin.node
        && room.placement.life == origin.life
        && !room.placement.lost
        && room.epoch == report.epoch
        && room.held == report.held
        && room.wrongly_paused(report).next().is_none()
        && room.agrees_with(report)
}
