package media.lens;

import java.lang.reflect.Method;

/** Natives of a library that was built with the feature {@code test-hooks}. */
public final class TestHooks {
    private TestHooks() {}

    /** Has the library panic inside, on its own thread. */
    public static void panicInside(Participant participant) throws LensException {
        panicAt(handle(participant));
    }

    /** What the public class keeps to itself. */
    private static long handle(Participant participant) {
        try {
            Method handle = Participant.class.getDeclaredMethod("handle");
            handle.setAccessible(true);
            return (Long) handle.invoke(participant);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static native void panicAt(long participant) throws LensException;
}
