package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Signals and frames that are odd, late, twice or wrong; texts of every kind. */
@Timeout(120)
class SignalsTest {
    private static final String TEXT = "na\u00efve \u65e5\u672c\u8a9e \ud83d\udc4b\ud83c\udffd \ud83e\uddd1\u200d\ud83d\udd27";

    private LensEngine engine;
    private Participant participant;
    private final Host host = new Host();

    @BeforeEach
    void start() throws LensException {
        engine = LensEngine.create();
        participant = engine.createParticipant(new ParticipantOptions(Role.CAMERA), host, host);
    }

    @AfterEach
    void stop() {
        engine.close();
        host.assertUnharmed();
    }

    @Test
    void textsCrossBothWaysWhole() throws Exception {
        participant.receive(Host.keyMessage(TEXT));
        host.awaitEvent("key " + TEXT);
        participant.sendKeyMessage(Offers.SOMEBODY, TEXT);
        Host.Signal sent = host.awaitSignal(1);
        assertEquals(SignalKind.KEY_MESSAGE, sent.kind());
        assertEquals(TEXT, Offers.field(sent.json(), "payload"));
        assertEquals(Offers.SOMEBODY, Offers.field(sent.json(), "to"));
    }

    @Test
    void textsThatAreNoUnicodeArriveWithReplacements() throws Exception {
        participant.sendKeyMessage(Offers.SOMEBODY, "a\ud83db\ude00c");
        Host.Signal sent = host.awaitSignal(1);
        assertEquals("a\ufffdb\ufffdc", Offers.field(sent.json(), "payload"));
        participant.sendChat("\ud83d");
        participant.sendChat("\u0000");
        participant.leave("\ude00");
        assertTrue(host.awaitSignal(2).json().contains("\ufffd"));
    }

    @Test
    void unknownKindsAreIgnoredAndCounted() throws Exception {
        participant.receive("{\"kind\":\"telepathy\",\"strength\":9}");
        Host.until("counted", () -> participant.stats().ignored() == 1);
        assertEquals(State.NEW, participant.state());
        assertEquals(0, host.calls.get());
    }

    @Test
    void aSignalThatCannotBeReadIsRefusedAndHarmsNothing() throws Exception {
        for (String bad : new String[] {"", "[]", "{\"kind\":\"offer\"}", "\u0000", "{\"kind\":"}) {
            LensException refused =
                    assertThrows(LensException.class, () -> participant.receive(bad), bad);
            assertEquals(Code.INVALID_ARGUMENT, refused.code());
        }
        assertThrows(NullPointerException.class, () -> participant.receive(null));
        assertEquals(State.NEW, participant.state());
    }

    @Test
    void duplicateAndLateSignalsAreHarmless() throws Exception {
        participant.receive(Offers.camera(2));
        host.awaitEvent("state CONNECTING");
        Host.Signal answer = host.awaitSignal(1);
        participant.receive(Offers.camera(2));
        participant.receive(Offers.camera(1));
        participant.signalSent(answer.id());
        participant.signalSent(answer.id());
        participant.signalFailed(answer.id(), true);
        participant.signalSent(4_711);
        Host.until("counted", () -> participant.stats().staleSignals() >= 1);
        assertEquals(2, participant.generation());
        assertEquals(State.CONNECTING, participant.state());
    }

    @Test
    void aNewGenerationIsAnsweredAnew() throws Exception {
        participant.receive(Offers.camera(1));
        assertTrue(host.awaitSignal(1).json().contains("\"generation\":1"));
        participant.signalSent(host.signals.get(0).id());
        participant.receive(Offers.camera(2));
        Host.until("second answer", () -> host.signals.stream()
                .anyMatch(signal -> signal.json().contains("\"generation\":2")));
    }

    @Test
    void aCommandBySignallingIsAnsweredBySignalling() throws Exception {
        participant.receive("{\"kind\":\"command\",\"id\":\"" + Offers.SOMEBODY
                + "\",\"command\":\"torch\",\"arguments\":{\"on\":true}}");
        Host.until("asked", () -> !host.events.isEmpty());
        long id = Long.parseLong(host.events.get(0).split(" ")[1]);
        participant.replyCommand(id, CommandOutcome.REFUSED);
        Host.Signal reply = host.awaitSignal(1);
        assertEquals(SignalKind.COMMAND_REPLY, reply.kind());
        assertEquals("refused", Offers.field(reply.json(), "outcome"));
    }

