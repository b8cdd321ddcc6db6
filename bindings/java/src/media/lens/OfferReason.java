package media.lens;

/** Why a new generation is asked for. */
public enum OfferReason {
    /** The host program was started anew. */
    RELOAD,
    /** A person wants it. */
    RESTART,
    /** The network changed. */
    NETWORK,
    /** The connection broke. */
    FAILED;

    private static final OfferReason[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static OfferReason of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
