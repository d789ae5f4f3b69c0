package dev.libretto.train;

/**
 * The metrics of one epoch; a row of {@code metrics.csv}.
 *
 * @param epoch counted from 1
 * @param loss mean cross entropy in nats per character
 * @param seconds wall-clock time of the epoch's batches
 * @param charsPerSecond characters predicted per second
 * @param learningRate the learning rate of the last batch
 * @param rollbacks the number of rollbacks so far
 * @param validationLoss mean cross entropy of the held-out text; null without validation
 */
public record EpochMetrics(
        int epoch,
        double loss,
        double seconds,
        double charsPerSecond,
        double learningRate,
        int rollbacks,
        Double validationLoss) {
    /** Returns the perplexity, exp(loss). */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Returns the perplexity of the held-out text; null without validation. */
    public Double validationPerplexity() {
        return validationLoss == null ? null : Math.exp(validationLoss);
    }
}
