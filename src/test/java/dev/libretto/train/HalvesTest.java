package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.Progress;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batch;
import dev.libretto.text.Ids;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training in halves of the rows takes the same steps as training on all of them together. */
@Tag("numeric")
class HalvesTest {
    private static final int T = 7;
    private static final int V = 9;
    private static final Offset<Float> ROUNDING = within(2e-6f);

    @ParameterizedTest
    @CsvSource({"RNN, 1, 6", "RNN, 2, 2", "GRU, 2, 4", "GRU_RESET_BEFORE, 1, 6", "LSTM, 2, 6", "LSTM, 1, 3"})
    void theyTakeTheSameSteps(CellType cell, int layers, int rows) {
        ModelConfig model = new ModelConfig(cell, V, 5, layers);
        RunConfig config = TestModels.runConfig(model, T, rows, 1);
        Checkpoint start = Checkpoint.start(config, TestModels.randomWeights(model, 3));
        try (TrainStep whole = new TrainStep(config, start, Ids.of(), Execution.plain(RecurrenceType.UNROLLED));
                TrainStep halves =
                        new TrainStep(config, start, Ids.of(), Execution.plain(RecurrenceType.UNROLLED_IN_HALVES))) {
            for (int i = 0; i < 4; i++) {
                Batch batch = new Batch(
                        TestModels.randomIds(T * rows, V, 2 * i), TestModels.randomIds(T * rows, V, 2 * i + 1), i > 0);
                TrainStep.Measures expected = whole.run(batch, 0.1, i + 1);
                TrainStep.Measures actual = halves.run(batch, 0.1, i + 1);
                assertThat(actual.loss()).isCloseTo(expected.loss(), ROUNDING);
                assertThat(actual.gradientNorm()).isCloseTo(expected.gradientNorm(), ROUNDING);
            }
            Checkpoint expected = whole.checkpoint(Progress.start());
            Checkpoint actual = halves.checkpoint(Progress.start());
            assertClose(actual.weights(), expected.weights());
            assertClose(actual.state(), expected.state());
        }
    }

    @Test
    void onlyAnEvenNumberOfRowsHasHalves() {
        assertThat(RecurrenceType.UNROLLED_IN_HALVES.parts(32)).isEqualTo(2);
        assertThat(RecurrenceType.UNROLLED_IN_HALVES.parts(33)).isEqualTo(1);
        assertThat(RecurrenceType.UNROLLED_IN_HALVES.parts(-1)).isEqualTo(1);
        assertThat(RecurrenceType.UNROLLED.parts(32)).isEqualTo(1);
        assertThat(RecurrenceType.CUDNN.parts(32)).isEqualTo(1);
    }

    private static void assertClose(Weights actual, Weights expected) {
        for (Parameter parameter : expected.parameters()) {
            assertThat(actual.of(parameter)).as(parameter.name()).containsExactly(expected.of(parameter), ROUNDING);
        }
    }
}
