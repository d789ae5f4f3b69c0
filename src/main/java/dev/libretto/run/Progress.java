package dev.libretto.run;

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
 * @param learningRate the learning rate now
 * @param rollbacks how many times training went back
 */
public record Progress(
        int epoch,
        int batch,
        long step,
        double lossSum,
        double seconds,
        Double loss,
        Double lowestLoss,
        double learningRate,
        int rollbacks) {

    /** @throws IllegalArgumentException if a number cannot be */
    public Progress {
        if (epoch < 0 || batch < 0 || step < 0 || rollbacks < 0) {
            throw new IllegalArgumentException(String.format(
                    "epoch %d, batch %d, step %d, rollbacks %d: none can be negative", epoch, batch, step, rollbacks));
        }
    }

    /** Before the first batch. */
    public static Progress start(double learningRate) {
        return new Progress(0, 0, 0, 0, 0, null, null, learningRate, 0);
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
                learningRate,
                rollbacks);
    }

    /** After the last batch of the epoch. */
    public Progress afterEpoch() {
        double mean = lossSum / batch;
        double lowest = lowestLoss == null ? mean : Math.min(lowestLoss, mean);
        return new Progress(epoch + 1, 0, step, 0, 0, mean, lowest, learningRate, rollbacks);
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
                diverged.learningRate() / 2,
                diverged.rollbacks() + 1);
    }
}
