package media.lens.android;

import android.Manifest;
import android.app.Activity;
import android.content.Context;
import android.content.pm.PackageManager;

/**
 * The permission to film. Compile-checked only; see {@link media.lens.android}.
 *
 * <p>A customer may refuse it at any time: then answer commands with
 * {@link media.lens.CommandOutcome#REFUSED}.
 */
public final class CameraPermission {
    private CameraPermission() {}

    /**
     * Whether the app may film now.
     *
     * @param context any of the app's
     * @return true once the person has allowed it
     */
    public static boolean isGranted(Context context) {
        int granted = context.checkSelfPermission(Manifest.permission.CAMERA);
        return granted == PackageManager.PERMISSION_GRANTED;
    }

    /**
     * Asks the person, unless they have allowed it. The answer goes to the activity's
     * {@code onRequestPermissionsResult}.
     *
     * @param activity shows the question; main thread
     * @param requestCode comes back with the answer, 0 to 65,535
     * @return true when it is granted already, and nothing is asked
     */
    public static boolean request(Activity activity, int requestCode) {
        if (isGranted(activity)) {
            return true;
        }
        activity.requestPermissions(new String[] {Manifest.permission.CAMERA}, requestCode);
        return false;
    }

    /**
     * Reads the answer in {@code onRequestPermissionsResult}.
     *
     * @param permissions as the activity got them
     * @param grantResults as the activity got them
     * @return true when the camera is among those that are granted
     */
    public static boolean isGrantedIn(String[] permissions, int[] grantResults) {
        for (int at = 0; at < permissions.length && at < grantResults.length; at++) {
            if (Manifest.permission.CAMERA.equals(permissions[at])) {
                return grantResults[at] == PackageManager.PERMISSION_GRANTED;
            }
        }
        // An interrupted question comes back empty: not granted.
        return false;
    }
}
