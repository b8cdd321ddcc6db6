package media.lens;

/** What a {@link FrameTransform} is told of a frame. */
public final class FrameInfo {
    private final Codec codec;
    private final boolean keyframe;
    private final long ptsUs;

    FrameInfo(Codec codec, boolean keyframe, long ptsUs) {
        this.codec = codec;
        this.keyframe = keyframe;
        this.ptsUs = ptsUs;
    }

    /**
     * How it is encoded.
     *
     * @return the codec
     */
    public Codec codec() {
        return codec;
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
     * Its time, as {@link Participant#pushFrame} got it, or {@link EncodedFrame#ptsUs()} has it.
     *
     * @return microseconds
     */
    public long ptsUs() {
        return ptsUs;
    }
}
