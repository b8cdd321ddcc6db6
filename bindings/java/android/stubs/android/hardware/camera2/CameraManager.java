package android.hardware.camera2;

import android.os.Handler;

public final class CameraManager {
    private CameraManager() {}

    public String[] getCameraIdList() throws CameraAccessException {
        throw new UnsupportedOperationException();
    }

    public CameraCharacteristics getCameraCharacteristics(String id) throws CameraAccessException {
        throw new UnsupportedOperationException();
    }

    public void openCamera(String id, CameraDevice.StateCallback callback, Handler handler)
            throws CameraAccessException {}
}
