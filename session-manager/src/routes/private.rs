//! The private listener's routes: what [`RemoteSessionManager`](crate::RemoteSessionManager)
//! calls. The internal token stands for the door having authenticated the caller.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use lens_protocol::SecretText;
use lens_protocol::conference::{
    Answer, ClientOffer, CreateClientToken, CreateConference, Hold, IceCandidates, Join,
};
use lens_protocol::id::{ConferenceId, NodeId, ParticipantId};
use lens_protocol::media::{ClientProtocol, Pause};
use lens_runtime::http::private::guard;
use lens_runtime::http::{Failure, Json};
use serde::Serialize;

use super::Manager;
use crate::client::Trickle;
use crate::client::remote::{Asked, NamedKey, PREFIX};
use crate::token::MediaTokens;

type Reply<T> = Result<Json<T>, Failure>;

/// The routes below `/internal/session-manager`, guarded by the deployment's internal `token`.
pub fn private(manager: Manager, tokens: Arc<MediaTokens>, token: SecretText) -> Router {
    let media_key = move || {
        let (key_id, public) = tokens.public_key();
        let key = NamedKey {
            key_id: key_id.to_owned(),
            public,
        };
        async move { Json(key) }
    };
    let calls = Router::new()
        .route("/create", post(create))
        .route("/conferences", post(conferences))
        .route("/conference", post(conference))
        .route("/delete", post(delete))
        .route("/hold", post(hold))
        .route("/join", post(join))
        .route("/offer", post(offer))
        .route("/answer", post(answer))
        .route("/candidates", post(candidates))
        .route("/pause", post(pause))
        .route("/leave", post(leave))
        .route("/accept", post(accept))
        .route("/trickle", post(trickle))
        .route("/hang-up", post(hang_up))
        .route("/client-token", post(client_token))
        .route("/timeline", post(timeline))
        .route("/nodes", post(nodes))
        .route("/drain", post(drain))
        .route("/events", post(events))
        .route("/media-key", get(media_key))
        .with_state(manager);
    guard(Router::new().nest(PREFIX, calls), token)
}

fn reply<T: Serialize>(result: Result<T, lens_protocol::Problem>) -> Reply<T> {
    result.map(Json).map_err(Failure)
}

type Call<T> = Json<Asked<T>>;

async fn create(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(Option<String>, CreateConference)>,
) -> Reply<impl Serialize> {
    reply(manager.create(&caller, with.0, with.1).await)
}

async fn conferences(
    State(manager): State<Manager>,
    Json(Asked { caller, with: () }): Call<()>,
) -> Reply<impl Serialize> {
    reply(manager.conferences(&caller).await)
}

async fn conference(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<ConferenceId>,
) -> Reply<impl Serialize> {
    reply(manager.conference(&caller, with).await)
}

async fn delete(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<ConferenceId>,
) -> Reply<impl Serialize> {
    reply(manager.delete(&caller, with).await)
}

async fn hold(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, Hold)>,
) -> Reply<impl Serialize> {
    reply(manager.hold(&caller, with.0, with.1).await)
}

async fn join(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, Option<String>, Join)>,
) -> Reply<impl Serialize> {
    reply(manager.join(&caller, with.0, with.1, with.2).await)
}

async fn offer(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId)>,
) -> Reply<impl Serialize> {
    reply(manager.offer(&caller, with.0, with.1).await)
}

async fn answer(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId, Answer)>,
) -> Reply<impl Serialize> {
    reply(manager.answer(&caller, with.0, with.1, with.2).await)
}

async fn candidates(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId, IceCandidates)>,
) -> Reply<impl Serialize> {
    reply(manager.candidates(&caller, with.0, with.1, with.2).await)
}

async fn pause(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId, Pause)>,
) -> Reply<impl Serialize> {
    reply(manager.pause(&caller, with.0, with.1, with.2).await)
}

async fn leave(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId)>,
) -> Reply<impl Serialize> {
    reply(manager.leave(&caller, with.0, with.1).await)
}

async fn accept(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ClientOffer)>,
) -> Reply<impl Serialize> {
    reply(manager.accept(&caller, with.0, with.1).await)
}

async fn trickle(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId, Trickle)>,
) -> Reply<impl Serialize> {
    reply(manager.trickle(&caller, with.0, with.1, with.2).await)
}

async fn hang_up(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId, ClientProtocol)>,
) -> Reply<impl Serialize> {
    reply(manager.hang_up(&caller, with.0, with.1, with.2).await)
}

async fn client_token(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, CreateClientToken)>,
) -> Reply<impl Serialize> {
    reply(manager.client_token(&caller, with.0, with.1).await)
}

async fn timeline(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(ConferenceId, ParticipantId)>,
) -> Reply<impl Serialize> {
    reply(manager.timeline(&caller, with.0, with.1).await)
}

async fn nodes(
    State(manager): State<Manager>,
    Json(Asked { caller, with: () }): Call<()>,
) -> Reply<impl Serialize> {
    reply(manager.nodes(&caller).await)
}

async fn drain(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<NodeId>,
) -> Reply<impl Serialize> {
    reply(manager.drain(&caller, with).await)
}

async fn events(
    State(manager): State<Manager>,
    Json(Asked { caller, with }): Call<(u64, u64)>,
) -> Reply<impl Serialize> {
    let wait = Duration::from_millis(with.1);
    reply(manager.events(&caller, with.0, wait).await)
}
