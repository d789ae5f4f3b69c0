package dev.libretto.train;

import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;

/** Stores the checkpoints of training and the metrics of each epoch. */
public interface CheckpointStore {
    /**
     * Saves the checkpoint that training starts from. Called after the first batch, so training that cannot start changes
     * nothing.
     */
    void begin(Checkpoint start) throws IOException;

    /** Saves a checkpoint and deletes all that {@link CheckpointPolicy#kept} does not contain. */
    void save(Checkpoint checkpoint) throws IOException;

    /** Appends the metrics of an epoch. */
    void append(EpochMetrics metrics) throws IOException;

    /** Returns the position of the checkpoint at the start of the current epoch, if there is one. */
    Optional<Progress> epochStart(Progress now) throws IOException;

    /**
     * Returns the checkpoint to restore after a divergence: {@link CheckpointPolicy#best}, or the newest.
     *
     * @param warnings receives a line for each damaged checkpoint skipped
     */
    Checkpoint best(Consumer<String> warnings) throws IOException;

    /** Saves the checkpoint that a rollback restored and deletes the metrics of later epochs. */
    void rollBack(Checkpoint checkpoint) throws IOException;

    /** Deletes all checkpoints newer than the given position. */
    void discardAfter(Progress last) throws IOException;
}
