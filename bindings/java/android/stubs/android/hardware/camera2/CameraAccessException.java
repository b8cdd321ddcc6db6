package android.hardware.camera2;

public class CameraAccessException extends Exception {
    public static final int CAMERA_DISCONNECTED = 2;
    private static final long serialVersionUID = 1;

    public CameraAccessException(int problem, String message) {
        super(message);
    }
}
