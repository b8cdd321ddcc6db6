package android.util;

public final class Range<T extends Comparable<? super T>> {
    private Range() {}

    public T getLower() {
        throw new UnsupportedOperationException();
    }

    public T getUpper() {
        throw new UnsupportedOperationException();
    }
}
