package android.hardware.camera2;

import android.graphics.Rect;
import android.util.Range;

public final class CameraCharacteristics {
    public static final int LENS_FACING_FRONT = 0;
    public static final int LENS_FACING_BACK = 1;
    public static final Key<Integer> LENS_FACING = null;
    public static final Key<Integer> SENSOR_ORIENTATION = null;
    public static final Key<Boolean> FLASH_INFO_AVAILABLE = null;
    public static final Key<Range<Integer>[]> CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES = null;

    public static final Key<Float> SCALER_AVAILABLE_MAX_DIGITAL_ZOOM = null;
    public static final Key<Rect> SENSOR_INFO_ACTIVE_ARRAY_SIZE = null;

    private CameraCharacteristics() {}

    public <T> T get(Key<T> key) {
        throw new UnsupportedOperationException();
    }

    public static final class Key<T> {}
}
