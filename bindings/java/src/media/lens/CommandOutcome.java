package media.lens;

/** What became of a command. */
public enum CommandOutcome {
    /** It was done. */
    DONE,
    /** The customer, or their host, did not allow it. */
    REFUSED,
    /** This device or build cannot do it. */
    UNSUPPORTED,
    /** It was tried, and failed. */
    FAILED;

    private static final CommandOutcome[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static CommandOutcome of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
