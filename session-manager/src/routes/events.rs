//! `/v1/events`.

use std::time::Duration;

use axum::extract::State;
use lens_protocol::conference::ConferenceEvents;
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::http::{Failure, Json, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Manager;
use super::describe::Problems;
use super::door::Known;

/// Longest wait for an event, in seconds.
const WAIT_S: u64 = 30;
/// Largest position: what every JSON reader keeps whole.
const POSITION: u64 = (1 << 53) - 1;

/// From where on, and for how long.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Events after this position: `next` of the former answer, 0 at first.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    after: u64,
    /// How long to wait for the first one, in seconds.
    #[param(minimum = 0, maximum = 30)]
    wait_s: u64,
}

/// Read what happened.
///
/// Your conferences' events in order. With `wait_s` the answer is held back until there is one.
/// When `life` differs from the former answer's, positions count anew: ask again from 0. When
/// `gap` is set, events were dropped: read the conferences.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "events", tag = "events",
    params(EventsQuery),
    responses((status = 200, description = "What happened", body = ConferenceEvents), Problems),
)]
pub(super) async fn events(
    State(manager): State<Manager>,
    Known(caller): Known,
    Query(query): Query<EventsQuery>,
) -> Result<Json<ConferenceEvents>, Failure> {
    if query.wait_s > WAIT_S || query.after > POSITION {
        let detail = "wait_s: 0 to 30; after: 0 to 9007199254740991";
        return Err(Problem::new(ErrorCode::InvalidValue)
            .with_detail(detail)
            .into());
    }
    let wait = Duration::from_secs(query.wait_s);
    Ok(Json(manager.events(&caller, query.after, wait).await?))
}
