package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Hosts that throw, are slow, or have their own thread: they harm themselves only. */
@Timeout(120)
class HostTest {
    private LensEngine engine;
    private final Host host = new Host();
    private final Host neighbour = new Host();

    private void start(EngineOptions options) throws LensException {
        engine = LensEngine.create(options);
    }

    private Participant viewer(Host of) throws LensException {
        return engine.createParticipant(new ParticipantOptions(Role.VIEWER), of, of);
    }

    @AfterEach
    void stop() {
        engine.close();
        neighbour.assertUnharmed();
        assertEquals(0, Native.liveHandles());
    }

    @Test
    void anObserverThatThrowsEndsItsParticipantAndNoOther() throws Exception {
        start(new EngineOptions());
        Participant broken = viewer(host);
        Participant sound = viewer(neighbour);
        host.onEvent = event -> {
            throw new IllegalStateException("on purpose");
        };
        broken.receive(Host.keyMessage("one"));
        Host.until("failed", () -> broken.state() == State.FAILED);
        assertEquals(Code.HOST_PANICKED, broken.failure());
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(1, host.errors.size());
        assertEquals("on purpose", host.errors.get(0).getMessage());
        sound.receive(Host.keyMessage("still here"));
        neighbour.awaitEvent("key still here");
        broken.close();
        assertEquals(State.FAILED, broken.state());
        assertEquals(Code.HOST_PANICKED, broken.failure());
        assertEquals(1, host.destroyed.get());
    }

