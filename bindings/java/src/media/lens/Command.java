package media.lens;

/** Something that a viewer may ask of the camera's host; the customer may refuse it. */
public final class Command {
    /** Which command. */
    public enum Kind {
        /** The lamp beside the camera; {@link Command#isOn()}. */
        TORCH,
        /** A closer look; {@link Command#factor()}. */
        ZOOM,
        /** The picture stands still; {@link Command#isOn()}. */
        FREEZE,
        /** A picture in full resolution. */
        SNAPSHOT,
        /** Another camera; {@link Command#facing()}. */
        SWITCH_CAMERA;

        private static final Kind[] ALL = values();

        static Kind of(int ordinal) {
            return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
        }
    }

    private final Kind kind;
    private final boolean on;
    private final float factor;
    private final Facing facing;

    Command(Kind kind, boolean on, float factor, Facing facing) {
        this.kind = kind;
        this.on = on;
        this.factor = factor;
        this.facing = facing;
    }

    /**
     * The lamp beside the camera.
     *
     * @param on lit or dark
     * @return the command
     */
    public static Command torch(boolean on) {
        return new Command(Kind.TORCH, on, 1, null);
    }

    /**
     * A closer look.
     *
     * @param factor 1 is the whole picture, at most 100
     * @return the command
     */
    public static Command zoom(float factor) {
        return new Command(Kind.ZOOM, false, factor, null);
    }

    /**
     * The picture stands still, or moves again.
     *
     * @param on stands
     * @return the command
     */
    public static Command freeze(boolean on) {
        return new Command(Kind.FREEZE, on, 1, null);
    }

    /**
     * A picture in full resolution.
     *
     * @return the command
     */
    public static Command snapshot() {
        return new Command(Kind.SNAPSHOT, false, 1, null);
    }

    /**
     * Another camera.
     *
     * @param facing which; null for the other one
     * @return the command
     */
    public static Command switchCamera(Facing facing) {
        return new Command(Kind.SWITCH_CAMERA, false, 1, facing);
    }

    /**
     * Which command.
     *
     * @return the kind; null for one that this version does not know
     */
    public Kind kind() {
        return kind;
    }

    /**
     * For torch and freeze.
     *
     * @return whether it is to be on
     */
    public boolean isOn() {
        return on;
    }

    /**
     * For zoom.
     *
     * @return 1 to 100
     */
    public float factor() {
        return factor;
    }

    /**
     * For switching the camera.
     *
     * @return which; null for the other one
     */
    public Facing facing() {
        return facing;
    }

    long send(long participant) throws LensException {
        int which = facing == null ? -1 : facing.ordinal();
        return Native.sendCommand(participant, kind.ordinal(), on, factor, which);
    }

    @Override
    public String toString() {
        return String.valueOf(kind);
    }
}
