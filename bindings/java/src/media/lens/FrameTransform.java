package media.lens;

import java.nio.ByteBuffer;

/**
 * A stage that each frame passes: encryption, measurement, a watermark. Set with
 * {@link ParticipantOptions#senderTransform} and {@link ParticipantOptions#receiverTransform}.
 *
 * <p>A sender's stage runs on the thread that calls {@link Participant#pushFrame}, before that
 * returns; a receiver's where callbacks run, right before {@link ParticipantObserver#onFrame}. Each
 * is called one at a time and sees every frame in order. A sender's stage must not push frames of its
 * own participant ({@link Code#INVALID_STATE}).
 *
 * <p>One that throws ends its participant with {@link Code#HOST_PANICKED}, and no other. What a
 * sender's stage threw is the cause of what {@code pushFrame} throws; a receiver's goes to
 * {@link ParticipantObserver#onHostError}.
 *
 * <p>What the media server reads of a frame has to stay as it is: the first byte of VP8, the start
 * codes and first bytes of H.264's units. Encryption begins behind them.
 */
public interface FrameTransform {
    /** How many bytes a frame may grow by, at least. */
    int ROOM = 1024;

    /**
     * Changes a frame in place. What lies between position and limit when this returns goes on.
     *
     * @param frame which frame it is
     * @param data its bytes, from position to limit, in a direct buffer that may be written; its
     *     capacity is at least {@link #ROOM} bytes more. The library's: to be used until this returns
     * @return false drops the frame, as an empty buffer does. At the sender it is counted
     *     ({@link Stats#framesDroppedSending()}) and a keyframe is asked for
     * @throws Exception ends the participant
     */
    boolean transform(FrameInfo frame, ByteBuffer data) throws Exception;
}
