package android.app;

import android.content.Context;

public class Activity extends Context {
    public final void requestPermissions(String[] permissions, int requestCode) {}
}
