//! `/v1/conferences/{id}/whip` and `…/whep`: clients that make their own offers (RFC 9725,
//! draft-ietf-wish-whep), and the tokens they come with.
//!
//! ```text
//! client                                                     here
//!   POST …/whip   application/sdp, bearer ──▶ 201 Location, ETag, the answer
//!   PATCH Location   If-Match, sdpfrag ─────▶ 204 (candidates: accepted and ignored)
//!   DELETE Location ────────────────────────▶ 200 (again as well)
//! ```
//!
//! Other methods are reserved by the protocol and get 405.

use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lens_protocol::conference::{
    ClientAnswer, ClientOffer, ClientToken, CreateClientToken, IceServer,
};
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::limits::SDP_BYTES;
use lens_protocol::media::ClientProtocol;
use lens_runtime::http::{Failure, Json, Path, Query, text};
use serde::Deserialize;
use utoipa::IntoParams;

use super::describe::{BodyProblems, ConditionProblems, Problems};
use super::door::Known;
use super::{Manager, no_content};
use crate::client::Trickle;
use crate::core::resource;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// How a client calls itself; a client token names it already.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct ClientQuery {
    /// Its name, shown to the others: `WHIP` or `WHEP` unless given. Ignored with a client token,
    /// which names its holder.
    #[param(min_length = 1, max_length = 80)]
    display_name: Option<String>,
}

/// An SDP offer as a body.
pub(super) struct Offer(String);

impl<S: Send + Sync> FromRequest<S> for Offer {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        text(request, SDP, SDP_BYTES).await.map(Self)
    }
}

/// A `PATCH` of a client's: what it quotes as the tag of its connection.
pub(super) struct Patch(Option<String>);

impl<S: Send + Sync> FromRequest<S> for Patch {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        let tags = request.headers().get_all(IF_MATCH).iter();
        // What is not text is no tag of ours.
        let tags: Vec<&str> = tags.map(|value| value.to_str().unwrap_or("?")).collect();
        let if_match = (!tags.is_empty()).then(|| tags.join(","));
        let fragment = text(request, FRAGMENT, SDP_BYTES).await?;
        resource::fragment(&fragment)?;
        Ok(Self(if_match))
    }
}

/// Send the camera by WHIP.
///
/// RFC 9725: the body is an SDP offer that sends at most one picture and one voice, in one bundle
/// with RTP and RTCP on one port; the answer is the SDP answer, and `Location` the connection.
/// The conference's media policy has to allow it (`media.whip`). There is no trickling towards the
/// client and no ICE restart. When the connection or its media node is gone, the participant has
/// left: send a new offer.
#[utoipa::path(
    post, path = "/v1/conferences/{id}/whip", operation_id = "whip", tag = "clients",
    params(("id" = ConferenceId, Path, description = "The conference"), ClientQuery),
    request_body(content = String, content_type = "application/sdp",
        description = "The SDP offer, at most 64 KiB and 64 sections"),
    responses((status = 201, description = "The SDP answer", body = String,
        content_type = "application/sdp",
        headers(("Location" = String, description = "The connection: PATCH and DELETE it"),
            ("ETag" = String, description = "To be quoted in If-Match"),
            ("Accept-Patch" = String, description = "Always application/trickle-ice-sdpfrag"),
            ("Link" = String, description = "ICE servers, if there are any"))),
        BodyProblems, Problems),
)]
pub(super) async fn whip(
    manager: State<Manager>,
    known: Known,
    Path(id): Path<ConferenceId>,
    Query(query): Query<ClientQuery>,
    Offer(sdp): Offer,
) -> Result<Response, Failure> {
    accept(manager, known, id, offer(ClientProtocol::Whip, query, sdp)).await
}

