package dev.libretto.run;

import dev.libretto.text.Sampling;
import java.util.Objects;

/**
 * How a model is trained.
 *
 * @param seqLength T, time steps in a batch
 * @param batchSize B, rows in a batch
 * @param epochs passes over the corpus; 0 saves the untrained model
 * @param learningRate what each gradient is multiplied by before it is subtracted
 * @param clipNorm the largest global norm of the gradients; larger ones are scaled down to it
 * @param sampling how the text is cut into batches
 * @param seed what the first weights and the shuffling are drawn from
 * @param divergence what is done when the loss is lost
 * @param checkpoints when checkpoints are written
 */
public record TrainConfig(
        int seqLength,
        int batchSize,
        int epochs,
        double learningRate,
        double clipNorm,
        Sampling sampling,
        long seed,
        DivergencePolicy divergence,
        CheckpointPolicy checkpoints) {
    /** The settings of <em>Dive into Deep Learning</em>, section "Concise Implementation of Recurrent Neural Networks". */
    public static final TrainConfig TEXTBOOK = new TrainConfig(
            35, 32, 250, 100, 0.01, Sampling.CONSECUTIVE, 1, DivergencePolicy.DEFAULT, CheckpointPolicy.DEFAULT);

    /** The most time steps, each of which is a part of the unrolled graph. */
    public static final int MAX_SEQ_LENGTH = 4096;

    /** The most rows in a batch. */
    public static final int MAX_BATCH_SIZE = 65_536;

    /** The most epochs. */
    public static final int MAX_EPOCHS = 10_000_000;

    /** @throws IllegalArgumentException naming the value that is out of range */
    public TrainConfig {
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(divergence, "divergence");
        Objects.requireNonNull(checkpoints, "checkpoints");
        requireInRange("seq length", seqLength, 1, MAX_SEQ_LENGTH);
        requireInRange("batch size", batchSize, 1, MAX_BATCH_SIZE);
        requireInRange("epochs", epochs, 0, MAX_EPOCHS);
        requirePositive("learning rate", learningRate);
        requirePositive("clip norm", clipNorm);
    }

    /** The same but for the epochs. */
    public TrainConfig withEpochs(int newEpochs) {
        return new TrainConfig(
                seqLength, batchSize, newEpochs, learningRate, clipNorm, sampling, seed, divergence, checkpoints);
    }

    /** The same but for the checkpoints. */
    public TrainConfig withCheckpoints(CheckpointPolicy newCheckpoints) {
        return new TrainConfig(
                seqLength, batchSize, epochs, learningRate, clipNorm, sampling, seed, divergence, newCheckpoints);
    }

    private static void requireInRange(String name, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be from " + min + " to " + max);
        }
    }

    private static void requirePositive(String name, double value) {
        if (!((float) value > 0 && (float) value <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    name + " is " + value + "; it must be a number more than 0 that fits into 32 bits");
        }
    }
}
