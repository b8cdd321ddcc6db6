package android.view;

public class Surface {
    public void release() {}
}
