package android.media;

public final class MediaCodecInfo {
    private MediaCodecInfo() {}

    public CodecCapabilities getCapabilitiesForType(String type) {
        throw new UnsupportedOperationException();
    }

    public static final class EncoderCapabilities {
        public static final int BITRATE_MODE_CBR = 2;

        private EncoderCapabilities() {}

        public boolean isBitrateModeSupported(int mode) {
            throw new UnsupportedOperationException();
        }
    }

    public static final class CodecCapabilities {
        public static final int COLOR_FormatSurface = 0x7f000789;

        public EncoderCapabilities getEncoderCapabilities() {
            throw new UnsupportedOperationException();
        }
    }
}
