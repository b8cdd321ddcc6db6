package media.lens;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/**
 * What native code calls: one participant's host. Methods answer whether the host came through; when
 * not, native code ends this participant and no other.
 *
 * <p>It does not know its {@link Participant}: the library holds it until the participant is closed,
 * and a participant that its host forgot could never be found.
 */
final class Bridge {
    /** The bridge whose host's code the thread runs just now. */
    private static final ThreadLocal<Bridge> CURRENT = new ThreadLocal<>();

    /** Gone after the last callback, so that a participant that is kept does not keep its host. */
    private Network network;

    private ParticipantObserver observer;
    private final Transforms transforms;
    /** Null for the thread that calls. */
    private final Executor executor;
    private final Closing closing;
    private ByteBuffer frame;
    private ByteBuffer frameToShow;
    private Track lastTrack;

    Bridge(
            Network network,
            ParticipantObserver observer,
            Transforms transforms,
            Executor executor,
            Closing closing) {
        this.network = network;
        this.observer = observer;
        this.transforms = transforms;
        this.executor = executor;
        this.closing = closing;
    }

    /** Whose host's code this thread runs; null outside of callbacks. */
    static Bridge current() {
        return CURRENT.get();
    }

    Closing closing() {
        return closing;
    }

    Transforms transforms() {
        return transforms;
    }

    // --- called by native code, one at a time

    boolean send(long id, int attempt, int kind, String json) {
        return here(() -> carry(id, attempt, kind, json));
    }

    private void carry(long id, int attempt, int kind, String json) {
        try {
            network.send(id, attempt, SignalKind.of(kind), json);
        } catch (Exception e) {
            // Most are a network that is away. The library tries again.
            closing.ifOpen(handle -> Native.signalFailed(handle, id, true));
            if (e instanceof RuntimeException) {
                tell(e);
            }
        }
    }

    boolean onState(int state, int code) {
        return run(() -> observer.onState(Packed.state(state), Code.of(code)));
    }

    boolean onGeneration(int generation) {
        return run(() -> observer.onGeneration(generation));
    }

    boolean onRoster(String[] fields) {
        return run(() -> observer.onRoster(RosterEntry.list(fields)));
    }

    boolean onTrack(String mid, int kind, String participant) {
        Track track = track(mid, kind, participant);
        return run(() -> observer.onTrack(track));
    }

    boolean onTrackEnd(String mid, int kind, String participant) {
        Track track = track(mid, kind, participant);
        return run(() -> observer.onTrackEnd(track));
    }

    private Track track(String mid, int kind, String participant) {
        Track track = new Track(mid, MediaKind.of(kind), participant);
        if (!track.equals(lastTrack)) {
            lastTrack = track;
        }
        return lastTrack;
    }

    /** A direct buffer of at least that many bytes, to be filled before {@link #onFrame}. */
    ByteBuffer frameBuffer(int length) {
        // Half as much again, so that a picture that grows slowly does not need one each time.
        frame = ByteBuffer.allocateDirect(Math.max(16 * 1024, length + length / 2));
        frameToShow = frame.asReadOnlyBuffer();
        return frame;
    }

    boolean onFrame(
            String mid,
            int kind,
            String participant,
            int codec,
            int length,
            long ptsUs,
            boolean keyframe,
            int rotation,
            boolean afterGap) {
        Track track = track(mid, kind, participant);
        ByteBuffer data = frameToShow.duplicate();
        data.limit(length);
        EncodedFrame shown =
                new EncodedFrame(Codec.of(codec), data, ptsUs, keyframe, rotation, afterGap);
        return run(() -> observer.onFrame(track, shown));
    }

    /** A direct buffer of at least that many bytes and room, to be filled before {@link #transform}. */
    ByteBuffer transformBuffer(boolean sends, int length) {
        return transforms.buffer(sends, length);
    }

