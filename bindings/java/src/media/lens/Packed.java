package media.lens;

/** A state and why it failed, in one number of the native library's. */
final class Packed {
    private static final State[] STATES = State.values();

    static final long CLOSED = State.CLOSED.ordinal();

    private Packed() {}

    static State state(long packed) {
        return STATES[(int) (packed & 0xff)];
    }

    static Code failure(long packed) {
        return state(packed) == State.FAILED ? Code.of((int) (packed >> 32)) : null;
    }
}
