import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import media.lens.Annotation;
import media.lens.Command;
import media.lens.Facing;
import media.lens.LensEngine;
import media.lens.LensException;
import media.lens.Participant;
import media.lens.ParticipantObserver;
import media.lens.ParticipantOptions;
import media.lens.Role;
import media.lens.SignalKind;
import media.lens.Stats;
import media.lens.TestHooks;

/**
 * The Java face in the conformance suite: a participant that is told what to do by lines of JSON. The
 * words stand in tests/conformance/README.md.
 */
final class Testee {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final LensEngine engine;
    private Part part;

    private Testee(LensEngine engine) {
        this.engine = engine;
    }

    public static void main(String[] arguments) throws IOException, LensException {
        try (LensEngine engine = LensEngine.create()) {
            Testee testee = new Testee(engine);
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                testee.answer(Json.object(line));
            }
            testee.finish();
        }
    }

    /** One line to the runner, from any thread. */
    static void say(String line) {
        synchronized (OUT) {
            OUT.println(line);
        }
    }

    /** Signalling: the runner carries it. */
    static void carry(long id, int attempt, SignalKind kind, String json) {
        say("{\"event\":\"signal\",\"signal_id\":" + id + ",\"signal\":" + json + "}");
    }

    private void answer(Map<String, Object> call) {
        String id = "{\"id\":" + number(call, "id").longValue();
        try {
            say(id + ",\"ok\":" + act((String) call.get("do"), call) + "}");
        } catch (LensException refused) {
            refuse(id, refused.code().word(), refused);
        } catch (IllegalStateException closed) {
            refuse(id, "closed", closed);
        } catch (IllegalArgumentException wrong) {
            refuse(id, "invalid_argument", wrong);
        } catch (IOException | UnsupportedOperationException error) {
            refuse(id, "unsupported", error);
        }
    }

    private static void refuse(String id, String code, Exception why) {
        String detail = String.valueOf(why.getMessage());
        say(id + ",\"error\":\"" + code + "\",\"detail\":" + Json.quoted(detail) + "}");
    }

    private String act(String verb, Map<String, Object> call) throws LensException, IOException {
        switch (verb) {
            case "begin":
                part = new Part(engine, call);
                return "{}";
            case "finish":
                finish();
                return "{}";
            case "cycle":
                return cycle(number(call, "times").intValue());
            case "frames":
                return part.frames();
            case "transformed":
                return part.transformed();
            case "greet":
                part.greet((String) call.get("text"));
                return "{}";
            case "host":
                long ms = number(call, "ms").longValue();
                long times = call.containsKey("times") ? number(call, "times").longValue() : -1;
                part.behave((String) call.get("on"), (String) call.get("does"), ms, times);
                return "{}";
            case "ended":
                return part.ended();
            case "close_elsewhere":
                return part.closeElsewhere(number(call, "threads").intValue());
            case "stats":
                return stats(part.participant);
            case "stale":
                return stale(part.participant);
            case "panic":
                TestHooks.panicInside(part.participant);
                return "{}";
            case "publish":
            case "unpublish":
                part.publish("publish".equals(verb));
                return "{}";
            default:
                return tell(part.participant, verb, call);
        }
    }

    private String tell(Participant participant, String verb, Map<String, Object> call)
            throws LensException {
        long signal = call.containsKey("signal_id") ? number(call, "signal_id").longValue() : 0;
        switch (verb) {
            case "receive":
                receive(participant, (String) call.get("signal~"));
                break;
            case "sent":
                participant.signalSent(signal);
                break;
            case "failed":
                participant.signalFailed(signal, Boolean.TRUE.equals(call.get("retryable")));
                break;
            case "chat":
                return "{\"id\":" + participant.sendChat((String) call.get("text")) + "}";
            case "command":
                return "{\"id\":" + participant.sendCommand(command(object(call, "command"))) + "}";
            case "annotate":
                participant.sendAnnotation(annotation(object(call, "annotation")));
                break;
            case "clear":
                participant.clearAnnotation(number(call, "annotation").longValue());
                break;
            case "close":
                participant.close();
                break;
            case "network_changed":
                participant.networkChanged();
                break;
            case "state":
                boolean closed = participant.isClosed();
                return "{\"state\":\"" + Part.word(participant.state()) + "\",\"generation\":"
                        + (closed ? 0 : participant.generation()) + ",\"id\":\""
                        + (closed ? "" : participant.id()) + "\"}";
            default:
                throw new UnsupportedOperationException(verb);
        }
        return "{}";
    }

    private static String stats(Participant participant) {
        Stats stats = participant.stats();
        return "{\"frames_sent\":" + stats.framesSent() + ",\"frames_delivered\":"
                + stats.framesDelivered() + ",\"frames_dropped_queue\":"
                + stats.framesDroppedQueue() + "}";
    }

    /** A call that has to be refused. */
    private interface Call {
        void on(Participant participant) throws LensException;
    }

    /** Calls on a participant that is closed: how many, and how many did something. */
    private static String stale(Participant participant) {
        participant.close();
        Call[] calls = {
            Participant::id,
            Participant::generation,
            Participant::stats,
            Participant::participants,
            it -> it.receive("{\"kind\":\"bye\"}"),
            it -> it.sendChat("late"),
            it -> it.sendCommand(Command.snapshot()),
            Participant::clearAnnotations,
            it -> it.setPaused(true),
            Participant::requestKeyframe,
            Participant::networkChanged,
            it -> it.leave(null),
        };
        int done = calls.length;
        for (Call call : calls) {
            try {
                call.on(participant);
            } catch (IllegalStateException closed) {
                done--;
            } catch (LensException other) {
                // Counts as done: that is not how a closed one refuses.
            }
        }
        return "{\"calls\":" + calls.length + ",\"done\":" + done + "}";
    }

    /** Signals that come after the end are harmless: the library says that it is closed. */
    private static void receive(Participant participant, String signal) throws LensException {
        try {
            participant.receive(signal);
        } catch (IllegalStateException closed) {
            // As above.
        }
    }

    private static Command command(Map<String, Object> said) {
        String name = String.valueOf(said.get("command"));
        switch (name) {
            case "torch":
                return Command.torch(Boolean.TRUE.equals(said.get("on")));
            case "freeze":
                return Command.freeze(Boolean.TRUE.equals(said.get("on")));
            case "zoom":
                return Command.zoom(number(said, "factor").floatValue());
            case "snapshot":
                return Command.snapshot();
            case "switch_camera":
                Object facing = said.get("facing");
                return Command.switchCamera(
                        facing == null ? null : Facing.valueOf(((String) facing).toUpperCase()));
            default:
                throw new IllegalArgumentException("no command " + name);
        }
    }

    private static Annotation annotation(Map<String, Object> said) {
        List<?> points = (List<?>) said.get("points");
        float[] places = new float[2 * points.size()];
        for (int at = 0; at < places.length; at++) {
            places[at] = ((Double) ((List<?>) points.get(at / 2)).get(at % 2)).floatValue();
        }
        Annotation.Shape shape = Annotation.Shape.valueOf(((String) said.get("shape")).toUpperCase());
        Annotation drawing = new Annotation(number(said, "id").longValue(), shape, places);
        String color = (String) said.get("color");
        return color == null ? drawing : drawing.withColor(Integer.parseInt(color.substring(1), 16));
    }

    /** Makes and closes participants; what is more than before. */
    private String cycle(int times) throws LensException {
        // Threads and classes of the machine's own are there after the first.
        one();
        int[] before = held();
        for (int time = 0; time < times; time++) {
            one();
        }
        int[] after = held();
        long until = System.nanoTime() + 10_000_000_000L;
        while ((after[0] > before[0] || after[1] > before[1] || after[2] > before[2])
                && System.nanoTime() < until) {
            Thread.yield();
            after = held();
        }
        return "{\"left\":{\"participants\":" + Math.max(0, after[0] - before[0]) + ",\"threads\":"
                + Math.max(0, after[1] - before[1]) + ",\"descriptors\":"
                + Math.max(0, after[2] - before[2]) + "}}";
    }

    private void one() throws LensException {
        ParticipantObserver nothing = new ParticipantObserver() {};
        engine.createParticipant(new ParticipantOptions(Role.VIEWER), Testee::carry, nothing).close();
    }

    /** Participants, threads and descriptors. */
    private int[] held() {
        return new int[] {engine.liveParticipants(), count("/proc/self/task"), count("/proc/self/fd")};
    }

    private static int count(String folder) {
        String[] entries = new File(folder).list();
        return entries == null ? 0 : entries.length;
    }

    private void finish() throws IOException {
        if (part != null) {
            part.close();
            part = null;
        }
    }

    private static Double number(Map<String, Object> object, String name) {
        Object number = object.get(name);
        return number instanceof Double ? (Double) number : Double.valueOf(0);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Map<String, Object> call, String name) {
        return (Map<String, Object>) call.get(name);
    }
}
