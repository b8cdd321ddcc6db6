package media.lens;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/**
 * One endpoint in a conference: a camera or a viewer. Made by {@link LensEngine#createParticipant}.
 *
 * <p>After {@link #close()}, methods throw {@link IllegalStateException}; {@link #state()},
 * {@link #failure()}, {@link #role()}, {@link #engine()}, {@link #isClosed()}, {@code close()} and the
 * reports on signals do not. After it ended by itself, {@link #id()}, {@link #generation()},
 * {@link #participants()} and {@link #stats()} do not either, until it is closed. One that is forgotten is
 * said to be in the log and closed when it is collected.
 */
public final class Participant implements AutoCloseable {
    /** Keeps the engine from being collected before its participants. */
    private final LensEngine engine;

    private final EngineCore core;
    private final Bridge bridge;
    private final Role role;
    private final Leaks.Net net;

    Participant(LensEngine engine, EngineCore core, Bridge bridge, Role role) {
        this.engine = engine;
        this.core = core;
        this.bridge = bridge;
        this.role = role;
        net = core.leaks.watch(this, "a Participant", () -> core.close(bridge));
    }

    /**
     * The engine that carries it.
     *
     * @return the engine
     */
    public LensEngine engine() {
        return engine;
    }

    /**
     * What it does in the conference.
     *
     * @return its role
     */
    public Role role() {
        return role;
    }

    /**
     * Where it stands.
     *
     * @return the state now, or the last one
     */
    public State state() {
        return Packed.state(bridge.closing().state());
    }

    /**
     * Why it cannot go on.
     *
     * @return the code in state {@link State#FAILED}; else null
     */
    public Code failure() {
        return Packed.failure(bridge.closing().state());
    }

    /**
     * Whether {@link #close()} was called.
     *
     * @return true from then on
     */
    public boolean isClosed() {
        return bridge.closing().isClosed();
    }

    /**
     * Its id.
     *
     * @return null before an offer has named it
     */
    public String id() {
        return Native.id(handle());
    }

    /**
     * The generation that plays, or is about to.
     *
     * @return counts from 1; 0 before the first
     */
    public int generation() {
        return Native.generation(handle());
    }

    /**
     * Who takes part, as the last roster said.
     *
     * @return all of them; cannot be changed
     */
    public List<RosterEntry> participants() {
        return RosterEntry.list(Native.participants(handle()));
    }

    /**
     * Figures of the last few hundred milliseconds.
     *
     * @return the figures
     */
    public Stats stats() {
        return new Stats(Native.stats(handle()));
    }

    /**
     * Takes a signal that arrived. Duplicates, late ones and unknown kinds are harmless, and counted
     * in {@link #stats()}.
     *
     * @param json an object with {@code kind} and its fields, as signalling brings it; without
     *     {@code kind} it is an offer, as the HTTP API answers a join
     * @throws LensException {@link Code#INVALID_ARGUMENT} when it is no JSON object, or a known kind
     *     lacks one of its fields
     */
    public void receive(String json) throws LensException {
        Native.receive(handle(), Objects.requireNonNull(json, "a signal is JSON"));
    }

    /**
     * The host reports that a signal of ours reached the server. From any thread, also late, also
     * after {@link #close()}.
     *
     * @param id as {@link Network#send} got it
     */
    public void signalSent(long id) {
        bridge.closing().ifOpen(handle -> Native.signalSent(handle, id));
    }

    /**
     * The host reports that a signal could not be carried. From any thread, also late, also after
     * {@link #close()}.
     *
     * @param id as {@link Network#send} got it
     * @param retryable whether trying again can help; then the library does, after a pause
     */
    public void signalFailed(long id, boolean retryable) {
        bridge.closing().ifOpen(handle -> Native.signalFailed(handle, id, retryable));
    }

