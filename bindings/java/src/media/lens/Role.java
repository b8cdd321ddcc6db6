package media.lens;

/** What a participant does in a conference. */
public enum Role {
    /** Sends the camera and a voice. At most one in a conference. */
    CAMERA,
    /** Receives the camera; sends a voice. */
    VIEWER;

    private static final Role[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static Role of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
