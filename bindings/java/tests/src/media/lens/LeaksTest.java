package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is left after close: nothing. */
@Timeout(300)
class LeaksTest {
    private static final int CYCLES = 1_000;

    /** Sockets, pipes and the like; the virtual machine opens files of its own when it likes. */
    private static Set<String> descriptors() {
        Set<String> found = new TreeSet<>();
        for (String name : new File("/proc/self/fd").list()) {
            try {
                String target = Files.readSymbolicLink(Path.of("/proc/self/fd", name)).toString();
                if (!target.startsWith("/")) {
                    found.add(name + " " + target);
                }
            } catch (IOException e) {
                // The one that lists them.
            }
        }
        return found;
    }

    private static long javaThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("lens-"))
                .count();
    }

    private static long nativeThreads() {
        long found = 0;
        for (String task : new File("/proc/self/task").list()) {
            try {
                String name = Files.readString(Path.of("/proc/self/task", task, "comm"));
                found += name.startsWith("lens-") ? 1 : 0;
            } catch (IOException e) {
                // It ended in between.
            }
        }
        return found;
    }

    private static void assertNothingIsLeft(Set<String> before) {
        assertEquals(0, Native.liveHandles());
        assertEquals(0, javaThreads());
        // A thread that was joined is gone from there a moment later.
        Host.until("native threads end", () -> nativeThreads() == 0);
        Set<String> left = descriptors();
        left.removeAll(before);
        assertEquals(Set.of(), left);
    }

    @Test
    void aThousandParticipantsLeaveNothing() throws Exception {
        Set<String> before = warmUp();
        try (LensEngine engine = LensEngine.create()) {
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                Host host = new Host();
                Participant participant = engine.createParticipant(
                        new ParticipantOptions(Role.VIEWER), host, host);
                participant.receive(cycle % 10 == 0 ? Offers.viewer(1) : Host.keyMessage("x"));
                participant.close();
                assertEquals(1, host.destroyed.get());
            }
            assertEquals(0, engine.liveParticipants());
            assertEquals(1, Native.liveHandles());
            assertEquals(2, javaThreads());
        }
        assertNothingIsLeft(before);
    }

    @Test
    void aThousandEnginesLeaveNothing() throws Exception {
        Set<String> before = warmUp();
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            Host host = new Host();
            try (LensEngine engine = LensEngine.create()) {
                engine.createParticipant(new ParticipantOptions(Role.CAMERA), host, host);
            }
            assertEquals(1, host.destroyed.get());
        }
        assertNothingIsLeft(before);
    }

    /** Loads what the virtual machine keeps, such as a socket of its own for files; what there is then. */
    private static Set<String> warmUp() throws LensException {
        Host host = new Host();
        try (LensEngine engine = LensEngine.create()) {
            engine.createParticipant(new ParticipantOptions(Role.VIEWER), host, host)
                    .receive(Offers.viewer(1));
            assertTrue(nativeThreads() > 0);
        }
        return descriptors();
    }

    @Test
    void hostsAreCollectedOnceTheirParticipantIsClosed() throws Exception {
        try (LensEngine engine = LensEngine.create()) {
            Participant kept = closed(engine);
            Host.until("collected", () -> {
                System.gc();
                return lastHost.get() == null;
            });
            assertEquals(State.CLOSED, kept.state());
        }
    }

    private WeakReference<Host> lastHost;

    private Participant closed(LensEngine engine) throws LensException {
        Host host = new Host();
        lastHost = new WeakReference<>(host);
        Participant participant =
                engine.createParticipant(new ParticipantOptions(Role.VIEWER), host, host);
        participant.receive(Host.keyMessage("x"));
        host.awaitEvent("key x");
        participant.close();
        return participant;
    }

    @Test
    void whatIsForgottenIsToldInTheLogAndClosed() throws Exception {
        List<String> logged = new CopyOnWriteArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                logged.add(String.valueOf(record.getParameters()[0]));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger("media.lens");
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try {
            Host host = new Host();
            forget(host);
            Host.until("all closed", () -> {
                System.gc();
                return Native.liveHandles() == 0;
            });
            assertEquals(1, host.destroyed.get());
            assertTrue(logged.contains("a Participant") || logged.contains("a LensEngine"));
            Host.until("threads end", () -> javaThreads() == 0);
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
    }

    private static void forget(Host host) throws LensException {
        LensEngine engine = LensEngine.create();
        engine.createParticipant(new ParticipantOptions(Role.VIEWER), host, host);
        engine.createParticipant(new ParticipantOptions(Role.VIEWER), new Host(), new Host());
    }
}
