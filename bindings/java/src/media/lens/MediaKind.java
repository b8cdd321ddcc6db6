package media.lens;

/** A picture or a voice. */
public enum MediaKind {
    /** Pictures. */
    VIDEO,
    /** Voices. */
    AUDIO;

    private static final MediaKind[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static MediaKind of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
