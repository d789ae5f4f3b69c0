package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.model.ModelConfig;
import java.util.List;

/**
 * How far float32 may be from exact arithmetic, whichever kernels a processor has: the tolerance of every test that compares
 * two ways of computing the same.
 *
 * <p>A kernel rounds each product and each sum, or a product and a sum together, with a relative error of at most u = 2⁻²⁴,
 * and adds in an order of its own. After n roundings the relative error is at most n · u / (1 − n · u). Rounding errors are
 * close to independent with mean 0, so it is in fact at most λ · √n · u, except with a probability of 2 · exp(−λ² / 2) (Higham
 * and Mary, 2019, A new approach to probabilistic rounding error analysis): 2.5e-14 for λ = 8.
 *
 * <p>The error is relative to the terms of a sum, not to a sum in which they cancel, so it is taken relative to the largest
 * number of an array, or to 1 where that is smaller: the functions of the cells have values up to 1.
 */
public final class Rounding {
    /** u, half the distance from 1 to the next float32. */
    public static final double UNIT = 0x1p-24;

    private static final double LAMBDA = 8;

    /**
     * For how many roundings exp, log, tanh, sigmoid and √ count. Vectorised ones are polynomials with an error of up to
     * about 5 units in the last place, which is 10 · u.
     */
    private static final int FUNCTION = 16;

    private Rounding() {}

    /** The relative error after so many roundings. */
    public static double after(long roundings) {
        return Math.min(roundings, LAMBDA * Math.sqrt(roundings)) * UNIT;
    }

    /** The relative error of a logit after so many time steps, or of a state. */
    public static double ofLogits(ModelConfig config, int timeSteps) {
        return after(logits(config, timeSteps));
    }

    /** The error of a state after so many time steps, of which each adds at most 1 to an LSTM's. */
    public static double ofState(ModelConfig config, int timeSteps, List<float[]> start) {
        double largest = 1;
        for (float[] array : start) {
            for (float value : array) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        return (largest + timeSteps) * ofLogits(config, timeSteps);
    }

    /** The relative error of the mean loss of so many rows, unrolled over time steps. */
    public static double ofLoss(ModelConfig config, int timeSteps, int rows) {
        return after(loss(config, timeSteps, rows));
    }

    /** The relative error of its gradients: all that the loss went through, and the same way back. */
    public static double ofGradients(ModelConfig config, int timeSteps, int rows) {
        return after(2 * loss(config, timeSteps, rows));
    }

    private static long loss(ModelConfig config, int timeSteps, int rows) {
        // exp, the sum over the vocabulary, log; the mean over all rows and time steps.
        return logits(config, timeSteps) + config.vocabularySize() + 2 * FUNCTION + (long) timeSteps * rows;
    }

    /** A time step is a sum of H products in each layer, a function of it and in gated cells a few more; logits are a sum, too. */
    private static long logits(ModelConfig config, int timeSteps) {
        long sum = config.hiddenSize() + 2L;
        long cell = sum + 2 * FUNCTION + 4;
        return config.layers() * (timeSteps * cell + sum) + config.embeddingSize() + sum;
    }

    /** Asserts that each number is as expected, within a relative error of the largest one's, or of 1. */
    public static void assertClose(String name, float[] actual, double[] expected, double error) {
        double largest = 1;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(actual).as(name).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as("%s[%d]", name, i).isCloseTo(expected[i], within(error * largest));
        }
    }

    /** The same for two results in float32, each of which has such an error. */
    public static void assertClose(String name, float[] actual, float[] expected, double error) {
        double[] exact = new double[expected.length];
        for (int i = 0; i < exact.length; i++) {
            exact[i] = expected[i];
        }
        assertClose(name, actual, exact, 2 * error);
    }
}