/// Receive the camera by WHEP.
///
/// draft-ietf-wish-whep: the body is an SDP offer that receives a picture and up to one voice for
/// each other participant; the camera's voice comes in the first. Otherwise as WHIP; the
/// conference's media policy has to allow it (`media.whep`).
#[utoipa::path(
    post, path = "/v1/conferences/{id}/whep", operation_id = "whep", tag = "clients",
    params(("id" = ConferenceId, Path, description = "The conference"), ClientQuery),
    request_body(content = String, content_type = "application/sdp",
        description = "The SDP offer, at most 64 KiB and 64 sections"),
    responses((status = 201, description = "The SDP answer", body = String,
        content_type = "application/sdp",
        headers(("Location" = String, description = "The connection: PATCH and DELETE it"),
            ("ETag" = String, description = "To be quoted in If-Match"),
            ("Accept-Patch" = String, description = "Always application/trickle-ice-sdpfrag"),
            ("Link" = String, description = "ICE servers, if there are any"))),
        BodyProblems, Problems),
)]
pub(super) async fn whep(
    manager: State<Manager>,
    known: Known,
    Path(id): Path<ConferenceId>,
    Query(query): Query<ClientQuery>,
    Offer(sdp): Offer,
) -> Result<Response, Failure> {
    accept(manager, known, id, offer(ClientProtocol::Whep, query, sdp)).await
}

fn offer(protocol: ClientProtocol, query: ClientQuery, sdp: String) -> ClientOffer {
    ClientOffer {
        protocol,
        display_name: query.display_name,
        sdp,
    }
}

async fn accept(
    State(manager): State<Manager>,
    Known(caller): Known,
    id: ConferenceId,
    offer: ClientOffer,
) -> Result<Response, Failure> {
    let protocol = offer.protocol.as_str();
    let answer = manager.accept(&caller, id, offer).await?;
    let location = format!("/v1/conferences/{id}/{protocol}/{}", answer.participant);
    let mut headers = links(&answer.ice_servers);
    let ClientAnswer { etag, sdp, .. } = answer;
    let said = [
        (CONTENT_TYPE, SDP.to_owned()),
        (LOCATION, location),
        (ETAG, etag),
        (HeaderName::from_static("accept-patch"), FRAGMENT.to_owned()),
    ];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok((StatusCode::CREATED, headers, sdp).into_response())
}

/// ICE servers as `Link` headers (RFC 9725 §4.6).
fn links(servers: &[IceServer]) -> HeaderMap {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut headers = HeaderMap::new();
    for server in servers {
        let mut parameters = "; rel=\"ice-server\"".to_owned();
        if let (Some(user), Some(credential)) = (&server.username, &server.credential) {
            let (user, credential) = (quoted(user), quoted(credential.expose()));
            parameters += &format!(
                "; username=\"{user}\"; credential=\"{credential}\"; credential-type=\"password\""
            );
        }
        for url in &server.urls {
            if let Ok(link) = HeaderValue::from_str(&format!("<{url}>{parameters}")) {
                headers.append(LINK, link);
            }
        }
    }
    headers
}

/// Add candidates of a WHIP client.
///
/// Accepted and ignored: the media node learns a client's addresses from its checks. `If-Match`
/// quotes the `ETag` of the answer. `If-Match: *` asks for an ICE restart, which is refused.
#[utoipa::path(
    patch, path = "/v1/conferences/{id}/whip/{pid}", operation_id = "whip_trickle", tag = "clients",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
        ("If-Match" = String, Header, description = "The ETag of the answer"),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag",
        description = "At most 20 candidates"),
    responses((status = 204, description = "Accepted"), ConditionProblems, BodyProblems, Problems),
)]
pub(super) async fn whip_trickle(
    manager: State<Manager>,
    known: Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
    Patch(if_match): Patch,
) -> Result<Response, Failure> {
    let protocol = ClientProtocol::Whip;
    trickle(
        manager,
        known,
        id,
        participant,
        Trickle { protocol, if_match },
    )
    .await
}

