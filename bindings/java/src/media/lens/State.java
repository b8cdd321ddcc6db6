package media.lens;

/**
 * Where a participant stands.
 *
 * <pre>
 * NEW ──▶ CONNECTING ──▶ CONNECTED ⇄ RECONNECTING
 *                  any ──▶ CLOSED | FAILED            never left again
 * </pre>
 */
public enum State {
    /** No offer has come yet. */
    NEW,
    /** The first connection is being made. */
    CONNECTING,
    /** Media can flow. */
    CONNECTED,
    /** Media could flow; a new path or a new generation is being made. */
    RECONNECTING,
    /** Closed by the host, or by the server's goodbye. */
    CLOSED,
    /** It cannot go on; {@link Participant#failure()} says why. */
    FAILED;

    /**
     * Whether nothing comes after it.
     *
     * @return true for {@link #CLOSED} and {@link #FAILED}
     */
    public boolean isOver() {
        return this == CLOSED || this == FAILED;
    }
}
