package dev.libretto.train;

import dev.libretto.model.Weights;
import dev.libretto.train.TrainStep.StepMetrics;
import java.util.function.Supplier;

/** Receives the events of training. */
public interface TrainingListener {
    /** A listener that does nothing. */
    TrainingListener NONE = new TrainingListener() {};

    /** Called after the first batch, before anything is saved. */
    default void firstBatchComputed() {}

    /** Called after the first checkpoint is saved. */
    default void trainingStarted() {}

    /**
     * Called after each epoch.
     *
     * @param weights reads the weights after the epoch; valid only during the call
     */
    default void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {}

    /**
     * Called after the last epoch, also if training ends early for lack of improvement; not if it is stopped.
     *
     * @param weights reads the weights after the epoch; valid only during the call
     */
    default void trainingEnded(EpochMetrics metrics, Supplier<Weights> weights) {}

    /**
     * Called after each batch.
     *
     * @param batches the number of batches per epoch
     */
    default void batchEnded(Progress progress, int batches, StepMetrics metrics) {}

    /**
     * Called when training rolls back after a divergence, and for each damaged checkpoint skipped.
     *
     * @param message one line for the user
     */
    default void rolledBack(String message) {}

    /** Returns whether to save a checkpoint and end training; called after every run of the graph. */
    default boolean stopRequested() {
        return false;
    }
}
