package media.lens.android;

import android.content.Context;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.os.Handler;
import android.os.HandlerThread;
import android.view.Surface;
import java.util.Arrays;
import media.lens.Facing;

/**
 * A camera that films into a {@link Surface}, such as a {@link VideoEncoder}'s. Compile-checked only;
 * see {@link media.lens.android}.
 *
 * <p>Needs the permission ({@link CameraPermission}). All methods may be called from any thread.
 */
public final class CameraSource implements AutoCloseable {
    /** Is told what becomes of it, on the thread {@code lens-camera}. */
    public interface Listener {
        /**
         * It films.
         *
         * @param sensorDegrees by how much its pictures have to be turned clockwise to stand upright
         *     while the device does
         */
        void onOpened(int sensorDegrees);

        /**
         * It does not film any more, or never did: taken by another app, refused, broken. Close it.
         *
         * @param reason one sentence
         */
        void onFailed(String reason);
    }

    private final CameraManager manager;
    private final Surface target;
    private final Listener listener;
    private final HandlerThread thread = new HandlerThread("lens-camera");
    private final Handler handler;
    private final String id;
    private CameraDevice device;
    private CameraCaptureSession session;
    private CaptureRequest.Builder request;
    private boolean torch;
    private boolean closed;

    /**
     * Opens a camera.
     *
     * @param context any of the app's
     * @param facing which camera
     * @param target where pictures go
     * @param listener is told what becomes of it
     * @throws CameraAccessException when the system has no such camera, or does not give it
     * @throws SecurityException without the permission
     */
    public CameraSource(Context context, Facing facing, Surface target, Listener listener)
            throws CameraAccessException {
        manager = (CameraManager) context.getSystemService(Context.CAMERA_SERVICE);
        this.target = target;
        this.listener = listener;
        id = find(facing);
        thread.start();
        handler = new Handler(thread.getLooper());
        try {
            manager.openCamera(id, new DeviceEvents(), handler);
        } catch (CameraAccessException | RuntimeException e) {
            thread.quitSafely();
            throw e;
        }
    }

    private String find(Facing facing) throws CameraAccessException {
        int wanted =
                facing == Facing.FRONT
                        ? CameraCharacteristics.LENS_FACING_FRONT
                        : CameraCharacteristics.LENS_FACING_BACK;
        for (String candidate : manager.getCameraIdList()) {
            Integer looks =
                    manager.getCameraCharacteristics(candidate)
                            .get(CameraCharacteristics.LENS_FACING);
            if (looks != null && looks == wanted) {
                return candidate;
            }
        }
        throw new CameraAccessException(
                CameraAccessException.CAMERA_DISCONNECTED, "there is no camera facing " + facing);
    }

    /**
     * Lights the lamp, for {@link media.lens.Command.Kind#TORCH}.
     *
     * @param on lit or dark
     * @return false when this camera has no lamp
     * @throws CameraAccessException when the system does not allow it now
     */
    public synchronized boolean setTorch(boolean on) throws CameraAccessException {
        Boolean lamp =
                manager.getCameraCharacteristics(id)
                        .get(CameraCharacteristics.FLASH_INFO_AVAILABLE);
        if (lamp == null || !lamp) {
            return false;
        }
        torch = on;
        if (session != null) {
            film();
        }
        return true;
    }

    /** Stops filming and gives the camera back. Idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (session != null) {
            session.close();
        }
        if (device != null) {
            device.close();
        }
        thread.quitSafely();
    }

    private synchronized void opened(CameraDevice opened) {
        device = opened;
        if (closed) {
            opened.close();
            return;
        }
        try {
            request = opened.createCaptureRequest(CameraDevice.TEMPLATE_RECORD);
            request.addTarget(target);
            opened.createCaptureSession(Arrays.asList(target), new SessionEvents(), handler);
        } catch (CameraAccessException e) {
            failed(String.valueOf(e.getMessage()));
        }
    }

    private synchronized void configured(CameraCaptureSession configured) {
        if (closed) {
            return;
        }
        session = configured;
        try {
            film();
            Integer turned =
                    manager.getCameraCharacteristics(id)
                            .get(CameraCharacteristics.SENSOR_ORIENTATION);
            listener.onOpened(turned == null ? 0 : turned);
        } catch (CameraAccessException e) {
            failed(String.valueOf(e.getMessage()));
        }
    }

    private void film() throws CameraAccessException {
        int mode = torch ? CaptureRequest.FLASH_MODE_TORCH : CaptureRequest.FLASH_MODE_OFF;
        request.set(CaptureRequest.FLASH_MODE, mode);
        session.setRepeatingRequest(request.build(), null, handler);
    }

    private void failed(String reason) {
        listener.onFailed(reason);
    }

    private final class DeviceEvents extends CameraDevice.StateCallback {
        @Override
        public void onOpened(CameraDevice camera) {
            opened(camera);
        }

        @Override
        public void onDisconnected(CameraDevice camera) {
            failed("another app has taken the camera");
        }

        @Override
        public void onError(CameraDevice camera, int error) {
            failed("the camera broke with error " + error);
        }
    }

    private final class SessionEvents extends CameraCaptureSession.StateCallback {
        @Override
        public void onConfigured(CameraCaptureSession configured) {
            CameraSource.this.configured(configured);
        }

        @Override
        public void onConfigureFailed(CameraCaptureSession refused) {
            failed("the camera cannot film into this surface");
        }
    }
}
