package media.lens;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A net for what its host forgot to close: says so in the log, and closes it. {@code
 * java.lang.ref.Cleaner} would do, but Android has it from version 13 (API 33) only.
 */
final class Leaks implements Runnable {
    private final ReferenceQueue<Object> queue = new ReferenceQueue<>();
    /** Keeps the references themselves from being collected. */
    private final Set<Net> nets = ConcurrentHashMap.newKeySet();
    private volatile boolean stopped;

    /** One object, and how it is closed; must not lead to the object itself. */
    static final class Net extends PhantomReference<Object> {
        private final String what;
        private final Runnable close;

        private Net(Object object, ReferenceQueue<Object> queue, String what, Runnable close) {
            super(object, queue);
            this.what = what;
            this.close = close;
        }
    }

    Net watch(Object object, String what, Runnable close) {
        Net net = new Net(object, queue, what, close);
        nets.add(net);
        return net;
    }

    /** The object was closed as it should be. */
    void forget(Net net) {
        nets.remove(net);
        net.clear();
    }

    /** What the thread {@code lens-leaks} does. */
    @Override
    public void run() {
        while (!stopped) {
            try {
                Reference<?> found = queue.remove();
                if (nets.remove(found)) {
                    haul((Net) found);
                }
            } catch (InterruptedException e) {
                // Only to look at `stopped`.
            }
        }
    }

    private static void haul(Net net) {
        Logger log = Logger.getLogger("media.lens");
        quietly(() -> log.log(Level.WARNING, "{0} was never closed; it is closed now", net.what));
        try {
            net.close.run();
        } catch (RuntimeException | Error e) {
            // Whatever it is, others that are forgotten still have to be found.
            quietly(() -> log.log(Level.SEVERE, "closing it failed", e));
        }
    }

    /** The log is the host's: a handler that throws must not end the thread that closes. */
    private static void quietly(Runnable saying) {
        try {
            saying.run();
        } catch (RuntimeException | Error e) {
            // Said nowhere else.
        }
    }

    void stop() {
        stopped = true;
    }
}
