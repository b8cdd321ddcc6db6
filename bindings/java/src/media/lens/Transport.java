package media.lens;

/** How media travels to the media server. */
public enum Transport {
    /** Datagrams. */
    UDP,
    /** ICE-TCP (RFC 6544), where datagrams are blocked. */
    TCP;

    private static final Transport[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static Transport of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
