package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.train.LearningRate.Schedule;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LearningRateTest {
    /** In double precision: some ten roundings of numbers up to 8. */
    private static final double ERROR = 8 * 10 * 0x1p-53;

    /** Rate 8, decaying to a quarter in 4 epochs of 10 batches. */
    @ParameterizedTest
    @CsvSource({
        "CONSTANT, 0, 0, 8",
        "CONSTANT, 9, 5, 8",
        "STEP, 0, 0, 8",
        "STEP, 3, 9, 8",
        "STEP, 4, 0, 2",
        "STEP, 8, 0, 0.5",
        "EXPONENTIAL, 0, 0, 8",
        "EXPONENTIAL, 2, 0, 4",
        "EXPONENTIAL, 4, 0, 2",
        "EXPONENTIAL, 5, 0, 1.4142135623730951",
        "COSINE, 0, 0, 8",
        "COSINE, 1, 0, 7.121320343559642",
        "COSINE, 2, 0, 5",
        "COSINE, 4, 0, 2",
        "COSINE, 7, 3, 2"
    })
    void matchesHandComputedRates(Schedule schedule, int epoch, int batch, double expected) {
        LearningRate rate = new LearningRate(8, schedule, 0.25, 4, 0);
        assertThat(rate.at(epoch, batch, 10)).isCloseTo(expected, within(ERROR));
    }

    /** Over two epochs of 10 batches, the factor rises from 1/20 to 1. */
    @ParameterizedTest
    @CsvSource({"0, 0, 0.4", "0, 9, 4", "1, 0, 4.4", "1, 9, 8", "2, 0, 8"})
    void warmupRisesToTheRate(int epoch, int batch, double expected) {
        LearningRate rate = new LearningRate(8, Schedule.CONSTANT, 1, 1, 2);
        assertThat(rate.at(epoch, batch, 10)).isCloseTo(expected, within(ERROR));
    }

    /** The cosine starts after the warm-up: from epoch 2 to 4, half-way at 3. */
    @Test
    void cosineStartsAfterWarmup() {
        LearningRate rate = new LearningRate(8, Schedule.COSINE, 0.25, 4, 2);
        assertThat(rate.at(2, 0, 10)).isCloseTo(8, within(ERROR));
        assertThat(rate.at(3, 0, 10)).isCloseTo(5, within(ERROR));
    }

    /** Halves after every second epoch in a row without a lower validation loss; an equal one is not lower. */
    @Test
    void plateauDecaysByValidationLoss() {
        LearningRate rate = new LearningRate(8, Schedule.PLATEAU, 0.5, 2, 0);
        double[] losses = {3, 2, 2, 2.5, 1.5, 1.6, 1.4, 1.5, 1.4, 1.5, 1.6, 1.7};
        Double[] expected = {1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125};
        Progress progress = Progress.start();
        List<Double> factors = new ArrayList<>();
        for (double loss : losses) {
            progress = progress.afterBatch(1, 1).afterEpoch().afterValidation(loss);
            if (rate.hasPlateaued(progress)) {
                progress = progress.afterDecay(rate.decay());
            }
            factors.add(progress.learningRateFactor());
        }
        assertThat(factors).containsExactly(expected);
        assertThat(rate.at(11, 0, 10)).isEqualTo(8);
    }

    @Test
    void plateauOfAFractionOfAnEpochIsRejected() {
        assertThatThrownBy(() -> new LearningRate(8, Schedule.PLATEAU, 0.5, 1.5, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("decay epochs of a plateau schedule must be an integer (got 1.5)");
    }

    @Test
    void cosineShorterThanWarmupIsRejected() {
        assertThatThrownBy(() -> new LearningRate(8, Schedule.COSINE, 0.25, 4, 4))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("warmup epochs must be fewer than the 4.0 epochs of a cosine schedule (got 4.0)");
    }
}
