package media.lens;

import java.lang.reflect.UndeclaredThrowableException;
import java.nio.ByteBuffer;

/** The stages of one participant, and the buffers in which frames come to them. */
final class Transforms {
    /** A frame that does not go on. */
    static final long DROPPED = -1;
    /** The host did not come through. */
    static final long THREW = -2;

    private final FrameTransform sender;
    private final FrameTransform receiver;
    // Written and read by one thread at a time, which native code sees to.
    private volatile ByteBuffer sending;
    private volatile ByteBuffer receiving;
    private volatile Throwable thrown;

    Transforms(FrameTransform sender, FrameTransform receiver) {
        this.sender = sender;
        this.receiver = receiver;
    }

    ByteBuffer buffer(boolean sends, int length) {
        // Half as much again, so that a picture that grows slowly does not need one each time.
        int room = length + length / 2 + FrameTransform.ROOM;
        ByteBuffer made = ByteBuffer.allocateDirect(Math.max(16 * 1024, room));
        if (sends) {
            sending = made;
        } else {
            receiving = made;
        }
        return made;
    }

    /** Position and length of what goes on, packed; or {@link #DROPPED}. */
    long run(boolean sends, FrameInfo frame, int length) {
        ByteBuffer data = (sends ? sending : receiving).duplicate();
        data.limit(length);
        boolean passes;
        try {
            passes = (sends ? sender : receiver).transform(frame, data);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new UndeclaredThrowableException(e, e.getMessage());
        }
        return passes ? (long) data.position() << 32 | data.remaining() : DROPPED;
    }

    /** What the sender's stage threw, for whoever pushed the frame. */
    void threw(Throwable what) {
        thrown = what;
    }

    void explain(LensException refusal) {
        Throwable cause = thrown;
        if (cause != null && refusal.code() == Code.HOST_PANICKED && refusal.getCause() == null) {
            refusal.initCause(cause);
        }
    }
}
