package media.lens;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** The life of one participant's handle, and its end: once, from any thread and any callback. */
final class Closing {
    /** A use of a handle that is open. */
    interface Use {
        void with(long handle) throws LensException;
    }

    private final AtomicLong handle = new AtomicLong();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean closed;
    private volatile long lastState = Packed.CLOSED;
    /** On its way to the executor, or running there. */
    private Turn turn;
    /** To be done on the thread that calls back, when the callback has returned. */
    private final List<Runnable> afterCallback = new ArrayList<>();

    void open(long opened) {
        handle.set(opened);
    }

    boolean isClosed() {
        return closed;
    }

    /** The handle, for a method that needs one. */
    long handle() {
        long open = handle.get();
        if (closed || open == 0) {
            throw new IllegalStateException("the participant is closed");
        }
        return open;
    }

    /** Uses the handle unless it is closed; what then fails is of no interest. */
    void ifOpen(Use use) {
        long open = handle.get();
        if (closed || open == 0) {
            return;
        }
        try {
            use.with(open);
        } catch (LensException | IllegalStateException e) {
            // Closed in between.
        }
    }

    /** The state now, or at last, as {@link Packed}. */
    long state() {
        long open = handle.get();
        if (closed || open == 0) {
            return lastState;
        }
        try {
            return Native.state(open);
        } catch (IllegalStateException e) {
            // Closed in between.
            return lastState;
        }
    }

    /** Takes a callback that goes to an executor; false when none may begin any more. */
    synchronized boolean begin(Turn next) {
        turn = closed ? null : next;
        return !closed;
    }

    /** The callback has returned: does what it asked for on the thread that calls back. */
    void afterCallback() {
        List<Runnable> asked;
        synchronized (this) {
            turn = null;
            asked = new ArrayList<>(afterCallback);
            afterCallback.clear();
        }
        asked.forEach(Runnable::run);
    }

    /**
     * Puts something off until the callback that runs on an executor's thread has returned; false
     * when none does.
     */
    synchronized boolean putOff(Runnable asked) {
        return turn != null && afterCallback.add(asked);
    }

    /**
     * Ends it. From elsewhere it returns after the last callback; from a callback of its own at once,
     * and that callback is the last one.
     */
    void close(Bridge bridge) {
        Bridge current = Bridge.current();
        boolean own = current == bridge;
        Turn waiting = shut();
        if (own && putOff(this::closeNative)) {
            return;
        }
        if (waiting != null) {
            waiting.cancel();
        }
        if (current == null) {
            closeNative();
            awaitEnd();
        } else if (own) {
            closeNative();
        } else {
            closeFrom(current, bridge);
        }
    }

    /** From another participant's callback: the library alone waits. */
    private void closeFrom(Bridge other, Bridge bridge) {
        Bridge[] wait = Waits.begin(other, bridge);
        if (wait == null) {
            release();
            return;
        }
        try {
            closeNative();
        } finally {
            Waits.end(wait);
        }
    }

    /**
     * Ends it from another participant's callback: waits for nothing, as that other may be waited for
     * by a callback of this one.
     */
    void release() {
        Turn waiting = shut();
        if (waiting != null) {
            waiting.cancel();
        }
        long open = handle.getAndSet(0);
        if (open != 0) {
            Native.participantRelease(open);
        }
    }

    /** Lets no callback begin any more; the one that is on its way. */
    private Turn shut() {
        long before = state();
        synchronized (this) {
            if (!closed) {
                lastState = Packed.state(before).isOver() ? before : Packed.CLOSED;
                closed = true;
            }
            return turn;
        }
    }

    /** The library has let the host go, or never had it. */
    void ended() {
        ended.countDown();
    }

    private void closeNative() {
        long open = handle.getAndSet(0);
        if (open != 0) {
            Native.participantClose(open);
        }
    }

    private void awaitEnd() {
        boolean interrupted = false;
        while (true) {
            try {
                ended.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
