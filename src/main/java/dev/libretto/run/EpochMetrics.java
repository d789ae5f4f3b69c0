package dev.libretto.run;

import java.util.regex.Pattern;

/**
 * What is measured of one epoch; a row of {@code metrics.csv}.
 *
 * @param epoch counted from 1
 * @param loss mean cross entropy in nats per character
 * @param seconds wall-clock time of the epoch's batches
 * @param charsPerSecond characters predicted per second
 * @param learningRate the learning rate it was trained with
 * @param rollbacks how many times training had gone back before it
 */
public record EpochMetrics(
        int epoch, double loss, double seconds, double charsPerSecond, double learningRate, int rollbacks) {
    static final String HEADER = "epoch,loss,perplexity,seconds,chars_per_second,learning_rate,rollbacks";

    private static final Pattern ROW = Pattern.compile("\\d+(,[\\w.-]*){" + (HEADER.split(",").length - 1) + "}");

    /** Whether a line is the whole row of an epoch, and not half of one, or no row at all. */
    static boolean isRow(String line, int epoch) {
        return line.startsWith(epoch + ",") && ROW.matcher(line).matches();
    }

    /** exp(loss): among how many equally likely characters the model is as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** The row, each number with all the digits that tell it from its neighbours. */
    String row() {
        return epoch + "," + loss + "," + perplexity() + "," + seconds + "," + charsPerSecond + "," + learningRate + ","
                + rollbacks;
    }
}
