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
    /** Is told what becomes of it, on the thread {@code lens-encoder}. */
    public interface Listener {
        /**
         * It encodes no more, and is closed: the hardware broke, or another app needed it more. A new
         * one, with a new {@link CameraSource}, may do.
         *
         * @param reason one sentence
         */
        void onFailed(String reason);
    }

    /** Seconds between keyframes that nobody asked for: few, as whoever needs one asks. */
    private static final int KEYFRAME_INTERVAL_S = 10;

    private final Participant participant;
    private final Listener listener;
    private final Codec codec;
    private final MediaCodec encoder;
    private final HandlerThread thread;
    private final Surface surface;
    private final Pictures.Times times = new Pictures.Times();
    private volatile int rotation;
    /** H.264 only: parameter sets, which a decoder needs in front of each keyframe. */
    private ByteBuffer parameterSets;
    private boolean closed;

    /**
     * Starts an encoder.
     *
     * @param participant gets the frames; {@link media.lens.Role#CAMERA}
     * @param codec {@link Codec#VP8} or {@link Codec#H264}
     * @param width of the picture in pixels, even; with {@code height} one of the camera's sizes (of
     *     its {@code StreamConfigurationMap}, {@code getOutputSizes(MediaCodec.class)}). For another
     *     size later, make a new encoder and a new camera
     * @param height of the picture in pixels, even, before it is turned
     * @param bitsPerSecond until the first {@link #setBitrate}
     * @param fps pictures a second that the bits are meant for; how many come is the camera's choice
     * @param listener is told when it fails
     * @throws IOException when the device has no such encoder, or none for this size
     * @throws IllegalArgumentException for {@link Codec#OPUS}
     */
    public VideoEncoder(
            Participant participant,
            Codec codec,
            int width,
            int height,
            int bitsPerSecond,
            int fps,
            Listener listener)
            throws IOException {
        this.participant = participant;
        this.listener = listener;
        this.codec = codec;
        String type = mimeType(codec);
        MediaFormat format = MediaFormat.createVideoFormat(type, width, height);
        format.setInteger(
                MediaFormat.KEY_COLOR_FORMAT,
                MediaCodecInfo.CodecCapabilities.COLOR_FormatSurface);
        format.setInteger(MediaFormat.KEY_BIT_RATE, bitsPerSecond);
        format.setInteger(MediaFormat.KEY_FRAME_RATE, fps);
        format.setInteger(MediaFormat.KEY_I_FRAME_INTERVAL, KEYFRAME_INTERVAL_S);
        try {
            encoder = MediaCodec.createEncoderByType(type);
        } catch (IllegalArgumentException e) {
            // What Android throws when no codec is found for a type that is one.
            throw new IOException("the device has no encoder for " + codec, e);
        }
        thread = new HandlerThread("lens-encoder");
        thread.start();
        Surface made = null;
        try {
            askForConstantRate(format, type);
            encoder.setCallback(new Output(), new Handler(thread.getLooper()));
            encoder.configure(format, null, null, MediaCodec.CONFIGURE_FLAG_ENCODE);
            made = encoder.createInputSurface();
            encoder.start();
        } catch (RuntimeException e) {
            encoder.release();
            if (made != null) {
                made.release();
            }
            thread.quitSafely();
            throw new IOException("the encoder does not take this format", e);
        }
        surface = made;
    }

    /**
     * The usual, a variable rate, overshoots what the network was found to carry. Some encoders refuse a
     * mode that they do not have.
     */
    private void askForConstantRate(MediaFormat format, String type) {
        MediaCodecInfo.EncoderCapabilities able =
                encoder.getCodecInfo().getCapabilitiesForType(type).getEncoderCapabilities();
        int constant = MediaCodecInfo.EncoderCapabilities.BITRATE_MODE_CBR;
        if (able != null && able.isBitrateModeSupported(constant)) {
            format.setInteger(MediaFormat.KEY_BITRATE_MODE, constant);
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
     * <p>The encoder does not turn them: what the camera's sensor saw goes out, and this with it. See
     * {@link CameraSource#uprightDegrees}; call it whenever the device is turned.
     *
     * @param degrees 0, 90, 180 or 270
     * @throws IllegalArgumentException for another angle
     */
    public void setRotation(int degrees) {
        if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
            throw new IllegalArgumentException("rotation must be 0, 90, 180 or 270 degrees");
        }
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
        if (closed) {
            return;
        }
        try {
            encoder.setParameters(parameters);
        } catch (IllegalStateException e) {
            // It broke, and onError is on its way: no reason for an observer's callback to throw.
        }
    }

    /** Stops it and gives the hardware back. Idempotent. The participant stays. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            encoder.stop();
        } catch (IllegalStateException e) {
            // It broke before. It still holds the hardware.
        } finally {
            encoder.release();
            surface.release();
            thread.quitSafely();
        }
    }

    private synchronized void push(int index, MediaCodec.BufferInfo info) {
        if (closed) {
            return;
        }
        try {
            ByteBuffer output = encoder.getOutputBuffer(index);
            if (output != null && info.size > 0) {
                output.limit(info.offset + info.size);
                output.position(info.offset);
                push(output, info);
            }
            // A transform of the host's may have closed it.
            if (!closed) {
                encoder.releaseOutputBuffer(index, false);
            }
        } catch (IllegalStateException e) {
            // It broke, and onError is on its way. Thrown here it would end the app.
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
            long ptsUs = times.rising(info.presentationTimeUs);
            participant.pushFrame(codec, frame, ptsUs, keyframe, rotation);
        } catch (LensException | IllegalStateException e) {
            // Capture has stopped or the participant is over: whoever owns both is told elsewhere.
        } catch (IllegalArgumentException e) {
            // Beyond 2 MiB, so that a decoder now misses it.
            requestKeyframe();
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
            // Short of resources for now: it goes on by itself.
            if (e.isTransient()) {
                return;
            }
            // What is recoverable would need a new surface, and so a new camera session: as new ones.
            close();
            listener.onFailed("the encoder broke: " + e.getDiagnosticInfo());
        }

        @Override
        public void onOutputFormatChanged(MediaCodec codec, MediaFormat format) {
            // Parameter sets also come as a buffer of their own.
        }
    }
}
