package dev.libretto.cli;

import java.time.Duration;
import java.util.function.Supplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * A progress bar for work of more than two seconds, erased when the work is done. Until the work reports progress, it shows
 * only the elapsed time.
 */
final class WorkBar implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final int REDRAW_MILLIS = 250;
    private static final long UNKNOWN = -1;

    private final StatusLine line;
    private final String task;
    private final long startNanos = System.nanoTime();
    private final Thread patience;
    private boolean isDue;
    /** Null before the bar is due, and without a terminal. */
    private ProgressBar bar;

    WorkBar(StatusLine line, String task) {
        this(line, task, PATIENCE);
    }

    /** @param patience how long the work runs before the bar appears */
    WorkBar(StatusLine line, String task, Duration patience) {
        this.line = line;
        this.task = task;
        this.patience = new Thread(() -> beginAfter(patience), task);
        this.patience.setDaemon(true);
        this.patience.start();
    }

    private void beginAfter(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            // The work is done.
            return;
        }
        synchronized (this) {
            isDue = !Thread.interrupted() && line.isUsable();
            if (isDue) {
                bar = begin(0, UNKNOWN);
            }
        }
    }

    /** @param message shown after the bar */
    synchronized void at(long done, long total, Supplier<String> message) {
        if (!isDue) {
            return;
        }
        if (bar.isIndefinite()) {
            bar.close();
            bar = begin(done, total);
        }
        bar.setExtraMessage(message.get());
        bar.stepTo(done);
    }

    private ProgressBar begin(long done, long total) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .startsFrom(done, Duration.ofNanos(System.nanoTime() - startNanos))
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REDRAW_MILLIS)
                .continuousUpdate()
                .clearDisplayOnFinish()
                .setConsumer(line)
                .build();
    }

    @Override
    public synchronized void close() {
        patience.interrupt();
        if (bar != null) {
            bar.close();
        }
    }
}
