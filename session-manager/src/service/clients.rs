//! Participants that make their own offers: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep).
//!
//! Nothing can be pushed to them, so there is no newer generation: when their connection or its node
//! is gone, they have left.

use std::sync::Arc;

use lens_protocol::conference::{
    ClientAnswer, ClientOffer, ClientToken, ConferenceEventKind, Join,
};
use lens_protocol::id::{ConferenceId, OwnerId, ParticipantId};
use lens_protocol::media::ClientProtocol;
use lens_protocol::{ErrorCode, Problem};

use super::Inner;
use super::rooms::LockedRoom;
use crate::client::Trickle;
use crate::core::offer::{SdpFault, check_offer};
use crate::core::resource;
use crate::token::ClientHolder;

impl Inner {
    /// Adds a participant with its own offer; when that fails, nothing of it stays.
    pub(super) async fn accept(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        holder: Option<ParticipantId>,
        request: Join,
        offer: ClientOffer,
    ) -> Result<ClientAnswer, Problem> {
        let sdp = check_offer(&offer.sdp).map_err(|fault| {
            self.metrics.client_offers_refused.inc();
            refusal(&fault)
        })?;
        let mut locked = self.lock_owned(&owner, id).await?;
        let participant = holder.unwrap_or_else(|| self.generate(ParticipantId::generate));
        let room = &mut locked.room;
        room.admit_client(participant, offer.protocol, &request, self.now())?;
        locked.save().await?;
        match self.first_answer(&mut locked, participant, sdp).await {
            Ok(answer) => {
                let joined = ConferenceEventKind::ParticipantJoined {
                    participant,
                    role: request.role,
                    display_name: request.display_name,
                    protocol: Some(offer.protocol),
                };
                self.tell(&locked.room, joined);
                Ok(answer)
            }
            Err(problem) => {
                self.metrics.client_offers_refused.inc();
                self.withdraw(&mut locked, participant).await?;
                Err(problem)
            }
        }
    }

    /// Judges what a client says about its connection.
    pub(super) async fn trickle(
        &self,
        owner: &OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
        trickle: &Trickle,
    ) -> Result<(), Problem> {
        let room = self.owned(owner, id).await?;
        let seat = room.client(participant, trickle.protocol)?;
        let current = resource::etag(seat.generation, seat.negotiation);
        Ok(resource::judge(trickle.if_match.as_deref(), &current)?)
    }

    /// Removes a client; one that is not there is fine.
    pub(super) async fn hang_up(
        self: Arc<Self>,
        owner: OwnerId,
        id: ConferenceId,
        participant: ParticipantId,
        protocol: ClientProtocol,
    ) -> Result<(), Problem> {
        let room = self.owned(&owner, id).await?;
        if room.seat(participant).is_err() {
            return Ok(());
        }
        room.client(participant, protocol)?;
        self.leave(owner, id, participant).await
    }

    /// Makes a token for one client.
    pub(super) async fn client_token(
        &self,
        owner: &OwnerId,
        id: ConferenceId,
        protocol: ClientProtocol,
        display_name: String,
    ) -> Result<ClientToken, Problem> {
        let room = self.owned(owner, id).await?;
        room.live()?;
        if !room.settings.media.allows(protocol) {
            return Err(ErrorCode::ProtocolNotAllowed.into());
        }
        let participant = self.generate(ParticipantId::generate);
        let expires_at = self.tokens.end_of_one_issued(self.now());
        let holder = ClientHolder {
            owner: owner.clone(),
            conference: id,
            participant,
            protocol,
            display_name,
        };
        Ok(ClientToken {
            participant,
            endpoint: format!("/v1/conferences/{id}/{}", protocol.as_str()),
            token: self.tokens.sign_client(&holder, expires_at)?,
            expires_at,
        })
    }

    /// Takes out those whom no new generation can reach, after the conference's node is lost, and
    /// tells the owner.
    pub(super) async fn lose_clients(&self, locked: &mut LockedRoom) -> Result<(), Problem> {
        let lost = locked.room.vacate_clients(self.now());
        if !lost.is_empty() {
            locked.save().await?;
        }
        for participant in lost {
            let left = ConferenceEventKind::ParticipantLeft { participant };
            self.tell(&locked.room, left);
        }
        Ok(())
    }

    /// Takes out a client whose connection has ended.
    pub(super) async fn lose_client(
        &self,
        locked: &mut LockedRoom,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        locked.room.vacate(participant, self.now());
        locked.save().await?;
        let left = ConferenceEventKind::ParticipantLeft { participant };
        self.tell(&locked.room, left);
        self.remove_from_node(&locked.room, participant).await;
        Ok(())
    }
}

fn refusal(fault: &SdpFault) -> Problem {
    let code = match fault {
        SdpFault::TooLarge | SdpFault::TooManySections => ErrorCode::PayloadTooLarge,
        _ => ErrorCode::InvalidSdp,
    };
    Problem::new(code).with_detail(fault.to_string())
}
