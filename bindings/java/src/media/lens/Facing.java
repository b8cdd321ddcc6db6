package media.lens;

/** Which way a camera looks. */
public enum Facing {
    /** At whoever holds the device. */
    FRONT,
    /** Away from them. */
    BACK;

    private static final Facing[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static Facing of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
