package dev.libretto.train;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.text.Sampling;
import java.util.Objects;

/**
 * How a model is trained.
 *
 * @param seqLength T, time steps in a batch
 * @param batchSize B, rows in a batch
 * @param parts P, parts into which the rows of a batch are split, computed at the same time. The bits depend on it, so a run
 *     keeps it on every machine that resumes it. On a GPU a batch is one part
 * @param sampling how the text is cut into batches
 * @param epochs passes over the corpus; 0 saves the untrained model
 * @param optimizer how gradients become steps
 * @param dropout probability of dropping an element between layers, never between time steps; in training only
 * @param seed random seed of the initial weights, the shuffling and the dropout
 * @param validation the held-out text
 * @param divergence what to do when training diverges
 * @param checkpoints when checkpoints are written
 */
public record TrainConfig(
        int seqLength,
        int batchSize,

        @JacksonInject(value = PARTS, useInput = OptBoolean.TRUE)
        int parts,

        Sampling sampling,
        int epochs,
        Optimizer optimizer,
        double dropout,
        long seed,
        ValidationConfig validation,
        DivergencePolicy divergence,
        CheckpointPolicy checkpoints) {
    /** The settings of <em>Dive into Deep Learning</em>, section "Concise Implementation of Recurrent Neural Networks". */
    public static final TrainConfig TEXTBOOK = new TrainConfig(
            35,
            32,
            partsFor(32),
            Sampling.CONSECUTIVE,
            250,
            Optimizer.TEXTBOOK,
            0,
            1,
            ValidationConfig.NONE,
            DivergencePolicy.DEFAULT,
            CheckpointPolicy.DEFAULT);

    /** The largest T: the graph is unrolled. */
    public static final int MAX_SEQ_LENGTH = 4096;

    /** The largest B. */
    public static final int MAX_BATCH_SIZE = 65_536;

    /** The name of the default for {@link #parts} in files of earlier versions, which lack them. */
    public static final String PARTS = "parts";

    /** That default: 2 if the batch size is even, else 1. */
    public static final int UNRECORDED_PARTS = Integer.MIN_VALUE;

    /** Fewer rows than a processor's registers hold would waste a part of each product: AVX2 multiplies 6 rows at once. */
    private static final int MIN_ROWS_OF_PART = 8;

    /** The most epochs. */
    public static final int MAX_EPOCHS = 10_000_000;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public TrainConfig {
        if (parts == UNRECORDED_PARTS) {
            parts = batchSize % 2 == 0 ? 2 : 1;
        }
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(validation, "validation");
        Objects.requireNonNull(divergence, "divergence");
        Objects.requireNonNull(checkpoints, "checkpoints");
        Require.inRange("seq length", seqLength, 1, MAX_SEQ_LENGTH);
        Require.inRange("batch size", batchSize, 1, MAX_BATCH_SIZE);
        Require.inRange("parts", parts, 1, batchSize);
        Require.inRange("epochs", epochs, 0, MAX_EPOCHS);
        Require.belowOne("dropout", dropout);
    }

    /**
     * The number of parts that suits a batch on this machine: one for each core, unless they would have too few rows.
     *
     * @param batchSize B
     */
    public static int partsFor(int batchSize) {
        return partsFor(batchSize, Runtime.getRuntime().availableProcessors());
    }

    static int partsFor(int batchSize, int cores) {
        return Math.max(1, Math.min(cores, batchSize / MIN_ROWS_OF_PART));
    }

    /** Returns a copy with the given batches, in as many parts as suits them on this machine. */
    public TrainConfig withBatches(int newSeqLength, int newBatchSize, Sampling newSampling) {
        return toBuilder()
                .seqLength(newSeqLength)
                .batchSize(newBatchSize)
                .parts(partsFor(newBatchSize))
                .sampling(newSampling)
                .build();
    }

    /** Returns a copy with the given number of parts. */
    public TrainConfig withParts(int newParts) {
        return toBuilder().parts(newParts).build();
    }

    /** Returns a copy with the given number of epochs. */
    public TrainConfig withEpochs(int newEpochs) {
        return toBuilder().epochs(newEpochs).build();
    }

    /** Returns a copy with the given optimizer. */
    public TrainConfig withOptimizer(Optimizer newOptimizer) {
        return toBuilder().optimizer(newOptimizer).build();
    }

    /** Returns a copy with the given validation. */
    public TrainConfig withValidation(ValidationConfig newValidation) {
        return toBuilder().validation(newValidation).build();
    }

    /** Returns a copy with the given checkpoints. */
    public TrainConfig withCheckpoints(CheckpointPolicy newCheckpoints) {
        return toBuilder().checkpoints(newCheckpoints).build();
    }

    /** Returns a builder with these settings. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Changes some settings; see the components of {@link TrainConfig}. */
    public static final class Builder {
        private int seqLength;
        private int batchSize;
        private int parts;
        private Sampling sampling;
        private int epochs;
        private Optimizer optimizer;
        private double dropout;
        private long seed;
        private ValidationConfig validation;
        private DivergencePolicy divergence;
        private CheckpointPolicy checkpoints;

        private Builder(TrainConfig config) {
            seqLength = config.seqLength;
            batchSize = config.batchSize;
            parts = config.parts;
            sampling = config.sampling;
            epochs = config.epochs;
            optimizer = config.optimizer;
            dropout = config.dropout;
            seed = config.seed;
            validation = config.validation;
            divergence = config.divergence;
            checkpoints = config.checkpoints;
        }

        public Builder seqLength(int value) {
            seqLength = value;
            return this;
        }

        public Builder batchSize(int value) {
            batchSize = value;
            return this;
        }

        public Builder parts(int value) {
            parts = value;
            return this;
        }

        public Builder sampling(Sampling value) {
            sampling = value;
            return this;
        }

        public Builder epochs(int value) {
            epochs = value;
            return this;
        }

        public Builder optimizer(Optimizer value) {
            optimizer = value;
            return this;
        }

        public Builder dropout(double value) {
            dropout = value;
            return this;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder validation(ValidationConfig value) {
            validation = value;
            return this;
        }

        public Builder divergence(DivergencePolicy value) {
            divergence = value;
            return this;
        }

        public Builder checkpoints(CheckpointPolicy value) {
            checkpoints = value;
            return this;
        }

        /** @throws IllegalArgumentException naming the value that is out of range */
        public TrainConfig build() {
            return new TrainConfig(
                    seqLength,
                    batchSize,
                    parts,
                    sampling,
                    epochs,
                    optimizer,
                    dropout,
                    seed,
                    validation,
                    divergence,
                    checkpoints);
        }
    }
}
