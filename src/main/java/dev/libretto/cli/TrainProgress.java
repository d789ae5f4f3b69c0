package dev.libretto.cli;

import dev.libretto.run.Progress;
import dev.libretto.run.TrainConfig;
import dev.libretto.train.TrainStep;
import dev.libretto.train.TrainingListener;
import java.util.Locale;

/**
 * Shows how far training is, batch by batch.
 *
 * @param training how many epochs there are, and the sizes of a batch
 */
record TrainProgress(WorkBar bar, TrainConfig training) implements TrainingListener {
    @Override
    public void batchEnded(Progress progress, int batches, TrainStep.Measures measures) {
        bar.at(
                (long) progress.epoch() * batches + progress.batch(),
                (long) training.epochs() * batches,
                () -> String.format(
                        Locale.ROOT,
                        " epoch %d, batch %d, loss %.3f, %,.0f characters/s",
                        progress.epoch() + 1,
                        progress.batch(),
                        measures.loss(),
                        (double) progress.batch() * training.batchSize() * training.seqLength() / progress.seconds()));
    }
}
