package media.lens.android;

import android.content.Context;
import android.graphics.Rect;
import android.hardware.camera2.CameraAccessException;
import android.hardware.camera2.CameraCaptureSession;
import android.hardware.camera2.CameraCharacteristics;
import android.hardware.camera2.CameraDevice;
import android.hardware.camera2.CameraManager;
import android.hardware.camera2.CaptureRequest;
import android.os.Handler;
import android.os.HandlerThread;
import android.util.Range;
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
         * It does not film any more, or never did: taken by another app, refused, broken, or the app
         * is in the background. Comes once at most, and not after {@link CameraSource#close()}. Close
         * it; a new one may do.
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
    private float zoom = 1;
    /** 0 until it is set: the camera's own choice. */
    private int maxFps;
    private boolean failed;
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
        again();
        return true;
    }

    /**
     * Looks closer, for {@link media.lens.Command.Kind#ZOOM}.
     *
     * @param factor 1 is the whole picture; beyond what the camera can it stays at its most
     * @return false when this camera cannot
     * @throws CameraAccessException when the system does not allow it now
     * @throws IllegalArgumentException below 1
     */
    public synchronized boolean setZoom(float factor) throws CameraAccessException {
        if (!(factor >= 1)) {
            throw new IllegalArgumentException("zoom must be at least 1");
        }
        CameraCharacteristics camera = manager.getCameraCharacteristics(id);
        Float most = camera.get(CameraCharacteristics.SCALER_AVAILABLE_MAX_DIGITAL_ZOOM);
        if (most == null || most <= 1) {
            return false;
        }
        zoom = Math.min(factor, most);
        again();
        return true;
    }

    /**
     * Follows {@code maxFps} of {@link media.lens.ParticipantObserver#onBitrate}, as near as the camera
     * can: an encoder takes all pictures that it gets.
     *
     * @param fps most pictures a second, from 1
     * @throws CameraAccessException when the system does not allow it now
     */
    public synchronized void setMaxFps(int fps) throws CameraAccessException {
        if (fps != maxFps) {
            maxFps = fps;
            again();
        }
    }

    /**
     * How pictures have to be turned clockwise to stand upright, for {@link VideoEncoder#setRotation}.
     *
     * @param sensorDegrees as {@link Listener#onOpened} told
     * @param facing which camera
     * @param deviceDegrees by how much the device is turned clockwise from its natural orientation, as
     *     {@code OrientationEventListener} has it; of {@code Display.getRotation()} it is 360 less 90
     *     times that
     * @return 0, 90, 180 or 270
     */
    public static int uprightDegrees(int sensorDegrees, Facing facing, int deviceDegrees) {
        int quarters = Math.round(deviceDegrees / 90f);
        int turned = facing == Facing.FRONT ? -90 * quarters : 90 * quarters;
        return Math.floorMod(sensorDegrees + turned, 360);
    }

    /** Stops filming and gives the camera back. Idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        session = null;
        // Else it is on its way: whichever of its events comes first closes it.
        if (device != null) {
            // Its session, too. The thread goes on until onClosed: Android throws when it has an event
            // for a thread that has ended.
            device.close();
        }
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
        } catch (CameraAccessException | RuntimeException e) {
            // Unchecked: the surface is gone, or of a size that the camera has not; the camera is gone.
            lost(opened, String.valueOf(e.getMessage()));
        }
    }

    private void configured(CameraCaptureSession configured) {
        int turned;
        synchronized (this) {
            if (closed || failed) {
                return;
            }
            session = configured;
            try {
                film();
                Integer degrees =
                        manager.getCameraCharacteristics(id)
                                .get(CameraCharacteristics.SENSOR_ORIENTATION);
                turned = degrees == null ? 0 : degrees;
            } catch (CameraAccessException | RuntimeException e) {
                lost(device, String.valueOf(e.getMessage()));
                return;
            }
        }
        // Without the lock, which the listener may wait for another thread with.
        listener.onOpened(turned);
    }

    private void again() throws CameraAccessException {
        if (session == null) {
            return;
        }
        try {
            film();
        } catch (IllegalStateException e) {
            // The session has just ended: onFailed is on its way.
        }
    }

    private void film() throws CameraAccessException {
        int mode = torch ? CaptureRequest.FLASH_MODE_TORCH : CaptureRequest.FLASH_MODE_OFF;
        request.set(CaptureRequest.FLASH_MODE, mode);
        Rect whole =
                manager.getCameraCharacteristics(id)
                        .get(CameraCharacteristics.SENSOR_INFO_ACTIVE_ARRAY_SIZE);
        // Every version has the crop; CONTROL_ZOOM_RATIO came with Android 11 (API 30).
        if (whole != null) {
            int width = (int) (whole.width() / zoom);
            int height = (int) (whole.height() / zoom);
            int left = (whole.width() - width) / 2;
            int top = (whole.height() - height) / 2;
            Rect part = new Rect(left, top, left + width, top + height);
            request.set(CaptureRequest.SCALER_CROP_REGION, part);
        }
        setRate();
        session.setRepeatingRequest(request.build(), null, handler);
    }

    private void setRate() throws CameraAccessException {
        Range<Integer>[] ranges =
                manager.getCameraCharacteristics(id)
                        .get(CameraCharacteristics.CONTROL_AE_AVAILABLE_TARGET_FPS_RANGES);
        if (maxFps <= 0 || ranges == null) {
            return;
        }
        int[][] ends = new int[ranges.length][];
        for (int at = 0; at < ranges.length; at++) {
            ends[at] = new int[] {ranges[at].getLower(), ranges[at].getUpper()};
        }
        int best = Pictures.rates(ends, maxFps);
        if (best >= 0) {
            request.set(CaptureRequest.CONTROL_AE_TARGET_FPS_RANGE, ranges[best]);
        }
    }

    /** Gives the camera back, and tells the listener the first time. */
    private void lost(CameraDevice camera, String reason) {
        synchronized (this) {
            device = camera;
            session = null;
            camera.close();
            if (closed || failed) {
                return;
            }
            failed = true;
        }
        // In turn, when no lock is held any more.
        handler.post(() -> tellFailed(reason));
    }

    private void tellFailed(String reason) {
        synchronized (this) {
            if (closed) {
                return;
            }
        }
        listener.onFailed(reason);
    }

    private final class DeviceEvents extends CameraDevice.StateCallback {
        @Override
        public void onOpened(CameraDevice camera) {
            opened(camera);
        }

        @Override
        public void onDisconnected(CameraDevice camera) {
            // Perhaps instead of onOpened.
            lost(camera, "another app has taken the camera");
        }

        @Override
        public void onError(CameraDevice camera, int error) {
            lost(camera, "the camera broke with error " + error);
        }

        @Override
        public void onClosed(CameraDevice camera) {
            // The last event. What lost() posted before still comes.
            thread.quitSafely();
        }
    }

    private final class SessionEvents extends CameraCaptureSession.StateCallback {
        @Override
        public void onConfigured(CameraCaptureSession configured) {
            CameraSource.this.configured(configured);
        }

        @Override
        public void onConfigureFailed(CameraCaptureSession refused) {
            lost(refused.getDevice(), "the camera cannot film into this surface");
        }
    }
}
