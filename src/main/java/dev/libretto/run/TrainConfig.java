package dev.libretto.run;

import dev.libretto.text.Sampling;
import java.util.Objects;

/**
 * How a model is trained.
 *
 * @param seqLength T, time steps in a batch
 * @param batchSize B, rows in a batch
 * @param sampling how the text is cut into batches
 * @param epochs passes over the corpus; 0 saves the untrained model
 * @param optimizer how gradients become steps
 * @param dropout the probability with which an element of a layer's output is dropped on its way up, in training only
 * @param seed what the first weights, the shuffling and the dropout are drawn from
 * @param validation what is kept from training
 * @param divergence what is done when the loss is lost
 * @param checkpoints when checkpoints are written
 */
public record TrainConfig(
        int seqLength,
        int batchSize,
        Sampling sampling,
        int epochs,
        OptimizerConfig optimizer,
        double dropout,
        long seed,
        ValidationConfig validation,
        DivergencePolicy divergence,
        CheckpointPolicy checkpoints) {
    /** The settings of <em>Dive into Deep Learning</em>, section "Concise Implementation of Recurrent Neural Networks". */
    public static final TrainConfig TEXTBOOK = new TrainConfig(
            35,
            32,
            Sampling.CONSECUTIVE,
            250,
            OptimizerConfig.TEXTBOOK,
            0,
            1,
            ValidationConfig.NONE,
            DivergencePolicy.DEFAULT,
            CheckpointPolicy.DEFAULT);

    /** The most time steps, each of which is a part of the unrolled graph. */
    public static final int MAX_SEQ_LENGTH = 4096;

    /** The most rows in a batch. */
    public static final int MAX_BATCH_SIZE = 65_536;

    /** The most epochs. */
    public static final int MAX_EPOCHS = 10_000_000;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public TrainConfig {
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(validation, "validation");
        Objects.requireNonNull(divergence, "divergence");
        Objects.requireNonNull(checkpoints, "checkpoints");
        Require.inRange("seq length", seqLength, 1, MAX_SEQ_LENGTH);
        Require.inRange("batch size", batchSize, 1, MAX_BATCH_SIZE);
        Require.inRange("epochs", epochs, 0, MAX_EPOCHS);
        Require.belowOne("dropout", dropout);
    }

    /** The same but for the batches. */
    public TrainConfig withBatches(int newSeqLength, int newBatchSize, Sampling newSampling) {
        return new TrainConfig(
                newSeqLength,
                newBatchSize,
                newSampling,
                epochs,
                optimizer,
                dropout,
                seed,
                validation,
                divergence,
                checkpoints);
    }

    /** The same but for the epochs. */
    public TrainConfig withEpochs(int newEpochs) {
        return new TrainConfig(
                seqLength,
                batchSize,
                sampling,
                newEpochs,
                optimizer,
                dropout,
                seed,
                validation,
                divergence,
                checkpoints);
    }

    /** The same but for the optimizer. */
    public TrainConfig withOptimizer(OptimizerConfig newOptimizer) {
        return new TrainConfig(
                seqLength,
                batchSize,
                sampling,
                epochs,
                newOptimizer,
                dropout,
                seed,
                validation,
                divergence,
                checkpoints);
    }

    /** The same but for the validation. */
    public TrainConfig withValidation(ValidationConfig newValidation) {
        return new TrainConfig(
                seqLength,
                batchSize,
                sampling,
                epochs,
                optimizer,
                dropout,
                seed,
                newValidation,
                divergence,
                checkpoints);
    }

    /** The same but for the checkpoints. */
    public TrainConfig withCheckpoints(CheckpointPolicy newCheckpoints) {
        return new TrainConfig(
                seqLength,
                batchSize,
                sampling,
                epochs,
                optimizer,
                dropout,
                seed,
                validation,
                divergence,
                newCheckpoints);
    }
}
