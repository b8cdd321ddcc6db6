package media.lens;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What an engine consists of, and its threads hold: not the {@link LensEngine} itself, so that one
 * which its host forgot is found.
 *
 * <p>Java makes the threads that callbacks run on, as daemons, and lends them to native code. There
 * are as many as there have been participants at the same time: so a host that is slow in one has a
 * thread of its own, and holds up no other.
 */
final class EngineCore {
    final Leaks leaks = new Leaks();
    final Executor executor;
    private final AtomicLong handle;
    private final Set<Bridge> open = ConcurrentHashMap.newKeySet();
    private final List<Thread> threads = new ArrayList<>();
    private boolean closed;

    EngineCore(EngineOptions options) throws LensException {
        executor = options.executor();
        handle = new AtomicLong(options.start());
        boolean started = false;
        try {
            start("lens-leaks", leaks);
            started = true;
        } finally {
            // The system may have no thread to give: an Error, on Android as elsewhere.
            if (!started) {
                Native.engineStop(handle.getAndSet(0));
            }
        }
    }

    long handle() {
        long engine = handle.get();
        if (engine == 0) {
            throw new IllegalStateException("the engine is closed");
        }
        return engine;
    }

    boolean isClosed() {
        return handle.get() == 0;
    }

    Bridge create(ParticipantOptions options, Network network, ParticipantObserver observer)
            throws LensException {
        long engine = handle();
        Bridge bridge =
                new Bridge(network, observer, options.transforms(), executor, new Closing());
        open.add(bridge);
        boolean made = false;
        try {
            lendThreads(engine);
            bridge.closing().open(options.create(engine, bridge));
            made = true;
        } finally {
            if (!made) {
                open.remove(bridge);
                // Whoever closes the engine now waits for it.
                bridge.closing().ended();
            }
        }
        if (isClosed()) {
            close(bridge);
            throw new IllegalStateException("the engine is closed");
        }
        return bridge;
    }

    void close(Bridge bridge) {
        bridge.closing().close(bridge);
        open.remove(bridge);
    }

    private synchronized void lendThreads(long engine) {
        // One of the threads looks after leaks.
        while (!closed && threads.size() - 1 < open.size()) {
            start("lens-callback", () -> lend(engine));
        }
    }

    private static void lend(long engine) {
        try {
            Native.engineRun(engine);
        } catch (IllegalStateException e) {
            // It was closed before this thread came.
        } catch (LensException e) {
            Logger.getLogger("media.lens").log(Level.SEVERE, "callbacks cannot be run", e);
        }
    }

    private synchronized void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        threads.add(thread);
    }

    /** Closes all participants, then the engine; waits for them and its threads, but in a callback. */
    void close() {
        long engine = handle.getAndSet(0);
        Bridge current = Bridge.current();
        for (Bridge bridge : open) {
            if (current == null || current == bridge) {
                close(bridge);
            } else {
                bridge.closing().release();
                open.remove(bridge);
            }
        }
        if (current != null && current.closing().putOff(() -> stop(engine))) {
            return;
        }
        stop(engine);
        if (current == null) {
            join();
        }
    }

    private void stop(long engine) {
        if (engine != 0) {
            Native.engineStop(engine);
        }
        leaks.stop();
        synchronized (this) {
            closed = true;
            threads.get(0).interrupt();
        }
    }

    private void join() {
        List<Thread> ending;
        synchronized (this) {
            ending = new ArrayList<>(threads);
        }
        boolean interrupted = false;
        for (Thread thread : ending) {
            while (thread.isAlive() && thread != Thread.currentThread()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
