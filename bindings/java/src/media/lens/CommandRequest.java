package media.lens;

/** A command that waits for an answer. */
public final class CommandRequest {
    private final long id;
    private final String from;
    private final Command command;

    CommandRequest(long id, String from, Command command) {
        this.id = id;
        this.from = from;
        this.command = command;
    }

    /**
     * To be quoted in {@link Participant#replyCommand}.
     *
     * @return the library's own count
     */
    public long id() {
        return id;
    }

    /**
     * Who asks.
     *
     * @return the participant's id; null when it came by signalling
     */
    public String from() {
        return from;
    }

    /**
     * For what.
     *
     * @return the command
     */
    public Command command() {
        return command;
    }
}
