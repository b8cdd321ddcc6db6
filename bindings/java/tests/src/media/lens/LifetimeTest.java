package media.lens;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Beginning and end of engines and participants. */
@Timeout(120)
class LifetimeTest {
    private LensEngine engine;
    private final Host host = new Host();
    /** Engines below the public classes. */
    private final List<EngineCore> cores = new ArrayList<>();

    @BeforeEach
    void start() throws LensException {
        engine = LensEngine.create();
    }

    @AfterEach
    void stop() {
        engine.close();
        cores.forEach(EngineCore::close);
        host.assertUnharmed();
        assertEquals(0, Native.liveHandles());
    }

    private Participant viewer(Host of) throws LensException {
        return engine.createParticipant(new ParticipantOptions(Role.VIEWER), of, of);
    }

    @Test
    void aParticipantIsNewUntilItsOfferAndClosedAtLast() throws Exception {
        Participant participant = viewer(host);
        assertEquals(State.NEW, participant.state());
        assertEquals(Role.VIEWER, participant.role());
        assertEquals(0, participant.generation());
        participant.receive(Offers.viewer(1));
        host.awaitEvent("state CONNECTING");
        assertEquals(SignalKind.ANSWER, host.awaitSignal(1).kind());
        assertEquals(Offers.VIEWER, participant.id());
        participant.close();
        assertEquals(State.CLOSED, participant.state());
        assertEquals(1, host.destroyed.get());
    }

    @Test
    void closingTwiceIsClosingOnce() throws Exception {
        Participant participant = viewer(host);
        participant.close();
        participant.close();
        engine.close();
        engine.close();
        assertEquals(1, host.destroyed.get());
        assertTrue(participant.isClosed() && engine.isClosed());
    }

    @Test
    void closingFromACallbackReturnsAtOnceAndIsTheLastCallback() throws Exception {
        Participant participant = viewer(host);
        CountDownLatch bothSent = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        host.onEvent = event -> {
            bothSent.await();
            participant.close();
            participant.close();
            assertEquals(0, host.destroyed.get());
            closed.countDown();
        };
        participant.receive(Host.keyMessage("one"));
        participant.receive(Host.keyMessage("two"));
        bothSent.countDown();
        assertTrue(closed.await(60, TimeUnit.SECONDS));
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(1, host.events.size());
    }

    @Test
    void closingFromTheNetworkIsClosingFromACallback() throws Exception {
        Participant participant = viewer(host);
        host.onSignal = signal -> participant.close();
        participant.requestOffer(OfferReason.RELOAD);
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(1, host.signals.size());
    }

    @Test
    void closingFromOnDestroyedIsHarmless() throws Exception {
        AtomicReference<Participant> closing = new AtomicReference<>();
        Host careful = new Host() {
            @Override
            public void onDestroyed() {
                closing.get().close();
                super.onDestroyed();
            }
        };
        closing.set(viewer(careful));
        closing.get().close();
        assertEquals(1, careful.destroyed.get());
    }

    @Test
    void closingFromElsewhereWaitsForTheLastCallback() throws Exception {
        Participant participant = viewer(host);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        host.onEvent = event -> {
            entered.countDown();
            goOn.await();
        };
        participant.receive(Host.keyMessage("held"));
        entered.await();
        Thread first = new Thread(participant::close);
        Thread second = new Thread(participant::close);
        first.start();
        second.start();
        Host.until("both wait", () -> waits(first) && waits(second));
        assertEquals(0, host.destroyed.get());
        goOn.countDown();
        first.join();
        second.join();
        assertEquals(1, host.destroyed.get());
    }

    /** In native code, or for whoever is there. */
    private static boolean waits(Thread thread) {
        StackTraceElement[] stack = thread.getStackTrace();
        boolean inNative = stack.length > 0 && stack[0].getMethodName().equals("participantClose");
        return inNative || thread.getState() == Thread.State.WAITING;
    }

    @Test
    void nothingIsCalledAfterClose() throws Exception {
        for (int round = 0; round < 50; round++) {
            Host busy = new Host();
            Participant participant = viewer(busy);
            for (int message = 0; message < 20; message++) {
                participant.receive(Host.keyMessage("m" + message));
            }
            participant.close();
            int calls = busy.calls.get();
            assertEquals(1, busy.destroyed.get());
            Thread.yield();
            assertEquals(calls, busy.calls.get());
            busy.assertUnharmed();
        }
    }

    @Test
    void closingWhileItConnects() throws Exception {
        Participant participant = viewer(host);
        participant.receive(Offers.viewer(1));
        participant.close();
        assertEquals(State.CLOSED, participant.state());
        assertEquals(1, host.destroyed.get());
    }

    @Test
    void afterCloseCallsAreRefusedAndReportsAreNot() throws Exception {
        Participant participant = viewer(host);
        participant.close();
        assertThrows(IllegalStateException.class, participant::id);
        assertThrows(IllegalStateException.class, participant::stats);
        assertThrows(IllegalStateException.class, () -> participant.receive(Host.bye("late")));
        assertThrows(IllegalStateException.class, () -> participant.sendChat("late"));
        assertThrows(IllegalStateException.class, () -> participant.leave(null));
        ByteBuffer frame = ByteBuffer.allocateDirect(8);
        assertThrows(
                IllegalStateException.class,
                () -> participant.pushFrame(Codec.VP8, frame, 0, true));
        assertDoesNotThrow(() -> participant.signalSent(1));
        assertDoesNotThrow(() -> participant.signalFailed(1, true));
        engine.close();
        assertThrows(IllegalStateException.class, () -> viewer(new Host()));
        assertThrows(IllegalStateException.class, engine::networkChanged);
    }

