package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.NativeMemory;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("numeric")
class AdaptationTest {
    private static final int T = Adaptation.SEGMENT;
    /** Too small to change a float. */
    private static final double STILL = 1e-30;

    private static ModelConfig model(CellType cell, boolean endSymbol) {
        return new ModelConfig(cell, 9, 5, 2, 0, false, endSymbol);
    }

    /** Without a step, the same characters are predicted from the same state as by an evaluator. */
    @ParameterizedTest
    @CsvSource({"2, false", "20, false", "21, false", "22, false", "41, true", "173, false", "173, true"})
    void modelThatLearnsNothingMatchesEvaluator(int length, boolean endSymbol) {
        ModelConfig model = model(CellType.LSTM, endSymbol);
        Weights weights = TestModels.randomWeights(model, 1);
        int[] ids = TestModels.randomIds(length, 9, length);
        Ids withUnknown = Ids.of(Arrays.stream(ids)
                .flatMap(id -> id % 3 == 0 ? IntStream.of(Ids.NONE, id) : IntStream.of(id))
                .toArray());
        List<Long> progress = new ArrayList<>();
        try (Evaluator evaluator = new Evaluator(model, weights)) {
            Evaluation expected = evaluator.evaluate(Ids.of(ids));
            Evaluation actual = Adaptation.of(model, weights, withUnknown, STILL, progress::add)
                    .evaluation();

            assertThat(actual.characters()).isEqualTo(expected.characters());
            assertThat(actual.loss())
                    .isCloseTo(expected.loss(), within(2 * Rounding.ofLoss(model, length, 1) * expected.loss()));
            assertThat(progress).hasSize((length - 1) / T);
        }
    }

    /** w − rate · min(1, 1 / |g|) · g after one segment, which is predicted before. */
    @ParameterizedTest
    @CsvSource({"RNN, 0.1", "GRU, 0.5", "LSTM, 0.5"})
    void segmentIsPredictedThenLearnt(CellType cell, double rate) {
        ModelConfig model = model(cell, false);
        Weights weights = TestModels.randomWeights(model, 2);
        int[] ids = TestModels.randomIds(T + 1, 9, 3);
        TrainConfig training = TestModels.runConfig(model, T, 1, 1).training();
        PartRun.Outcome segment;
        try (PartRun part = new PartRun(model, training)) {
            List<float[]> zeros = TestModels.randomState(model, 1, 1).stream()
                    .map(array -> new float[array.length])
                    .toList();
            segment = part.run(weights, Arrays.copyOf(ids, T), Arrays.copyOfRange(ids, 1, T + 1), zeros, List.of());
        }
        double squares = 0;
        for (Parameter parameter : weights.parameters()) {
            for (float g : segment.gradients().of(parameter)) {
                squares += (double) g * g;
            }
        }
        double step = rate * Math.min(1, 1 / Math.sqrt(squares));

        Adaptation adapted = Adaptation.of(model, weights, Ids.of(ids), rate, position -> {});

        double error = 2 * Rounding.ofGradients(model, T, 1);
        assertThat(adapted.evaluation().loss()).isCloseTo(segment.loss(), within(error * segment.loss()));
        for (Parameter parameter : weights.parameters()) {
            float[] before = weights.of(parameter);
            float[] g = segment.gradients().of(parameter);
            double[] expected = new double[before.length];
            Arrays.setAll(expected, i -> before[i] - step * g[i]);
            // The relative errors of the gradient and of its norm, and the rounding of the difference.
            Rounding.assertClose(
                    parameter.name(), adapted.weights().of(parameter), expected, 3 * error + Rounding.after(8));
        }
    }

    @Test
    void repetitionsAreLearnt() {
        ModelConfig model = model(CellType.GRU, false);
        Weights weights = TestModels.randomWeights(model, 1);
        Ids text = Ids.of(IntStream.range(0, 2000)
                .map(i -> new int[] {1, 5, 2, 7, 3}[i % 5])
                .toArray());
        try (Evaluator evaluator = new Evaluator(model, weights)) {
            double without = evaluator.evaluate(text).loss();
            Adaptation adapted = Adaptation.of(model, weights, text, 0.5, position -> {});
            assertThat(adapted.evaluation().loss()).isLessThan(without / 2);
            evaluator.load(adapted.weights());
            assertThat(evaluator.evaluate(text).loss())
                    .isLessThan(adapted.evaluation().loss());
        }
    }

    @Test
    void mistakesAreNamed() {
        ModelConfig model = model(CellType.RNN, false);
        Weights weights = TestModels.randomWeights(model, 1);
        assertThatThrownBy(() -> Adaptation.of(model, weights, Ids.of(1, Ids.NONE), 0.1, position -> {}))
                .hasMessage("the text has 1 characters that the model knows; it needs at least 2");
        Ids text = Ids.of(TestModels.randomIds(200, 9, 1));
        assertThatThrownBy(() -> Adaptation.of(model, weights, text, 1e30, position -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("the model diverged after \\d+ characters; adapt at a lower rate \\(got 1.0E30\\)");
        NativeMemory.assertFreedByFailing(() -> Adaptation.of(model, weights, text, 1e30, position -> {}));
    }
}
