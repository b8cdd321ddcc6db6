package media.lens.android;

import android.media.MediaCodec;
import android.media.MediaCodecInfo;
import android.media.MediaFormat;
import android.os.Bundle;
import android.os.Handler;
import android.os.HandlerThread;
import android.view.Surface;
import java.io.IOException;
import java.nio.ByteBuffer;
import media.lens.Codec;
import media.lens.LensException;
import media.lens.Participant;

/**
 * The hardware's encoder between a {@link Surface} and a participant. Compile-checked only; see
 * {@link media.lens.android}.
 *
 * <p>Let the observer hand on {@code onBitrate} to {@link #setBitrate} and {@code onKeyframeRequest}
 * to {@link #requestKeyframe()}. All methods may be called from any thread.
 */
public final class VideoEncoder implements AutoCloseable {
    /** Seconds between keyframes that nobody asked for: few, as whoever needs one asks. */
    private static final int KEYFRAME_INTERVAL_S = 10;

    private final Participant participant;
    private final Codec codec;
    private final MediaCodec encoder;
    private final HandlerThread thread;
    private final Surface surface;
    private volatile int rotation;
    /** H.264 only: parameter sets, which a decoder needs in front of each keyframe. */
    private ByteBuffer parameterSets;
    private boolean closed;

    /**
     * Starts an encoder.
     *
     * @param participant gets the frames; {@link media.lens.Role#CAMERA}
     * @param codec {@link Codec#VP8} or {@link Codec#H264}
     * @param width of the picture in pixels, even
     * @param height of the picture in pixels, even
     * @param bitsPerSecond until the first {@link #setBitrate}
     * @param fps pictures a second
     * @throws IOException when the device has no such encoder
     * @throws IllegalArgumentException for {@link Codec#OPUS}
     */
    public VideoEncoder(
            Participant participant, Codec codec, int width, int height, int bitsPerSecond, int fps)
            throws IOException {
        this.participant = participant;
        this.codec = codec;
        MediaFormat format = MediaFormat.createVideoFormat(mimeType(codec), width, height);
        format.setInteger(
                MediaFormat.KEY_COLOR_FORMAT,
                MediaCodecInfo.CodecCapabilities.COLOR_FormatSurface);
        format.setInteger(MediaFormat.KEY_BIT_RATE, bitsPerSecond);
        format.setInteger(MediaFormat.KEY_FRAME_RATE, fps);
        format.setInteger(MediaFormat.KEY_I_FRAME_INTERVAL, KEYFRAME_INTERVAL_S);
        encoder = MediaCodec.createEncoderByType(mimeType(codec));
        thread = new HandlerThread("lens-encoder");
        thread.start();
        try {
            encoder.setCallback(new Output(), new Handler(thread.getLooper()));
            encoder.configure(format, null, null, MediaCodec.CONFIGURE_FLAG_ENCODE);
            surface = encoder.createInputSurface();
            encoder.start();
        } catch (RuntimeException e) {
            encoder.release();
            thread.quitSafely();
            throw e;
        }
    }

    private static String mimeType(Codec codec) {
        switch (codec) {
            case VP8:
                return MediaFormat.MIMETYPE_VIDEO_VP8;
            case H264:
                return MediaFormat.MIMETYPE_VIDEO_AVC;
            default:
                throw new IllegalArgumentException(codec + " encodes no pictures");
        }
    }

    /**
     * Where pictures go in, such as a {@link CameraSource}'s.
     *
     * @return valid until {@link #close()}
     */
    public Surface inputSurface() {
        return surface;
    }

    /**
     * How pictures have to be turned clockwise to stand upright.
     *
     * @param degrees 0, 90, 180 or 270
     */
    public void setRotation(int degrees) {
        rotation = degrees;
    }

    /**
     * Follows {@link media.lens.ParticipantObserver#onBitrate}.
     *
     * @param bitsPerSecond most bits a second
     */
    public void setBitrate(int bitsPerSecond) {
        Bundle parameters = new Bundle();
        parameters.putInt(MediaCodec.PARAMETER_KEY_VIDEO_BITRATE, bitsPerSecond);
        set(parameters);
    }

    /** Follows {@link media.lens.ParticipantObserver#onKeyframeRequest()}. */
    public void requestKeyframe() {
        Bundle parameters = new Bundle();
        parameters.putInt(MediaCodec.PARAMETER_KEY_REQUEST_SYNC_FRAME, 0);
        set(parameters);
    }

    private synchronized void set(Bundle parameters) {
        if (!closed) {
            encoder.setParameters(parameters);
        }
    }

    /** Stops it and gives the hardware back. Idempotent. The participant stays. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        encoder.stop();
        encoder.release();
        surface.release();
        thread.quitSafely();
    }

    private synchronized void push(int index, MediaCodec.BufferInfo info) {
        if (closed) {
            return;
        }
        ByteBuffer output = encoder.getOutputBuffer(index);
        try {
            if (output != null && info.size > 0) {
                output.position(info.offset);
                output.limit(info.offset + info.size);
                push(output, info);
            }
        } finally {
            encoder.releaseOutputBuffer(index, false);
        }
    }

    private void push(ByteBuffer output, MediaCodec.BufferInfo info) {
        if ((info.flags & MediaCodec.BUFFER_FLAG_CODEC_CONFIG) != 0) {
            parameterSets = copied(output);
            return;
        }
        boolean keyframe = (info.flags & MediaCodec.BUFFER_FLAG_KEY_FRAME) != 0;
        ByteBuffer frame = output;
        if (keyframe && codec == Codec.H264 && parameterSets != null) {
            frame = joined(parameterSets, output);
        }
        try {
            participant.pushFrame(codec, frame, info.presentationTimeUs, keyframe, rotation);
        } catch (LensException | IllegalStateException e) {
            // Capture has stopped or the participant is over: whoever owns both is told elsewhere.
        }
    }

    private static ByteBuffer copied(ByteBuffer bytes) {
        ByteBuffer copy = ByteBuffer.allocateDirect(bytes.remaining());
        copy.put(bytes);
        copy.flip();
        return copy;
    }

    private static ByteBuffer joined(ByteBuffer first, ByteBuffer second) {
        ByteBuffer both = ByteBuffer.allocateDirect(first.remaining() + second.remaining());
        both.put(first.duplicate()).put(second);
        both.flip();
        return both;
    }

    /** What the encoder says, on its own thread. */
    private final class Output extends MediaCodec.Callback {
        @Override
        public void onInputBufferAvailable(MediaCodec codec, int index) {
            // Pictures come through the surface.
        }

        @Override
        public void onOutputBufferAvailable(
                MediaCodec codec, int index, MediaCodec.BufferInfo info) {
            push(index, info);
        }

        @Override
        public void onError(MediaCodec codec, MediaCodec.CodecException e) {
            close();
        }

        @Override
        public void onOutputFormatChanged(MediaCodec codec, MediaFormat format) {
            // Parameter sets also come as a buffer of their own.
        }
    }
}
