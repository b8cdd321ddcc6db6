package media.lens.android;

/** What is reckoned about pictures, without a class of Android's: tested on a desktop. */
final class Pictures {
    private Pictures() {}

    /**
     * Place of the range that comes nearest to a rate without going beyond it, else of the slowest;
     * -1 of none. Of several that of the slowest lower end, which may expose longer in the dark.
     *
     * @param ranges lower and upper end of each, pictures a second
     */
    static int rates(int[][] ranges, int most) {
        int best = -1;
        for (int at = 0; at < ranges.length; at++) {
            if (best < 0 || isBetter(ranges[at], ranges[best], most)) {
                best = at;
            }
        }
        return best;
    }

    private static boolean isBetter(int[] one, int[] other, int most) {
        boolean fits = one[1] <= most;
        if (fits != (other[1] <= most)) {
            return fits;
        }
        if (one[1] != other[1]) {
            return fits ? one[1] > other[1] : one[1] < other[1];
        }
        return one[0] < other[0];
    }

    /** Times that rise, whatever clock the next camera counts by: each has its own. */
    static final class Times {
        private long shiftUs;
        private long lastUs = -1;

        long rising(long capturedUs) {
            if (capturedUs + shiftUs <= lastUs) {
                shiftUs = lastUs + 1 - capturedUs;
            }
            lastUs = capturedUs + shiftUs;
            return lastUs;
        }
    }
}
