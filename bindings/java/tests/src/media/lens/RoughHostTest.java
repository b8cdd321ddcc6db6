package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hosts that do what no host should: from many threads, crosswise, or with strange arguments. */
@Timeout(120)
class RoughHostTest {
    private LensEngine engine;

    private void start(EngineOptions options) throws LensException {
        engine = LensEngine.create(options);
    }

    private Participant viewer(Host of) throws LensException {
        return engine.createParticipant(new ParticipantOptions(Role.VIEWER), of, of);
    }

    @AfterEach
    void stop() {
        if (engine != null) {
            engine.close();
        }
        assertEquals(0, Native.liveHandles());
    }

    /** Each closes the next from a callback, while that is in a callback of its own. */
    private void closeInARing(int size) throws Exception {
        List<Host> hosts = new ArrayList<>();
        List<Participant> ring = new ArrayList<>();
        CyclicBarrier allInside = new CyclicBarrier(size);
        CountDownLatch returned = new CountDownLatch(size);
        for (int place = 0; place < size; place++) {
            Host host = new Host();
            int next = (place + 1) % size;
            host.onEvent = event -> {
                allInside.await(60, TimeUnit.SECONDS);
                ring.get(next).close();
                returned.countDown();
            };
            hosts.add(host);
            ring.add(viewer(host));
        }
        for (Participant participant : ring) {
            participant.receive(Host.keyMessage("close"));
        }
        assertTrue(returned.await(30, TimeUnit.SECONDS), "they wait for each other");
        for (Host host : hosts) {
            Host.until("destroyed", () -> host.destroyed.get() == 1);
            host.assertUnharmed();
        }
    }

    @Test
    void participantsThatCloseEachOtherDoNotHang() throws Exception {
        start(new EngineOptions());
        closeInARing(2);
        closeInARing(3);
    }

