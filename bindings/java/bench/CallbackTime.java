import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import media.lens.LensEngine;
import media.lens.Network;
import media.lens.Participant;
import media.lens.ParticipantObserver;
import media.lens.ParticipantOptions;
import media.lens.Role;
import media.lens.SignalKind;

/**
 * How long a callback takes through JNI, for {@code cargo xtask bench sdk}; prints one line of JSON.
 *
 * <p>A key message is asked for and comes back as a signal to be carried, without any network: the
 * call goes to the library's thread, from there to the queue of callbacks, and up into Java.
 *
 * <ul>
 *   <li>{@code round_trip_ns}: from before the call until the callback runs, one at a time.
 *   <li>{@code in_a_row_ns}: from one callback to the next while many wait, which is what a callback
 *       itself takes.
 * </ul>
 */
public final class CallbackTime implements Network, ParticipantObserver {
    private static final int WARM_UP = 5_000;
    private static final int ROUND_TRIPS = 20_000;
    private static final int BURSTS = 30;
    private static final int BURST = 1_000;

    private final Semaphore called = new Semaphore(0);
    private final long[] times = new long[BURST + 1];
    private final long[] ids = new long[BURST + 1];
    private int count;
    private volatile CountDownLatch held;

    /** Measures. */
    public static void main(String[] arguments) throws Exception {
        CallbackTime host = new CallbackTime();
        try (LensEngine engine = LensEngine.create();
                Participant participant =
                        engine.createParticipant(
                                new ParticipantOptions(Role.VIEWER), host, host)) {
            host.roundTrips(participant, WARM_UP);
            long[] roundTrips = host.roundTrips(participant, ROUND_TRIPS);
            host.inARow(participant, 2);
            long[] inARow = host.inARow(participant, BURSTS);
            System.out.println(
                    "{\"round_trip_ns\":" + spread(roundTrips) + ",\"in_a_row_ns\":"
                            + spread(inARow) + "}");
        }
    }

    private long[] roundTrips(Participant participant, int number) throws Exception {
        String to = UUID.randomUUID().toString();
        long[] taken = new long[number];
        for (int i = 0; i < number; i++) {
            count = 0;
            long asked = System.nanoTime();
            participant.sendKeyMessage(to, "x");
            called.acquire();
            taken[i] = times[0] - asked;
            participant.signalSent(ids[0]);
        }
        return taken;
    }

    private long[] inARow(Participant participant, int bursts) throws Exception {
        String to = UUID.randomUUID().toString();
        long[] gaps = new long[bursts * (BURST - 1)];
        int filled = 0;
        for (int burst = 0; burst < bursts; burst++) {
            count = 0;
            CountDownLatch latch = new CountDownLatch(1);
            held = latch;
            // The first one holds the others up until all of them wait.
            for (int i = 0; i <= BURST; i++) {
                participant.sendKeyMessage(to, "x");
            }
            Thread.sleep(50);
            held = null;
            latch.countDown();
            called.acquire(BURST + 1);
            for (int i = 2; i <= BURST; i++) {
                gaps[filled++] = times[i] - times[i - 1];
            }
            for (long id : ids) {
                participant.signalSent(id);
            }
        }
        return gaps;
    }

    @Override
    public void send(long id, int attempt, SignalKind kind, String json) throws Exception {
        times[count] = System.nanoTime();
        ids[count++] = id;
        CountDownLatch latch = held;
        if (latch != null) {
            latch.await();
        }
        called.release();
    }

    private static String spread(long[] samples) {
        Arrays.sort(samples);
        long middle = samples[samples.length / 2];
        long high = samples[(int) ((long) samples.length * 99 / 100)];
        return "{\"p50\":" + middle + ",\"p99\":" + high + "}";
    }
}
