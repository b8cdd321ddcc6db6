//! Join, offer, answer, candidates, pause, leave.

use std::sync::Arc;

use lens_protocol::conference::{
    Answer, ConferenceEventKind, IceCandidates, Join, ParticipantOffer,
};
use lens_protocol::id::{ConferenceId, OwnerId, ParticipantId};
use lens_protocol::media::{ApplyAnswer, Pause, Role, Timeline};
use lens_protocol::{ErrorCode, Problem};

use super::rooms::LockedRoom;
use super::{Inner, placing};
use crate::core::offer::{SdpFault, check_answer};
use crate::token::Holder;

impl Inner {
    /// Adds a participant; when that fails, nothing of it stays.
    pub(super) async fn join(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        request: Join,
    ) -> Result<ParticipantOffer, Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        let participant = self.generate(ParticipantId::generate);
        locked.room.admit(participant, &request, self.now())?;
        locked.save().await?;
        let made = self.next_offer(&mut locked, participant).await;
        let signed = made.and_then(|offer| self.sign(&owner, request.role, offer));
        match signed {
            Ok(offer) => {
                let joined = ConferenceEventKind::ParticipantJoined {
                    participant,
                    role: request.role,
                    display_name: request.display_name,
                    protocol: None,
                };
                self.tell(&locked.room, joined);
                Ok(offer)
            }
            Err(problem) => {
                self.withdraw(&mut locked, participant).await?;
                Err(problem)
            }
        }
    }

    /// Undoes a join that failed.
    pub(super) async fn withdraw(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        locked.room.vacate(participant, self.now());
        locked.save().await?;
        self.remove_from_node(&locked.room, participant).await;
        Ok(())
    }

    /// Puts the media token into an offer.
    pub(super) fn sign(
        &self,
        owner: &OwnerId,
        role: Role,
        mut offer: ParticipantOffer,
    ) -> Result<ParticipantOffer, Problem> {
        let holder = Holder {
            owner: owner.clone(),
            conference: offer.conference,
            participant: offer.participant,
            role,
        };
        offer.media_token = Some(self.tokens.sign(&holder, offer.expires_at)?);
        Ok(offer)
    }

    /// A new generation for a participant.
    pub(super) async fn offer(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        locked.room.live()?;
        let seat = locked.room.seat(participant)?;
        if seat.protocol.is_some() {
            return Err(ErrorCode::ClientMakesOffers.into());
        }
        let role = seat.role;
        let offer = self.next_offer(&mut locked, participant).await?;
        self.sign(&owner, role, offer)
    }

    /// Checks an answer and passes it on.
    pub(super) async fn answer(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        locked.room.live()?;
        let seat = locked.room.awaits(participant, &answer)?;
        check_answer(&answer.sdp, seat.mids.as_deref()).map_err(|fault| {
            self.metrics.answers_refused.inc();
            refusal(&fault)
        })?;
        let link = self
            .node_of(&locked.room)
            .ok_or_else(|| Problem::new(ErrorCode::MediaNodeLost))?;
        let request = ApplyAnswer {
            conference: id,
            epoch: locked.room.epoch,
            participant,
            negotiation_id: answer.negotiation_id,
            sdp: answer.sdp,
        };
        link.call(link.control.apply_answer(request)).await?;
        locked.room.answered(participant);
        locked.save().await?;
        self.metrics.answers.inc();
        Ok(())
    }

    /// Looks whether candidates could be meant for the offer in force; nothing else is done with
    /// them.
    pub(super) async fn candidates(
        &self,
        owner: &OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
        candidates: &IceCandidates,
    ) -> Result<(), Problem> {
        let room = self.owned(owner, id).await?;
        room.live()?;
        if room.seat(participant)?.generation != candidates.generation {
            return Err(ErrorCode::StaleGeneration.into());
        }
        Ok(())
    }

    /// Pauses or resumes what a participant sends. What is paused while its node is lost stays so
    /// on the next one.
    pub(super) async fn pause(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        locked.room.live()?;
        let before = locked.room.pause(participant, pause)?;
        if let Some(link) = self.node_of(&locked.room)
            && let Err(problem) = placing::pause(&link, &locked.room, participant).await
            && !(problem.code == ErrorCode::MediaNodeLost && link.is_lost().await)
        {
            locked.room.pause(participant, before)?;
            return Err(problem);
        }
        locked.save().await
    }

    /// Removes a participant; one that is not there is fine.
    pub(super) async fn leave(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        let mut locked = self.lock_owned(&owner, id).await?;
        if !locked.room.vacate(participant, self.now()) {
            return Ok(());
        }
        locked.save().await?;
        self.tell(
            &locked.room,
            ConferenceEventKind::ParticipantLeft { participant },
        );
        self.remove_from_node(&locked.room, participant).await;
        Ok(())
    }

    /// What the node says about a participant's newest connection.
    pub(super) async fn timeline(
        &self,
        owner: &OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        let room = self.owned(owner, id).await?;
        room.live()?;
        room.seat(participant)?;
        let link = self
            .node_of(&room)
            .ok_or_else(|| Problem::new(ErrorCode::MediaNodeLost))?;
        let told = link.call(link.control.timeline(id, participant)).await?;
        let node = Some(room.placement.node.clone());
        Ok(Timeline { node, ..told })
    }
}

fn refusal(fault: &SdpFault) -> Problem {
    let code = match fault {
        SdpFault::TooManyCandidates => ErrorCode::TooManyCandidates,
        _ => ErrorCode::InvalidSdp,
    };
    Problem::new(code).with_detail(fault.to_string())
}