    @Test
    void participantsThatCloseEachOtherOnAnExecutorDoNotHang() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(3);
        start(new EngineOptions().callbackExecutor(pool));
        closeInARing(2);
        closeInARing(3);
        pool.shutdown();
    }

    @Test
    void anEngineClosedFromTwoCallbacksAtOnceDoesNotHang() throws Exception {
        start(new EngineOptions());
        CyclicBarrier bothInside = new CyclicBarrier(2);
        CountDownLatch returned = new CountDownLatch(2);
        List<Host> hosts = List.of(new Host(), new Host());
        List<Participant> participants = new ArrayList<>();
        for (Host host : hosts) {
            host.onEvent = event -> {
                bothInside.await(60, TimeUnit.SECONDS);
                engine.close();
                returned.countDown();
            };
            participants.add(viewer(host));
        }
        for (Participant participant : participants) {
            participant.receive(Host.keyMessage("close"));
        }
        assertTrue(returned.await(30, TimeUnit.SECONDS), "they wait for each other");
        for (Host host : hosts) {
            Host.until("destroyed", () -> host.destroyed.get() == 1);
        }
    }

    @Test
    void manyThreadsUseAParticipantWhileItIsClosed() throws Exception {
        start(new EngineOptions());
        for (int round = 0; round < 20; round++) {
            Host host = new Host();
            Participant participant =
                    engine.createParticipant(new ParticipantOptions(Role.CAMERA), host, host);
            host.onSignal = signal -> participant.signalSent(signal.id());
            participant.receive(Offers.camera(1));
            AtomicInteger odd = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int seed = 0; seed < 8; seed++) {
                Random random = new Random(round * 8L + seed);
                threads.add(new Thread(() -> hammer(participant, random, odd)));
            }
            threads.forEach(Thread::start);
            Thread.sleep(round);
            System.gc();
            participant.close();
            int calls = host.calls.get();
            assertEquals(1, host.destroyed.get());
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(calls, host.calls.get());
            assertEquals(0, odd.get(), "something else than was promised was thrown");
            host.assertUnharmed();
        }
    }

    /** Uses it until it is closed. */
    private static void hammer(Participant participant, Random random, AtomicInteger odd) {
        ByteBuffer data = ByteBuffer.allocateDirect(4_000);
        while (true) {
            try {
                step(participant, random, data);
            } catch (LensException e) {
                // Such as WOULD_BLOCK.
            } catch (IllegalStateException e) {
                return;
            } catch (Throwable e) {
                e.printStackTrace();
                odd.incrementAndGet();
                return;
            }
        }
    }

    private static void step(Participant participant, Random random, ByteBuffer data)
            throws LensException {
        switch (random.nextInt(9)) {
            case 0:
                participant.receive(Host.keyMessage("m"));
                break;
            case 1:
                participant.pushFrame(Codec.VP8, data, random.nextInt(1_000_000), true);
                break;
            case 2:
                participant.sendChat("hello");
                break;
            case 3:
                participant.stats();
                participant.id();
                break;
            case 4:
                participant.participants();
                break;
            case 5:
                participant.setPaused(random.nextBoolean());
                break;
            case 6:
                participant.signalFailed(random.nextInt(4), true);
                break;
            case 7:
                participant.networkChanged();
                break;
            default:
                participant.sendAnnotation(new Annotation(1, Annotation.Shape.POINT, 0, 1));
                break;
        }
    }

    @Test
    void closingOnAnInterruptedThreadClosesAndKeepsTheInterrupt() throws Exception {
        start(new EngineOptions());
        Host host = new Host();
        Participant participant = viewer(host);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        host.onEvent = event -> {
            entered.countDown();
            goOn.await();
        };
        participant.receive(Host.keyMessage("held"));
        entered.await();
        AtomicInteger kept = new AtomicInteger();
        Thread closing = new Thread(() -> {
            Thread.currentThread().interrupt();
            participant.close();
            kept.set(Thread.interrupted() ? host.destroyed.get() : -1);
        });
        closing.start();
        closing.interrupt();
        goOn.countDown();
        closing.join();
        assertEquals(1, kept.get());
    }

    @Test
    void whoWasNeverCreatedIsNeverDestroyed() throws Exception {
        start(new EngineOptions());
        Host host = new Host();
        for (ParticipantOptions options : List.of(
                new ParticipantOptions(Role.VIEWER).maxFps(0),
                new ParticipantOptions(Role.VIEWER).maxFps(-1),
                new ParticipantOptions(Role.VIEWER).senderTransform((frame, data) -> true)
                        .frameQueue(0))) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> engine.createParticipant(options, host, host));
        }
        assertEquals(0, host.destroyed.get());
    }

    @Test
    void aNetworkIsTriedAgainWhateverOnHostErrorThrows() throws Exception {
        start(new EngineOptions());
        AtomicInteger told = new AtomicInteger();
        AtomicInteger uncaught = new AtomicInteger();
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> uncaught.incrementAndGet());
        try {
            Host worse = new Host() {
                @Override
                public void onHostError(Throwable thrown) {
                    told.incrementAndGet();
                    throw new IllegalStateException("again");
                }
            };
            worse.onSignal = signal -> {
                if (signal.attempt() == 1) {
                    throw new IllegalStateException("once");
                }
            };
            Participant participant = viewer(worse);
            participant.requestOffer(OfferReason.RELOAD);
            worse.awaitSignal(2);
            assertFalse(participant.state().isOver());
            assertEquals(1, told.get());
            assertEquals(1, uncaught.get());
            participant.close();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void aLogThatThrowsKeepsNothingOpen() throws Exception {
        Handler throwing = new Handler() {
            @Override
            public void publish(LogRecord record) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger("media.lens");
        logger.addHandler(throwing);
        logger.setUseParentHandlers(false);
        try {
            Host host = new Host();
            start(new EngineOptions());
            forget(host);
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (host.destroyed.get() == 0 && System.nanoTime() < end) {
                System.gc();
                Thread.sleep(20);
            }
            assertEquals(1, host.destroyed.get());
        } finally {
            logger.removeHandler(throwing);
            logger.setUseParentHandlers(true);
        }
    }

    private void forget(Host host) throws LensException {
        viewer(host);
    }

    @Test
    void nullIsRefusedAsNull() throws Exception {
        start(new EngineOptions());
        Participant participant = viewer(new Host());
        assertThrows(NullPointerException.class, () -> participant.receive(null));
        assertThrows(NullPointerException.class, () -> participant.sendChat(null));
        assertThrows(NullPointerException.class, () -> participant.sendCommand(null));
        assertThrows(NullPointerException.class, () -> participant.sendKeyMessage(null, "x"));
        assertThrows(
                NullPointerException.class,
                () -> participant.sendKeyMessage(Offers.SOMEBODY, null));
        assertThrows(NullPointerException.class, () -> participant.signalRefused(1, null));
        assertThrows(
                NullPointerException.class, () -> participant.pushFrame(Codec.VP8, null, 0, true));
        assertThrows(
                NullPointerException.class,
                () -> new EngineOptions().addresses("127.0.0.1", null));
        participant.leave(null);
    }

    @Test
    void buffersOfEveryDirectKindAreTaken() throws Exception {
        start(new EngineOptions());
        Host host = new Host();
        List<Byte> seen = new ArrayList<>();
        Participant camera = engine.createParticipant(
                new ParticipantOptions(Role.CAMERA).senderTransform((frame, data) -> {
                    seen.add(data.get(data.position()));
                    return true;
                }),
                host,
                host);
        ByteBuffer whole = ByteBuffer.allocateDirect(64);
        for (int at = 0; at < 64; at++) {
            whole.put(at, (byte) at);
        }
        whole.position(8).limit(40);
        ByteBuffer slice = whole.slice();
        slice.position(4);
        camera.pushFrame(Codec.VP8, whole, 0, true);
        camera.pushFrame(Codec.VP8, whole.asReadOnlyBuffer(), 1, true);
        camera.pushFrame(Codec.VP8, slice, 2, true);
        camera.pushFrame(Codec.VP8, slice.asReadOnlyBuffer(), 3, true);
        camera.pushFrame(Codec.VP8, whole.duplicate(), 4, true);
        assertEquals(List.of((byte) 8, (byte) 8, (byte) 12, (byte) 12, (byte) 8), seen);
    }
}
