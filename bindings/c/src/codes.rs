//! Statuses as constants of the header. The library's come from the one table in `media-sdk`, the
//! server's from the one in `protocol`; a test here holds all three together and prints this file as
//! it should be when they part.

use crate::abi::lens_status;

/// It was done.
pub const LENS_STATUS_OK: lens_status = 0;
/// An argument is outside its range, or has another form than the call takes.
pub const LENS_STATUS_INVALID_ARGUMENT: lens_status = 1;
/// The handle is stale, or of another kind.
pub const LENS_STATUS_INVALID_HANDLE: lens_status = 2;
/// This cannot be done in the present state.
pub const LENS_STATUS_INVALID_STATE: lens_status = 3;
/// The participant or engine is closed.
pub const LENS_STATUS_CLOSED: lens_status = 4;
/// The queue is full; try again when what waits has gone.
pub const LENS_STATUS_WOULD_BLOCK: lens_status = 5;
/// The buffer is too small; the size needed was written.
pub const LENS_STATUS_BUFFER_TOO_SMALL: lens_status = 6;
/// This build or peer cannot do that.
pub const LENS_STATUS_UNSUPPORTED: lens_status = 7;
/// The customer or the system does not allow it.
pub const LENS_STATUS_PERMISSION_DENIED: lens_status = 8;
/// It was not done in time.
pub const LENS_STATUS_TIMEOUT: lens_status = 9;
/// The network of the host could not carry a signal, and trying again is of no use.
pub const LENS_STATUS_SIGNALLING_FAILED: lens_status = 10;
/// The offer cannot be answered.
pub const LENS_STATUS_SDP_REJECTED: lens_status = 11;
/// No path to the media server was found.
pub const LENS_STATUS_ICE_FAILED: lens_status = 12;
/// The handshake with the media server failed.
pub const LENS_STATUS_DTLS_FAILED: lens_status = 13;
/// A codec refused a frame.
pub const LENS_STATUS_CODEC_FAILED: lens_status = 14;
/// A key or a cipher failed.
pub const LENS_STATUS_CRYPTO_FAILED: lens_status = 15;
/// The system refused a socket, thread or file.
pub const LENS_STATUS_IO: lens_status = 16;
/// There is no memory left.
pub const LENS_STATUS_NO_MEMORY: lens_status = 17;
/// The host takes its messages so slowly that some would be lost.
pub const LENS_STATUS_HOST_TOO_SLOW: lens_status = 18;
/// The library broke one of its own rules; only this participant is lost.
pub const LENS_STATUS_INTERNAL: lens_status = 98;
/// A callback of the host panicked or threw.
pub const LENS_STATUS_HOST_PANICKED: lens_status = 99;
/// The body is not JSON.
pub const LENS_STATUS_SERVER_MALFORMED_JSON: lens_status = -101;
/// The body has another shape than this call takes, or a field a value outside its range. See the detail.
pub const LENS_STATUS_SERVER_INVALID_VALUE: lens_status = -102;
/// The request is larger than the limit named in the API description.
pub const LENS_STATUS_SERVER_PAYLOAD_TOO_LARGE: lens_status = -103;
/// Send the body with the Content-Type that this call takes: application/json, or for WHIP and WHEP application/sdp and application/trickle-ice-sdpfrag.
pub const LENS_STATUS_SERVER_UNSUPPORTED_MEDIA_TYPE: lens_status = -104;
/// This path does not take that method.
pub const LENS_STATUS_SERVER_METHOD_NOT_ALLOWED: lens_status = -105;
/// There is nothing at this address, or you may not know of it.
pub const LENS_STATUS_SERVER_NOT_FOUND: lens_status = -106;
/// Too many requests. Wait as long as Retry-After says.
pub const LENS_STATUS_SERVER_RATE_LIMITED: lens_status = -107;
/// This Idempotency-Key was used with another body. Use a new key.
pub const LENS_STATUS_SERVER_IDEMPOTENCY_MISMATCH: lens_status = -108;
/// The first request with this Idempotency-Key is still running. Try again shortly.
pub const LENS_STATUS_SERVER_IDEMPOTENCY_IN_FLIGHT: lens_status = -109;
/// This request came from another site. Open the page from this server.
pub const LENS_STATUS_SERVER_BAD_ORIGIN: lens_status = -110;
/// Send the ETag of the answer in If-Match.
pub const LENS_STATUS_SERVER_PRECONDITION_REQUIRED: lens_status = -111;
/// If-Match is not the ETag of this connection.
pub const LENS_STATUS_SERVER_PRECONDITION_FAILED: lens_status = -112;
/// Sign in first.
pub const LENS_STATUS_SERVER_NOT_SIGNED_IN: lens_status = -201;
/// E-mail or password is wrong, or the account cannot sign in now.
pub const LENS_STATUS_SERVER_BAD_CREDENTIALS: lens_status = -202;
/// You may not do this. Ask an administrator for the permission.
pub const LENS_STATUS_SERVER_FORBIDDEN: lens_status = -203;
/// The token or key is unknown, expired or revoked. Get a new one.
pub const LENS_STATUS_SERVER_TOKEN_INVALID: lens_status = -204;
/// The token belongs to another conference or participant.
pub const LENS_STATUS_SERVER_TOKEN_WRONG_CONFERENCE: lens_status = -205;
/// The ticket is unknown, expired or was used already. Get a new one.
pub const LENS_STATUS_SERVER_TICKET_INVALID: lens_status = -206;
/// This set-up link was used or has expired. Restart Lens for a new one while no administrator exists.
pub const LENS_STATUS_SERVER_SETUP_CLOSED: lens_status = -207;
/// This password is too easy to guess. Use a longer one, such as four unrelated words.
pub const LENS_STATUS_SERVER_WEAK_PASSWORD: lens_status = -208;
/// An account with this e-mail exists already.
pub const LENS_STATUS_SERVER_EMAIL_TAKEN: lens_status = -209;
/// There is no such session, or you may not see it.
pub const LENS_STATUS_SERVER_SESSION_NOT_FOUND: lens_status = -301;
/// We can't find this PIN or link. Check it, or ask for a new one.
pub const LENS_STATUS_SERVER_INVITATION_NOT_FOUND: lens_status = -302;
/// This invitation was used in another browser. Ask for a new one.
pub const LENS_STATUS_SERVER_INVITATION_TAKEN: lens_status = -303;
/// The session is not in a state that allows this. Reload to see where it stands.
pub const LENS_STATUS_SERVER_WRONG_STATE: lens_status = -304;
/// The session is closed.
pub const LENS_STATUS_SERVER_SESSION_CLOSED: lens_status = -305;
/// Another technician has started this session. You can join it.
pub const LENS_STATUS_SERVER_ALREADY_STARTED: lens_status = -306;
/// The customer has not agreed yet.
pub const LENS_STATUS_SERVER_CONSENT_MISSING: lens_status = -307;
/// What is asked has changed. Read it again before agreeing.
pub const LENS_STATUS_SERVER_CONSENT_CHANGED: lens_status = -308;
/// There is no such conference, or it is not yours.
pub const LENS_STATUS_SERVER_CONFERENCE_NOT_FOUND: lens_status = -309;
/// The conference has ended.
pub const LENS_STATUS_SERVER_CONFERENCE_ENDED: lens_status = -310;
/// The conference has as many participants as it was made for.
pub const LENS_STATUS_SERVER_CONFERENCE_FULL: lens_status = -311;
/// The conference has a camera already.
pub const LENS_STATUS_SERVER_ROLE_TAKEN: lens_status = -312;
/// A live conference of yours has this external_id; the detail names it.
pub const LENS_STATUS_SERVER_EXTERNAL_ID_TAKEN: lens_status = -313;
/// There is no such participant in this conference.
pub const LENS_STATUS_SERVER_PARTICIPANT_NOT_FOUND: lens_status = -314;
/// The conference's media policy does not allow this way in. Create it with media.whip or media.whep.
pub const LENS_STATUS_SERVER_PROTOCOL_NOT_ALLOWED: lens_status = -315;
/// This participant came by WHIP or WHEP and makes its own offers: it comes back by a new POST.
pub const LENS_STATUS_SERVER_CLIENT_MAKES_OFFERS: lens_status = -316;
/// The SDP cannot be used. The detail says which line or rule.
pub const LENS_STATUS_SERVER_INVALID_SDP: lens_status = -401;
/// A newer offer replaced this one. Answer the newest.
pub const LENS_STATUS_SERVER_STALE_GENERATION: lens_status = -402;
/// This offer has been answered.
pub const LENS_STATUS_SERVER_ALREADY_ANSWERED: lens_status = -403;
/// The conference was placed anew; this call came from a former placement.
pub const LENS_STATUS_SERVER_STALE_EPOCH: lens_status = -404;
/// Too many ICE candidates in one request.
pub const LENS_STATUS_SERVER_TOO_MANY_CANDIDATES: lens_status = -405;
/// The media connection was not made in time.
pub const LENS_STATUS_SERVER_CONNECT_TIMEOUT: lens_status = -406;
/// The media connection went silent.
pub const LENS_STATUS_SERVER_MEDIA_TIMEOUT: lens_status = -407;
/// The media connection broke. Start a new generation.
pub const LENS_STATUS_SERVER_MEDIA_FAILED: lens_status = -408;
/// No media node can take this conference now. Try again shortly.
pub const LENS_STATUS_SERVER_NO_MEDIA_NODE: lens_status = -409;
/// The media node of this conference does not answer. Ask for a new offer.
pub const LENS_STATUS_SERVER_MEDIA_NODE_LOST: lens_status = -410;
/// The media node is being emptied and takes no new conferences.
pub const LENS_STATUS_SERVER_NODE_DRAINING: lens_status = -411;
/// The media node carries as much as it may. The detail names the cap.
pub const LENS_STATUS_SERVER_NODE_FULL: lens_status = -412;
/// The offer has no codec that the conference carries. VP8 and Opus always are.
pub const LENS_STATUS_SERVER_NO_COMMON_CODEC: lens_status = -413;
/// ICE is not restarted here. Delete this connection and make a new one.
pub const LENS_STATUS_SERVER_ICE_RESTART_REFUSED: lens_status = -414;
/// Something went wrong on the server. Quote the trace id when you report it.
pub const LENS_STATUS_SERVER_INTERNAL: lens_status = -501;
/// The service is busy or starting. Try again shortly.
pub const LENS_STATUS_SERVER_UNAVAILABLE: lens_status = -502;
/// The store did not take the change; nothing was changed. See the server's log.
pub const LENS_STATUS_SERVER_STORAGE_FAILED: lens_status = -503;
/// The server's disk is full; nothing was changed. Free space on the data directory.
pub const LENS_STATUS_SERVER_STORAGE_FULL: lens_status = -504;

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use lens_media_sdk::SdkCode;
    use lens_protocol::ErrorCode;

    #[test]
    fn the_constants_are_those_of_the_tables() {
        let mut expected = String::new();
        let mut add = |prefix: &str, name: &str, number: i32, sentence: &str| {
            let name = name.to_uppercase();
            let _ = writeln!(expected, "/// {sentence}");
            let _ = writeln!(
                expected,
                "pub const {prefix}{name}: lens_status = {number};"
            );
        };
        for code in SdkCode::ALL {
            add(
                "LENS_STATUS_",
                code.as_str(),
                code.c_status(),
                code.sentence(),
            );
        }
        for code in ErrorCode::ALL {
            add(
                "LENS_STATUS_SERVER_",
                code.as_str(),
                code.c_status(),
                code.sentence(),
            );
        }
        let own = include_str!("codes.rs");
        assert!(
            own.contains(&expected),
            "codes.rs should have these constants:\n{expected}"
        );
    }
}
