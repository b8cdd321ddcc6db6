//! Where a conference runs: opening it on a node, placing it anew, and offers made there.

use std::sync::Arc;

use lens_protocol::conference::{ClientAnswer, ConferenceEventKind, ParticipantOffer};
use lens_protocol::id::{Generation, NodeId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, Offered,
    PauseParticipant, RemoveParticipant,
};
use lens_protocol::{ErrorCode, Problem};

use super::Inner;
use super::nodes::NodeLink;
use super::rooms::LockedRoom;
use crate::core::check;
use crate::core::conference::Room;
use crate::core::offer::{Rewritten, Rules, SdpFault, rewrite};
use crate::core::resource;

impl Inner {
    /// Opens a new conference on its node, or on the next best that takes it. `no_media_node`.
    pub(super) async fn open_somewhere(&self, locked: &mut LockedRoom) -> Result<(), Problem> {
        let mut refused: Vec<NodeId> = Vec::new();
        loop {
            let node = locked.room.placement.node.clone();
            let Some(link) = self.nodes.find(&node) else {
                return Err(Problem::new(ErrorCode::NoMediaNode).retry_after_s(1));
            };
            let Err(problem) = open(&link, &locked.room).await else {
                return Ok(());
            };
            tracing::info!(%node, conference = %locked.room.id, code = %problem.code,
                "a media node did not take a conference");
            if problem.code == ErrorCode::MediaNodeLost {
                link.is_lost().await;
            }
            // Should it have taken it after all, the next placement's epoch fences it off.
            refused.push(node);
            self.place_anew(locked, &refused).await?;
        }
    }

    async fn place_anew(&self, locked: &mut LockedRoom, not: &[NodeId]) -> Result<(), Problem> {
        let region = locked.room.settings.region.clone();
        let (_, view) = self.nodes.place(region.as_deref(), not, locked.room.id)?;
        locked.room.place(view.id, view.life);
        locked.save().await
    }

    /// The node a live conference runs on; the conference is placed anew when that one is lost.
    async fn placed(&self, locked: &mut LockedRoom) -> Result<Arc<NodeLink>, Problem> {
        if let Some(link) = self.node_of(&locked.room) {
            return Ok(link);
        }
        self.note_loss(locked).await?;
        self.place_anew(locked, &[]).await?;
        if let Err(problem) = self.open_somewhere(locked).await {
            // Nobody runs it now: the next offer tries again.
            locked.room.lose();
            locked.save().await?;
            return Err(problem);
        }
        self.metrics.conferences_replaced.inc();
        tracing::info!(conference = %locked.room.id, epoch = %locked.room.epoch,
            node = %locked.room.placement.node, "conference placed anew");
        self.node_of(&locked.room)
            .ok_or_else(|| ErrorCode::MediaNodeLost.into())
    }

    /// The node a conference runs on, as long as both are there.
    pub(super) fn node_of(&self, room: &Room) -> Option<Arc<NodeLink>> {
        let link = self.nodes.find(&room.placement.node)?;
        (!room.placement.lost && link.runs(room.placement.life)).then_some(link)
    }

    /// Notes that a conference's node is gone and tells the owner, once.
    pub(super) async fn note_loss(&self, locked: &mut LockedRoom) -> Result<(), Problem> {
        if locked.room.lose() {
            locked.save().await?;
            let node = locked.room.placement.node.clone();
            self.tell(&locked.room, ConferenceEventKind::MediaNodeLost { node });
            self.lose_clients(locked).await?;
        }
        Ok(())
    }

    /// Has the node make the participant's next offer, and rewrites it.
    pub(super) async fn next_offer(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        let made = self.negotiate(locked, participant, None).await?;
        let rewritten = self.seat(locked, participant, &made).await?;
        self.metrics.offers.inc();
        Ok(ParticipantOffer {
            conference: locked.room.id,
            participant,
            generation: made.generation,
            negotiation_id: made.offered.negotiation_id,
            sdp: rewritten.sdp,
            ice_servers: self.config.ice_servers.clone(),
            slots: made.offered.slots,
            expires_at: self.tokens.end_of_one_issued(self.now()),
            media_token: None,
        })
    }

    /// Has the node answer the participant's own offer, and rewrites the answer.
    pub(super) async fn first_answer(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
        sdp: String,
    ) -> Result<ClientAnswer, Problem> {
        let made = self.negotiate(locked, participant, Some(sdp)).await?;
        let rewritten = self.seat(locked, participant, &made).await?;
        locked.room.answered(participant);
        locked.save().await?;
        self.metrics.client_offers.inc();
        Ok(ClientAnswer {
            participant,
            etag: resource::etag(made.generation, made.offered.negotiation_id),
            sdp: rewritten.sdp,
            ice_servers: self.config.ice_servers.clone(),
        })
    }