    @Test
    void aRosterIsReadWithItsSlots() throws Exception {
        participant.receive("{\"kind\":\"roster\",\"conference\":\"" + Offers.SOMEBODY + "\",\"you\":\"" + Offers.SOMEBODY
                + "\",\"participants\":[{\"participant\":\"" + Offers.VIEWER
                + "\",\"role\":\"viewer\",\"display_name\":\"" + TEXT
                + "\",\"slots\":[{\"mid\":\"a1\",\"kind\":\"audio_down\"},"
                + "{\"mid\":\"s2\",\"kind\":\"screen_down\"}]}]}");
        host.awaitEvent("roster 1");
        Host.until("kept", () -> participant.participants().size() == 1);
        RosterEntry entry = participant.participants().get(0);
        assertEquals(Offers.VIEWER, entry.participant());
        assertEquals(Role.VIEWER, entry.role());
        assertEquals(TEXT, entry.displayName());
        assertEquals(2, entry.slots().size());
        assertEquals("a1", entry.slots().get(0).mid());
        assertEquals("audio", entry.slots().get(0).carries());
        assertEquals("screen", entry.slots().get(1).carries());
    }

    @Test
    void aHeapBufferIsRefusedWithASentence() {
        ByteBuffer heap = ByteBuffer.allocate(16);
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class,
                () -> participant.pushFrame(Codec.VP8, heap, 0, true));
        assertTrue(refused.getMessage().contains("allocateDirect"), refused.getMessage());
        // Native code does not rely on Java's check.
        long handle = handleOf(participant);
        refused = assertThrows(
                IllegalArgumentException.class,
                () -> Native.pushFrame(handle, 0, heap, 0, 16, 0, true, 0));
        assertTrue(refused.getMessage().contains("direct ByteBuffer"), refused.getMessage());
        ByteBuffer direct = ByteBuffer.allocateDirect(16);
        assertThrows(
                IllegalArgumentException.class,
                () -> Native.pushFrame(handle, 0, direct, 8, 9, 0, true, 0));
    }

    private static long handleOf(Participant participant) {
        try {
            java.lang.reflect.Field bridge = Participant.class.getDeclaredField("bridge");
            bridge.setAccessible(true);
            return ((Bridge) bridge.get(participant)).closing().handle();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aFrameIsCopiedAndItsBufferLeftAsItWas() throws Exception {
        ByteBuffer data = ByteBuffer.allocateDirect(100);
        data.position(10).limit(60);
        participant.pushFrame(Codec.VP8, data, 0, true, 90);
        assertEquals(10, data.position());
        assertEquals(60, data.limit());
        data.position(60);
        assertThrows(
                IllegalArgumentException.class,
                () -> participant.pushFrame(Codec.VP8, data, 1, true));
        Host.until("counted", () -> participant.stats().framesDroppedSending() == 1);
        data.position(20).limit(60);
        participant.pushFrame(Codec.VP8, data.slice().asReadOnlyBuffer(), 2, true);
        Host.until("counted", () -> participant.stats().framesDroppedSending() == 2);
    }

    @Test
    void misuseIsRefusedUnchecked() {
        ByteBuffer data = ByteBuffer.allocateDirect(8);
        assertThrows(
                IllegalArgumentException.class,
                () -> participant.pushFrame(Codec.VP8, data, 0, true, 45));
        assertThrows(
                IllegalArgumentException.class,
                () -> participant.pushFrame(Codec.VP8, data, -1, true));
        assertThrows(IllegalArgumentException.class, () -> participant.sendChat(""));
        assertThrows(IllegalArgumentException.class, () -> participant.sendCommand(Command.zoom(0)));
        assertThrows(
                IllegalArgumentException.class,
                () -> participant.sendAnnotation(
                        new Annotation(1, Annotation.Shape.ARROW, 0, 0, 1.5f, 1)));
        assertThrows(
                IllegalArgumentException.class,
                () -> participant.sendAnnotation(new Annotation(1, Annotation.Shape.ARROW, 0.5f)));
        assertThrows(
                IllegalArgumentException.class, () -> participant.sendKeyMessage("nobody", "x"));
        assertThrows(
                IllegalArgumentException.class, () -> participant.signalRefused(1, Code.CLOSED));
        assertThrows(
                IllegalArgumentException.class,
                () -> engine.createParticipant(
                        new ParticipantOptions(Role.VIEWER).maxFps(0), host, host));
        assertThrows(
                IllegalArgumentException.class,
                () -> LensEngine.create(new EngineOptions().addresses("localhost")));
    }

    @Test
    void messagesWaitInABoundedQueueAndAreNeverDropped() throws Exception {
        Host quiet = new Host();
        Participant small = engine.createParticipant(
                new ParticipantOptions(Role.VIEWER).messageQueue(2), quiet, quiet);
        small.sendChat("one \ud83d\ude00");
        small.sendAnnotation(new Annotation(1, Annotation.Shape.STROKE, 0, 0, 1, 1)
                .withColor(0xff0010)
                .withWidth(0.01f)
                .withText(TEXT));
        LensException full = assertThrows(LensException.class, () -> small.sendChat("three"));
        assertEquals(Code.WOULD_BLOCK, full.code());
        assertEquals(5, full.status());
    }
}