    /**
     * The host reports that the server refused a signal; the library knows what follows from each
     * code. Better than {@link #signalFailed} where the code is at hand.
     *
     * @param id as {@link Network#send} got it
     * @param code one of the server's; see {@link Code#ofServer(String)}
     * @throws IllegalArgumentException for a code of the library's own
     */
    public void signalRefused(long id, Code code) {
        int status = code.status();
        bridge.closing().ifOpen(handle -> Native.signalRefused(handle, id, status));
    }

    /**
     * Asks for a new generation: after the host was started anew, or by a person's wish.
     *
     * @param reason why
     * @throws LensException when that cannot be done
     */
    public void requestOffer(OfferReason reason) throws LensException {
        Native.requestOffer(handle(), reason.ordinal());
    }

    /**
     * Sends an encoded frame that stands upright; see
     * {@link #pushFrame(Codec, ByteBuffer, long, boolean, int)}.
     *
     * @param codec how it is encoded
     * @param data its bytes, from position to limit, in a direct buffer
     * @param ptsUs when it was captured, in microseconds
     * @param keyframe whether a decoder can begin with it
     * @throws LensException when it cannot be sent
     */
    public void pushFrame(Codec codec, ByteBuffer data, long ptsUs, boolean keyframe)
            throws LensException {
        pushFrame(codec, data, ptsUs, keyframe, 0);
    }

    /**
     * Sends an encoded frame, whole: a picture, or 20 ms of voice. It is copied before this returns,
     * and {@code data} is not changed, its position neither.
     *
     * <p>It is sent when there is a connection and the other end can decode it; if not it is dropped,
     * counted, and a keyframe is asked for where one is missing.
     *
     * @param codec how it is encoded
     * @param data its bytes, from position to limit, in a direct buffer; 1 byte to 2 MiB
     * @param ptsUs when it was captured, in microseconds of the host's own count, rising, not negative
     * @param keyframe whether a decoder can begin with it
     * @param rotation how the picture has to be turned clockwise: 0, 90, 180 or 270 degrees
     * @throws LensException {@link Code#INVALID_STATE} when capture has stopped or there is no slot
     *     for sending this, {@link Code#UNSUPPORTED} when the server does not take the codec,
     *     {@link Code#HOST_PANICKED} when the {@linkplain ParticipantOptions#senderTransform transform}
     *     threw; that is its cause
     * @throws IllegalArgumentException for a buffer on the heap, and for a value outside its range
     */
    public void pushFrame(Codec codec, ByteBuffer data, long ptsUs, boolean keyframe, int rotation)
            throws LensException {
        if (!data.isDirect()) {
            throw new IllegalArgumentException(
                    "the frame must be in a direct ByteBuffer (ByteBuffer.allocateDirect)");
        }
        int length = data.remaining();
        int at = data.position();
        try {
            Native.pushFrame(
                    handle(), codec.ordinal(), data, at, length, ptsUs, keyframe, rotation);
        } catch (LensException e) {
            bridge.transforms().explain(e);
            throw e;
        }
    }

    /**
     * Stops or resumes sending a kind of media. The slot stays.
     *
     * @param kind pictures or voices
     * @param muted stops
     * @throws LensException when that cannot be done
     */
    public void setMuted(MediaKind kind, boolean muted) throws LensException {
        Native.setMuted(handle(), kind.ordinal(), muted);
    }

    /**
     * Stops or resumes sending everything.
     *
     * @param paused stops
     * @throws LensException when that cannot be done
     */
    public void setPaused(boolean paused) throws LensException {
        setMuted(MediaKind.VIDEO, paused);
        setMuted(MediaKind.AUDIO, paused);
    }

    /**
     * Begins capture anew after it had stopped: a person's wish, not a program's.
     *
     * @throws LensException when that cannot be done
     */
    public void resumeCapture() throws LensException {
        Native.resumeCapture(handle());
    }

    /**
     * Asks the sender of each received picture for a keyframe, at most every 500 ms.
     *
     * @throws LensException when that cannot be done
     */
    public void requestKeyframe() throws LensException {
        Native.requestKeyframe(handle());
    }

