import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/** IVF files of VP8: a head of 32 bytes, and 12 before each frame. */
final class Ivf {
    private Ivf() {}

    /** The frames of a file, each in a direct buffer. */
    static List<ByteBuffer> read(File file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file.toPath()));
        bytes.order(ByteOrder.LITTLE_ENDIAN).position(32);
        List<ByteBuffer> frames = new ArrayList<>();
        while (bytes.remaining() > 12) {
            byte[] frame = new byte[bytes.getInt()];
            bytes.getLong();
            bytes.get(frame);
            ByteBuffer direct = ByteBuffer.allocateDirect(frame.length);
            direct.put(frame).flip();
            frames.add(direct);
        }
        return frames;
    }

    /** RFC 6386, 9.1. */
    static boolean isKeyframe(ByteBuffer frame) {
        return (frame.get(frame.position()) & 1) == 0;
    }

    /** The head of a file whose times are in microseconds; the runner puts the size in. */
    static void begin(OutputStream out) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        head.put(new byte[] {'D', 'K', 'I', 'F', 0, 0, 32, 0, 'V', 'P', '8', '0'});
        head.putInt(0).putInt(1_000_000).putInt(1);
        out.write(head.array());
        out.flush();
    }

    static void add(OutputStream out, ByteBuffer data, long ptsUs) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(12 + data.remaining());
        frame.order(ByteOrder.LITTLE_ENDIAN).putInt(data.remaining()).putLong(ptsUs);
        frame.put(data.duplicate());
        out.write(frame.array());
        out.flush();
    }
}
