package dev.libretto.train;

import dev.libretto.model.Weights;
import java.util.List;
import java.util.function.Supplier;

/** Is told how training goes. */
public interface TrainingListener {
    /** One that does nothing. */
    TrainingListener NONE = new TrainingListener() {};

    /** When the first batch has been computed, before anything of this training is saved. */
    default void firstBatchComputed() {}

    /** When the checkpoint that training starts from has been saved. */
    default void trainingStarted() {}

    /**
     * After each epoch.
     *
     * @param metrics what was measured of it
     * @param weights reads the weights after it; only valid during the call
     */
    default void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {}

    /**
     * After the last epoch: all that were asked for, or the one that was out of patience.
     *
     * @param metrics what was measured of it
     * @param weights reads the weights after it; only valid during the call
     */
    default void trainingEnded(EpochMetrics metrics, Supplier<Weights> weights) {}

    /**
     * After each batch.
     *
     * @param progress how far training is
     * @param batches how many an epoch has
     * @param measures what was measured of it
     */
    default void batchEnded(Progress progress, int batches, TrainStep.Measures measures) {}

    /**
     * When training diverged and goes back.
     *
     * @param message what happened and how it goes on, in one line
     */
    default void rolledBack(String message) {}

    /** Asked after every run of batches; once it is true, training ends there and saves what was learnt. */
    default boolean stopRequested() {
        return false;
    }

    /** One that tells several, in their order. */
    static TrainingListener together(List<TrainingListener> listeners) {
        return new TrainingListener() {
            @Override
            public void firstBatchComputed() {
                listeners.forEach(TrainingListener::firstBatchComputed);
            }

            @Override
            public void trainingStarted() {
                listeners.forEach(TrainingListener::trainingStarted);
            }

            @Override
            public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
                listeners.forEach(listener -> listener.epochEnded(metrics, weights));
            }

            @Override
            public void trainingEnded(EpochMetrics metrics, Supplier<Weights> weights) {
                listeners.forEach(listener -> listener.trainingEnded(metrics, weights));
            }

            @Override
            public void batchEnded(Progress progress, int batches, TrainStep.Measures measures) {
                listeners.forEach(listener -> listener.batchEnded(progress, batches, measures));
            }

            @Override
            public boolean stopRequested() {
                return listeners.stream().anyMatch(TrainingListener::stopRequested);
            }

            @Override
            public void rolledBack(String message) {
                listeners.forEach(listener -> listener.rolledBack(message));
            }
        };
    }
}
