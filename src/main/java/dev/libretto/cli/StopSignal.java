package dev.libretto.cli;

import dev.libretto.device.Halt;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Lets training finish the current batch on Ctrl-C, SIGTERM or SIGHUP. Before the first batch there is nothing to save, so a
 * signal ends the process. A second signal always does.
 */
final class StopSignal implements AutoCloseable {
    private final Halt halt = new Halt();
    private final StatusLine line;
    private final Runnable onStop;
    private final AtomicInteger exitCode = new AtomicInteger();
    private final Signals signals;
    /** Null once training has started. */
    private Runnable onAbandon;

    /**
     * @param line erased when the process ends
     * @param onAbandon called when a signal ends the process before training has started
     */
    StopSignal(StatusLine line, Runnable onStop, Runnable onAbandon) {
        this.line = line;
        this.onStop = onStop;
        this.onAbandon = onAbandon;
        signals = Signals.handledBy(this::request);
    }

    boolean isRequested() {
        return exitCode.get() != 0;
    }

    /** Returns 128 plus the number of the signal that arrived, or 0. */
    int exitCode() {
        return exitCode.get();
    }

    /**
     * Replaces the callback for a signal before training has started. Callers hold this object's monitor while they create
     * what it removes, so that no signal finds it half created.
     */
    synchronized void onAbandon(Runnable newOnAbandon) {
        onAbandon = newOnAbandon;
    }

    /** From now on a signal waits for the current batch. Does not return if one is already ending the process. */
    synchronized void trainingStarted() {
        onAbandon = null;
    }

    private void request(int number) {
        if (!exitCode.compareAndSet(0, 128 + number)) {
            try {
                line.endSoon();
            } finally {
                halt.now(128 + number);
            }
        }
        // TensorFlow cannot be interrupted, so the process ends while it computes. The monitor is never released then,
        // so
        // nothing is saved in the meantime.
        synchronized (this) {
            if (onAbandon == null) {
                onStop.run();
            } else {
                onAbandon.run();
                halt.exit(128 + number);
            }
        }
    }

    @Override
    public void close() {
        signals.close();
    }
}
