//! The calls: rights and field checks, then work that is finished even when the caller goes away.

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::conference::{
    Answer, ClientAnswer, ClientOffer, ClientToken, Conference, ConferenceEvents,
    CreateClientToken, CreateConference, Hold, IceCandidates, Join, Nodes, ParticipantOffer,
};
use lens_protocol::id::{ConferenceId, NodeId, ParticipantId};
use lens_protocol::media::{ClientProtocol, NodeState, Pause, Timeline};
use lens_protocol::{ErrorCode, Problem};

use super::SessionManagerService;
use super::replay::Keyed;
use crate::client::{Caller, Grant, SessionManager, Trickle};
use crate::core::access::{Call, permit};
use crate::core::check;

/// Longest an answer to `events` is held back.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[async_trait]
impl SessionManager for SessionManagerService {
    async fn create(
        &self,
        caller: &Caller,
        idempotency_key: Option<String>,
        request: CreateConference,
    ) -> Result<Conference, Problem> {
        permit(caller, Call::Create, None)?;
        let owner = caller.owner.clone();
        let request = check::creation(request)?;
        let keyed = Keyed::read(&owner, idempotency_key, "conferences", &request)?;
        let inner = self.inner.clone();
        let work = self.inner.clone().create(owner, request);
        self.finish(inner.once(keyed, work, Conference::clone, Ok))
            .await
    }

    async fn conferences(&self, caller: &Caller) -> Result<Vec<Conference>, Problem> {
        permit(caller, Call::ListConferences, None)?;
        let rooms = self.inner.rooms.of(&caller.owner).await?;
        Ok(rooms.iter().map(|room| room.view()).collect())
    }

    async fn conference(&self, caller: &Caller, id: ConferenceId) -> Result<Conference, Problem> {
        permit(caller, Call::ReadConference, None)?;
        Ok(self.inner.owned(&caller.owner, id).await?.view())
    }

    async fn delete(&self, caller: &Caller, id: ConferenceId) -> Result<(), Problem> {
        permit(caller, Call::Delete, None)?;
        let work = self.inner.clone().delete(caller.owner.clone(), id);
        self.finish(work).await
    }

    async fn hold(&self, caller: &Caller, id: ConferenceId, hold: Hold) -> Result<(), Problem> {
        permit(caller, Call::Hold, None)?;
        let work = self.inner.clone().hold(caller.owner.clone(), id, hold);
        self.finish(work).await
    }

    async fn join(
        &self,
        caller: &Caller,
        id: ConferenceId,
        idempotency_key: Option<String>,
        request: Join,
    ) -> Result<ParticipantOffer, Problem> {
        permit(caller, Call::Join, None)?;
        let owner = caller.owner.clone();
        let request = check::join(request)?;
        let path = format!("conferences/{id}/participants");
        let keyed = Keyed::read(&owner, idempotency_key, &path, &request)?;
        let role = request.role;
        let signer = self.inner.clone();
        let inner = self.inner.clone();
        let work = self.inner.clone().join(owner.clone(), id, request);
        let without_token = |offer: &ParticipantOffer| ParticipantOffer {
            media_token: None,
            ..offer.clone()
        };
        let with_token = move |offer| signer.sign(&owner, role, offer);
        self.finish(inner.once(keyed, work, without_token, with_token))
            .await
    }

    async fn offer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        permit(caller, Call::Offer, Some((id, participant)))?;
        let work = self
            .inner
            .clone()
            .offer(caller.owner.clone(), id, participant);
        self.finish(work).await
    }

    async fn answer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        permit(caller, Call::Answer, Some((id, participant)))?;
        let inner = self.inner.clone();
        let work = inner.answer(caller.owner.clone(), id, participant, answer);
        self.finish(work).await
    }

    async fn candidates(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        candidates: IceCandidates,
    ) -> Result<(), Problem> {
        permit(caller, Call::Candidates, Some((id, participant)))?;
        check::candidates(&candidates)?;
        let inner = &self.inner;
        inner
            .candidates(&caller.owner, id, participant, &candidates)
            .await
    }

    async fn pause(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem> {
        permit(caller, Call::Pause, Some((id, participant)))?;
        let owner = caller.owner.clone();
        let work = self.inner.clone().pause(owner, id, participant, pause);
        self.finish(work).await
    }

    async fn leave(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        permit(caller, Call::Leave, Some((id, participant)))?;
        let work = self
            .inner
            .clone()
            .leave(caller.owner.clone(), id, participant);
        self.finish(work).await
    }

    async fn accept(
        &self,
        caller: &Caller,
        id: ConferenceId,
        offer: ClientOffer,
    ) -> Result<ClientAnswer, Problem> {
        let (holder, named) = match &caller.grant {
            Grant::Client {
                participant,
                display_name,
                ..
            } => (Some(*participant), Some(display_name.clone())),
            _ => (None, None),
        };
        let target = holder.map(|participant| (id, participant));
        permit(caller, Call::bringing(offer.protocol), target)?;
        let named = named.or_else(|| offer.display_name.clone());
        let request = check::client(offer.protocol, named)?;
        let owner = caller.owner.clone();
        let work = self.inner.clone().accept(owner, id, holder, request, offer);
        self.finish(work).await
    }

    async fn trickle(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        trickle: Trickle,
    ) -> Result<(), Problem> {
        permit(caller, Call::Trickle, Some((id, participant)))?;
        let inner = &self.inner;
        inner
            .trickle(&caller.owner, id, participant, &trickle)
            .await
    }

    async fn hang_up(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        protocol: ClientProtocol,
    ) -> Result<(), Problem> {
        permit(caller, Call::HangUp, Some((id, participant)))?;
        let owner = caller.owner.clone();
        let inner = self.inner.clone();
        self.finish(inner.hang_up(owner, id, participant, protocol))
            .await
    }

    async fn client_token(
        &self,
        caller: &Caller,
        id: ConferenceId,
        request: CreateClientToken,
    ) -> Result<ClientToken, Problem> {
        permit(caller, Call::IssueClientToken, None)?;
        let protocol = request.protocol;
        let named = check::client(protocol, Some(request.display_name))?;
        let inner = &self.inner;
        inner
            .client_token(&caller.owner, id, protocol, named.display_name)
            .await
    }

    async fn timeline(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        permit(caller, Call::Timeline, Some((id, participant)))?;
        self.inner.timeline(&caller.owner, id, participant).await
    }

    async fn nodes(&self, caller: &Caller) -> Result<Nodes, Problem> {
        permit(caller, Call::Nodes, None)?;
        let nodes = self.inner.nodes.listed();
        Ok(Nodes { nodes })
    }

    async fn drain(&self, caller: &Caller, node: NodeId) -> Result<(), Problem> {
        permit(caller, Call::Drain, None)?;
        let link = self.inner.nodes.find(&node).ok_or(ErrorCode::NotFound)?;
        link.call(link.control.drain()).await?;
        if let Some(view) = link
            .view()
            .as_mut()
            .filter(|view| view.state == NodeState::Up)
        {
            view.state = NodeState::Draining;
        }
        tracing::info!(%node, "media node drains");
        Ok(())
    }

    async fn events(
        &self,
        caller: &Caller,
        after: u64,
        wait: Duration,
    ) -> Result<ConferenceEvents, Problem> {
        permit(caller, Call::Events, None)?;
        let wait = wait.min(LONGEST_WAIT);
        Ok(self.inner.events_after(&caller.owner, after, wait).await)
    }
}
