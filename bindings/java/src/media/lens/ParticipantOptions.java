package media.lens;

/** How a participant is set up. What is not set has the value that is right for most. */
public final class ParticipantOptions {
    private final Role role;
    private int signalTimeoutMs = 10_000;
    private int maxVideoKbps = 2_500;
    private int maxFps = 30;
    private int playoutMinMs = 20;
    private int playoutMaxMs = 250;
    private int frameQueue = 30;
    private int messageQueue = 64;
    private FrameTransform senderTransform;
    private FrameTransform receiverTransform;

    /**
     * The usual set-up of a role.
     *
     * @param role what the participant does in the conference; the offer's layout decides what it can
     *     send
     */
    public ParticipantOptions(Role role) {
        if (role == null) {
            throw new NullPointerException("a participant has a role");
        }
        this.role = role;
    }

    /**
     * After how long a signal that nothing is reported of counts as failed.
     *
     * @param milliseconds 1,000 to 120,000; 10,000
     * @return this
     */
    public ParticipantOptions signalTimeoutMs(int milliseconds) {
        signalTimeoutMs = milliseconds;
        return this;
    }

    /**
     * Most video it sends; the server's limit holds beside it.
     *
     * @param kbps kilobits per second, 50 to 20,000; 2,500
     * @return this
     */
    public ParticipantOptions maxVideoKbps(int kbps) {
        maxVideoKbps = kbps;
        return this;
    }

    /**
     * Most pictures a second that the encoder is told.
     *
     * @param fps 1 to 120; 30
     * @return this
     */
    public ParticipantOptions maxFps(int fps) {
        maxFps = fps;
        return this;
    }

    /**
     * How long received frames wait, so that they come evenly.
     *
     * @param minMs shortest wait in milliseconds; 20
     * @param maxMs longest wait in milliseconds, not below the shortest, at most 2,000; 250
     * @return this
     */
    public ParticipantOptions playoutMs(int minMs, int maxMs) {
        playoutMinMs = minMs;
        playoutMaxMs = maxMs;
        return this;
    }

    /**
     * Most frames of a kind that wait for a slow thread or host, in either direction, before the
     * oldest is dropped.
     *
     * @param frames 1 to 1,000; 30
     * @return this
     */
    public ParticipantOptions frameQueue(int frames) {
        frameQueue = frames;
        return this;
    }

    /**
     * Most messages that wait for the connection, before more are refused with
     * {@link Code#WOULD_BLOCK}.
     *
     * @param messages 1 to 10,000; 64
     * @return this
     */
    public ParticipantOptions messageQueue(int messages) {
        messageQueue = messages;
        return this;
    }

    /**
     * A stage that each frame passes before it is sent.
     *
     * @param transform the stage; null for none
     * @return this
     */
    public ParticipantOptions senderTransform(FrameTransform transform) {
        senderTransform = transform;
        return this;
    }

    /**
     * A stage that each received frame passes before it is given out.
     *
     * @param transform the stage; null for none
     * @return this
     */
    public ParticipantOptions receiverTransform(FrameTransform transform) {
        receiverTransform = transform;
        return this;
    }

    Transforms transforms() {
        return new Transforms(senderTransform, receiverTransform);
    }

    long create(long engine, Bridge bridge) throws LensException {
        int[] numbers = {
            signalTimeoutMs,
            maxVideoKbps,
            maxFps,
            playoutMinMs,
            playoutMaxMs,
            frameQueue,
            messageQueue,
            senderTransform == null ? 0 : 1,
            receiverTransform == null ? 0 : 1
        };
        return Native.participantCreate(engine, role.ordinal(), numbers, bridge);
    }

    Role role() {
        return role;
    }
}
