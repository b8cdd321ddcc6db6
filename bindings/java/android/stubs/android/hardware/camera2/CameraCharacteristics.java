package android.hardware.camera2;

public final class CameraCharacteristics {
    public static final int LENS_FACING_FRONT = 0;
    public static final int LENS_FACING_BACK = 1;
    public static final Key<Integer> LENS_FACING = null;
    public static final Key<Integer> SENSOR_ORIENTATION = null;
    public static final Key<Boolean> FLASH_INFO_AVAILABLE = null;

    private CameraCharacteristics() {}

    public <T> T get(Key<T> key) {
        throw new UnsupportedOperationException();
    }

    public static final class Key<T> {}
}
