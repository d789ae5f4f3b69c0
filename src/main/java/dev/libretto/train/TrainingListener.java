package dev.libretto.train;

import dev.libretto.model.Weights;
import dev.libretto.run.EpochMetrics;

/** Is told how training goes. */
public interface TrainingListener {
    /**
     * After each epoch.
     *
     * @param metrics what was measured of it
     * @param weights the weights after it
     */
    void epochEnded(EpochMetrics metrics, Weights weights);

    /**
     * When training diverged and goes back.
     *
     * @param message what happened and how it goes on, in one line
     */
    void rolledBack(String message);
}
