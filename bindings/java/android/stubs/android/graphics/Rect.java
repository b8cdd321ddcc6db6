package android.graphics;

public final class Rect {
    public Rect(int left, int top, int right, int bottom) {}

    public int width() {
        throw new UnsupportedOperationException();
    }

    public int height() {
        throw new UnsupportedOperationException();
    }
}
