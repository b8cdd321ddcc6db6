package android.media;

public final class MediaCodecInfo {
    private MediaCodecInfo() {}

    public static final class EncoderCapabilities {
        public static final int BITRATE_MODE_CBR = 2;
    }

    public static final class CodecCapabilities {
        public static final int COLOR_FormatSurface = 0x7f000789;
    }
}
