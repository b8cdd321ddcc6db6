package media.lens;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** A host that writes down what it is told, and does in callbacks what a test asks for. */
class Host implements Network, ParticipantObserver {
    /** A signal that was to be carried. */
    static final class Signal {
        private final long id;
        private final int attempt;
        private final SignalKind kind;
        private final String json;

        Signal(long id, int attempt, SignalKind kind, String json) {
            this.id = id;
            this.attempt = attempt;
            this.kind = kind;
            this.json = json;
        }

        long id() {
            return id;
        }

        int attempt() {
            return attempt;
        }

        SignalKind kind() {
            return kind;
        }

        String json() {
            return json;
        }
    }

    /** A callback of the host's that may throw. */
    interface Reaction<T> {
        void to(T event) throws Exception;
    }

    final List<Signal> signals = new CopyOnWriteArrayList<>();
    final List<String> events = new CopyOnWriteArrayList<>();
    final List<Throwable> errors = new CopyOnWriteArrayList<>();
    final AtomicInteger destroyed = new AtomicInteger();
    final AtomicInteger calls = new AtomicInteger();
    volatile Reaction<Signal> onSignal = signal -> {};
    volatile Reaction<String> onEvent = event -> {};
    volatile Thread callbackThread;

    @Override
    public void send(long id, int attempt, SignalKind kind, String json) throws Exception {
        Signal signal = new Signal(id, attempt, kind, json);
        called();
        signals.add(signal);
        onSignal.to(signal);
    }

    @Override
    public void onState(State state, Code failure) {
        told(failure == null ? "state " + state : "state " + state + " " + failure);
    }

    @Override
    public void onRoster(List<RosterEntry> participants) {
        told("roster " + participants.size());
    }

    @Override
    public void onCommand(CommandRequest request) {
        told("command " + request.id() + " " + request.command());
    }

    @Override
    public void onKeyMessage(String from, String payload) {
        told("key " + payload);
    }

    @Override
    public void onHostError(Throwable thrown) {
        errors.add(thrown);
    }

    @Override
    public void onDestroyed() {
        destroyed.incrementAndGet();
    }

    void told(String event) {
        called();
        events.add(event);
        try {
            onEvent.to(event);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void called() {
        calls.incrementAndGet();
        callbackThread = Thread.currentThread();
        if (destroyed.get() != 0) {
            errors.add(new AssertionError("called after onDestroyed"));
        }
    }

    Signal awaitSignal(int nth) {
        until("signal " + nth, () -> signals.size() >= nth);
        return signals.get(nth - 1);
    }

    void awaitEvent(String event) {
        until(event, () -> events.contains(event));
    }

    /** Waits for a condition; the limit is for a machine that hangs. */
    static void until(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() > end) {
                fail("not within 60 s: " + what);
            }
            nap();
        }
    }

    private static void nap() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A key message from somebody, as signalling brings it. */
    static String keyMessage(String payload) {
        return "{\"kind\":\"key_message\",\"from\":\"" + Offers.SOMEBODY + "\",\"payload\":\""
                + payload + "\"}";
    }

    static String bye(String reason) {
        return "{\"kind\":\"bye\",\"reason\":\"" + reason + "\"}";
    }

    void assertUnharmed() {
        assertTrue(errors.isEmpty(), () -> "the host got " + errors);
    }
}
