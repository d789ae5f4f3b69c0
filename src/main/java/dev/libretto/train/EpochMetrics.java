package dev.libretto.train;

/**
 * What is measured of one epoch; a row of {@code metrics.csv}.
 *
 * @param epoch counted from 1
 * @param loss mean cross entropy in nats per character
 * @param seconds wall-clock time of the epoch's batches
 * @param charsPerSecond characters predicted per second
 * @param learningRate the learning rate of its last batch
 * @param rollbacks how many times training had gone back before it
 * @param validationLoss mean cross entropy of what is kept from training; null where nothing is
 */
public record EpochMetrics(
        int epoch,
        double loss,
        double seconds,
        double charsPerSecond,
        double learningRate,
        int rollbacks,
        Double validationLoss) {
    /** exp(loss): among how many equally likely characters the model is as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** exp(validation loss); null where nothing is kept from training. */
    public Double validationPerplexity() {
        return validationLoss == null ? null : Math.exp(validationLoss);
    }
}