/// Add candidates of a WHEP client.
///
/// As for WHIP.
#[utoipa::path(
    patch, path = "/v1/conferences/{id}/whep/{pid}", operation_id = "whep_trickle", tag = "clients",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
        ("If-Match" = String, Header, description = "The ETag of the answer"),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag",
        description = "At most 20 candidates"),
    responses((status = 204, description = "Accepted"), ConditionProblems, BodyProblems, Problems),
)]
pub(super) async fn whep_trickle(
    manager: State<Manager>,
    known: Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
    Patch(if_match): Patch,
) -> Result<Response, Failure> {
    let protocol = ClientProtocol::Whep;
    trickle(
        manager,
        known,
        id,
        participant,
        Trickle { protocol, if_match },
    )
    .await
}

async fn trickle(
    State(manager): State<Manager>,
    Known(caller): Known,
    id: ConferenceId,
    participant: ParticipantId,
    said: Trickle,
) -> Result<Response, Failure> {
    manager.trickle(&caller, id, participant, said).await?;
    Ok(no_content())
}

/// End a WHIP client's connection.
///
/// The participant leaves. Repeatable.
#[utoipa::path(
    delete, path = "/v1/conferences/{id}/whip/{pid}", operation_id = "whip_hang_up",
    tag = "clients",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    responses((status = 200, description = "It has left"), Problems),
)]
pub(super) async fn whip_hang_up(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<StatusCode, Failure> {
    let protocol = ClientProtocol::Whip;
    manager.hang_up(&caller, id, participant, protocol).await?;
    Ok(StatusCode::OK)
}

/// End a WHEP client's connection.
///
/// The participant leaves. Repeatable.
#[utoipa::path(
    delete, path = "/v1/conferences/{id}/whep/{pid}", operation_id = "whep_hang_up",
    tag = "clients",
    params(
        ("id" = ConferenceId, Path, description = "The conference"),
        ("pid" = ParticipantId, Path, description = "The participant"),
    ),
    responses((status = 200, description = "It has left"), Problems),
)]
pub(super) async fn whep_hang_up(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path((id, participant)): Path<(ConferenceId, ParticipantId)>,
) -> Result<StatusCode, Failure> {
    let protocol = ClientProtocol::Whep;
    manager.hang_up(&caller, id, participant, protocol).await?;
    Ok(StatusCode::OK)
}

/// Make a token for one WHIP or WHEP client.
///
/// For a program that is to hold no API key: with the token it can connect once at a time, under
/// the name given here, send candidates and leave, for at most 10 minutes; its connection goes on
/// after that.
#[utoipa::path(
    post, path = "/v1/conferences/{id}/client-tokens", operation_id = "create_client_token",
    tag = "clients",
    params(("id" = ConferenceId, Path, description = "The conference")),
    request_body = CreateClientToken,
    responses((status = 201, description = "Made; shown once", body = ClientToken),
        BodyProblems, Problems),
)]
pub(super) async fn token(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<ConferenceId>,
    Json(request): Json<CreateClientToken>,
) -> Result<Response, Failure> {
    let token = manager.client_token(&caller, id, request).await?;
    Ok((StatusCode::CREATED, Json(token)).into_response())
}

#[cfg(test)]
mod tests {
    use lens_protocol::SecretText;

    use super::*;

    #[test]
    fn ice_servers_become_links() {
        let stun = IceServer {
            urls: vec!["stun:stun.example.net".to_owned()],
            username: None,
            credential: None,
        };
        let turn = IceServer {
            urls: vec!["turns:turn.example.net?transport=tcp".to_owned()],
            username: Some("us\"er".to_owned()),
            credential: Some(SecretText::new("secret")),
        };
        let headers = links(&[stun, turn]);
        let links: Vec<&str> = headers
            .get_all(LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        assert_eq!(
            links,
            [
                "<stun:stun.example.net>; rel=\"ice-server\"",
                "<turns:turn.example.net?transport=tcp>; rel=\"ice-server\"; \
                 username=\"us\\\"er\"; credential=\"secret\"; credential-type=\"password\"",
            ]
        );
        assert!(super::links(&[]).is_empty());
    }
}
