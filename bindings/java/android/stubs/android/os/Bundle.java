package android.os;

public final class Bundle {
    public void putInt(String key, int value) {}
}