    @Test
    void whatOnHostErrorThrowsGoesToTheThreadsHandler() throws Exception {
        start(new EngineOptions());
        AtomicReference<Throwable> uncaught = new AtomicReference<>();
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> uncaught.set(thrown));
        try {
            Host worse = new Host() {
                @Override
                public void onHostError(Throwable thrown) {
                    throw new IllegalStateException("again");
                }
            };
            worse.onEvent = event -> {
                throw new IllegalStateException("once");
            };
            Participant broken = viewer(worse);
            broken.receive(Host.keyMessage("one"));
            Host.until("failed", () -> broken.state() == State.FAILED);
            Host.until("told", () -> uncaught.get() != null);
            assertEquals("again", uncaught.get().getMessage());
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void aNetworkThatThrowsIsTriedAgain() throws Exception {
        start(new EngineOptions());
        Participant participant = viewer(host);
        host.onSignal = signal -> {
            if (signal.attempt() == 1) {
                throw new IOException("no network");
            }
            participant.signalSent(signal.id());
        };
        participant.requestOffer(OfferReason.RESTART);
        Host.Signal first = host.awaitSignal(1);
        Host.Signal second = host.awaitSignal(2);
        assertEquals(SignalKind.OFFER_REQUEST, first.kind());
        assertEquals(first.id(), second.id());
        assertEquals(2, second.attempt());
        assertFalse(participant.state().isOver());
        host.assertUnharmed();
    }

    @Test
    void whatOnHostErrorThrowsOfTheNetworkDoesNotEndTheParticipant() throws Exception {
        start(new EngineOptions());
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        // One that throws as well: nothing of it may reach native code.
        Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> {
            throw new IllegalStateException("the handler, too");
        });
        try {
            Host worse = new Host() {
                @Override
                public void onHostError(Throwable thrown) {
                    throw new IllegalStateException("again");
                }
            };
            Participant participant = viewer(worse);
            worse.onSignal = signal -> {
                if (signal.attempt() == 1) {
                    throw new IllegalStateException("once");
                }
                participant.signalSent(signal.id());
            };
            participant.requestOffer(OfferReason.RESTART);
            assertEquals(2, worse.awaitSignal(2).attempt());
            assertFalse(participant.state().isOver());
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
    }

    @Test
    void anErrorOfTheNetworksEndsItsParticipant() throws Exception {
        start(new EngineOptions());
        Participant participant = viewer(host);
        host.onSignal = signal -> {
            throw new LinkageError("on purpose");
        };
        participant.requestOffer(OfferReason.RESTART);
        Host.until("failed", () -> participant.failure() == Code.HOST_PANICKED);
        assertEquals("on purpose", host.errors.get(0).getMessage());
    }

    @Test
    void aSlowHostHoldsUpNoOther() throws Exception {
        start(new EngineOptions());
        CountDownLatch goOn = new CountDownLatch(1);
        host.onEvent = event -> goOn.await();
        Participant slow = viewer(host);
        Participant quick = viewer(neighbour);
        slow.receive(Host.keyMessage("wait"));
        Host.until("slow", () -> host.calls.get() == 1);
        for (int message = 0; message < 100; message++) {
            quick.receive(Host.keyMessage("m" + message));
        }
        neighbour.awaitEvent("key m99");
        assertEquals(100, neighbour.events.size());
        assertEquals(1, host.calls.get());
        goOn.countDown();
    }

    @Test
    void aHostThatStopsTakingMessagesEndsAndIsToldWhy() throws Exception {
        start(new EngineOptions());
        CountDownLatch goOn = new CountDownLatch(1);
        host.onEvent = event -> goOn.await();
        Participant slow = viewer(host);
        for (int message = 0; message < 6_000 && !slow.state().isOver(); message++) {
            try {
                slow.receive(Host.keyMessage("m" + message));
            } catch (IllegalStateException e) {
                break;
            }
        }
        Host.until("failed", () -> slow.failure() == Code.HOST_TOO_SLOW);
        goOn.countDown();
    }

    @Test
    void callbacksRunOnDaemonsOfJavas() throws Exception {
        start(new EngineOptions());
        Participant participant = viewer(host);
        participant.receive(Host.keyMessage("here"));
        host.awaitEvent("key here");
        assertEquals("lens-callback", host.callbackThread.getName());
        assertTrue(host.callbackThread.isDaemon());
        assertSame(
                Thread.currentThread().getContextClassLoader(),
                host.callbackThread.getContextClassLoader());
        participant.close();
    }

    @Test
    void callbacksRunInOrderOnTheHostsExecutor() throws Exception {
        ExecutorService main = Executors.newSingleThreadExecutor();
        start(new EngineOptions().callbackExecutor(main));
        Thread mainThread = main.submit(Thread::currentThread).get();
        Participant participant = viewer(host);
        for (int message = 0; message < 50; message++) {
            participant.receive(Host.keyMessage("m" + message));
        }
        host.awaitEvent("key m49");
        assertSame(mainThread, host.callbackThread);
        for (int message = 0; message < 50; message++) {
            assertEquals("key m" + message, host.events.get(message));
        }
        participant.requestOffer(OfferReason.RELOAD);
        host.awaitSignal(1);
        assertNotSame(mainThread, host.callbackThread);
        main.shutdown();
    }

    @Test
    void closingOnTheExecutorsOnlyThreadDoesNotHang() throws Exception {
        ThreadPoolExecutor main = (ThreadPoolExecutor) Executors.newFixedThreadPool(1);
        start(new EngineOptions().callbackExecutor(main));
        Participant participant = viewer(host);
        CountDownLatch busy = new CountDownLatch(1);
        // Its callback waits for the thread that closes it.
        main.execute(() -> {
            try {
                busy.await();
                participant.close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        participant.receive(Host.keyMessage("never told"));
        Host.until("it waits for the thread", () -> main.getQueue().size() == 1);
        busy.countDown();
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(0, host.calls.get());
        main.shutdown();
        assertTrue(main.awaitTermination(60, TimeUnit.SECONDS));
    }

    @Test
    void closingFromACallbackOnTheExecutorIsTheLastCallback() throws Exception {
        ExecutorService main = Executors.newSingleThreadExecutor();
        start(new EngineOptions().callbackExecutor(main));
        Participant participant = viewer(host);
        CountDownLatch bothSent = new CountDownLatch(1);
        host.onEvent = event -> {
            bothSent.await();
            participant.close();
            assertEquals(0, host.destroyed.get());
        };
        participant.receive(Host.keyMessage("one"));
        participant.receive(Host.keyMessage("two"));
        bothSent.countDown();
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(List.of("key one"), host.events);
        host.assertUnharmed();
        main.shutdown();
    }

    @Test
    void closingTheEngineFromACallbackOnTheExecutorDoesNotHang() throws Exception {
        ExecutorService main = Executors.newSingleThreadExecutor();
        start(new EngineOptions().callbackExecutor(main));
        Participant participant = viewer(host);
        Participant other = viewer(neighbour);
        host.onEvent = event -> engine.close();
        participant.receive(Host.keyMessage("one"));
        Host.until("both", () -> host.destroyed.get() + neighbour.destroyed.get() == 2);
        assertEquals(State.CLOSED, other.state());
        host.assertUnharmed();
        main.shutdown();
    }

    @Test
    void anExecutorThatRefusesEndsTheParticipant() throws Exception {
        ExecutorService main = Executors.newSingleThreadExecutor();
        start(new EngineOptions().callbackExecutor(main));
        main.shutdown();
        Participant participant = viewer(host);
        participant.receive(Host.keyMessage("one"));
        Host.until("failed", () -> participant.failure() == Code.HOST_PANICKED);
        assertEquals(1, host.errors.size());
    }
}