    /// Has the node make an offer, or answer the client's own, on a new placement if the present
    /// one turns out to be gone.
    async fn negotiate(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
        own: Option<String>,
    ) -> Result<Negotiated, Problem> {
        let mut tried_anew = false;
        loop {
            let link = self.placed(locked).await?;
            let generation = locked.room.next_generation(participant)?;
            locked.save().await?;
            let request = addition(&locked.room, participant, generation)?;
            let made = match own.clone() {
                None => link.call(link.control.add_participant(request)).await,
                Some(sdp) => {
                    let participant = request;
                    let offer = AcceptOffer { participant, sdp };
                    link.call(link.control.accept_offer(offer)).await
                }
            };
            match made {
                Ok(offered) => {
                    return Ok(Negotiated {
                        link,
                        generation,
                        offered,
                    });
                }
                Err(problem) if !tried_anew && is_gone(&link, &problem).await => {
                    tried_anew = true;
                    self.note_loss(locked).await?;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    async fn seat(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
        made: &Negotiated,
    ) -> Result<Rewritten, Problem> {
        let room = &mut locked.room;
        let rewritten = self.rewrite(room, &made.link, participant, &made.offered)?;
        let negotiation = made.offered.negotiation_id;
        let mids = rewritten.mids.clone();
        room.seated(participant, made.generation, negotiation, mids);
        locked.save().await?;
        Ok(rewritten)
    }

    fn rewrite(
        &self,
        room: &Room,
        link: &NodeLink,
        participant: ParticipantId,
        offered: &Offered,
    ) -> Result<Rewritten, Problem> {
        let media = &room.settings.media;
        let seat = room.seat(participant)?;
        // An answer has nothing but what both sides take already.
        let codecs = match seat.protocol {
            None => Some(check::codecs_for(media, seat.codecs.as_deref())),
            Some(_) => None,
        };
        let addresses = link.view().as_ref().map(|view| view.addresses.clone());
        let rules = Rules {
            addresses: Some(addresses.unwrap_or_default()),
            codecs,
            max_video_kbps: Some(media.max_video_kbps),
            hide_origin: true,
        };
        rewrite(&offered.sdp, &rules).map_err(|fault| {
            let node = &room.placement.node;
            tracing::error!(%node, conference = %room.id, %fault, "a node's SDP cannot be used");
            match fault {
                SdpFault::NoAddress => ErrorCode::NoMediaNode.into(),
                _ => ErrorCode::Internal.into(),
            }
        })
    }

    /// Removes a participant from the node, as far as that can be reached: what stays behind is
    /// found in the node's next report.
    pub(super) async fn remove_from_node(&self, room: &Room, participant: ParticipantId) {
        let Some(link) = self.node_of(room) else {
            return;
        };
        let removal = RemoveParticipant {
            conference: room.id,
            epoch: room.epoch,
            participant,
        };
        let removed = link.call(link.control.remove_participant(removal)).await;
        if let Err(problem) = removed {
            tracing::warn!(conference = %room.id, %participant, code = %problem.code,
                "a participant could not be removed from its node yet");
        }
    }

    /// Ends a conference on its node, as far as that can be reached.
    pub(super) async fn end_on_node(&self, room: &Room) {
        if let Some(link) = self.node_of(room) {
            end(&link, room).await;
        }
    }
}

/// What a node has made for a participant.
struct Negotiated {
    link: Arc<NodeLink>,
    generation: Generation,
    offered: Offered,
}

/// Opens a conference on a node, held if it is.
async fn open(link: &NodeLink, room: &Room) -> Result<(), Problem> {
    let request = CreateMediaRoom {
        conference: room.id,
        epoch: room.epoch,
        max_participants: room.settings.max_participants,
        media: room.settings.media.clone(),
        memo: room.memo().to_value(),
    };
    link.call(link.control.create_conference(request)).await?;
    if room.held {
        hold(link, room).await?;
    }
    Ok(())
}

/// Tells a node whether a conference is held.
pub(super) async fn hold(link: &NodeLink, room: &Room) -> Result<(), Problem> {
    let request = HoldMediaRoom {
        conference: room.id,
        epoch: room.epoch,
        held: room.held,
    };
    link.call(link.control.hold_conference(request)).await
}

/// Tells a node what of a participant's media is paused.
pub(super) async fn pause(
    link: &NodeLink,
    room: &Room,
    participant: ParticipantId,
) -> Result<(), Problem> {
    let request = PauseParticipant {
        conference: room.id,
        epoch: room.epoch,
        participant,
        pause: room.seat(participant)?.pause,
    };
    link.call(link.control.pause_participant(request)).await
}

/// Ends a conference on a node; a failure is found in the node's next report.
pub(super) async fn end(link: &NodeLink, room: &Room) {
    let request = EndMediaRoom {
        conference: room.id,
        epoch: room.epoch,
    };
    if let Err(problem) = link.call(link.control.end_conference(request)).await {
        tracing::warn!(conference = %room.id, code = %problem.code,
            "a conference could not be ended on its node yet");
    }
}

fn addition(
    room: &Room,
    participant: ParticipantId,
    generation: Generation,
) -> Result<AddParticipant, Problem> {
    let seat = room.seat(participant)?;
    Ok(AddParticipant {
        conference: room.id,
        epoch: room.epoch,
        participant,
        role: seat.role,
        generation,
        pause: seat.pause,
        memo: seat.memo().to_value(),
    })
}

/// Whether a problem means that the placement is gone, not just this call.
async fn is_gone(link: &NodeLink, problem: &Problem) -> bool {
    match problem.code {
        // The node answers and knows nothing of it: it has restarted since.
        ErrorCode::ConferenceNotFound => true,
        ErrorCode::MediaNodeLost => link.is_lost().await,
        _ => false,
    }
}
