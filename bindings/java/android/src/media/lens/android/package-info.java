/**
 * MediaSDK of Lens on Android: the hardware's encoder, the camera, the permission.
 *
 * <p><b>Compile-checked only.</b> These classes are compiled against signatures of our own of the
 * Android classes they use ({@code bindings/java/android/stubs}), and have never run on a device.
 * The core, {@link media.lens}, is tested with its real native library on a desktop.
 *
 * <p>{@link media.lens.android.CameraSource} films into {@link media.lens.android.VideoEncoder},
 * which pushes into a {@link media.lens.Participant}:
 *
 * <pre>
 * Camera2 ── Surface ──▶ MediaCodec ── direct ByteBuffer ──▶ Participant.pushFrame
 *                            ▲── onBitrate, onKeyframeRequest of the observer
 * </pre>
 *
 * <p>What stays the app's: Android 9 (API 28) and later take the camera from an app in the background,
 * which is {@code onFailed}; make a new camera when the app is back, or film in a foreground service of
 * type {@code camera}. Close the camera before the encoder, and both in {@code onCaptureStopped}. When
 * the device is turned, hand {@code CameraSource.uprightDegrees} on to {@code setRotation}.
 */
package media.lens.android;
