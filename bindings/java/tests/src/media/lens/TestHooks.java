package media.lens;

/** Natives of a library that was built with the feature {@code test-hooks}. */
final class TestHooks {
    private TestHooks() {}

    /** Panics in native code. */
    static native void panic() throws LensException;
}
