package media.lens;

import java.util.Arrays;

/**
 * Something drawn on the camera's picture. Cannot be changed; the {@code with} methods make another.
 *
 * <p>Coordinates run from 0 to 1, from the left and upper edge of the picture as the camera sent it,
 * before rotation: so all sides mean the same spot.
 */
public final class Annotation {
    /** What is drawn between the points. */
    public enum Shape {
        /** A line through all points, as a hand drew it. */
        STROKE,
        /** From the first point to the last, which it points at. */
        ARROW,
        /** Around the box between the first and the last point. */
        ELLIPSE,
        /** The box between the first and the last point. */
        RECTANGLE,
        /** A mark at the first point. */
        POINT,
        /** The label at the first point. */
        TEXT;

        private static final Shape[] ALL = values();

        static Shape of(int ordinal) {
            return ordinal < 0 || ordinal >= ALL.length ? null : ALL[ordinal];
        }
    }

    private final long id;
    private final Shape shape;
    private final float[] points;
    private final int color;
    private final float width;
    private final String text;
    private final long ptsUs;

    /** With the native library's marks for what is left out: -1, NaN, null, -1. */
    Annotation(
            long id, Shape shape, float[] points, int color, float width, String text, long ptsUs) {
        this.id = id;
        this.shape = shape;
        this.points = points;
        this.color = color;
        this.width = width;
        this.text = text;
        this.ptsUs = ptsUs;
    }

    /**
     * A drawing.
     *
     * @param id the sender's own name for it, not negative; another with the same id replaces it
     * @param shape what is drawn
     * @param points x and y of each point in turn, 0 to 1; 1 to 512 points
     */
    public Annotation(long id, Shape shape, float... points) {
        this(id, notNull(shape), points.clone(), -1, Float.NaN, null, -1);
    }

    private static Shape notNull(Shape shape) {
        if (shape == null) {
            throw new NullPointerException("an annotation has a shape");
        }
        return shape;
    }

    /**
     * In a color.
     *
     * @param rgb {@code 0xRRGGBB}; what lies above, such as the opacity of Android's colors, is left out
     * @return the same, in that color
     */
    public Annotation withColor(int rgb) {
        return new Annotation(id, shape, points, rgb & 0xffffff, width, text, ptsUs);
    }

    /**
     * With lines of a width.
     *
     * @param part of the picture's width, 0 to 1
     * @return the same, with that width
     */
    public Annotation withWidth(float part) {
        return new Annotation(id, shape, points, color, part, text, ptsUs);
    }

    /**
     * With a label.
     *
     * @param label at most 200 characters
     * @return the same, with that label
     */
    public Annotation withText(String label) {
        return new Annotation(id, shape, points, color, width, label, ptsUs);
    }

    /**
     * On a frame: a picture that stands still keeps its own drawings.
     *
     * @param framePtsUs {@link EncodedFrame#ptsUs()} of the frame, in microseconds. Ends count apart:
     *     it tells drawings on one frozen picture from those on another, and does not find the frame
     *     at another end
     * @return the same, on that frame
     */
    public Annotation withPtsUs(long framePtsUs) {
        return new Annotation(id, shape, points, color, width, text, framePtsUs);
    }

    /**
     * The sender's own name for it.
     *
     * @return not negative
     */
    public long id() {
        return id;
    }

    /**
     * What is drawn.
     *
     * @return the shape; null for one that this version does not know
     */
    public Shape shape() {
        return shape;
    }

    /**
     * Where.
     *
     * @return x and y of each point in turn, 0 to 1; a copy
     */
    public float[] points() {
        return points.clone();
    }

    /**
     * The color.
     *
     * @return {@code 0xRRGGBB}; null when none is named
     */
    public Integer color() {
        return color < 0 ? null : Integer.valueOf(color);
    }

    /**
     * Width of its lines.
     *
     * @return a part of the picture's width, 0 to 1; null when none is named
     */
    public Float width() {
        return Float.isNaN(width) ? null : Float.valueOf(width);
    }

    /**
     * The label.
     *
     * @return at most 200 characters; null when there is none
     */
    public String text() {
        return text;
    }

    /**
     * The frame it was drawn on.
     *
     * @return its time in microseconds; null when none is named
     */
    public Long ptsUs() {
        return ptsUs < 0 ? null : Long.valueOf(ptsUs);
    }

    long send(long participant) throws LensException {
        Native.sendAnnotation(
                participant, id, shape.ordinal(), points, color, width, text, ptsUs);
        return id;
    }

    @Override
    public String toString() {
        return shape + " " + id + " " + Arrays.toString(points);
    }
}
