//! [`SfuControl`] over HTTP, for the private listener. [`crate::client::RemoteSfu`] is the other
//! end.
//!
//! Every request needs the deployment's bearer token; bodies are the trait's own types as JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use lens_protocol::SecretText;
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom,
    NodeReport, Offered, PauseParticipant, RemoveParticipant, SfuEvents, Timeline,
};
use lens_runtime::http::{Failure, Json, Path, Query, private};
use serde::{Deserialize, Serialize};

use crate::client::SfuControl;

/// Longest wait that one `events` call may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(crate) const CREATE: &str = "/sfu/conferences";
pub(crate) const HOLD: &str = "/sfu/conferences/hold";
pub(crate) const PAUSE: &str = "/sfu/participants/pause";
pub(crate) const END: &str = "/sfu/conferences/end";
pub(crate) const ADD: &str = "/sfu/participants";
pub(crate) const ACCEPT: &str = "/sfu/participants/accept";
pub(crate) const ANSWER: &str = "/sfu/participants/answer";
pub(crate) const REMOVE: &str = "/sfu/participants/remove";
pub(crate) const REPORT: &str = "/sfu/report";
pub(crate) const EVENTS: &str = "/sfu/events";
pub(crate) const DRAIN: &str = "/sfu/drain";

type Sfu = State<Arc<dyn SfuControl>>;

/// The routes of `sfu`, guarded by `token` (compared in constant time).
pub fn router(sfu: Arc<dyn SfuControl>, token: SecretText) -> Router {
    let router = Router::new()
        .route(CREATE, post(create))
        .route(HOLD, post(hold))
        .route(PAUSE, post(pause))
        .route(END, post(end))
        .route(ADD, post(add))
        .route(ACCEPT, post(accept))
        .route(ANSWER, post(answer))
        .route(REMOVE, post(remove))
        .route(
            "/sfu/conferences/{conference}/participants/{participant}/timeline",
            get(timeline),
        )
        .route(REPORT, get(report))
        .route(EVENTS, get(events))
        .route(DRAIN, post(drain))
        .with_state(sfu);
    private::guard(router, token)
}

/// Which events are asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct After {
    pub(crate) after: u64,
    pub(crate) wait_ms: u64,
}

async fn create(State(sfu): Sfu, Json(room): Json<CreateMediaRoom>) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.create_conference(room).await?))
}

async fn hold(State(sfu): Sfu, Json(hold): Json<HoldMediaRoom>) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.hold_conference(hold).await?))
}

async fn pause(State(sfu): Sfu, Json(pause): Json<PauseParticipant>) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.pause_participant(pause).await?))
}

async fn end(State(sfu): Sfu, Json(room): Json<EndMediaRoom>) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.end_conference(room).await?))
}

async fn add(State(sfu): Sfu, Json(add): Json<AddParticipant>) -> Result<Json<Offered>, Failure> {
    Ok(Json(sfu.add_participant(add).await?))
}

async fn accept(State(sfu): Sfu, Json(offer): Json<AcceptOffer>) -> Result<Json<Offered>, Failure> {
    Ok(Json(sfu.accept_offer(offer).await?))
}

async fn answer(State(sfu): Sfu, Json(answer): Json<ApplyAnswer>) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.apply_answer(answer).await?))
}

async fn remove(
    State(sfu): Sfu,
    Json(remove): Json<RemoveParticipant>,
) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.remove_participant(remove).await?))
}

async fn timeline(
    State(sfu): Sfu,
    Path((conference, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<Json<Timeline>, Failure> {
    Ok(Json(sfu.timeline(conference, participant).await?))
}

async fn report(State(sfu): Sfu) -> Result<Json<NodeReport>, Failure> {
    Ok(Json(sfu.report().await?))
}

async fn events(State(sfu): Sfu, Query(asked): Query<After>) -> Result<Json<SfuEvents>, Failure> {
    let wait = Duration::from_millis(asked.wait_ms).min(LONGEST_WAIT);
    Ok(Json(sfu.events(asked.after, wait).await?))
}

async fn drain(State(sfu): Sfu) -> Result<Json<()>, Failure> {
    Ok(Json(sfu.drain().await?))
}
