package media.lens;

/** How a frame is encoded. */
public enum Codec {
    /** RFC 6386; every Lens peer takes it. */
    VP8,
    /**
     * ITU-T H.264 as an Annex B byte stream (start codes), constrained baseline; where the media
     * server offered it.
     */
    H264,
    /** RFC 6716 at 48 kHz; one packet is one frame. */
    OPUS;

    private static final Codec[] ALL = values();

    /** The one of a number of the native library's; null for one that this version does not know. */
    static Codec of(int ordinal) {
        return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
    }
}
