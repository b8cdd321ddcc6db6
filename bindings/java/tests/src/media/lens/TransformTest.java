package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A sender's frame transform: sees each frame, may change its length, and harms only its own. */
@Timeout(120)
class TransformTest {
    private LensEngine engine;
    private final Host host = new Host();
    private final Host neighbour = new Host();
    private final List<Integer> lengths = new ArrayList<>();

    @BeforeEach
    void start() throws LensException {
        engine = LensEngine.create();
    }

    @AfterEach
    void stop() {
        engine.close();
        neighbour.assertUnharmed();
        assertEquals(0, Native.liveHandles());
    }

    private Participant camera(Host of, FrameTransform transform) throws LensException {
        ParticipantOptions options = new ParticipantOptions(Role.CAMERA).senderTransform(transform);
        return engine.createParticipant(options, of, of);
    }

    private static void push(Participant camera, int length) throws LensException {
        ByteBuffer frame = ByteBuffer.allocateDirect(length);
        camera.pushFrame(Codec.VP8, frame, 1_000L + length, true);
    }

    @Test
    void itSeesEachFrameAndMayChangeItsLength() throws Exception {
        Participant camera = camera(host, (frame, data) -> {
            assertTrue(data.isDirect() && frame.isKeyframe() && frame.codec() == Codec.VP8);
            assertEquals(1_000L + data.remaining(), frame.ptsUs());
            assertTrue(data.capacity() >= data.limit() + FrameTransform.ROOM);
            lengths.add(data.remaining());
            data.position(1);
            data.limit(data.limit() + FrameTransform.ROOM);
            while (data.hasRemaining()) {
                data.put((byte) 1);
            }
            data.position(lengths.size() == 3 ? data.limit() : 1);
            return lengths.size() != 2;
        });
        for (int length : new int[] {10, 20, 30, 40_000, 50}) {
            push(camera, length);
        }
        assertEquals(List.of(10, 20, 30, 40_000, 50), lengths);
        camera.close();
        assertEquals(1, host.destroyed.get());
        assertThrows(IllegalStateException.class, () -> push(camera, 60));
        assertEquals(5, lengths.size());
    }

    @Test
    void oneThatThrowsEndsItsParticipantAndNoOther() throws Exception {
        IOException noKey = new IOException("no key");
        Participant broken = camera(host, (frame, data) -> {
            throw noKey;
        });
        Participant sound = camera(neighbour, (frame, data) -> lengths.add(data.remaining()));
        LensException thrown = assertThrows(LensException.class, () -> push(broken, 10));
        assertEquals(Code.HOST_PANICKED, thrown.code());
        assertSame(noKey, thrown.getCause().getCause());
        Host.until("failed", () -> broken.state() == State.FAILED);
        assertEquals(Code.HOST_PANICKED, broken.failure());
        push(sound, 20);
        assertEquals(List.of(20), lengths);
        broken.close();
        assertEquals(1, host.destroyed.get());
    }

    @Test
    void itMayCloseButNotPush() throws Exception {
        Participant[] own = new Participant[1];
        List<Code> codes = new ArrayList<>();
        own[0] = camera(host, (frame, data) -> {
            try {
                push(own[0], 5);
            } catch (LensException e) {
                codes.add(e.code());
            }
            own[0].close();
            return true;
        });
        try {
            push(own[0], 10);
        } catch (IllegalStateException | LensException closed) {
            // It was, in between.
        }
        assertEquals(List.of(Code.INVALID_STATE), codes);
        Host.until("destroyed", () -> host.destroyed.get() == 1);
    }

    @Test
    void closingWaitsForAFrameThatIsInIt() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Participant camera = camera(host, (frame, data) -> {
            inside.countDown();
            return goOn.await(60, TimeUnit.SECONDS);
        });
        Thread pushing = new Thread(() -> {
            try {
                push(camera, 10);
            } catch (IllegalStateException | LensException closed) {
                // It was, in between.
            }
        });
        pushing.start();
        inside.await();
        Thread closing = new Thread(camera::close);
        closing.start();
        Host.until("closed", () -> camera.state() == State.CLOSED);
        assertEquals(0, host.destroyed.get());
        goOn.countDown();
        pushing.join();
        closing.join();
        assertEquals(1, host.destroyed.get());
    }
}
