package media.lens;

import java.util.Arrays;
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
     * has to run one task at a time or several, in any thread, but each of them: one that it drops
     * without an exception holds up its participant until that is closed.
     *
     * <p>The thread {@code lens-callback} waits for each callback, so that order, bounds and the life
     * of frames are the same as without. {@link Network#send} stays on {@code lens-callback}.
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
