package media.lens;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Somebody who takes part. */
public final class RosterEntry {
    /** Texts of the native library's for each entry: id, role, name, slots. */
    private static final int FIELDS = 4;

    private final String participant;
    private final Role role;
    private final String displayName;
    private final List<Slot> slots;

    private RosterEntry(String participant, Role role, String displayName, List<Slot> slots) {
        this.participant = participant;
        this.role = role;
        this.displayName = displayName;
        this.slots = slots;
    }

    static List<RosterEntry> list(String[] fields) {
        List<RosterEntry> entries = new ArrayList<>();
        for (int at = 0; at + FIELDS <= fields.length; at += FIELDS) {
            Role role = Role.of(Integer.parseInt(fields[at + 1]));
            List<Slot> slots = Slot.list(fields[at + 3]);
            entries.add(new RosterEntry(fields[at], role, fields[at + 2], slots));
        }
        return Collections.unmodifiableList(entries);
    }

    /**
     * Who.
     *
     * @return the participant's id
     */
    public String participant() {
        return participant;
    }

    /**
     * What they do in the conference.
     *
     * @return the role
     */
    public Role role() {
        return role;
    }

    /**
     * Their name, as they gave it.
     *
     * @return the name
     */
    public String displayName() {
        return displayName;
    }

    /**
     * Where their media comes.
     *
     * @return slots of our own layout; cannot be changed
     */
    public List<Slot> slots() {
        return slots;
    }

    /** A slot of the receiver's layout that carries somebody. */
    public static final class Slot {
        private final String mid;
        private final String carries;

        private Slot(String mid, String carries) {
            this.mid = mid;
            this.carries = carries;
        }

        private static List<Slot> list(String words) {
            List<Slot> slots = new ArrayList<>();
            String[] split = words.split(" ");
            for (int at = 0; at + 1 < split.length; at += 2) {
                slots.add(new Slot(split[at], split[at + 1]));
            }
            return Collections.unmodifiableList(slots);
        }

        /**
         * The section's {@code a=mid}.
         *
         * @return its name, as in {@link Track#mid()}
         */
        public String mid() {
            return mid;
        }

        /**
         * What it carries.
         *
         * @return {@code video}, {@code audio} or {@code screen}
         */
        public String carries() {
            return carries;
        }
    }
}
