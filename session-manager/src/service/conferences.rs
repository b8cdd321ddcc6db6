//! Create, read, hold and end.

use std::sync::Arc;

use lens_protocol::conference::{
    Conference, ConferenceEventKind, CreateConference, EndReason, Hold,
};
use lens_protocol::id::{ConferenceId, OwnerId};
use lens_protocol::{ErrorCode, Problem};

use super::rooms::LockedRoom;
use super::{Inner, placing};
use crate::core::conference::Room;

impl Inner {
    /// Makes and places a conference.
    pub(super) async fn create(
        self: Arc<Self>,
        owner: OwnerId,
        settings: CreateConference,
    ) -> Result<Conference, Problem> {
        let id = self.generate(ConferenceId::generate);
        let (_, node) = self.nodes.place(settings.region.as_deref(), &[], id)?;
        let place = (node.id, node.life);
        let room = Room::new(id, owner, settings, place, self.now());
        let mut locked = self.rooms.add(room).await?;
        if let Err(problem) = self.open_somewhere(&mut locked).await {
            self.nodes.unplace(&locked.room);
            locked.remove().await?;
            return Err(problem);
        }
        self.metrics.conferences_created.inc();
        let node = &locked.room.placement.node;
        tracing::info!(conference = %id, %node, "conference created");
        Ok(locked.room.view())
    }

    /// The conference, when it is the owner's. `conference_not_found`.
    pub(super) async fn owned(&self, owner: &OwnerId, id: ConferenceId) -> Result<Room, Problem> {
        let room = self.rooms.get(id).await?;
        room.filter(|room| room.owner == *owner)
            .ok_or_else(|| ErrorCode::ConferenceNotFound.into())
    }

    /// The conference, when it is the owner's, for this caller alone. `conference_not_found`.
    pub(super) async fn lock_owned(
        &self,
        owner: &OwnerId,
        id: ConferenceId,
    ) -> Result<LockedRoom, Problem> {
        let locked = self.rooms.lock(id).await?;
        locked
            .filter(|locked| locked.room.owner == *owner)
            .ok_or_else(|| ErrorCode::ConferenceNotFound.into())
    }

    /// Ends a conference; one that has ended is fine.
    pub(super) async fn delete(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
    ) -> Result<(), Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        if locked.room.ended.is_some() {
            return Ok(());
        }
        self.end(&mut locked, EndReason::Deleted).await
    }

    /// Ends a live conference: in the table first, so that no token is good any more, then on
    /// its node.
    pub(super) async fn end(
        &self,
        locked: &mut LockedRoom,
        reason: EndReason,
    ) -> Result<(), Problem> {
        locked.room.end(reason, self.now());
        locked.save().await?;
        self.past().push(&locked.room.owner, locked.room.id);
        self.metrics.conferences_ended.inc();
        self.tell(&locked.room, ConferenceEventKind::Ended { reason });
        tracing::info!(conference = %locked.room.id, ?reason, "conference ended");
        self.end_on_node(&locked.room).await;
        self.nodes.unplace(&locked.room);
        Ok(())
    }

    /// Holds or resumes a conference. One whose node is lost is held when it is placed anew.
    pub(super) async fn hold(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        wanted: Hold,
    ) -> Result<(), Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        locked.room.live()?;
        let before = locked.room.held;
        locked.room.held = wanted.held;
        if let Some(link) = self.node_of(&locked.room)
            && let Err(problem) = placing::hold(&link, &locked.room).await
            && !(problem.code == ErrorCode::MediaNodeLost && link.is_lost().await)
        {
            locked.room.held = before;
            return Err(problem);
        }
        locked.save().await
    }
}
