package dev.libretto.cli;

import java.time.Duration;
import java.util.function.Supplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Shows how far work is that takes more than two seconds, in a line of the terminal that is gone when the work is done. Until
 * the work reports, the line shows only how long it has taken.
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
    /** Null before the line is due, and without a terminal. */
    private ProgressBar bar;

    /** @param task what the work is, in one or two words */
    WorkBar(StatusLine line, String task) {
        this(line, task, PATIENCE);
    }

    /** @param patience how long the work may take before the line is shown */
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

    /**
     * Reports progress.
     *
     * @param done how much is done
     * @param total how much there is to do
     * @param message what else is shown
     */
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
