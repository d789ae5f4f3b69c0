package dev.libretto.tensorboard;

import dev.libretto.model.Weights;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainStep.StepMetrics;
import dev.libretto.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Files;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.commons.lang3.function.FailableRunnable;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * Writes TensorBoard event files into the run's directory {@code tensorboard}: scalars after each epoch; histograms of the
 * weights and sample texts at reports. A step is a batch.
 *
 * <p>When training starts, resumes or rolls back, it writes a session start, so that TensorBoard drops its events of
 * that step and later ones. If writing fails, it warns once and training continues.
 */
public final class TensorBoard implements TrainingListener, AutoCloseable {
    private final RunDirectory run;
    private final int every;
    private final Consumer<String> warnings;
    /** Null before the first batch, and after a failure. */
    private EventWriter writer;

    private boolean failed;
    private long step = -1;
    private DoubleSummaryStatistics gradientNorms = new DoubleSummaryStatistics();

    public TensorBoard(RunDirectory run, int every, Consumer<String> warnings) {
        this.run = run;
        this.every = every;
        this.warnings = warnings;
    }

    @Override
    public void batchEnded(Progress progress, int count, StepMetrics metrics) {
        if (progress.step() != step + 1) {
            write(() -> start(progress.step()));
            gradientNorms = new DoubleSummaryStatistics();
        }
        step = progress.step();
        gradientNorms.accept(metrics.gradientNorm());
    }

    private void start(long atStep) throws IOException {
        if (writer == null) {
            writer = new EventWriter(Files.createDirectories(run.tensorBoard()), ".step-" + atStep);
        }
        writer.start(atStep);
    }

    @Override
    public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        write(() -> {
            writer.scalars(
                    step,
                    Map.of(
                            "loss", metrics.loss(),
                            "perplexity", metrics.perplexity(),
                            "learning_rate", metrics.learningRate(),
                            "gradient_norm", gradientNorms.getAverage(),
                            "chars_per_second", metrics.charsPerSecond()));
            if (metrics.validationLoss() != null) {
                writer.scalars(
                        step,
                        Map.of(
                                "validation_loss", metrics.validationLoss(),
                                "validation_perplexity", metrics.validationPerplexity()));
            }
            if (metrics.epoch() % every == 0) {
                writer.histograms(step, weights.get());
            }
        });
        gradientNorms = new DoubleSummaryStatistics();
    }

    /** Writes the sample texts of a report, if a file has been started. */
    public void samplesGenerated(List<String> texts) {
        if (writer != null) {
            write(() -> writer.text(step, texts));
        }
    }

    private void write(FailableRunnable<IOException> step) {
        if (!failed) {
            attempt(step);
        }
    }

    private void attempt(FailableRunnable<IOException> step) {
        try {
            step.run();
        } catch (IOException | TensorFlowException e) {
            if (!failed) {
                failed = true;
                warnings.accept("could not write " + run.tensorBoard() + ": " + Disk.reason(e)
                        + "; training continues without it");
            }
        }
    }

    @Override
    public void close() {
        if (writer != null) {
            attempt(writer::close);
        }
    }
}
