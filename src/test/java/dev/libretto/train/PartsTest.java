package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.Progress;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batch;
import dev.libretto.text.Ids;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training on a batch whose rows are split in parts takes the same steps as training on all of them together. */
@Tag("numeric")
class PartsTest {
    private static final int T = 7;
    private static final int V = 9;
    private static final int STEPS = 4;
    /**
     * Sums of at most T·B = 42 products are added up in another order, which changes a value by at most 42 · 2⁻²⁴ = 2.5e-6 of
     * the sum of the magnitudes. A step at learning rate 0.1 and norm at most 1 passes a tenth of that on.
     */
    private static final Offset<Float> ROUNDING = within(5e-6f);

    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 6, 2",
        "RNN, 2, 2, 2",
        "RNN, 1, 5, 2",
        "GRU, 2, 4, 4",
        "GRU, 1, 5, 3",
        "GRU_RESET_BEFORE, 1, 6, 3",
        "GRU_RESET_BEFORE, 2, 3, 2",
        "LSTM, 2, 6, 2",
        "LSTM, 1, 3, 2",
        "LSTM, 2, 5, 4"
    })
    void partsTakeTheSameStepsAsTheWholeBatch(CellType cell, int layers, int rows, int parts) {
        ModelConfig model = new ModelConfig(cell, V, 5, layers);
        RunConfig config = TestModels.runConfig(model, T, rows, 1);
        Checkpoint start = Checkpoint.start(config, TestModels.randomWeights(model, 3));
        try (TrainStep whole = new TrainStep(config, start, Ids.of(), execution(config, 1));
                TrainStep split = new TrainStep(config, start, Ids.of(), execution(config, parts))) {
            for (int i = 0; i < STEPS; i++) {
                Batch batch = new Batch(
                        TestModels.randomIds(T * rows, V, 2 * i), TestModels.randomIds(T * rows, V, 2 * i + 1), i > 0);
                TrainStep.Measures expected = whole.run(batch, 0.1, i + 1);
                TrainStep.Measures actual = split.run(batch, 0.1, i + 1);
                assertThat(actual.loss()).isCloseTo(expected.loss(), ROUNDING);
                assertThat(actual.gradientNorm()).isCloseTo(expected.gradientNorm(), ROUNDING);
            }
            Checkpoint expected = whole.checkpoint(Progress.start());
            Checkpoint actual = split.checkpoint(Progress.start());
            assertClose(actual.weights(), expected.weights());
            assertClose(actual.state(), expected.state());
        }
    }

    private static Execution execution(RunConfig config, int parts) {
        return Execution.onCpu(config.withTraining(config.training().withParts(parts)));
    }

    private static void assertClose(Weights actual, Weights expected) {
        for (Parameter parameter : expected.parameters()) {
            assertThat(actual.of(parameter)).as(parameter.name()).containsExactly(expected.of(parameter), ROUNDING);
        }
    }
}
