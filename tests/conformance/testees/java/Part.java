import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import media.lens.Annotation;
import media.lens.Chat;
import media.lens.Code;
import media.lens.Codec;
import media.lens.Command;
import media.lens.CommandOutcome;
import media.lens.CommandRequest;
import media.lens.EncodedFrame;
import media.lens.LensEngine;
import media.lens.LensException;
import media.lens.MediaKind;
import media.lens.Participant;
import media.lens.ParticipantObserver;
import media.lens.ParticipantOptions;
import media.lens.Role;
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
    final Participant participant;

    Part(LensEngine engine, Map<String, Object> call) throws IOException, LensException {
        clip = Ivf.read(new File((String) call.get("clip")));
        path = new File((String) call.get("record"));
        record = new FileOutputStream(path);
        Ivf.begin(record);
        Role role = "camera".equals(call.get("role")) ? Role.CAMERA : Role.VIEWER;
        participant = engine.createParticipant(new ParticipantOptions(role), Testee::carry, this);
        long pace = 1_000_000_000L / 30;
        camera.scheduleAtFixedRate(this::push, pace, pace, TimeUnit.NANOSECONDS);
    }

    synchronized void publish(boolean on) {
        publishing = on;
    }

    private synchronized void push() {
        if (!publishing) {
            return;
        }
        ByteBuffer frame = clip.get(next);
        try {
            long now = System.nanoTime() / 1000;
            participant.pushFrame(Codec.VP8, frame.duplicate(), now, Ivf.isKeyframe(frame));
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
    public synchronized void onFrame(Track track, EncodedFrame frame) {
        if (track.kind() != MediaKind.VIDEO || recorded == 0 && !frame.isKeyframe()) {
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
    }

    @Override
    public void onGeneration(int generation) {
        Testee.say("{\"event\":\"generation\",\"generation\":" + generation + "}");
    }

    @Override
    public void onChat(Chat chat) {
        Testee.say(event("chat", chat.from()) + ",\"text\":" + Json.quoted(chat.text()) + "}");
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
