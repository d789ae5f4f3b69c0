package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.text.CounterRandom;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Samplers on made-up distributions, without a model. */
@Tag("numeric")
class SamplerTest {
    private static final int DRAWS = 100_000;
    private static final int ALL = RandomSampler.ALL;
    /** 0.1, 0.4, 0.15, 0.05, 0.3. */
    private static final float[] LOGITS = logits(0.1, 0.4, 0.15, 0.05, 0.3);

    @Test
    void greedyChoosesMostLikelyThenLowestId() {
        assertThat(Sampler.GREEDY.sample(LOGITS, 0.99)).isEqualTo(1);
        assertThat(Sampler.GREEDY.sample(new float[] {-3, -1, -2, -1}, 0)).isEqualTo(1);
        assertThat(Sampler.GREEDY.sample(new float[] {-5}, 0)).isZero();
    }

    @Test
    void drawsFromDistribution() {
        assertDraws(new RandomSampler(1, ALL, 1), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    /** softmax(x + c) = softmax(x). */
    @Test
    void shiftedLogitsGiveSameDistribution() {
        float[] shifted = {1000, 1000 + (float) Math.log(3), -2000};
        assertDraws(new RandomSampler(1, ALL, 1), shifted, 0.25, 0.75, 0);
    }

    /** p^(1/T), normalized: squares at T = ½, square roots at T = 2. */
    @Test
    void temperatureRaisesProbabilitiesToAPower() {
        float[] logits = logits(0.1, 0.2, 0.7);
        assertDraws(new RandomSampler(0.5, ALL, 1), logits, 0.01 / 0.54, 0.04 / 0.54, 0.49 / 0.54);
        double roots = Math.sqrt(0.1) + Math.sqrt(0.2) + Math.sqrt(0.7);
        assertDraws(
                new RandomSampler(2, ALL, 1),
                logits,
                Math.sqrt(0.1) / roots,
                Math.sqrt(0.2) / roots,
                Math.sqrt(0.7) / roots);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 1e-30, Double.MIN_VALUE})
    void temperatureNearZeroIsGreedy(double temperature) {
        Sampler cold = new RandomSampler(temperature, ALL, 1);
        for (double uniform : new double[] {0, 0.5, Math.nextDown(1.0)}) {
            assertThat(cold.sample(LOGITS, uniform)).isEqualTo(1);
        }
    }

    @Test
    void highTemperatureIsUniform() {
        assertDraws(new RandomSampler(1e30, ALL, 1), LOGITS, 0.2, 0.2, 0.2, 0.2, 0.2);
    }

    @Test
    void topKKeepsMostLikely() {
        assertDraws(new RandomSampler(1, 1, 1), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, 2, 1), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, 5, 1), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
        assertDraws(new RandomSampler(1, 1_000, 1), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    @Test
    void topKBreaksTiesByLowestId() {
        assertDraws(
                new RandomSampler(1, 2, 1), new float[] {0, 1, 0, 0}, 1 / (1 + Math.E), Math.E / (1 + Math.E), 0, 0);
        assertDraws(new RandomSampler(1, 3, 1), new float[] {-0f, 0f, -0f, 0f}, 1 / 3.0, 1 / 3.0, 1 / 3.0, 0);
    }

    /** 0.4, 0.3, 0.15, 0.1, 0.05 add up to 0.4, 0.7, 0.85, 0.95, 1. */
    @Test
    void topPKeepsNucleus() {
        assertDraws(new RandomSampler(1, ALL, 1e-9), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, ALL, 0.39), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, ALL, 0.41), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, ALL, 0.69), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, ALL, 0.71), LOGITS, 0, 8 / 17.0, 3 / 17.0, 0, 6 / 17.0);
        assertDraws(new RandomSampler(1, ALL, 0.96), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    /** After top-k, 0.4 and 0.3 become 0.57 and 0.43. */
    @Test
    void topPAppliesAfterTopK() {
        assertDraws(Sampler.temperature(1).withTopK(2).withTopP(0.56), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(Sampler.temperature(1).withTopP(0.58).withTopK(2), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
    }

    /** At T = ½ the squares are 0.16, 0.09, 0.0225, 0.01, 0.0025; the first is 0.56 of their sum. */
    @Test
    void temperatureAppliesBeforeTopP() {
        assertDraws(new RandomSampler(0.5, ALL, 0.55), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(0.5, ALL, 0.57), LOGITS, 0, 0.64, 0, 0, 0.36);
    }

    @Test
    void uniformNumberDeterminesSample() {
        Sampler sampler = new RandomSampler(1, ALL, 1);
        assertThat(sampler.sample(LOGITS, 0)).isEqualTo(1);
        assertThat(sampler.sample(LOGITS, 0.399)).isEqualTo(1);
        assertThat(sampler.sample(LOGITS, 0.401)).isEqualTo(4);
        assertThat(sampler.sample(LOGITS, 0.699)).isEqualTo(4);
        assertThat(sampler.sample(LOGITS, Math.nextDown(1.0))).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 1", "-1, 1, 1", "NaN, 1, 1", "Infinity, 1, 1", "1, 0, 1", "1, 1, 0", "1, 1, 1.1", "1, 1, NaN"})
    void valuesOutOfRangeAreRejected(double temperature, int topK, double topP) {
        assertThatThrownBy(() -> new RandomSampler(temperature, topK, topP))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("it must be");
    }

    @Test
    void logProbabilityIsLogSoftmax() {
        // Two logits, their difference and the result are rounded, each a number of at most 2.1.
        float error = (float) (2.1 * Rounding.after(4));
        assertThat(TextModel.Step.logProbability(LOGITS, 4)).isCloseTo((float) Math.log(0.3), within(error));
        assertThat(TextModel.Step.logProbability(new float[] {-1e30f, 500, 500}, 1))
                .isEqualTo((float) -Math.log(2));
    }

    /** Numbers of consecutive seeds, samples and positions are uniform and independent. */
    @Test
    void randomNumbersAreUniformAndIndependent() {
        double[] expected = new double[64];
        Arrays.fill(expected, 1.0 / 64);
        for (int direction = 0; direction < 3; direction++) {
            int[] counts = new int[64];
            int[] pairs = new int[64];
            double before = 0;
            for (int i = 0; i < DRAWS; i++) {
                double u = uniform(direction, i);
                assertThat(u).isGreaterThanOrEqualTo(0).isLessThan(1);
                counts[(int) (64 * u)]++;
                pairs[8 * (int) (8 * before) + (int) (8 * u)]++;
                before = u;
            }
            assertFits(counts, expected);
            assertFits(pairs, expected);
        }
    }

    private static double uniform(int direction, int i) {
        return switch (direction) {
            case 0 -> CounterRandom.uniform(i, 3, 5);
            case 1 -> CounterRandom.uniform(1, i, 5);
            default -> CounterRandom.uniform(1, 3, i);
        };
    }

    private static float[] logits(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (2 + Math.log(probabilities[i]));
        }
        return logits;
    }

    private static void assertDraws(Sampler sampler, float[] logits, double... probabilities) {
        int[] counts = new int[logits.length];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(logits, CounterRandom.uniform(1, 0, i))]++;
        }
        assertFits(counts, probabilities);
    }

    /**
     * Pearson's χ² is within six standard deviations of its mean, and impossible characters are never drawn. The seeds are
     * fixed, so the result never varies; with other seeds a correct sampler would fail at most once in 480 cases (one degree
     * of freedom).
     */
    private static void assertFits(int[] counts, double[] probabilities) {
        double chiSquare = 0;
        int degrees = -1;
        for (int i = 0; i < counts.length; i++) {
            double expected = DRAWS * probabilities[i];
            if (expected == 0) {
                assertThat(counts[i]).as("draws of " + i).isZero();
            } else {
                chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
                degrees++;
            }
        }
        assertThat(chiSquare).as("χ² of " + degrees).isLessThanOrEqualTo(degrees + 6 * Math.sqrt(2.0 * degrees));
    }
}
