//! Calls to the Session Manager, each with a limit on its time.
//!
//! Knows media and nothing of signalling.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lens_protocol::conference::{
    Answer, Conference, ConferenceEvents, CreateConference, Hold, Join, ParticipantOffer,
    external_id_of,
};
use lens_protocol::id::{ConferenceId, OwnerId, ParticipantId, SessionId};
use lens_protocol::media::{Pause, Role, Timeline};
use lens_protocol::{ErrorCode, Problem};
use lens_session_manager::{Caller, Grant, SessionManager};

/// The website's name as an owner of conferences.
const OWNER: &str = "website";
/// Nobody has to be there for this long: a phone in a dead spot finds its conference again.
const EMPTY_TIMEOUT_S: u32 = 3_600;
/// After the last one left, the session itself decides; this only bounds what is forgotten.
const DEPARTURE_TIMEOUT_S: u32 = 3_600;

/// The Session Manager as the website uses it.
#[derive(Clone)]
pub(crate) struct Media {
    manager: Arc<dyn SessionManager>,
    caller: Caller,
    patience: Duration,
    max_participants: u8,
    longest: Duration,
}

impl Media {
    pub(crate) fn new(
        manager: Arc<dyn SessionManager>,
        patience: Duration,
        max_participants: u8,
        longest: Duration,
    ) -> Self {
        let owner: OwnerId = OWNER.parse().expect("a name of plain letters");
        Self {
            manager,
            caller: Caller {
                owner,
                grant: Grant::Owner,
            },
            patience,
            max_participants,
            longest,
        }
    }

    /// Makes the conference of a session. One that a lost answer left behind is ended first.
    pub(crate) async fn create(&self, session: SessionId) -> Result<Conference, Problem> {
        match self.create_once(session).await {
            Err(problem) if problem.code == ErrorCode::ExternalIdTaken => {
                self.end_leftover(session).await?;
                self.create_once(session).await
            }
            made => made,
        }
    }

    async fn create_once(&self, session: SessionId) -> Result<Conference, Problem> {
        let seconds = u32::try_from(self.longest.as_secs()).unwrap_or(u32::MAX);
        let request = CreateConference {
            external_id: Some(external_id_of(session)),
            max_participants: self.max_participants,
            empty_timeout_s: EMPTY_TIMEOUT_S,
            departure_timeout_s: DEPARTURE_TIMEOUT_S,
            max_duration_s: seconds.clamp(60, 86_400),
            ..CreateConference::default()
        };
        self.within(self.manager.create(&self.caller, None, request))
            .await
    }

    async fn end_leftover(&self, session: SessionId) -> Result<(), Problem> {
        let name = external_id_of(session);
        let all = self.conferences().await?;
        for left in all
            .iter()
            .filter(|it| it.external_id.as_deref() == Some(&name))
        {
            self.end(left.id).await?;
        }
        Ok(())
    }

    /// All conferences of the website.
    pub(crate) async fn conferences(&self) -> Result<Vec<Conference>, Problem> {
        self.within(self.manager.conferences(&self.caller)).await
    }

    /// Ends a conference; one that is gone is ended.
    pub(crate) async fn end(&self, id: ConferenceId) -> Result<(), Problem> {
        match self.within(self.manager.delete(&self.caller, id)).await {
            Err(problem) if is_gone(problem.code) => Ok(()),
            done => done,
        }
    }

    /// Adds a participant.
    pub(crate) async fn join(
        &self,
        id: ConferenceId,
        role: Role,
        display_name: &str,
    ) -> Result<ParticipantOffer, Problem> {
        let request = Join {
            role,
            display_name: display_name.to_owned(),
            codecs: None,
        };
        self.within(self.manager.join(&self.caller, id, None, request))
            .await
    }

    /// A new generation for a participant.
    pub(crate) async fn offer(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem> {
        self.within(self.manager.offer(&self.caller, id, participant))
            .await
    }

    /// Takes a participant's answer.
    pub(crate) async fn answer(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        self.within(self.manager.answer(&self.caller, id, participant, answer))
            .await
    }

    /// Holds or resumes.
    pub(crate) async fn hold(&self, id: ConferenceId, held: bool) -> Result<(), Problem> {
        self.within(self.manager.hold(&self.caller, id, Hold { held }))
            .await
    }

    /// Pauses or resumes what a participant sends.
    pub(crate) async fn pause(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem> {
        self.within(self.manager.pause(&self.caller, id, participant, pause))
            .await
    }

    /// Removes a participant; one that is gone is removed.
    pub(crate) async fn leave(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem> {
        match self
            .within(self.manager.leave(&self.caller, id, participant))
            .await
        {
            Err(problem) if is_gone(problem.code) => Ok(()),
            done => done,
        }
    }

    /// What happened to a participant's connection.
    pub(crate) async fn timeline(
        &self,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        self.within(self.manager.timeline(&self.caller, id, participant))
            .await
    }

    /// What happened since, waiting up to `wait` for it.
    pub(crate) async fn events(
        &self,
        after: u64,
        wait: Duration,
    ) -> Result<ConferenceEvents, Problem> {
        let call = self.manager.events(&self.caller, after, wait);
        match tokio::time::timeout(wait + self.patience, call).await {
            Ok(answer) => answer,
            Err(_) => Err(ErrorCode::Unavailable.into()),
        }
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        match tokio::time::timeout(self.patience, call).await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::warn!("the session manager did not answer in time");
                Err(ErrorCode::Unavailable.into())
            }
        }
    }
}

/// Whether the code says that conference or participant are no more.
pub(crate) fn is_gone(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ConferenceNotFound | ErrorCode::ConferenceEnded | ErrorCode::ParticipantNotFound
    )
}

/// Whether the conference stands, and the participant is not in it any more.
pub(crate) fn is_nobody(problem: &Problem) -> bool {
    problem.code == ErrorCode::ParticipantNotFound
}

/// Whether the code says that media has to be set up anew.
pub(crate) fn is_lost(code: ErrorCode) -> bool {
    is_gone(code) || code == ErrorCode::MediaNodeLost
}
