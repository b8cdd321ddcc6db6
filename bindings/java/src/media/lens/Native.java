package media.lens;

import java.nio.ByteBuffer;

/**
 * What the native library offers. Its other half is {@code native/src}; handles are numbers it looks
 * up, and a stale one is an {@link IllegalStateException}.
 */
final class Native {
    static {
        String path = System.getProperty("lens.media.library");
        if (path == null) {
            System.loadLibrary("lens_media_jni");
        } else {
            System.load(path);
        }
    }

    private Native() {}

    static native String version();

    static native long engineStart(String[] addresses, boolean udp, boolean tcp)
            throws LensException;

    /** Runs callbacks until the engine stops. */
    static native void engineRun(long engine) throws LensException;

    static native void engineStop(long engine);

    static native void engineNetworkChanged(long engine);

    static native int engineLive(long engine);

    static native int liveHandles();

    static native long participantCreate(long engine, int role, int[] numbers, Bridge bridge)
            throws LensException;

    /** Returns the packed state at last, or -1 when that was closed already. */
    static native long participantClose(long participant);

    /** Closes it, and waits for no callback. */
    static native void participantRelease(long participant);

    /** The code in the upper half, the state in the lower. */
    static native long state(long participant);

    static native String id(long participant);

    static native int generation(long participant);

    static native String[] participants(long participant);

    static native double[] stats(long participant);

    static native void receive(long participant, String signal) throws LensException;

    static native void signalSent(long participant, long id);

    static native void signalFailed(long participant, long id, boolean retryable);

    static native void signalRefused(long participant, long id, int code);

    static native void requestOffer(long participant, int reason) throws LensException;

    static native void pushFrame(
            long participant,
            int codec,
            ByteBuffer buffer,
            int position,
            int length,
            long ptsUs,
            boolean keyframe,
            int rotation)
            throws LensException;

    static native void setMuted(long participant, int kind, boolean muted) throws LensException;

    static native void resumeCapture(long participant) throws LensException;

    static native void requestKeyframe(long participant) throws LensException;

    static native void networkChanged(long participant) throws LensException;

    static native void leave(long participant, String reason) throws LensException;

    static native long sendChat(long participant, String text) throws LensException;

    static native long sendCommand(long participant, int kind, boolean on, float factor, int facing)
            throws LensException;

    static native void replyCommand(long participant, long id, int outcome) throws LensException;

    static native void sendAnnotation(
            long participant,
            long id,
            int shape,
            float[] points,
            int color,
            float width,
            String text,
            long ptsUs)
            throws LensException;

    static native void clearAnnotations(long participant, long id) throws LensException;

    static native void sendKeyMessage(long participant, String to, String payload)
            throws LensException;
}
