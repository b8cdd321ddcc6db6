package media.lens;

import java.util.ArrayList;
import java.util.List;

/**
 * Which participant's callback waits for which other participant's end. Participants that close each
 * other from their callbacks would wait for ever; whoever would close the circle does not wait.
 *
 * <p>Native code looks for circles of threads, too, and cannot see this one: a callback on an
 * executor runs on a thread that it knows nothing of.
 */
final class Waits {
    /** Who, and for whom. A handful at most; no circle stands in it. */
    private static final List<Bridge[]> WAITING = new ArrayList<>();

    private Waits() {}

    /** Null when that would close a circle; else to be ended. */
    static synchronized Bridge[] begin(Bridge who, Bridge whom) {
        if (leads(whom, who)) {
            return null;
        }
        Bridge[] wait = {who, whom};
        WAITING.add(wait);
        return wait;
    }

    static synchronized void end(Bridge[] wait) {
        WAITING.remove(wait);
    }

    private static boolean leads(Bridge from, Bridge to) {
        if (from == to) {
            return true;
        }
        for (Bridge[] wait : WAITING) {
            if (wait[0] == from && leads(wait[1], to)) {
                return true;
            }
        }
        return false;
    }
}
