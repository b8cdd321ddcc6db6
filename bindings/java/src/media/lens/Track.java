package media.lens;

/** Where received frames come from: a slot of the participant's layout, and who is in it. */
public final class Track {
    private final String mid;
    private final MediaKind kind;
    private final String participant;

    Track(String mid, MediaKind kind, String participant) {
        this.mid = mid;
        this.kind = kind;
        this.participant = participant;
    }

    /**
     * The section's {@code a=mid}.
     *
     * @return its name, valid for one generation
     */
    public String mid() {
        return mid;
    }

    /**
     * What it carries.
     *
     * @return pictures or voices
     */
    public MediaKind kind() {
        return kind;
    }

    /**
     * Whose it is.
     *
     * @return the participant's id; null while no roster has said so
     */
    public String participant() {
        return participant;
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Track)) {
            return false;
        }
        Track track = (Track) other;
        boolean sameOwner =
                participant == null
                        ? track.participant == null
                        : participant.equals(track.participant);
        return sameOwner && mid.equals(track.mid) && kind == track.kind;
    }

    @Override
    public int hashCode() {
        return 31 * mid.hashCode() + kind.hashCode();
    }

    @Override
    public String toString() {
        return kind + " " + mid + " of " + participant;
    }
}
