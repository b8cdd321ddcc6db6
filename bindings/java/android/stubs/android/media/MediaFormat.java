package android.media;

public final class MediaFormat {
    public static final String MIMETYPE_VIDEO_VP8 = "video/x-vnd.on2.vp8";
    public static final String MIMETYPE_VIDEO_AVC = "video/avc";
    public static final String KEY_COLOR_FORMAT = "color-format";
    public static final String KEY_BIT_RATE = "bitrate";
    public static final String KEY_BITRATE_MODE = "bitrate-mode";
    public static final String KEY_FRAME_RATE = "frame-rate";
    public static final String KEY_I_FRAME_INTERVAL = "i-frame-interval";

    public static MediaFormat createVideoFormat(String mime, int width, int height) {
        throw new UnsupportedOperationException();
    }

    public void setInteger(String name, int value) {}
}
