import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import media.lens.Annotation;
import media.lens.Chat;
import media.lens.Code;
import media.lens.Codec;
import media.lens.Command;
import media.lens.CommandOutcome;
import media.lens.CommandRequest;
import media.lens.EncodedFrame;
import media.lens.FrameInfo;
import media.lens.LensEngine;
import media.lens.LensException;
import media.lens.MediaKind;
import media.lens.Participant;
import media.lens.ParticipantObserver;
import media.lens.ParticipantOptions;
import media.lens.Role;
import media.lens.SignalKind;
import media.lens.State;
import media.lens.Track;

/** What a scenario began: a participant, its camera of a clip, and the record of what it sees. */
final class Part implements ParticipantObserver, AutoCloseable {
    private final ScheduledExecutorService camera = Executors.newSingleThreadScheduledExecutor();
    private final List<ByteBuffer> clip;
    private final File path;
    private final OutputStream record;
    private long recorded;
    private boolean publishing;
    private int next;
    private long pushed;
    private long given;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private volatile String on = "";
    private volatile String does = "";
    private volatile long pauseMs;
    /** How often still; negative for each time. Callbacks come one at a time. */
    private volatile long times;
    private volatile int thrown;
    private volatile String greeting;
    private final AtomicInteger destroyed = new AtomicInteger();
    private final AtomicInteger late = new AtomicInteger();
    final Participant participant;

    Part(LensEngine engine, Map<String, Object> call) throws IOException, LensException {
        clip = Ivf.read(new File((String) call.get("clip")));
        path = new File((String) call.get("record"));
        record = new FileOutputStream(path);
        Ivf.begin(record);
        Role role = "camera".equals(call.get("role")) ? Role.CAMERA : Role.VIEWER;
        ParticipantOptions options = new ParticipantOptions(role);
        if (Boolean.TRUE.equals(call.get("transform"))) {
            options.senderTransform((frame, data) -> turn(sent, frame, data));
            options.receiverTransform((frame, data) -> turn(received, frame, data));
        }
        participant = engine.createParticipant(options, this::carry, this);
        long pace = 1_000_000_000L / 30;
        camera.scheduleAtFixedRate(this::push, pace, pace, TimeUnit.NANOSECONDS);
    }

    synchronized void publish(boolean on) {
        publishing = on;
    }

    private void carry(long id, int attempt, SignalKind kind, String json) {
        called("signal");
        Testee.carry(id, attempt, kind, json);
    }

    /** As every testee's: all but the first ten bytes, which the server reads, are turned over. */
    private static boolean turn(AtomicLong passed, FrameInfo frame, ByteBuffer data) {
        if (frame.codec() != Codec.OPUS) {
            for (int at = data.position() + 10; at < data.limit(); at++) {
                data.put(at, (byte) (data.get(at) ^ 0x5a));
            }
            passed.incrementAndGet();
        }
        return true;
    }

    synchronized String transformed() {
        return "{\"sent\":" + sent + ",\"pushed\":" + pushed + ",\"received\":" + received
                + ",\"given\":" + given + "}";
    }

    void greet(String text) {
        greeting = text;
    }

    /** What the host does from now on, in which callback. */
    void behave(String callback, String what, long ms, long often) {
        on = "";
        does = what;
        pauseMs = ms;
        times = often;
        on = callback;
    }

    /** At the end of each callback. */
    private void called(String callback) {
        if (destroyed.get() > 0) {
            late.incrementAndGet();
        }
        if (!on.equals(callback) || times == 0) {
            return;
        }
        times = Math.max(-1, times - 1);
        switch (does) {
            case "sleep":
                nap(pauseMs);
                break;
            case "throw":
                thrown++;
                throw new IllegalStateException("on request");
            case "close":
                participant.close();
                break;
            default:
        }
    }

