package media.lens;

/** What an outbound signal says; its fields are in the JSON. */
public enum SignalKind {
    /**
     * The answer to an offer: {@code generation}, {@code negotiation_id}, {@code sdp}. May be sent
     * as the body of {@code PUT /v1/conferences/{id}/participants/{pid}/answer} as it is.
     */
    ANSWER,
    /** Asks for a new generation: {@code generation}, {@code reason}. */
    OFFER_REQUEST,
    /** Answers a command that came by signalling: {@code id}, {@code outcome}. */
    COMMAND_REPLY,
    /** Key agreement between peers, carried unread: {@code to}, {@code payload}. */
    KEY_MESSAGE,
    /** The participant leaves for good: {@code reason}. */
    BYE;

    private static final SignalKind[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static SignalKind of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
