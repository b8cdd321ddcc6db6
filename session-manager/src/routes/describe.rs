//! What stands in the API description besides the routes: head, credentials, problem answers.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use lens_protocol::{ErrorCode, Problem};
use lens_runtime::http::Json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, OpenApi, OpenApiBuilder, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

const BEARER: &str = "bearer";
const DESCRIPTION: &str = "Create a conference, let participants join, carry offers and answers, \
    and see what happens in it. The streaming server makes the offers; participants answer. \
    Send `Authorization: Bearer` with an API key, or with the media token of a join for that \
    participant's own calls. Times are RFC 3339 in UTC. Problems follow RFC 9457; program \
    against `code`. JSON bodies take at most 256 KiB.";

/// Read this description.
///
/// Open to anybody.
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "describe", tag = "description",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub(super) async fn read() -> Json<&'static OpenApi> {
    static DESCRIPTION: OnceLock<OpenApi> = OnceLock::new();
    Json(DESCRIPTION.get_or_init(super::openapi))
}

/// The description before any route.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Lens Session Manager")
        .version("1")
        .description(Some(DESCRIPTION))
        .license(Some(utoipa::openapi::License::new("MIT OR Apache-2.0")));
    OpenApiBuilder::new().info(info).build()
}

/// Adds what all routes share.
pub(super) fn finish(description: &mut OpenApi) {
    let components = description.components.get_or_insert_with(Components::new);
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some("An API key, or a media token.".to_owned());
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    components
        .schemas
        .insert(ErrorCode::name().into_owned(), ErrorCode::schema());
    let mut schemas = Vec::new();
    <Problem as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let requirement = SecurityRequirement::new(BEARER, Vec::<String>::new());
    description.security = Some(vec![requirement]);
}

/// Problems of calls without a body.
pub(super) struct Problems;

/// Problems of calls with a body, besides those of [`Problems`].
pub(super) struct BodyProblems;

/// Problems of calls about a certain state, besides those of [`Problems`].
pub(super) struct ConditionProblems;

const ALWAYS: [u16; 11] = [401, 403, 404, 405, 409, 410, 422, 429, 500, 503, 507];
const OF_BODIES: [u16; 3] = [400, 413, 415];
const OF_CONDITIONS: [u16; 2] = [412, 428];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&ALWAYS)
    }
}

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&OF_BODIES)
    }
}

impl IntoResponses for ConditionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&OF_CONDITIONS)
    }
}

fn problems(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let answer = |status: &u16| {
        let mut response = problem_answer(*status, meaning(*status));
        if *status == 401 {
            let scheme = header("Always `Bearer`", Type::String);
            response
                .headers
                .insert("WWW-Authenticate".to_owned(), RefOr::T(scheme));
        }
        (status.to_string(), RefOr::T(response))
    };
    statuses.iter().map(answer).collect()
}

/// How a problem answer of `status` stands in an API description.
pub fn problem_answer(status: u16, meaning: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new()
        .description(meaning)
        .content("application/problem+json", content);
    if status == 429 {
        let wait = header("Whole seconds to wait", Type::Integer);
        response = response.header("Retry-After", wait);
    }
    response.build()
}

fn header(description: &str, kind: Type) -> Header {
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
        .build()
}

const fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The body is not JSON (`malformed_json`).",
        401 => "No bearer (`not_signed_in`), or one that is unknown or over (`token_invalid`).",
        403 => {
            "Not granted (`forbidden`), a token of another participant (`token_wrong_conference`), or a \
                way in that the conference's media policy does not allow (`protocol_not_allowed`)."
        }
        404 => {
            "Nothing here, or not yours (`conference_not_found`, `participant_not_found`, `not_found`)."
        }
        405 => "This path does not take that method (`method_not_allowed`).",
        409 => {
            "Something stands in the way (`conference_full`, `role_taken`, `external_id_taken`, \
                `stale_generation`, `already_answered`, `client_makes_offers`, \
                `idempotency_in_flight`)."
        }
        410 => "The conference has ended (`conference_ended`).",
        412 => "`If-Match` is not the connection's `ETag` (`precondition_failed`).",
        413 => "The body is larger than this call takes (`payload_too_large`).",
        415 => "The body is declared as something else (`unsupported_media_type`).",
        422 => {
            "A value outside its range (`invalid_value`), an unusable SDP (`invalid_sdp`), one \
                without a codec that is carried (`no_common_codec`), too many candidates \
                (`too_many_candidates`), an ICE restart (`ice_restart_refused`), or an \
                Idempotency-Key used with another body (`idempotency_mismatch`)."
        }
        428 => "There is no `If-Match` (`precondition_required`).",
        429 => "Too many requests (`rate_limited`).",
        500 => "A fault of the server (`internal`).",
        503 => {
            "Not now (`no_media_node`, `media_node_lost`, `node_draining`, `node_full`, \
                `storage_failed`, `unavailable`)."
        }
        507 => "The server's disk is full (`storage_full`).",
        _ => "A problem.",
    }
}