    private static void nap(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    String closeElsewhere(int threads) {
        List<Thread> closing = new ArrayList<>();
        for (int at = 0; at < threads; at++) {
            Thread thread = new Thread(participant::close);
            thread.start();
            closing.add(thread);
        }
        for (Thread thread : closing) {
            boolean ended = false;
            while (!ended) {
                try {
                    thread.join();
                    ended = true;
                } catch (InterruptedException e) {
                    // Nobody interrupts this program.
                }
            }
        }
        return "{}";
    }

    String ended() {
        return "{\"destroyed\":" + destroyed + ",\"late\":" + late + ",\"thrown\":" + thrown + "}";
    }

    @Override
    public void onDestroyed() {
        destroyed.incrementAndGet();
    }

    @Override
    public void onHostError(Throwable thrown) {
        if (!"on request".equals(thrown.getMessage())) {
            thrown.printStackTrace();
        }
    }

    @Override
    public void onTalkReady(String from) {
        Testee.say("{\"event\":\"talk_ready\",\"participant\":\"" + from + "\"}");
        String text = greeting;
        try {
            if (text != null) {
                participant.sendChat(text);
            }
        } catch (LensException | IllegalStateException late) {
            // It ended meanwhile.
        }
    }

    private synchronized void push() {
        if (!publishing) {
            return;
        }
        ByteBuffer frame = clip.get(next);
        try {
            long now = System.nanoTime() / 1000;
            participant.pushFrame(Codec.VP8, frame.duplicate(), now, Ivf.isKeyframe(frame));
            pushed++;
            next = (next + 1) % clip.size();
        } catch (LensException | IllegalStateException nobody) {
            // Nobody to send to yet, or any more, is no fault of the camera's.
        }
    }

    @Override
    public synchronized void onKeyframeRequest() {
        for (int at = next; at < clip.size(); at++) {
            if (Ivf.isKeyframe(clip.get(at))) {
                next = at;
                return;
            }
        }
        next = 0;
    }

    @Override
    public void onFrame(Track track, EncodedFrame frame) {
        if (track.kind() == MediaKind.VIDEO) {
            keep(frame);
        }
        called("frame");
    }

    private synchronized void keep(EncodedFrame frame) {
        given++;
        if (recorded == 0 && !frame.isKeyframe()) {
            return;
        }
        try {
            Ivf.add(record, frame.data(), frame.ptsUs());
            recorded++;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    synchronized String frames() {
        return "{\"count\":" + recorded + ",\"ivf\":" + Json.quoted(path.getPath()) + "}";
    }

    @Override
    public void onState(State state, Code failure) {
        String code = failure == null ? "" : ",\"code\":\"" + failure.word() + "\"";
        Testee.say("{\"event\":\"state\",\"state\":\"" + word(state) + "\"" + code + "}");
        called("state");
    }

    @Override
    public void onGeneration(int generation) {
        Testee.say("{\"event\":\"generation\",\"generation\":" + generation + "}");
    }

    @Override
    public void onChat(Chat chat) {
        Testee.say(event("chat", chat.from()) + ",\"text\":" + Json.quoted(chat.text()) + "}");
        called("chat");
    }

    /** As every testee: a lamp, no wish to be seen closely, nothing else. */
    @Override
    public void onCommand(CommandRequest request) {
        Command command = request.command();
        Testee.say(event("command", request.from()) + ",\"command\":" + told(command) + "}");
        try {
            participant.replyCommand(request.id(), outcome(command));
        } catch (LensException late) {
            // It ended meanwhile.
        }
    }

    private static CommandOutcome outcome(Command command) {
        switch (command.kind()) {
            case TORCH:
                return CommandOutcome.DONE;
            case ZOOM:
                return CommandOutcome.REFUSED;
            default:
                return CommandOutcome.UNSUPPORTED;
        }
    }

    private static String told(Command command) {
        String words = "{\"command\":\"" + word(command.kind()) + "\"";
        switch (command.kind()) {
            case TORCH:
            case FREEZE:
                return words + ",\"on\":" + command.isOn() + "}";
            case ZOOM:
                return words + ",\"factor\":" + command.factor() + "}";
            default:
                String facing = command.facing() == null ? "" : word(command.facing());
                return words + (facing.isEmpty() ? "}" : ",\"facing\":\"" + facing + "\"}");
        }
    }

    @Override
    public void onCommandReply(long id, CommandOutcome outcome) {
        Testee.say("{\"event\":\"command_reply\",\"outcome\":\"" + word(outcome) + "\"}");
    }

    @Override
    public void onAnnotation(String from, Annotation drawn) {
        StringBuilder points = new StringBuilder();
        float[] places = drawn.points();
        for (int at = 0; at < places.length; at += 2) {
            points.append(at == 0 ? "[" : ",[").append(places[at]).append(',');
            points.append(places[at + 1]).append(']');
        }
        String color = drawn.color() == null ? "" : String.format(",\"color\":\"#%06x\"", drawn.color());
        Testee.say(event("annotation", from) + ",\"annotation\":{\"id\":" + drawn.id() + ",\"shape\":\""
                + word(drawn.shape()) + "\",\"points\":[" + points + "]" + color + "}}");
    }

    @Override
    public void onAnnotationClear(String from, Long id) {
        Testee.say(event("annotation_clear", from) + (id == null ? "" : ",\"id\":" + id) + "}");
    }

    private static String event(String name, String from) {
        return "{\"event\":\"" + name + "\",\"from\":" + (from == null ? "null" : Json.quoted(from));
    }

    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(java.util.Locale.ROOT);
    }

    @Override
    public void close() throws IOException {
        camera.shutdownNow();
        participant.close();
        record.close();
    }
}
