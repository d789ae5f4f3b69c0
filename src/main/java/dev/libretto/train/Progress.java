package dev.libretto.train;

import java.util.Comparator;
import java.util.Locale;

/**
 * The position of training: everything needed to resume besides the arrays of a {@link Checkpoint}. Random choices depend only
 * on the seed and the epoch.
 *
 * @param epoch whole epochs trained
 * @param batch batches trained in the current epoch
 * @param step batches trained since the start, not counting those undone by a rollback
 * @param lossSum sum of the losses of the current epoch's batches
 * @param seconds training time of the current epoch
 * @param loss mean loss of the last whole epoch; null in the first
 * @param lowestLoss lowest mean loss of an epoch; null in the first
 * @param learningRateFactor the factor of the learning rate: decayed by a plateau schedule, halved by each rollback
 * @param rollbacks the number of rollbacks
 * @param validation validation losses; null in the first epoch, or without validation
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
    /** Orders positions from the oldest to the newest. */
    public static final Comparator<Progress> BY_AGE =
            Comparator.comparingInt(Progress::rollbacks).thenComparingLong(Progress::step);

    /**
     * Validation losses, mean cross entropy in nats per character.
     *
     * @param loss the loss after the last whole epoch
     * @param lowest the lowest of all epochs
     * @param lowestEpoch the first epoch with the lowest loss, counted from 1
     */
    public record Validation(double loss, double lowest, int lowestEpoch) {}

    /** @throws IllegalArgumentException if a count is negative */
    public Progress {
        if (epoch < 0 || batch < 0 || step < 0 || rollbacks < 0) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "epoch, batch, step and rollbacks must be at least 0 (got %d, %d, %d and %d)",
                    epoch,
                    batch,
                    step,
                    rollbacks));
        }
    }

    /** Returns the position before the first batch. */
    public static Progress start() {
        return new Progress(0, 0, 0, 0, 0, null, null, 1, 0, null);
    }

    /** Returns the position after one more batch. */
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

    /** Returns the position at the end of the epoch, after its last batch. */
    public Progress afterEpoch() {
        double mean = lossSum / batch;
        double lowest = lowestLoss == null ? mean : Math.min(lowestLoss, mean);
        return new Progress(epoch + 1, 0, step, 0, 0, mean, lowest, learningRateFactor, rollbacks, validation);
    }

    /** Returns a copy with the validation loss of the epoch that just ended. */
    public Progress afterValidation(double validationLoss) {
        Validation next = validation == null || validationLoss < validation.lowest()
                ? new Validation(validationLoss, validationLoss, epoch)
                : new Validation(validationLoss, validation.lowest(), validation.lowestEpoch());
        return new Progress(
                epoch, batch, step, lossSum, seconds, loss, lowestLoss, learningRateFactor, rollbacks, next);
    }

    /** Returns a copy whose learning rate is multiplied by {@code decay}. */
    Progress afterDecay(double decay) {
        return withRate(learningRateFactor * decay, rollbacks);
    }

    /** Returns whether this is the end of the epoch with the lowest validation loss so far. */
    public boolean endsBestValidated() {
        return batch == 0 && validation != null && validation.lowestEpoch() == epoch;
    }

    /** Returns this position after a rollback, with half the learning rate of the diverged one. */
    public Progress afterRollback(Progress diverged) {
        return withRate(diverged.learningRateFactor() / 2, diverged.rollbacks() + 1);
    }

    private Progress withRate(double factor, int rollbackCount) {
        return new Progress(epoch, batch, step, lossSum, seconds, loss, lowestLoss, factor, rollbackCount, validation);
    }
}