    @Test
    void aStaleHandleIsRefusedByNameAndNeverAnotherObject() throws Exception {
        long first = create(new Host());
        assertEquals(State.CLOSED, Packed.state(Native.participantClose(first)));
        long second = create(new Host());
        assertNotEquals(first, second);
        IllegalStateException stale =
                assertThrows(IllegalStateException.class, () -> Native.state(first));
        assertEquals("the participant is closed", stale.getMessage());
        assertEquals(-1, Native.participantClose(first));
        IllegalStateException foreign =
                assertThrows(IllegalStateException.class, () -> Native.engineLive(second));
        assertEquals("the engine is closed", foreign.getMessage());
        Native.participantClose(second);
    }

    /** A participant that Java keeps no object of. */
    private long create(Host of) throws LensException {
        EngineCore core = new EngineCore(new EngineOptions());
        Bridge bridge = new Bridge(of, of, new Transforms(null, null), null, new Closing());
        long handle = new ParticipantOptions(Role.VIEWER).create(core.handle(), bridge);
        cores.add(core);
        return handle;
    }

    @Test
    void theServersGoodbyeEndsItAndCloseIsStillDue() throws Exception {
        Participant participant = viewer(host);
        participant.receive(Host.bye("closed"));
        host.awaitEvent("state CLOSED");
        Host.until("destroyed", () -> host.destroyed.get() == 1);
        assertEquals(State.CLOSED, participant.state());
        assertFalse(participant.isClosed());
        assertThrows(IllegalStateException.class, () -> participant.sendChat("late"));
        participant.close();
        assertEquals(1, host.destroyed.get());
    }

    @Test
    void leavingSaysGoodbyeThroughTheNetwork() throws Exception {
        Participant participant = viewer(host);
        host.onSignal = signal -> participant.signalSent(signal.id());
        participant.leave("done \uD83D\uDC4B");
        host.awaitEvent("state CLOSED");
        Host.Signal bye = host.awaitSignal(1);
        assertEquals(SignalKind.BYE, bye.kind());
        assertTrue(bye.json().contains("done \uD83D\uDC4B"), bye.json());
    }

    @Test
    void closingTheEngineClosesItsParticipantsAlsoFromACallback() throws Exception {
        Participant one = viewer(host);
        Host other = new Host();
        Participant two = viewer(other);
        CountDownLatch closed = new CountDownLatch(1);
        host.onEvent = event -> {
            engine.close();
            closed.countDown();
        };
        one.receive(Host.keyMessage("close"));
        assertTrue(closed.await(60, TimeUnit.SECONDS));
        Host.until("both destroyed", () -> host.destroyed.get() + other.destroyed.get() == 2);
        assertEquals(State.CLOSED, one.state());
        assertEquals(State.CLOSED, two.state());
    }

    @Test
    void twoCallbacksThatCloseTheEngineDoNotWaitForEachOther() throws Exception {
        Participant one = viewer(host);
        Host other = new Host();
        Participant two = viewer(other);
        CountDownLatch both = new CountDownLatch(2);
        CountDownLatch closed = new CountDownLatch(2);
        Host.Reaction<String> closing = event -> {
            both.countDown();
            both.await();
            engine.close();
            closed.countDown();
        };
        host.onEvent = closing;
        other.onEvent = closing;
        one.receive(Host.keyMessage("close"));
        two.receive(Host.keyMessage("close"));
        assertTrue(closed.await(20, TimeUnit.SECONDS));
        Host.until("both destroyed", () -> host.destroyed.get() + other.destroyed.get() == 2);
        // From elsewhere it still waits for the end of both.
        engine.close();
        other.assertUnharmed();
    }

    @Test
    void callbacksThatCloseEachOthersParticipantsDoNotWaitForEachOther() throws Exception {
        Participant one = viewer(host);
        Host other = new Host();
        Participant two = viewer(other);
        CountDownLatch both = new CountDownLatch(2);
        CountDownLatch closed = new CountDownLatch(2);
        host.onEvent = event -> closeWithOther(two, both, closed);
        other.onEvent = event -> closeWithOther(one, both, closed);
        one.receive(Host.keyMessage("close"));
        two.receive(Host.keyMessage("close"));
        assertTrue(closed.await(20, TimeUnit.SECONDS));
        Host.until("both destroyed", () -> host.destroyed.get() + other.destroyed.get() == 2);
        other.assertUnharmed();
    }

    private static void closeWithOther(
            Participant theirs, CountDownLatch both, CountDownLatch closed) throws Exception {
        both.countDown();
        both.await();
        theirs.close();
        closed.countDown();
    }

    @Test
    void anEngineWhoseParticipantCouldNotBeMadeClosesAtOnce() throws Exception {
        ParticipantOptions impossible = new ParticipantOptions(Role.VIEWER).maxFps(-1);
        for (int round = 0; round < 200; round++) {
            LensEngine brief = LensEngine.create();
            Thread closer = new Thread(brief::close);
            closer.start();
            assertThrows(
                    RuntimeException.class, () -> brief.createParticipant(impossible, host, host));
            closer.join(20_000);
            assertFalse(closer.isAlive(), "closing hangs");
        }
    }

    @Test
    void aPanicInNativeCodeIsAnExceptionWithACode() {
        LensException thrown = assertThrows(LensException.class, () -> {
            TestHooks.panic();
        });
        assertEquals(Code.INTERNAL, thrown.code());
        assertTrue(thrown.getMessage().endsWith("on request"), thrown.getMessage());
    }
}
