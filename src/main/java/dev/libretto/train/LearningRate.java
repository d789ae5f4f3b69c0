package dev.libretto.train;

import java.util.Locale;
import java.util.Objects;

/**
 * The learning rate over the course of training: η times the schedule's factor after e epochs, times a warm-up factor that
 * rises linearly to 1 over the first {@code warmupEpochs}.
 *
 * @param rate η
 * @param schedule how the learning rate decays
 * @param decay the fraction of η left after {@code decayEpochs}
 * @param decayEpochs the epochs over which it decays
 * @param warmupEpochs the epochs of warm-up; 0 for none
 */
public record LearningRate(double rate, Schedule schedule, double decay, double decayEpochs, double warmupEpochs) {
    public static final double DEFAULT_DECAY = 0.1;

    /** How the learning rate decays; d is {@code decay}, n is {@code decayEpochs}. */
    public enum Schedule {
        CONSTANT,
        /** Multiplied by d every n epochs: d^⌊e / n⌋. */
        STEP,
        /** Multiplied by d over n epochs, evenly: d^(e / n). */
        EXPONENTIAL,
        /**
         * Half a cosine from 1 to d, constant after n epochs: d + (1 − d) · ½ (1 + cos π p), where p is the fraction passed of the
         * epochs from the end of the warm-up to n (Loshchilov and Hutter, 2017).
         */
        COSINE,
        /** Multiplied by d whenever the validation loss has not fallen for n epochs; {@link Progress} keeps the product. */
        PLATEAU;

        /** Returns whether n is by default the end of training. */
        public boolean decaysOnce() {
            return this == EXPONENTIAL || this == COSINE;
        }

        /** Returns the name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** @throws IllegalArgumentException if a value is out of range */
    public LearningRate {
        Objects.requireNonNull(schedule, "learning rate schedule");
        Require.positive("learning rate", rate);
        if (!(decay > 0 && decay <= 1)) {
            throw new IllegalArgumentException("decay must be greater than 0 and at most 1 (got " + decay + ")");
        }
        if (!(decayEpochs > 0 && decayEpochs <= TrainConfig.MAX_EPOCHS)) {
            throw new IllegalArgumentException("decay epochs must be greater than 0 and at most "
                    + TrainConfig.MAX_EPOCHS + " (got " + decayEpochs + ")");
        }
        if (!(warmupEpochs >= 0 && warmupEpochs <= TrainConfig.MAX_EPOCHS)) {
            throw new IllegalArgumentException(
                    "warmup epochs must be from 0 to " + TrainConfig.MAX_EPOCHS + " (got " + warmupEpochs + ")");
        }
        if (schedule == Schedule.COSINE && warmupEpochs >= decayEpochs) {
            throw new IllegalArgumentException("warmup epochs must be fewer than the " + decayEpochs
                    + " epochs of a cosine schedule (got " + warmupEpochs + ")");
        }
        if (schedule == Schedule.PLATEAU && decayEpochs != Math.rint(decayEpochs)) {
            throw new IllegalArgumentException(
                    "decay epochs of a plateau schedule must be an integer (got " + decayEpochs + ")");
        }
    }

    /** Returns a constant learning rate. */
    public static LearningRate constant(double rate) {
        return new LearningRate(rate, Schedule.CONSTANT, DEFAULT_DECAY, 1, 0);
    }

    /** Returns a copy with the given η. */
    public LearningRate withRate(double newRate) {
        return new LearningRate(newRate, schedule, decay, decayEpochs, warmupEpochs);
    }

    /** Returns a copy that decays over the given epochs. */
    public LearningRate withDecayEpochs(double epochs) {
        return new LearningRate(rate, schedule, decay, epochs, warmupEpochs);
    }

    /**
     * Returns the learning rate of a batch, before {@link Progress#learningRateFactor}.
     *
     * @param epoch the epoch, counted from 0
     * @param batch the batch in the epoch, counted from 0
     * @param batches the number of batches per epoch
     */
    public double at(int epoch, int batch, int batches) {
        double epochs = epoch + (double) batch / batches;
        double afterwards = epoch + (batch + 1.0) / batches;
        double warmup = afterwards < warmupEpochs ? afterwards / warmupEpochs : 1;
        return rate * warmup * factor(epochs);
    }

    /** Returns whether the epoch that just ended decays the learning rate of a plateau schedule. */
    boolean hasPlateaued(Progress progress) {
        if (schedule != Schedule.PLATEAU) {
            return false;
        }
        int notImproved = progress.epoch() - progress.validation().lowestEpoch();
        return notImproved > 0 && notImproved % decayEpochs == 0;
    }

    private double factor(double epochs) {
        return switch (schedule) {
            case CONSTANT, PLATEAU -> 1;
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
