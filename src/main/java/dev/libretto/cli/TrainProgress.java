package dev.libretto.cli;

import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep.StepMetrics;
import dev.libretto.train.TrainingListener;
import java.util.Locale;

/** Shows the progress of training. */
final class TrainProgress implements TrainingListener, AutoCloseable {
    private final Console console;
    private final TrainConfig training;
    private WorkBar bar;

    TrainProgress(Console console, TrainConfig training) {
        this.console = console;
        this.training = training;
        this.bar = console.workBar("preparing");
    }

    @Override
    public void firstBatchComputed() {
        bar.close();
        bar = console.workBar("training");
    }

    @Override
    public void batchEnded(Progress progress, int batches, StepMetrics metrics) {
        bar.at(
                (long) progress.epoch() * batches + progress.batch(),
                (long) training.epochs() * batches,
                () -> String.format(
                        Locale.ROOT,
                        " epoch %d, batch %d, loss %.3f, %,.0f characters/s",
                        progress.epoch() + 1,
                        progress.batch(),
                        metrics.loss(),
                        (double) progress.batch() * training.batchSize() * training.seqLength() / progress.seconds()));
    }

    @Override
    public void close() {
        bar.close();
    }
}
