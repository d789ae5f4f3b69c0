package dev.libretto.train;

import java.util.Comparator;
import java.util.Locale;

/**
 * How far training is: everything beside the weights and the carried state that its continuation depends on. What is
 * random follows from the seed and the epoch.
 *
 * @param epoch whole epochs trained
 * @param batch batches trained of the epoch after those
 * @param step batches trained since the start, without those that a rollback undid
 * @param lossSum sum of the losses of those {@code batch} batches
 * @param seconds time that they took
 * @param loss mean loss of the last whole epoch; null before the first
 * @param lowestLoss lowest mean loss of an epoch; null before the first
 * @param learningRateFactor what the learning rate is multiplied by: halved by each rollback
 * @param rollbacks how many times training went back
 * @param validation how well the model predicted what is kept from training; null before the first epoch, or without
 */
public record Progress(
        int epoch,
        int batch,
        long step,
        double lossSum,
        double seconds,
        Double loss,
        Double lowestLoss,
        double learningRateFactor,
        int rollbacks,
        Validation validation) {
    /** The oldest first. */
    public static final Comparator<Progress> BY_AGE =
            Comparator.comparingInt(Progress::rollbacks).thenComparingLong(Progress::step);

    /**
     * Validation losses, mean cross entropy in nats per character.
     *
     * @param loss after the last whole epoch
     * @param lowest the lowest of any epoch
     * @param lowestEpoch which epoch that was, counted from 1; the first of several
     */
    public record Validation(double loss, double lowest, int lowestEpoch) {
        /** Whether the last whole epoch is the best one. */
        private boolean isLowest(int epoch) {
            return lowestEpoch == epoch;
        }
    }

    /** @throws IllegalArgumentException if a number cannot be */
    public Progress {
        if (epoch < 0 || batch < 0 || step < 0 || rollbacks < 0) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "epoch %d, batch %d, step %d, rollbacks %d: none can be negative",
                    epoch,
                    batch,
                    step,
                    rollbacks));
        }
    }

    /** Before the first batch. */
    public static Progress start() {
        return new Progress(0, 0, 0, 0, 0, null, null, 1, 0, null);
    }

    /** After one more batch of the epoch. */
    public Progress afterBatch(double batchLoss, double batchSeconds) {
        return new Progress(
                epoch,
                batch + 1,
                step + 1,
                lossSum + batchLoss,
                seconds + batchSeconds,
                loss,
                lowestLoss,
                learningRateFactor,
                rollbacks,
                validation);
    }

    /** After the last batch of the epoch. */
    public Progress afterEpoch() {
        double mean = lossSum / batch;
        double lowest = lowestLoss == null ? mean : Math.min(lowestLoss, mean);
        return new Progress(epoch + 1, 0, step, 0, 0, mean, lowest, learningRateFactor, rollbacks, validation);
    }

    /** After the validation that follows an epoch. */
    public Progress afterValidation(double validationLoss) {
        Validation next = validation == null || validationLoss < validation.lowest()
                ? new Validation(validationLoss, validationLoss, epoch)
                : new Validation(validationLoss, validation.lowest(), validation.lowestEpoch());
        return new Progress(
                epoch, batch, step, lossSum, seconds, loss, lowestLoss, learningRateFactor, rollbacks, next);
    }

    /** Whether this is the end of the epoch with the lowest validation loss so far. */
    public boolean endsBestValidated() {
        return batch == 0 && validation != null && validation.isLowest(epoch);
    }

    /** Here again, after a divergence: with half the learning rate that it diverged with. */
    public Progress afterRollback(Progress diverged) {
        return new Progress(
                epoch,
                batch,
                step,
                lossSum,
                seconds,
                loss,
                lowestLoss,
                diverged.learningRateFactor() / 2,
                diverged.rollbacks() + 1,
                validation);
    }
}
