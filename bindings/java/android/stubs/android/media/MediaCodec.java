package android.media;

import android.os.Bundle;
import android.os.Handler;
import android.view.Surface;
import java.io.IOException;
import java.nio.ByteBuffer;

public final class MediaCodec {
    public static final int CONFIGURE_FLAG_ENCODE = 1;
    public static final int BUFFER_FLAG_KEY_FRAME = 1;
    public static final int BUFFER_FLAG_CODEC_CONFIG = 2;
    public static final String PARAMETER_KEY_VIDEO_BITRATE = "video-bitrate";
    public static final String PARAMETER_KEY_REQUEST_SYNC_FRAME = "request-sync";

    private MediaCodec() {}

    public static MediaCodec createEncoderByType(String type) throws IOException {
        throw new UnsupportedOperationException();
    }

    public MediaCodecInfo getCodecInfo() {
        throw new UnsupportedOperationException();
    }

    public void setCallback(Callback callback, Handler handler) {}

    public void configure(MediaFormat format, Surface surface, MediaCrypto crypto, int flags) {}

    public Surface createInputSurface() {
        throw new UnsupportedOperationException();
    }

    public void start() {}

    public void stop() {}

    public void release() {}

    public void setParameters(Bundle parameters) {}

    public ByteBuffer getOutputBuffer(int index) {
        throw new UnsupportedOperationException();
    }

    public void releaseOutputBuffer(int index, boolean render) {}

    public static final class BufferInfo {
        public int offset;
        public int size;
        public long presentationTimeUs;
        public int flags;
    }

    public static final class CodecException extends IllegalStateException {
        private static final long serialVersionUID = 1;

        public boolean isTransient() {
            throw new UnsupportedOperationException();
        }

        public String getDiagnosticInfo() {
            throw new UnsupportedOperationException();
        }
    }

    public abstract static class Callback {
        public abstract void onInputBufferAvailable(MediaCodec codec, int index);

        public abstract void onOutputBufferAvailable(
                MediaCodec codec, int index, BufferInfo info);

        public abstract void onError(MediaCodec codec, CodecException e);

        public abstract void onOutputFormatChanged(MediaCodec codec, MediaFormat format);
    }
}