    /**
     * Says something to all others over the data channel. It is kept by nobody: what has to be on
     * record goes through the website's chat.
     *
     * @param text 1 to 2,000 Unicode characters (code points); half a surrogate pair is sent as U+FFFD
     * @return its number
     * @throws LensException {@link Code#WOULD_BLOCK} while too many messages wait
     * @throws IllegalArgumentException for a text that is too short or too long
     */
    public long sendChat(String text) throws LensException {
        return Native.sendChat(handle(), Objects.requireNonNull(text, "chat has a text"));
    }

    /**
     * Asks the camera's host for something; the answer comes as
     * {@link ParticipantObserver#onCommandReply}.
     *
     * @param command for what
     * @return its number, which the answer quotes
     * @throws LensException {@link Code#WOULD_BLOCK} while too many messages wait
     * @throws IllegalArgumentException for an argument outside its range
     */
    public long sendCommand(Command command) throws LensException {
        return command.send(handle());
    }

    /**
     * Answers a command ({@link ParticipantObserver#onCommand}). A second answer is ignored.
     *
     * @param id {@link CommandRequest#id()}
     * @param outcome what became of it
     * @throws LensException when that cannot be done
     */
    public void replyCommand(long id, CommandOutcome outcome) throws LensException {
        Native.replyCommand(handle(), id, outcome.ordinal());
    }

    /**
     * Draws on the camera's picture, for all others.
     *
     * @param annotation what is drawn, and where
     * @throws LensException {@link Code#WOULD_BLOCK} while too many messages wait
     * @throws IllegalArgumentException outside the picture, or for too many points or characters
     */
    public void sendAnnotation(Annotation annotation) throws LensException {
        annotation.send(handle());
    }

    /**
     * Takes one drawing of ours away.
     *
     * @param id which
     * @throws LensException {@link Code#WOULD_BLOCK} while too many messages wait
     */
    public void clearAnnotation(long id) throws LensException {
        if (id < 0) {
            throw new IllegalArgumentException("an annotation's id is not negative");
        }
        Native.clearAnnotations(handle(), id);
    }

    /**
     * Takes all drawings of ours away.
     *
     * @throws LensException {@link Code#WOULD_BLOCK} while too many messages wait
     */
    public void clearAnnotations() throws LensException {
        Native.clearAnnotations(handle(), -1);
    }

    /**
     * Sends a key message to another participant, through signalling.
     *
     * @param to the participant's id
     * @param payload opaque text
     * @throws LensException when that cannot be done
     * @throws IllegalArgumentException when {@code to} is no id
     */
    public void sendKeyMessage(String to, String payload) throws LensException {
        Objects.requireNonNull(to, "a key message is for somebody");
        Objects.requireNonNull(payload, "a key message has a payload");
        Native.sendKeyMessage(handle(), to, payload);
    }

    /**
     * Says that the system's network changed; see {@link LensEngine#networkChanged()}.
     *
     * @throws LensException when that cannot be done
     */
    public void networkChanged() throws LensException {
        Native.networkChanged(handle());
    }

    /**
     * Says goodbye through signalling, waits for it at most 3 s, then ends; the observer is told
     * {@link State#CLOSED}. Returns at once. {@link #close()} is still due.
     *
     * @param reason for the others; null for none
     * @throws LensException when that cannot be done
     */
    public void leave(String reason) throws LensException {
        Native.leave(handle(), reason);
    }

    /**
     * Ends it. Idempotent; from any thread and any callback.
     *
     * <p>From elsewhere it returns after the last callback. From one of its own callbacks it returns
     * at once, and that callback is the last one (but for {@link ParticipantObserver#onDestroyed}).
     * Where participants close each other from their callbacks at the same time, one returns before the
     * other's callback has ended.
     */
    @Override
    public void close() {
        core.leaks.forget(net);
        core.close(bridge);
    }

    private long handle() {
        return bridge.closing().handle();
    }
}
