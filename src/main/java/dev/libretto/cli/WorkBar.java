package dev.libretto.cli;

import java.time.Duration;
import java.util.function.Supplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows how far work is that takes more than two seconds, in a line of the terminal that is gone when it is done. */
final class WorkBar implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final int REDRAW_MILLIS = 250;

    private final StatusLine line;
    private final String task;
    private final long startNanos = System.nanoTime();
    private boolean asked;
    /** Null before there is one, or where there is no terminal for it. */
    private ProgressBar bar;

    /** @param task what is done, in a word */
    WorkBar(StatusLine line, String task) {
        this.line = line;
        this.task = task;
    }

    /**
     * Tells how far it is.
     *
     * @param done how much is done
     * @param total how much there is to do
     * @param message what else is shown
     */
    void at(long done, long total, Supplier<String> message) {
        Duration elapsed = Duration.ofNanos(System.nanoTime() - startNanos);
        if (!asked && elapsed.compareTo(PATIENCE) > 0) {
            asked = true;
            if (line.isUsable()) {
                bar = begin(done, total, elapsed);
            }
        }
        if (bar != null) {
            bar.setExtraMessage(message.get());
            bar.stepTo(done);
        }
    }

    private ProgressBar begin(long done, long total, Duration elapsed) {
        // Ctrl-C leaves the terminal as it was, too.
        Runtime.getRuntime().addShutdownHook(new Thread(line::end));
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .startsFrom(done, elapsed)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(REDRAW_MILLIS)
                .clearDisplayOnFinish()
                .setConsumer(line)
                .build();
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
