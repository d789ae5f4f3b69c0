package dev.libretto.train;

import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;

/** Where training keeps its checkpoints and what it measured of each epoch. */
public interface CheckpointStore {
    /**
     * Saves where training starts. Called once the first batch is computed; before that, training that cannot start changes
     * nothing.
     */
    void begin(Checkpoint start) throws IOException;

    /** Saves a checkpoint and deletes those that {@link CheckpointPolicy#kept} leaves out. */
    void save(Checkpoint checkpoint) throws IOException;

    /** Adds what was measured of an epoch. */
    void append(EpochMetrics metrics) throws IOException;

    /** How far training was at the start of the epoch that it is in, if there is a checkpoint of that. */
    Optional<Progress> epochStart(Progress now) throws IOException;

    /**
     * Returns the checkpoint that a divergence goes back to: {@link CheckpointPolicy#best}, or the newest.
     *
     * @param warnings receives a line for each damaged checkpoint skipped
     */
    Checkpoint best(Consumer<String> warnings) throws IOException;

    /** Goes back to an earlier point: saves its checkpoint and deletes the metrics of the epochs after it. */
    void rollBack(Checkpoint checkpoint) throws IOException;

    /** Deletes the checkpoints that are newer than the one that a divergence leaves. */
    void discardAfter(Progress last) throws IOException;
}
