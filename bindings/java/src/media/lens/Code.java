package media.lens;

import java.util.HashMap;
import java.util.Map;

/**
 * What can go wrong: codes of this library, and codes of the server as signalling or its HTTP API
 * told them. Names and integers are the same in every face and are never reused.
 */
public enum Code {
    /** An argument is outside its range, or has another form than the call takes. */
    INVALID_ARGUMENT(1, "invalid_argument"),
    /** The handle is stale, or of another kind. */
    INVALID_HANDLE(2, "invalid_handle"),
    /** This cannot be done in the present state. */
    INVALID_STATE(3, "invalid_state"),
    /** The participant or engine is closed. */
    CLOSED(4, "closed"),
    /** The queue is full; try again when what waits has gone. */
    WOULD_BLOCK(5, "would_block"),
    /** The buffer is too small; the size needed was written. */
    BUFFER_TOO_SMALL(6, "buffer_too_small"),
    /** This build or peer cannot do that. */
    UNSUPPORTED(7, "unsupported"),
    /** The customer or the system does not allow it. */
    PERMISSION_DENIED(8, "permission_denied"),
    /** It was not done in time. */
    TIMEOUT(9, "timeout"),
    /** The network of the host could not carry a signal, and trying again is of no use. */
    SIGNALLING_FAILED(10, "signalling_failed"),
    /** The offer cannot be answered. */
    SDP_REJECTED(11, "sdp_rejected"),
    /** No path to the media server was found. */
    ICE_FAILED(12, "ice_failed"),
    /** The handshake with the media server failed. */
    DTLS_FAILED(13, "dtls_failed"),
    /** A codec refused a frame. */
    CODEC_FAILED(14, "codec_failed"),
    /** A key or a cipher failed. */
    CRYPTO_FAILED(15, "crypto_failed"),
    /** The system refused a socket, thread or file. */
    IO(16, "io"),
    /** There is no memory left. */
    NO_MEMORY(17, "no_memory"),
    /** The host takes its messages so slowly that some would be lost. */
    HOST_TOO_SLOW(18, "host_too_slow"),
    /** The library broke one of its own rules; only this participant is lost. */
    INTERNAL(98, "internal"),
    /** A callback of the host panicked or threw. */
    HOST_PANICKED(99, "host_panicked"),
    /** The body is not JSON. */
    MALFORMED_JSON(-101, "malformed_json"),
    /**
     * The body has another shape than this call takes, or a field a value outside its range. See
     * the detail.
     */
    INVALID_VALUE(-102, "invalid_value"),
    /** The request is larger than the limit named in the API description. */
    PAYLOAD_TOO_LARGE(-103, "payload_too_large"),
    /**
     * Send the body with the Content-Type that this call takes: application/json, or for WHIP and
     * WHEP application/sdp and application/trickle-ice-sdpfrag.
     */
    UNSUPPORTED_MEDIA_TYPE(-104, "unsupported_media_type"),
    /** This path does not take that method. */
    METHOD_NOT_ALLOWED(-105, "method_not_allowed"),
    /** There is nothing at this address, or you may not know of it. */
    NOT_FOUND(-106, "not_found"),
    /** Too many requests. Wait as long as Retry-After says. */
    RATE_LIMITED(-107, "rate_limited"),
    /** This Idempotency-Key was used with another body. Use a new key. */
    IDEMPOTENCY_MISMATCH(-108, "idempotency_mismatch"),
    /** The first request with this Idempotency-Key is still running. Try again shortly. */
    IDEMPOTENCY_IN_FLIGHT(-109, "idempotency_in_flight"),
    /** This request came from another site. Open the page from this server. */
    BAD_ORIGIN(-110, "bad_origin"),
    /** Send the ETag of the answer in If-Match. */
    PRECONDITION_REQUIRED(-111, "precondition_required"),
    /** If-Match is not the ETag of this connection. */
    PRECONDITION_FAILED(-112, "precondition_failed"),
    /** Sign in first. */
    NOT_SIGNED_IN(-201, "not_signed_in"),
    /** E-mail or password is wrong, or the account cannot sign in now. */
    BAD_CREDENTIALS(-202, "bad_credentials"),
    /** You may not do this. Ask an administrator for the permission. */
    FORBIDDEN(-203, "forbidden"),
    /** The token or key is unknown, expired or revoked. Get a new one. */
    TOKEN_INVALID(-204, "token_invalid"),
    /** The token belongs to another conference or participant. */
    TOKEN_WRONG_CONFERENCE(-205, "token_wrong_conference"),
    /** The ticket is unknown, expired or was used already. Get a new one. */
    TICKET_INVALID(-206, "ticket_invalid"),
    /**
     * This set-up link was used or has expired. Restart Lens for a new one while no administrator
     * exists.
     */
    SETUP_CLOSED(-207, "setup_closed"),
    /** This password is too easy to guess. Use a longer one, such as four unrelated words. */
    WEAK_PASSWORD(-208, "weak_password"),
    /** An account with this e-mail exists already. */
    EMAIL_TAKEN(-209, "email_taken"),
    /** There is no such session, or you may not see it. */
    SESSION_NOT_FOUND(-301, "session_not_found"),
    /** We can't find this PIN or link. Check it, or ask for a new one. */
    INVITATION_NOT_FOUND(-302, "invitation_not_found"),
    /** This invitation was used in another browser. Ask for a new one. */
    INVITATION_TAKEN(-303, "invitation_taken"),
    /** The session is not in a state that allows this. Reload to see where it stands. */
    WRONG_STATE(-304, "wrong_state"),
    /** The session is closed. */
    SESSION_CLOSED(-305, "session_closed"),
    /** Another technician has started this session. You can join it. */
    ALREADY_STARTED(-306, "already_started"),
    /** The customer has not agreed yet. */
    CONSENT_MISSING(-307, "consent_missing"),
    /** What is asked has changed. Read it again before agreeing. */
    CONSENT_CHANGED(-308, "consent_changed"),
    /** There is no such conference, or it is not yours. */
    CONFERENCE_NOT_FOUND(-309, "conference_not_found"),
    /** The conference has ended. */
    CONFERENCE_ENDED(-310, "conference_ended"),
    /** The conference has as many participants as it was made for. */
    CONFERENCE_FULL(-311, "conference_full"),
    /** The conference has a camera already. */
    ROLE_TAKEN(-312, "role_taken"),
    /** A live conference of yours has this external_id; the detail names it. */
    EXTERNAL_ID_TAKEN(-313, "external_id_taken"),
    /** There is no such participant in this conference. */
    PARTICIPANT_NOT_FOUND(-314, "participant_not_found"),
    /**
     * The conference's media policy does not allow this way in. Create it with media.whip or
     * media.whep.
     */
    PROTOCOL_NOT_ALLOWED(-315, "protocol_not_allowed"),
    /**
     * This participant came by WHIP or WHEP and makes its own offers: it comes back by a new POST.
     */
    CLIENT_MAKES_OFFERS(-316, "client_makes_offers"),
    /** The SDP cannot be used. The detail says which line or rule. */
    INVALID_SDP(-401, "invalid_sdp"),
    /** A newer offer replaced this one. Answer the newest. */
    STALE_GENERATION(-402, "stale_generation"),
    /** This offer has been answered. */
    ALREADY_ANSWERED(-403, "already_answered"),
    /** The conference was placed anew; this call came from a former placement. */
    STALE_EPOCH(-404, "stale_epoch"),
    /** Too many ICE candidates in one request. */
    TOO_MANY_CANDIDATES(-405, "too_many_candidates"),
    /** The media connection was not made in time. */
    CONNECT_TIMEOUT(-406, "connect_timeout"),
    /** The media connection went silent. */
    MEDIA_TIMEOUT(-407, "media_timeout"),
    /** The media connection broke. Start a new generation. */
    MEDIA_FAILED(-408, "media_failed"),
    /** No media node can take this conference now. Try again shortly. */
    NO_MEDIA_NODE(-409, "no_media_node"),
    /** The media node of this conference does not answer. Ask for a new offer. */
    MEDIA_NODE_LOST(-410, "media_node_lost"),
    /** The media node is being emptied and takes no new conferences. */
    NODE_DRAINING(-411, "node_draining"),
    /** The media node carries as much as it may. The detail names the cap. */
    NODE_FULL(-412, "node_full"),
    /** The offer has no codec that the conference carries. VP8 and Opus always are. */
    NO_COMMON_CODEC(-413, "no_common_codec"),
    /** ICE is not restarted here. Delete this connection and make a new one. */
    ICE_RESTART_REFUSED(-414, "ice_restart_refused"),
    /** Something went wrong on the server. Quote the trace id when you report it. */
    SERVER_INTERNAL(-501, "internal"),
    /** The service is busy or starting. Try again shortly. */
    UNAVAILABLE(-502, "unavailable"),
    /** The store did not take the change; nothing was changed. See the server's log. */
    STORAGE_FAILED(-503, "storage_failed"),
    /** The server's disk is full; nothing was changed. Free space on the data directory. */
    STORAGE_FULL(-504, "storage_full");

    private static final Map<Integer, Code> ALL = new HashMap<>();

    static {
        for (Code code : values()) {
            ALL.put(code.status, code);
        }
    }

    private final int status;
    private final String word;

    Code(int status, String word) {
        this.status = status;
        this.word = word;
    }

    /**
     * The code as the C face has it.
     *
     * @return positive for the library's own codes, negative for the server's
     */
    public int status() {
        return status;
    }

    /**
     * The stable name, as in JSON and in JavaScript.
     *
     * @return such as {@code would_block}
     */
    public String word() {
        return word;
    }

    /**
     * The code of an integer.
     *
     * @param status as {@link #status()}
     * @return the code; null for none, and for one that this version does not know
     */
    public static Code of(int status) {
        return ALL.get(status);
    }

    /**
     * The server's code of a name, as {@code code} of its problem answers has it.
     *
     * @param word such as {@code stale_generation}
     * @return the code; null for one that this version does not know
     */
    public static Code ofServer(String word) {
        for (Code code : values()) {
            if (code.status < 0 && code.word.equals(word)) {
                return code;
            }
        }
        return null;
    }
}
