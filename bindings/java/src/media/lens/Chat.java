package media.lens;

/** A line of talk from another participant. Kept by nobody. */
public final class Chat {
    private final String from;
    private final long id;
    private final String text;

    Chat(String from, long id, String text) {
        this.from = from;
        this.id = id;
        this.text = text;
    }

    /**
     * Who says so, by their own account: members of one conference can forge each other.
     *
     * @return the participant's id
     */
    public String from() {
        return from;
    }

    /**
     * The sender's count.
     *
     * @return rising within a sender
     */
    public long id() {
        return id;
    }

    /**
     * What is said.
     *
     * @return 1 to 2,000 characters
     */
    public String text() {
        return text;
    }
}
