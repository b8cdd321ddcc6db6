package media.lens;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Executor;

/** How an engine is set up. What is not set has the value that is right for most. */
public final class EngineOptions {
    private String[] addresses = {};
    private boolean udp = true;
    private boolean tcp = true;
    private Executor executor;

    /** The usual set-up. */
    public EngineOptions() {}

    /**
     * Addresses of this machine that media may use.
     *
     * @param literals IPv4 or IPv6 addresses as text; none means all interfaces, looked for anew every
     *     second while there are connections (the default)
     * @return this
     */
    public EngineOptions addresses(String... literals) {
        for (String literal : literals) {
            Objects.requireNonNull(literal, "an address is a text");
        }
        addresses = Arrays.copyOf(literals, literals.length);
        return this;
    }

    /**
     * Whether datagrams are used.
     *
     * @param use true by default; false leaves TCP alone
     * @return this
     */
    public EngineOptions udp(boolean use) {
        udp = use;
        return this;
    }

    /**
     * Whether TCP (RFC 6544) is tried where datagrams do not pass.
     *
     * @param use true by default
     * @return this
     */
    public EngineOptions tcp(boolean use) {
        tcp = use;
        return this;
    }

    /**
     * Where callbacks of observers run, such as {@code handler::post} of Android's main thread. It
     * may run one task at a time or several, in any thread, but has to run each: one that it drops
     * without an exception holds up its participant until that is closed, and one that it refuses
     * ({@link java.util.concurrent.RejectedExecutionException}) ends its participant with
     * {@link Code#HOST_PANICKED}.
     *
     * <p>The thread {@code lens-callback} waits for each callback, so that order, bounds and the life
     * of frames are the same as without. {@link Network#send} stays on {@code lens-callback}, and so
     * does {@link ParticipantObserver#onHostError} for what the network or the executor threw;
     * {@link ParticipantObserver#onDestroyed} comes on whichever thread ends the participant.
     *
     * @param callbacks null for the engine's own threads (the default)
     * @return this
     */
    public EngineOptions callbackExecutor(Executor callbacks) {
        executor = callbacks;
        return this;
    }

    long start() throws LensException {
        return Native.engineStart(addresses, udp, tcp);
    }

    Executor executor() {
        return executor;
    }
}
