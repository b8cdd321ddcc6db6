//! The error table: one stable code per thing that can go wrong, with its HTTP status, its C
//! integer and whether trying again can help. Problem answers follow RFC 9457.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::TraceId;

macro_rules! error_table {
    ($($variant:ident, $code:literal, $http:literal, $c:literal, $retry:literal, $sentence:literal;)+) => {
        /// What went wrong, as a stable name. Codes are never renamed or reused.
        ///
        /// C integers are negative; the JavaScript and Java names are the code itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $sentence] #[serde(rename = $code)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable name, as in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status that carries it.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $http,)+ }
            }

            /// The C ABI's integer for it.
            pub const fn c_status(self) -> i32 {
                match self { $(Self::$variant => $c,)+ }
            }

            /// Whether the same request can succeed later, unchanged.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retry,)+ }
            }

            /// One sentence for people: what happened and what to do.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }
        }
    };
}

// variant, code, HTTP, C, retryable, sentence. Groups: 1xx request, 2xx identity, 3xx sessions and
// conferences, 4xx media, 5xx server.
error_table! {
    MalformedJson, "malformed_json", 400, -101, false, "The body is not JSON.";
    InvalidValue, "invalid_value", 422, -102, false, "The body has another shape than this call takes, or a field a value outside its range. See the detail.";
    PayloadTooLarge, "payload_too_large", 413, -103, false, "The request is larger than the limit named in the API description.";
    UnsupportedMediaType, "unsupported_media_type", 415, -104, false, "Send the body with the Content-Type that this call takes: application/json, or for WHIP and WHEP application/sdp and application/trickle-ice-sdpfrag.";
    MethodNotAllowed, "method_not_allowed", 405, -105, false, "This path does not take that method.";
    NotFound, "not_found", 404, -106, false, "There is nothing at this address, or you may not know of it.";
    RateLimited, "rate_limited", 429, -107, true, "Too many requests. Wait as long as Retry-After says.";
    IdempotencyMismatch, "idempotency_mismatch", 422, -108, false, "This Idempotency-Key was used with another body. Use a new key.";
    IdempotencyInFlight, "idempotency_in_flight", 409, -109, true, "The first request with this Idempotency-Key is still running. Try again shortly.";
    BadOrigin, "bad_origin", 403, -110, false, "This request came from another site. Open the page from this server.";
    PreconditionRequired, "precondition_required", 428, -111, false, "Send the ETag of the answer in If-Match.";
    PreconditionFailed, "precondition_failed", 412, -112, false, "If-Match is not the ETag of this connection.";

    NotSignedIn, "not_signed_in", 401, -201, false, "Sign in first.";
    BadCredentials, "bad_credentials", 401, -202, false, "E-mail or password is wrong, or the account cannot sign in now.";
    Forbidden, "forbidden", 403, -203, false, "You may not do this. Ask an administrator for the permission.";
    TokenInvalid, "token_invalid", 401, -204, false, "The token or key is unknown, expired or revoked. Get a new one.";
    TokenWrongConference, "token_wrong_conference", 403, -205, false, "The token belongs to another conference or participant.";
    TicketInvalid, "ticket_invalid", 401, -206, false, "The ticket is unknown, expired or was used already. Get a new one.";
    SetupClosed, "setup_closed", 410, -207, false, "This set-up link was used or has expired. Restart Lens for a new one while no administrator exists.";
    WeakPassword, "weak_password", 422, -208, false, "This password is too easy to guess. Use a longer one, such as four unrelated words.";
    EmailTaken, "email_taken", 409, -209, false, "An account with this e-mail exists already.";

    SessionNotFound, "session_not_found", 404, -301, false, "There is no such session, or you may not see it.";
    InvitationNotFound, "invitation_not_found", 404, -302, false, "We can't find this PIN or link. Check it, or ask for a new one.";
    InvitationTaken, "invitation_taken", 409, -303, false, "This invitation was used in another browser. Ask for a new one.";
    WrongState, "wrong_state", 409, -304, false, "The session is not in a state that allows this. Reload to see where it stands.";
    SessionClosed, "session_closed", 410, -305, false, "The session is closed.";
    AlreadyStarted, "already_started", 409, -306, false, "Another technician has started this session. You can join it.";
    ConsentMissing, "consent_missing", 409, -307, false, "The customer has not agreed yet.";
    ConsentChanged, "consent_changed", 409, -308, false, "What is asked has changed. Read it again before agreeing.";
    ConferenceNotFound, "conference_not_found", 404, -309, false, "There is no such conference, or it is not yours.";
    ConferenceEnded, "conference_ended", 410, -310, false, "The conference has ended.";
    ConferenceFull, "conference_full", 409, -311, false, "The conference has as many participants as it was made for.";
    RoleTaken, "role_taken", 409, -312, false, "The conference has a camera already.";
    ExternalIdTaken, "external_id_taken", 409, -313, false, "A live conference of yours has this external_id; the detail names it.";
    ParticipantNotFound, "participant_not_found", 404, -314, false, "There is no such participant in this conference.";
    ProtocolNotAllowed, "protocol_not_allowed", 403, -315, false, "The conference's media policy does not allow this way in. Create it with media.whip or media.whep.";
    ClientMakesOffers, "client_makes_offers", 409, -316, false, "This participant came by WHIP or WHEP and makes its own offers: it comes back by a new POST.";

    InvalidSdp, "invalid_sdp", 422, -401, false, "The SDP cannot be used. The detail says which line or rule.";
    StaleGeneration, "stale_generation", 409, -402, false, "A newer offer replaced this one. Answer the newest.";
    AlreadyAnswered, "already_answered", 409, -403, false, "This offer has been answered.";
    StaleEpoch, "stale_epoch", 409, -404, false, "The conference was placed anew; this call came from a former placement.";
    TooManyCandidates, "too_many_candidates", 422, -405, false, "Too many ICE candidates in one request.";
    ConnectTimeout, "connect_timeout", 504, -406, true, "The media connection was not made in time.";
    MediaTimeout, "media_timeout", 504, -407, true, "The media connection went silent.";
    MediaFailed, "media_failed", 502, -408, true, "The media connection broke. Start a new generation.";
    NoMediaNode, "no_media_node", 503, -409, true, "No media node can take this conference now. Try again shortly.";
    MediaNodeLost, "media_node_lost", 503, -410, true, "The media node of this conference does not answer. Ask for a new offer.";
    NodeDraining, "node_draining", 503, -411, true, "The media node is being emptied and takes no new conferences.";
    NodeFull, "node_full", 503, -412, true, "The media node carries as much as it may. The detail names the cap.";
    NoCommonCodec, "no_common_codec", 422, -413, false, "The offer has no codec that the conference carries. VP8 and Opus always are.";
    IceRestartRefused, "ice_restart_refused", 422, -414, false, "ICE is not restarted here. Delete this connection and make a new one.";

    Internal, "internal", 500, -501, true, "Something went wrong on the server. Quote the trace id when you report it.";
    Unavailable, "unavailable", 503, -502, true, "The service is busy or starting. Try again shortly.";
    StorageFailed, "storage_failed", 503, -503, true, "The store did not take the change; nothing was changed. See the server's log.";
    StorageFull, "storage_full", 507, -504, true, "The server's disk is full; nothing was changed. Free space on the data directory.";
}

