package dev.libretto.run;

import java.util.regex.Pattern;

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
    static final String HEADER = "epoch,loss,perplexity,seconds,chars_per_second,learning_rate,rollbacks,"
            + "validation_loss,validation_perplexity";

    private static final Pattern ROW = Pattern.compile("\\d+(,[\\w.-]*){" + (HEADER.split(",").length - 1) + "}");

    /** Whether a line is the whole row of an epoch, and not half of one, or no row at all. */
    static boolean isRow(String line, int epoch) {
        return line.startsWith(epoch + ",") && ROW.matcher(line).matches();
    }

    /** exp(loss): among how many equally likely characters the model is as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** exp(validation loss); null where nothing is kept from training. */
    public Double validationPerplexity() {
        return validationLoss == null ? null : Math.exp(validationLoss);
    }

    /** The row, each number with all the digits that tell it from its neighbours. */
    String row() {
        return epoch + "," + loss + "," + perplexity() + "," + seconds + "," + charsPerSecond + "," + learningRate + ","
                + rollbacks + "," + (validationLoss == null ? "," : validationLoss + "," + validationPerplexity());
    }
}
