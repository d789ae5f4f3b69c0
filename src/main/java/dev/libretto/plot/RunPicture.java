package dev.libretto.plot;

import dev.libretto.model.Weights;
import dev.libretto.run.LearningCurve;
import dev.libretto.run.RunDirectory;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.TrainingListener;
import java.awt.AWTError;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Draws {@code perplexity.png} and {@code perplexity.svg} of a run: at reports, with at most a fiftieth of the time spent on
 * drawing, and at the end. If drawing fails, it warns once and training continues.
 */
public final class RunPicture implements TrainingListener, AutoCloseable {
    private static final int SHARE = 50;
    /** The time of the first drawing, which loads Java's graphics. */
    private static final long FIRST_NANOS = 1_000_000_000;

    private final RunDirectory run;
    private final int every;
    private final Consumer<String> warnings;
    private long dueNanos = System.nanoTime() + SHARE * FIRST_NANOS;
    private int drawnEpoch = -1;
    private int lastEpoch;
    private boolean failed;

    public RunPicture(RunDirectory run, int every, Consumer<String> warnings) {
        this.run = run;
        this.every = every;
        this.warnings = warnings;
    }

    @Override
    public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        lastEpoch = metrics.epoch();
        if (lastEpoch % every == 0 && System.nanoTime() - dueNanos >= 0) {
            draw();
        }
    }

    @Override
    public void rolledBack(String message) {
        drawnEpoch = -1;
    }

    private void draw() {
        if (failed || drawnEpoch == lastEpoch) {
            return;
        }
        long start = System.nanoTime();
        try {
            LearningCurve curve = LearningCurve.read(run.path());
            PerplexityPlot plot = new PerplexityPlot(curve.name(), List.of(curve));
            run.replacePicture("png", plot.encode("png"));
            run.replacePicture("svg", plot.encode("svg"));
            drawnEpoch = lastEpoch;
        } catch (IOException | RuntimeException | LinkageError | InternalError | AWTError e) {
            // Java's graphics throw errors if the machine lacks a library or has no font.
            failed = true;
            warnings.accept(
                    "could not draw " + run.path() + "/perplexity.png: " + e + "; training continues without it");
        }
        long end = System.nanoTime();
        dueNanos = end + SHARE * (end - start);
    }

    @Override
    public void close() {
        if (lastEpoch > 0) {
            draw();
        }
    }
}
