//! [`SfuControl`] for the handle of a node in the same process.

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::Problem;
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom,
    NodeReport, Offered, PauseParticipant, RemoveParticipant, SfuEvents, Timeline,
};

use super::SfuHandle;
use crate::client::SfuControl;

/// Longest wait of one `events` call.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[async_trait]
impl SfuControl for SfuHandle {
    async fn create_conference(&self, room: CreateMediaRoom) -> Result<(), Problem> {
        self.judged(self.create(room).await)
    }

    async fn add_participant(&self, participant: AddParticipant) -> Result<Offered, Problem> {
        self.judged(self.add(participant).await)
    }

    async fn accept_offer(&self, offer: AcceptOffer) -> Result<Offered, Problem> {
        self.judged(self.accept(offer).await)
    }

    async fn apply_answer(&self, answer: ApplyAnswer) -> Result<(), Problem> {
        self.judged(self.answer(answer).await)
    }

    async fn remove_participant(&self, participant: RemoveParticipant) -> Result<(), Problem> {
        Ok(self.remove(participant).await?)
    }

    async fn hold_conference(&self, hold: HoldMediaRoom) -> Result<(), Problem> {
        Ok(self.hold(hold).await?)
    }

    async fn pause_participant(&self, pause: PauseParticipant) -> Result<(), Problem> {
        Ok(self.pause(pause).await?)
    }

    async fn end_conference(&self, room: EndMediaRoom) -> Result<(), Problem> {
        Ok(self.end(room).await?)
    }

    async fn timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        Ok(self.read_timeline(conference, participant).await?)
    }

    async fn report(&self) -> Result<NodeReport, Problem> {
        Ok(self.read_report().await?)
    }

    async fn events(&self, after: u64, wait: Duration) -> Result<SfuEvents, Problem> {
        Ok(self.read_events(after, wait.min(LONGEST_WAIT)).await)
    }

    async fn drain(&self) -> Result<(), Problem> {
        self.begin_drain();
        Ok(())
    }
}
