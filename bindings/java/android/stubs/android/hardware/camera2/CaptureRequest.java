package android.hardware.camera2;

import android.graphics.Rect;
import android.util.Range;
import android.view.Surface;

public final class CaptureRequest {
    public static final int FLASH_MODE_OFF = 0;
    public static final int FLASH_MODE_TORCH = 2;
    public static final Key<Integer> FLASH_MODE = null;
    public static final Key<Range<Integer>> CONTROL_AE_TARGET_FPS_RANGE = null;

    public static final Key<Rect> SCALER_CROP_REGION = null;

    private CaptureRequest() {}

    public static final class Key<T> {}

    public static final class Builder {
        private Builder() {}

        public void addTarget(Surface outputTarget) {}

        public <T> void set(Key<T> key, T value) {}

        public CaptureRequest build() {
            throw new UnsupportedOperationException();
        }
    }
}
