//! All routes of the website, and their description.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use lens_protocol::ErrorCode;
use lens_runtime::http::{Failure, trace};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::{login, password, record as own_record, setup};
use crate::app::Shared;
use crate::customer::{consent, redeem};
use crate::sessions::{invitation, list, outcome, part, record};
use crate::{csrf, pages};

#[derive(OpenApi)]
#[openapi(components(schemas(list::Filter, list::Standing, record::Side)), tags(
    (name = "accounts", description = "Signing in; the first set-up"),
    (name = "sessions", description = "What technicians do with sessions"),
    (name = "customer", description = "What customers do"),
))]
struct Description;

/// `/api` with its description: one list, so that no route is missing from either.
fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(setup::set_up))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::me))
        .routes(routes!(password::strength))
        .routes(routes!(own_record::accounts_log))
        .routes(routes!(list::create, list::list))
        .routes(routes!(list::read, list::describe))
        .routes(routes!(part::start))
        .routes(routes!(part::join))
        .routes(routes!(part::offer))
        .routes(routes!(part::stop_watching))
        .routes(routes!(outcome::hold))
        .routes(routes!(outcome::resume))
        .routes(routes!(outcome::close))
        .routes(routes!(invitation::reissue))
        .routes(routes!(invitation::put_out))
        .routes(routes!(record::log))
        .routes(routes!(record::chat))
        .routes(routes!(record::timeline))
        .routes(routes!(record::ticket))
        .routes(routes!(redeem::redeem))
        .routes(routes!(consent::read))
        .routes(routes!(consent::agree))
        .routes(routes!(consent::decline))
        .routes(routes!(consent::leave))
}

/// The description of `/api` (OpenAPI 3.1), to be merged with that of `/v1`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

/// Everything but signalling.
pub(crate) fn router(app: &Shared) -> Router {
    let (api, _) = api().split_for_parts();
    let api = api
        .method_not_allowed_fallback(async || Failure::from(ErrorCode::MethodNotAllowed))
        .layer(from_fn_with_state(app.clone(), csrf::guard));
    Router::new()
        .merge(api)
        .merge(pages::router())
        .fallback(async || Failure::from(ErrorCode::NotFound))
        .layer(from_fn_with_state(app.clone(), pages::headers))
        .layer(from_fn(trace::start))
        .with_state(app.clone())
}
