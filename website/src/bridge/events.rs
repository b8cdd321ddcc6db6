//! What the Session Manager tells, made into what happens to sessions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use lens_protocol::conference::{
    Conference, ConferenceEvent, ConferenceEventKind, ConferenceState, EndReason, ParticipantState,
};
use lens_protocol::id::{ConferenceId, SessionId};
use lens_protocol::media::CauseCode;
use lens_runtime::shutdown::Shutdown;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Bridge;
use crate::core::{Event, Place, Session};
use crate::registry::Live;

/// How long one question for events waits. Longer saves calls; a lost connection shows later.
const WAIT: Duration = Duration::from_secs(20);
/// Pause after the Session Manager did not answer.
const PAUSE: Duration = Duration::from_millis(500);
/// Tries to end a conference that lost its session; beyond, its own limits end it.
const END_TRIES: u32 = 5;

impl Bridge {
    /// Asks for events until shutdown.
    pub(crate) async fn follow(self, shutdown: Shutdown) {
        let stop = shutdown.token();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow_while_running(&stop) => {}
        }
    }

    async fn follow_while_running(&self, stop: &CancellationToken) {
        let (mut life, mut after) = (None, 0);
        // At first what lies behind is skipped: the comparison says where things stand.
        let mut skipping = true;
        // A Session Manager that stops too answers at once: without this look the questions would
        // follow each other without ever giving the cancellation its turn.
        while !stop.is_cancelled() {
            let wait = if skipping { Duration::ZERO } else { WAIT };
            let told = match self.media.events(after, wait).await {
                Ok(told) => told,
                Err(problem) => {
                    tracing::warn!(code = %problem.code, "the session manager tells nothing");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let anew = life.is_some_and(|known| known != told.life);
            life = Some(told.life);
            if anew && after > 0 {
                // Positions count anew, and this answer began at an old one.
                after = 0;
                self.compare().await;
                continue;
            }
            after = told.next;
            if skipping {
                skipping = !told.events.is_empty();
                if !skipping {
                    self.compare().await;
                }
                continue;
            }
            self.take_all(told.events).await;
            if anew || told.gap {
                self.compare().await;
            }
        }
    }

    /// Events of one session in order, of different sessions side by side.
    async fn take_all(&self, events: Vec<ConferenceEvent>) {
        let mut by_session: HashMap<SessionId, Vec<ConferenceEvent>> = HashMap::new();
        for event in events {
            if let Some(session) = session_of(event.external_id.as_deref()) {
                by_session.entry(session).or_default().push(event);
            }
        }
        join_all(by_session.into_iter().map(|(session, events)| async move {
            let Some(live) = self.registry.live(session) else {
                return;
            };
            for event in events {
                self.take(&live, event).await;
            }
        }))
        .await;
    }

    async fn take(&self, live: &Arc<Live>, event: ConferenceEvent) {
        if let ConferenceEventKind::Roster { participant, slots } = event.kind {
            // May come before the start that it belongs to is kept.
            live.desk.set_slots(participant, slots);
            self.send_roster(live, &live.session(), participant);
            return;
        }
        let session = live.session();
        if session.conference != Some(event.conference) {
            return;
        }
        if let ConferenceEventKind::ParticipantFailed {
            participant,
            generation,
            ..
        } = &event.kind
        {
            live.desk.failed(*participant, *generation);
        }
        if let Some(event) = meaning_of(event.kind, &session) {
            self.happen(live, event).await;
        }
    }

    async fn happen(&self, live: &Arc<Live>, event: Event) {
        if let Err(problem) = self.registry.apply(live, event).await {
            tracing::warn!(session = %live.id, code = %problem.code, "an event was not kept");
        }
    }

    /// Compares sessions with conferences, after events were missed.
    pub(crate) async fn compare(&self) {
        let conferences = match self.media.conferences().await {
            Ok(conferences) => conferences,
            Err(problem) => {
                tracing::warn!(code = %problem.code, "conferences were not compared");
                return;
            }
        };
        let known: HashMap<ConferenceId, Conference> = conferences
            .into_iter()
            .map(|conference| (conference.id, conference))
            .collect();
        for live in self.registry.all() {
            let Some(id) = live.session().conference else {
                continue;
            };
            match known
                .get(&id)
                .filter(|it| it.state == ConferenceState::Open)
            {
                Some(conference) => self.compare_one(&live, conference).await,
                None => self.happen(&live, Event::NodeLost { node: None }).await,
            }
        }
    }

    async fn compare_one(&self, live: &Arc<Live>, conference: &Conference) {
        for participant in &conference.participants {
            let place = Place {
                participant: participant.id,
                generation: participant.generation,
            };
            let event = match (participant.state, participant.cause) {
                (ParticipantState::Connected, _) => Event::MediaConnected(place),
                (ParticipantState::Failed, Some(CauseCode::NodeLost)) => {
                    Event::NodeLost { node: None }
                }
                (ParticipantState::Failed, cause) => Event::MediaFailed {
                    place,
                    cause: cause_name(cause),
                },
                _ => continue,
            };
            self.happen(live, event).await;
        }
        let session = live.session();
        // Nobody is shown again by a restart of ours: what the media server holds stays held.
        if let Some(by) = session
            .lead
            .clone()
            .filter(|_| conference.held && !session.held)
        {
            self.happen(live, Event::Held { by }).await;
        }
    }

    /// Ends conferences that lost their session, until shutdown.
    pub(crate) async fn end_orphans(
        self,
        mut orphans: mpsc::UnboundedReceiver<ConferenceId>,
        shutdown: Shutdown,
    ) {
        let stop = shutdown.token();
        loop {
            let orphan = tokio::select! {
                // What is queued is ended before stopping: rights die with the session.
                biased;
                orphan = orphans.recv() => orphan,
                () = stop.cancelled() => None,
            };
            let Some(conference) = orphan else {
                return;
            };
            let media = self.media.clone();
            shutdown.spawn(async move {
                for attempt in 1..=END_TRIES {
                    match media.end(conference).await {
                        Ok(()) => return,
                        Err(problem) => {
                            tracing::warn!(%conference, attempt, code = %problem.code, "a conference was not ended");
                        }
                    }
                    tokio::time::sleep(PAUSE * attempt).await;
                }
            });
        }
    }
}

/// What an event of the conference means for its session.
fn meaning_of(kind: ConferenceEventKind, session: &Session) -> Option<Event> {
    let camera = session.customer.as_ref().and_then(|it| it.participant);
    match kind {
        ConferenceEventKind::ParticipantConnected {
            participant,
            generation,
        } => Some(Event::MediaConnected(Place {
            participant,
            generation,
        })),
        ConferenceEventKind::FirstKeyframe { participant } if camera == Some(participant) => {
            Some(Event::FirstPicture)
        }
        ConferenceEventKind::ParticipantFailed {
            cause: CauseCode::NodeLost,
            ..
        } => Some(Event::NodeLost { node: None }),
        ConferenceEventKind::ParticipantFailed {
            participant,
            generation,
            cause,
        } => {
            let place = Place {
                participant,
                generation,
            };
            Some(Event::MediaFailed {
                place,
                cause: cause_name(Some(cause)),
            })
        }
        ConferenceEventKind::MediaNodeLost { node } => Some(Event::NodeLost {
            node: Some(node.to_string()),
        }),
        ConferenceEventKind::Ended {
            reason: EndReason::MaxDuration,
        } => Some(Event::DurationReached),
        ConferenceEventKind::Ended { .. } => Some(Event::NodeLost { node: None }),
        _ => None,
    }
}

fn cause_name(cause: Option<CauseCode>) -> String {
    let json = cause.and_then(|cause| serde_json::to_value(cause).ok());
    json.and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The session that an `external_id` of ours names.
fn session_of(external_id: Option<&str>) -> Option<SessionId> {
    external_id?.strip_prefix("session:")?.parse().ok()
}