    /** Has the stage change a frame; see {@link Transforms#run}. */
    long transform(boolean sends, int codec, boolean keyframe, long ptsUs, int length) {
        FrameInfo frame = new FrameInfo(Codec.of(codec), keyframe, ptsUs);
        if (sends) {
            return transformHere(frame, length);
        }
        long[] outcome = {Transforms.DROPPED};
        boolean cameThrough = run(() -> outcome[0] = transforms.run(false, frame, length));
        return cameThrough ? outcome[0] : Transforms.THREW;
    }

    /** On the thread that pushes, which is told by an exception of its own. */
    private long transformHere(FrameInfo frame, int length) {
        Bridge outer = CURRENT.get();
        CURRENT.set(this);
        try {
            return transforms.run(true, frame, length);
        } catch (Throwable thrown) {
            transforms.threw(thrown);
            return Transforms.THREW;
        } finally {
            CURRENT.set(outer);
        }
    }

    boolean onBitrate(int targetBps, int maxFps) {
        return run(() -> observer.onBitrate(targetBps, maxFps));
    }

    boolean onKeyframeRequest() {
        return run(observer::onKeyframeRequest);
    }

    boolean onCaptureStopped() {
        return run(observer::onCaptureStopped);
    }

    boolean onTalkReady(String participant) {
        return run(() -> observer.onTalkReady(participant));
    }

    boolean onChat(String from, long id, String text) {
        return run(() -> observer.onChat(new Chat(from, id, text)));
    }

    boolean onCommand(long id, String from, int kind, boolean on, float factor, int facing) {
        Command command = new Command(Command.Kind.of(kind), on, factor, Facing.of(facing));
        return run(() -> observer.onCommand(new CommandRequest(id, from, command)));
    }

    boolean onCommandReply(long id, int outcome) {
        return run(() -> observer.onCommandReply(id, CommandOutcome.of(outcome)));
    }

    boolean onAnnotation(
            String from,
            long id,
            int shape,
            float[] points,
            int color,
            float width,
            String text,
            long ptsUs) {
        Annotation.Shape drawn = Annotation.Shape.of(shape);
        Annotation annotation = new Annotation(id, drawn, points, color, width, text, ptsUs);
        return run(() -> observer.onAnnotation(from, annotation));
    }

    boolean onAnnotationClear(String from, long id) {
        return run(() -> observer.onAnnotationClear(from, id < 0 ? null : Long.valueOf(id)));
    }

    boolean onKeyMessage(String from, String payload) {
        return run(() -> observer.onKeyMessage(from, payload));
    }

    /** The last call. */
    void onDestroyed() {
        try {
            // On this thread: whoever closes waits for it, and may be the executor's only thread.
            here(observer::onDestroyed);
            network = null;
            observer = null;
        } finally {
            closing.ended();
        }
    }

    // --- how the host's code is run

    private boolean run(Runnable callback) {
        return executor == null ? here(callback) : there(callback);
    }

    private boolean here(Runnable callback) {
        Bridge outer = CURRENT.get();
        CURRENT.set(this);
        try {
            callback.run();
            return true;
        } catch (Throwable thrown) {
            tell(thrown);
            return false;
        } finally {
            CURRENT.set(outer);
        }
    }

    private boolean there(Runnable callback) {
        Turn turn = new Turn(() -> here(callback));
        if (!closing.begin(turn)) {
            return true;
        }
        try {
            executor.execute(turn);
        } catch (Throwable thrown) {
            turn.cancel();
            closing.afterCallback();
            tell(thrown);
            return false;
        }
        boolean cameThrough = turn.await();
        // A close from within the callback waits here: from the executor's thread the library would
        // not know that the callback waiting for its end is the one that asks for it.
        closing.afterCallback();
        return cameThrough;
    }

    private void tell(Throwable thrown) {
        try {
            observer.onHostError(thrown);
        } catch (Throwable again) {
            Thread thread = Thread.currentThread();
            try {
                thread.getUncaughtExceptionHandler().uncaughtException(thread, again);
            } catch (Throwable ignored) {
                // As the virtual machine does with what such a handler throws.
            }
        }
    }
}
