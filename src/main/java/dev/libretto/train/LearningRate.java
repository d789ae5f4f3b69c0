package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * The learning rate over the course of training: η, multiplied by what the schedule says of the epochs trained so far, e,
 * and, over the first {@code warmupEpochs}, by a factor that rises linearly to 1.
 *
 * @param rate η
 * @param schedule how it falls
 * @param decay to which part of η it falls in {@code decayEpochs}
 * @param decayEpochs the epochs that this takes
 * @param warmupEpochs the epochs over which it first rises; 0 for none
 */
public record LearningRate(double rate, Schedule schedule, double decay, double decayEpochs, double warmupEpochs) {
    /** To which part the rate falls where nothing else is said. */
    public static final double DEFAULT_DECAY = 0.1;

    /** How the learning rate falls; d is {@code decay}, n is {@code decayEpochs}. */
    public enum Schedule {
        /** It does not. */
        CONSTANT,
        /** By d after every n epochs: d^⌊e / n⌋. */
        STEP,
        /** By d in n epochs, evenly: d^(e / n). */
        EXPONENTIAL,
        /**
         * Along half a cosine to d after n epochs, where it stays: d + (1 − d) · ½ (1 + cos π p), with p the part of the epochs
         * from the end of the warm-up to n that have passed (Loshchilov and Hutter, 2017).
         */
        COSINE;

        /** The name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException naming the value that is out of range */
    public LearningRate {
        Objects.requireNonNull(schedule, "learning rate schedule");
        Require.positive("learning rate", rate);
        if (!(decay > 0 && decay <= 1)) {
            throw new IllegalArgumentException("decay is " + decay + "; it must be more than 0 and at most 1");
        }
        if (!(decayEpochs > 0 && decayEpochs <= TrainConfig.MAX_EPOCHS)) {
            throw new IllegalArgumentException("decay epochs is " + decayEpochs
                    + "; it must be more than 0 and at most " + TrainConfig.MAX_EPOCHS);
        }
        if (!(warmupEpochs >= 0 && warmupEpochs <= TrainConfig.MAX_EPOCHS)) {
            throw new IllegalArgumentException(
                    "warmup epochs is " + warmupEpochs + "; it must be from 0 to " + TrainConfig.MAX_EPOCHS);
        }
        if (schedule == Schedule.COSINE && warmupEpochs >= decayEpochs) {
            throw new IllegalArgumentException("warmup epochs is " + warmupEpochs + "; a cosine schedule of "
                    + decayEpochs + " epochs needs fewer");
        }
    }

    /** The same learning rate all along. */
    public static LearningRate constant(double rate) {
        return new LearningRate(rate, Schedule.CONSTANT, DEFAULT_DECAY, 1, 0);
    }

    /**
     * The learning rate of a batch.
     *
     * @param epoch whole epochs trained before it
     * @param batch batches of its epoch trained before it
     * @param batches how many an epoch has
     */
    public double at(int epoch, int batch, int batches) {
        double epochs = epoch + (double) batch / batches;
        double afterwards = epoch + (batch + 1.0) / batches;
        double warmup = afterwards < warmupEpochs ? afterwards / warmupEpochs : 1;
        return rate * warmup * factor(epochs);
    }

    private double factor(double epochs) {
        return switch (schedule) {
            case CONSTANT -> 1;
            case STEP -> Math.pow(decay, Math.floor(epochs / decayEpochs));
            case EXPONENTIAL -> Math.pow(decay, epochs / decayEpochs);
            case COSINE -> {
                double passed = (epochs - warmupEpochs) / (decayEpochs - warmupEpochs);
                double p = Math.max(0, Math.min(1, passed));
                yield decay + (1 - decay) * (1 + Math.cos(Math.PI * p)) / 2;
            }
        };
    }
}
