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
 * Keeps {@code perplexity.png} and {@code perplexity.svg} of a run drawn: at reports, but never so often that drawing takes
 * more than a fiftieth of the time, and at the end. Training does not depend on it: where it fails, that is told once.
 */
public final class RunPicture implements TrainingListener, AutoCloseable {
    private static final int SHARE = 50;
    /** What the first drawing takes, which loads Java's graphics. */
    private static final long FIRST_NANOS = 1_000_000_000;

    private final RunDirectory run;
    private final int every;
    private final Consumer<String> warnings;
    private long dueNanos = System.nanoTime() + SHARE * FIRST_NANOS;
    private int drawnEpoch = -1;
    private int lastEpoch;
    private boolean failed;

    /**
     * @param every epochs between two reports
     * @param warnings is told once if it cannot be drawn
     */
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
            // Java's graphics throw errors where the machine lacks a library or has no font at all.
            failed = true;
            warnings.accept("could not draw " + run.path() + "/perplexity.png: " + e + "; training goes on without it");
        }
        long end = System.nanoTime();
        dueNanos = end + SHARE * (end - start);
    }

    /** Draws what was not yet drawn. */
    @Override
    public void close() {
        if (lastEpoch > 0) {
            draw();
        }
    }
}
