package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A camera and a viewer, both Java, through the streaming server, signalled over the HTTP API. */
@Timeout(240)
class ConferenceTest {
    private static final String WAVE = "hello \ud83d\udc4b\ud83c\udffd";
    private static Server server;

    private LensEngine engine;
    private String conference;

    @BeforeAll
    static void startServer() throws Exception {
        server = new Server();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void start() throws Exception {
        engine = LensEngine.create();
        conference = "/v1/conferences/"
                + Offers.field(server.call("POST", "/v1/conferences", "{}"), "id");
    }

    @AfterEach
    void stop() {
        engine.close();
    }

    /** A host that is in the conference. */
    private final class Member extends Host {
        final Participant participant;
        final List<Long> numbers = new CopyOnWriteArrayList<>();
        final List<ByteBuffer> kept = new CopyOnWriteArrayList<>();
        volatile boolean keyframeWanted = true;
        volatile int bitrate;
        private volatile String path;

        Member(Role role) throws Exception {
            participant = engine.createParticipant(new ParticipantOptions(role), this, this);
            onSignal = this::carry;
            String body = "{\"role\":\"" + role.name().toLowerCase(java.util.Locale.ROOT)
                    + "\",\"display_name\":\"" + WAVE + "\"}";
            String offer = server.call("POST", conference + "/participants", body);
            path = conference + "/participants/" + Offers.field(offer, "participant");
            participant.receive(offer);
        }

        private void carry(Host.Signal signal) throws Exception {
            switch (signal.kind()) {
                case ANSWER:
                    server.call("PUT", path + "/answer", signal.json());
                    break;
                case OFFER_REQUEST:
                    participant.receive(server.call("POST", path + "/offer", "{}"));
                    break;
                case BYE:
                    server.call("DELETE", path, "");
                    break;
                default:
            }
            participant.signalSent(signal.id());
        }

        void connected() {
            awaitEvent("state CONNECTED");
        }

        @Override
        public void onFrame(Track track, EncodedFrame frame) {
            ByteBuffer data = frame.data();
            if (track.kind() != MediaKind.VIDEO || !data.isDirect() || !data.isReadOnly()) {
                errors.add(new AssertionError(track + " brings no direct, read-only picture"));
            }
            numbers.add(data.getLong(data.limit() - Long.BYTES));
            kept.add(data);
        }

        @Override
        public void onKeyframeRequest() {
            keyframeWanted = true;
        }

        @Override
        public void onBitrate(int targetBps, int maxFps) {
            bitrate = targetBps;
        }

        @Override
        public void onChat(Chat chat) {
            told("chat " + chat.from() + " " + chat.text());
        }

        @Override
        public void onCommand(CommandRequest request) {
            told("command " + request.id() + " " + request.command() + " "
                    + request.command().factor());
        }

        @Override
        public void onCommandReply(long id, CommandOutcome outcome) {
            told("reply " + id + " " + outcome);
        }

        @Override
        public void onAnnotation(String from, Annotation annotation) {
            told("drawn " + annotation + " " + annotation.color() + " " + annotation.text());
        }

        @Override
        public void onAnnotationClear(String from, Long id) {
            told("cleared " + id);
        }
    }

    /** Films numbered pictures on a thread of its own. */
    private static final class Filming implements AutoCloseable {
        private final Thread thread;
        private volatile boolean stop;

        Filming(Member camera) {
            thread = new Thread(() -> film(camera));
            thread.start();
        }

        private void film(Member camera) {
            for (long number = 1; !stop; number++) {
                try {
                    boolean keyframe = camera.keyframeWanted;
                    camera.keyframeWanted = false;
                    ByteBuffer picture = picture(number, keyframe);
                    camera.participant.pushFrame(Codec.VP8, picture, number * 33_000, keyframe);
                    Thread.sleep(33);
                } catch (Exception e) {
                    camera.errors.add(e);
                    return;
                }
            }
        }

        @Override
        public void close() throws InterruptedException {
            stop = true;
            thread.join();
        }
    }

    /** A VP8 frame of 640 × 480 that ends with its number, and lies amid its buffer. */
    private static ByteBuffer picture(long number, boolean keyframe) {
        ByteBuffer picture = ByteBuffer.allocateDirect(2_000);
        byte[] head = keyframe
                ? new byte[] {0x10, 2, 0, (byte) 0x9d, 1, 0x2a, (byte) 0x80, 2, (byte) 0xe0, 1}
                : new byte[] {0x11, 2, 0};
        picture.position(100);
        picture.put(head);
        picture.putLong(1_500 - Long.BYTES, number);
        picture.position(100).limit(1_500);
        return picture;
    }

    @Test
    void aCameraIsSeenByAViewerInOrder() throws Exception {
        Member camera = new Member(Role.CAMERA);
        camera.connected();
        Member viewer = new Member(Role.VIEWER);
        viewer.connected();
        try (Filming filming = new Filming(camera)) {
            Host.until("fifty pictures", () -> viewer.numbers.size() >= 50);
        }
        for (int at = 1; at < viewer.numbers.size(); at++) {
            assertTrue(viewer.numbers.get(at - 1) < viewer.numbers.get(at), "in order, none twice");
        }
        // Figures are a few hundred milliseconds old.
        Host.until("figures", () -> viewer.participant.stats().framesDelivered() >= 50);
        Host.until("the camera's", () -> camera.participant.stats().framesSent() >= 50);
        Stats stats = viewer.participant.stats();
        assertEquals(640, stats.width());
        assertEquals(480, stats.height());
        assertEquals(Codec.VP8, stats.codec());
        assertEquals(Transport.UDP, stats.transport());
        assertTrue(camera.bitrate > 0, "the encoder is guided");
        camera.assertUnharmed();
        viewer.assertUnharmed();
        engine.close();
        // A host that kept what it should not have reads old bytes, and nothing worse.
        viewer.kept.forEach(ByteBuffer::get);
    }

    @Test
    void chatCommandsAndDrawingsTravelBothWays() throws Exception {
        Member camera = new Member(Role.CAMERA);
        Member viewer = new Member(Role.VIEWER);
        camera.connected();
        viewer.connected();
        viewer.participant.sendChat(WAVE);
        camera.awaitEvent("chat " + viewer.participant.id() + " " + WAVE);
        camera.participant.sendChat("yes");
        viewer.awaitEvent("chat " + camera.participant.id() + " yes");

        long asked = viewer.participant.sendCommand(Command.zoom(2.5f));
        Host.until("asked", () -> camera.events.stream().anyMatch(it -> it.startsWith("command")));
        String request = camera.events.get(camera.events.size() - 1);
        assertTrue(request.endsWith("ZOOM 2.5"), request);
        long id = Long.parseLong(request.split(" ")[1]);
        camera.participant.replyCommand(id, CommandOutcome.REFUSED);
        viewer.awaitEvent("reply " + asked + " REFUSED");

        Annotation arrow = new Annotation(7, Annotation.Shape.ARROW, 0, 0.25f, 1, 0.5f)
                .withColor(0x00ff10)
                .withText(WAVE);
        viewer.participant.sendAnnotation(arrow);
        camera.awaitEvent("drawn ARROW 7 [0.0, 0.25, 1.0, 0.5] " + 0x00ff10 + " " + WAVE);
        viewer.participant.clearAnnotation(7);
        camera.awaitEvent("cleared 7");
        viewer.participant.clearAnnotations();
        camera.awaitEvent("cleared null");
        camera.assertUnharmed();
        viewer.assertUnharmed();
    }

    @Test
    void aNewGenerationReplacesTheConnectionAndNoPictureComesTwice() throws Exception {
        Member camera = new Member(Role.CAMERA);
        Member viewer = new Member(Role.VIEWER);
        camera.connected();
        viewer.connected();
        try (Filming filming = new Filming(camera)) {
            Host.until("pictures", () -> viewer.numbers.size() >= 10);
            viewer.participant.requestOffer(OfferReason.RESTART);
            Host.until("second generation", () -> viewer.participant.generation() == 2);
            int before = viewer.numbers.size();
            Host.until("pictures again", () -> viewer.numbers.size() >= before + 20);
        }
        for (int at = 1; at < viewer.numbers.size(); at++) {
            assertTrue(viewer.numbers.get(at - 1) < viewer.numbers.get(at), "in order, none twice");
        }
        assertEquals(State.CONNECTED, viewer.participant.state());
        camera.participant.leave("done");
        camera.awaitEvent("state CLOSED");
        viewer.assertUnharmed();
    }
}
