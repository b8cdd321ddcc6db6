package media.lens;

import java.util.function.BooleanSupplier;

/** A callback on its way to an executor, and the thread that waits for it. */
final class Turn implements Runnable {
    private enum Stage {
        WAITING,
        RUNNING,
        DONE
    }

    private final BooleanSupplier callback;
    private Stage stage = Stage.WAITING;
    private boolean cameThrough = true;

    Turn(BooleanSupplier callback) {
        this.callback = callback;
    }

    @Override
    public void run() {
        synchronized (this) {
            if (stage != Stage.WAITING) {
                return;
            }
            stage = Stage.RUNNING;
        }
        boolean through = false;
        try {
            through = callback.getAsBoolean();
        } finally {
            done(through);
        }
    }

    private synchronized void done(boolean through) {
        stage = Stage.DONE;
        cameThrough = through;
        notifyAll();
    }

    /** Lets it not begin any more. One that runs goes on. */
    synchronized void cancel() {
        if (stage == Stage.WAITING) {
            stage = Stage.DONE;
            notifyAll();
        }
    }

    /** Waits until it has run or was cancelled; whether the host came through. */
    synchronized boolean await() {
        boolean interrupted = false;
        while (stage != Stage.DONE) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return cameThrough;
    }
}
