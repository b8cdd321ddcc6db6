package media.lens;

/**
 * Figures of a participant, as of the last few hundred milliseconds. Counts run over generations.
 */
public final class Stats {
    /** In the order of the methods below, as the native library writes them. */
    private final double[] figures;

    Stats(double[] figures) {
        this.figures = figures;
    }

    /**
     * How media travels.
     *
     * @return udp or tcp; null before there is a connection
     */
    public Transport transport() {
        return Transport.of(ordinal(0));
    }

    /**
     * Round trip to the media server.
     *
     * @return milliseconds; NaN when not known
     */
    public double rttMs() {
        return figures[1];
    }

    /**
     * Packets lost on the way to us (viewer) or from us (camera).
     *
     * @return percent; NaN when not known
     */
    public double lossPercent() {
        return figures[2];
    }

    /**
     * Media bits of the main direction over the last second.
     *
     * @return kilobits per second; NaN when not known
     */
    public double kbps() {
        return figures[3];
    }

    /**
     * Width of the picture last sent or received, before rotation.
     *
     * @return pixels; 0 when not known
     */
    public int width() {
        return (int) figures[4];
    }

    /**
     * Height of the picture last sent or received, before rotation.
     *
     * @return pixels; 0 when not known
     */
    public int height() {
        return (int) figures[5];
    }

    /**
     * Pictures in the last second.
     *
     * @return a count; NaN when not known
     */
    public double framesPerSecond() {
        return figures[6];
    }

    /**
     * Codec of the picture last sent or received.
     *
     * @return the codec; null when not known
     */
    public Codec codec() {
        return Codec.of(ordinal(7));
    }

    /**
     * How unevenly frames come (receiver).
     *
     * @return 95th percentile in milliseconds; NaN when not known
     */
    public double jitterMs() {
        return figures[8];
    }

    /**
     * How long frames wait before they are given out (receiver).
     *
     * @return milliseconds; NaN when not known
     */
    public double playoutDelayMs() {
        return figures[9];
    }

    /**
     * What the encoder was last told (sender).
     *
     * @return bits per second; NaN when not known
     */
    public double targetBps() {
        return figures[10];
    }

    /**
     * Pictures and pieces of voice taken from the host and sent.
     *
     * @return a count
     */
    public long framesSent() {
        return (long) figures[11];
    }

    /**
     * Frames of the host dropped before they were sent: queue full, or no way to send them.
     *
     * @return a count
     */
    public long framesDroppedSending() {
        return (long) figures[12];
    }

    /**
     * Pictures and pieces of voice received whole.
     *
     * @return a count
     */
    public long framesReceived() {
        return (long) figures[13];
    }

    /**
     * Of these, given to the observer.
     *
     * @return a count
     */
    public long framesDelivered() {
        return (long) figures[14];
    }

    /**
     * Dropped because a later one had been given out, or a former generation had given it out.
     *
     * @return a count
     */
    public long framesDroppedLate() {
        return (long) figures[15];
    }

    /**
     * Dropped because frames before them were missing, until the next keyframe.
     *
     * @return a count
     */
    public long framesDroppedUndecodable() {
        return (long) figures[16];
    }

    /**
     * Dropped because the host was slow: oldest first.
     *
     * @return a count
     */
    public long framesDroppedQueue() {
        return (long) figures[17];
    }

    /**
     * Gaps of more than 500 ms between two pictures that were to be shown (receiver).
     *
     * @return a count
     */
    public long freezeCount() {
        return (long) figures[18];
    }

    /**
     * Keyframes asked for.
     *
     * @return a count
     */
    public long keyframeRequestsSent() {
        return (long) figures[19];
    }

    /**
     * Keyframes the others asked for.
     *
     * @return a count
     */
    public long keyframeRequestsReceived() {
        return (long) figures[20];
    }

    /**
     * Messages sent over the data channel.
     *
     * @return a count
     */
    public long messagesSent() {
        return (long) figures[21];
    }

    /**
     * Messages received over the data channel.
     *
     * @return a count
     */
    public long messagesReceived() {
        return (long) figures[22];
    }

    /**
     * Messages and signals of unknown kinds, or that could not be read.
     *
     * @return a count
     */
    public long ignored() {
        return (long) figures[23];
    }

    /**
     * Signals that came twice, late, or for another participant.
     *
     * @return a count
     */
    public long staleSignals() {
        return (long) figures[24];
    }

    /**
     * Generations that took over.
     *
     * @return a count
     */
    public long generations() {
        return (long) figures[25];
    }

    private int ordinal(int place) {
        return Double.isNaN(figures[place]) ? -1 : (int) figures[place];
    }
}
