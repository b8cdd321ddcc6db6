package media.lens;

/**
 * The library could not do what was asked, and nothing was changed. {@link #code()} is stable, the
 * message is a sentence for people.
 */
public final class LensException extends Exception {
    private static final long serialVersionUID = 1;

    /** The code as the C face has it. */
    private final int status;

    /** Called by native code. */
    LensException(int status, String message) {
        super(message);
        this.status = status;
    }

    /**
     * What went wrong.
     *
     * @return the code; {@link Code#INTERNAL} for one that this version does not know
     */
    public Code code() {
        Code code = Code.of(status);
        return code == null ? Code.INTERNAL : code;
    }

    /**
     * The code as the C face has it.
     *
     * @return positive for the library's own codes, negative for the server's
     */
    public int status() {
        return status;
    }
}
