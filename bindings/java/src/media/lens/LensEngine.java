package media.lens;

/**
 * Carries participants: one native thread with the sockets of all of them. Make one for a program.
 *
 * <p>Closing it closes its participants. One that is forgotten is said to be in the log
 * ({@code java.util.logging}, logger {@code media.lens}) and closed when it is collected.
 */
public final class LensEngine implements AutoCloseable {
    private final EngineCore core;
    private final Leaks.Net net;

    private LensEngine(EngineCore core) {
        this.core = core;
        net = core.leaks.watch(this, "a LensEngine", core::close);
    }

    /**
     * Starts an engine as is right for most.
     *
     * @return the engine, to be closed
     * @throws LensException when the system gives no thread or descriptor ({@link Code#IO})
     * @throws UnsatisfiedLinkError when the native library is not found; see {@link media.lens}
     */
    public static LensEngine create() throws LensException {
        return create(new EngineOptions());
    }

    /**
     * Starts an engine.
     *
     * @param options how it is set up
     * @return the engine, to be closed
     * @throws LensException when the system gives no thread or descriptor ({@link Code#IO})
     * @throws IllegalArgumentException when an address of {@code options} is none
     * @throws UnsatisfiedLinkError when the native library is not found; see {@link media.lens}
     */
    public static LensEngine create(EngineOptions options) throws LensException {
        return new LensEngine(new EngineCore(options));
    }

    /**
     * The native library's version.
     *
     * @return such as {@code 0.1.0}
     */
    public static String version() {
        return Native.version();
    }

    /**
     * Makes a participant that waits for its first offer.
     *
     * @param options how it is set up
     * @param network carries its signals
     * @param observer is told what happens
     * @return the participant, to be closed
     * @throws LensException when the system gives no thread ({@link Code#IO})
     * @throws IllegalArgumentException when a value of {@code options} is outside its range
     * @throws IllegalStateException after {@link #close()}
     */
    public Participant createParticipant(
            ParticipantOptions options, Network network, ParticipantObserver observer)
            throws LensException {
        if (network == null || observer == null) {
            throw new NullPointerException("a participant has a network and an observer");
        }
        Bridge bridge = core.create(options, network, observer);
        return new Participant(this, core, bridge, options.role());
    }

    /**
     * Says that the system's network changed: addresses are looked for now, and connections are
     * checked. Harmless at any time.
     *
     * @throws IllegalStateException after {@link #close()}
     */
    public void networkChanged() {
        Native.engineNetworkChanged(core.handle());
    }

    /**
     * How many of its participants are not over: for tests of leaks.
     *
     * @return a count
     * @throws IllegalStateException after {@link #close()}
     */
    public int liveParticipants() {
        return Native.engineLive(core.handle());
    }

    /**
     * Whether {@link #close()} was called.
     *
     * @return true from then on
     */
    public boolean isClosed() {
        return core.isClosed();
    }

    /**
     * Closes all participants and ends the engine's threads. Idempotent; from any thread and any
     * callback. From elsewhere it returns after the last callback and the end of the threads. From a
     * callback it returns at once, and waits for no other: one that runs then still ends, and is the
     * last of its participant.
     */
    @Override
    public void close() {
        core.leaks.forget(net);
        core.close();
    }
}
