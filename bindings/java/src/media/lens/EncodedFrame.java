package media.lens;

import java.nio.ByteBuffer;

/** One encoded frame that was received, whole: a picture, or 20 ms of voice. */
public final class EncodedFrame {
    private final Codec codec;
    private final ByteBuffer data;
    private final long ptsUs;
    private final boolean keyframe;
    private final int rotation;
    private final boolean afterGap;

    EncodedFrame(
            Codec codec,
            ByteBuffer data,
            long ptsUs,
            boolean keyframe,
            int rotation,
            boolean afterGap) {
        this.codec = codec;
        this.data = data;
        this.ptsUs = ptsUs;
        this.keyframe = keyframe;
        this.rotation = rotation;
        this.afterGap = afterGap;
    }

    /**
     * How it is encoded.
     *
     * @return the codec; null for one that this version does not know
     */
    public Codec codec() {
        return codec;
    }

    /**
     * Its bytes, from position to limit.
     *
     * @return a direct, read-only buffer, to be read until the callback returns; the next frame
     *     overwrites it
     */
    public ByteBuffer data() {
        return data;
    }

    /**
     * When it was captured.
     *
     * @return microseconds of a count of the receiver's own, rising within a track
     */
    public long ptsUs() {
        return ptsUs;
    }

    /**
     * Whether a decoder can begin with it.
     *
     * @return always true for voices
     */
    public boolean isKeyframe() {
        return keyframe;
    }

    /**
     * How the picture has to be turned clockwise to stand upright.
     *
     * @return 0, 90, 180 or 270 degrees
     */
    public int rotation() {
        return rotation;
    }

    /**
     * Whether frames are missing before this one.
     *
     * @return true after a gap
     */
    public boolean isAfterGap() {
        return afterGap;
    }
}