// By hand: the derive does not see names that a macro passes on.
impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.as_str())))
            .description(Some("What went wrong, as a stable name."))
            .into()
    }
}

impl ToSchema for ErrorCode {}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An RFC 9457 problem answer (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `/problems/{code}`, relative to the server.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The code's sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name to program against.
    pub code: ErrorCode,
    /// Whether the same request can succeed later, unchanged.
    pub retryable: bool,
    /// What is particular to this case; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whole seconds to wait before trying again, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Quote this when reporting the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

impl Problem {
    /// The plain problem for `code`.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            problem_type: format!("/problems/{code}"),
            title: code.sentence().to_owned(),
            status: code.http_status(),
            code,
            retryable: code.retryable(),
            detail: None,
            retry_after_s: None,
            trace_id: None,
        }
    }

    /// The same with what is particular to this case.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same with a waiting time in whole seconds.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {} ({detail})", self.code, self.title),
            None => write!(f, "{}: {}", self.code, self.title),
        }
    }
}

impl std::error::Error for Problem {}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_c_integer() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        let integers: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.c_status()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert_eq!(integers.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn the_description_names_every_code_as_json_does() {
        let schema = <ErrorCode as utoipa::PartialSchema>::schema();
        let schema = serde_json::to_value(schema).expect("plain data");
        assert_eq!(schema["enum"], serde_json::json!(ErrorCode::ALL));
    }

    #[test]
    fn the_name_in_json_is_the_name_in_the_table() {
        for code in ErrorCode::ALL {
            let json = serde_json::to_string(code).expect("plain enum");
            assert_eq!(json, format!("\"{code}\""));
        }
    }
}
