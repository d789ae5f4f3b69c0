package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("numeric")
class InspectionTest {
    private static final int V = 7;
    private static final int[] TEXT = TestModels.randomIds(40, V, 3);

    private static ModelConfig config(CellType cell, boolean documents) {
        return new ModelConfig(cell, V, 5, 2, 0, false, documents);
    }

    private static Inspection inspect(ModelConfig config, int... ids) {
        Weights weights = TestModels.randomWeights(config, 1);
        try (EagerModel model = new EagerModel(config, weights)) {
            return Inspection.of(model, ids, 3);
        }
    }

    @Test
    void interruptedThreadStopsReading() {
        ModelConfig config = config(CellType.RNN, false);
        int[] steps = {0};
        TextModel model = new TextModel() {
            @Override
            public ModelConfig config() {
                return config;
            }

            @Override
            public Step step(int[] ids, List<float[]> state) {
                if (++steps[0] == 3) {
                    Thread.currentThread().interrupt();
                }
                return new Step(new float[V], state);
            }

            @Override
            public void close() {}
        };
        assertThatThrownBy(() -> Inspection.of(model, TEXT, 3)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(steps[0]).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource
    void hasTheStateAndTheProbabilityOfEachCharacter(CellType cell) {
        ModelConfig config = config(cell, false);
        Inspection inspection = inspect(config, TEXT);

        assertThat(inspection.states()).hasSize(config.states());
        assertThat(inspection.characters().get(0).logProbability()).isNaN();
        try (GraphModel graph = new GraphModel(config, TestModels.randomWeights(config, 1))) {
            List<float[]> state = graph.zeroState(1);
            for (int t = 0; t < TEXT.length; t++) {
                TextModel.Step step = graph.step(new int[] {TEXT[t]}, state);
                state = step.state();
                for (int i = 0; i < state.size(); i++) {
                    float[] row = Arrays.copyOfRange(inspection.states().get(i), 5 * t, 5 * t + 5);
                    assertThat(row).containsExactly(state.get(i), within((float) Rounding.after(40 * 20)));
                }
                if (t + 1 < TEXT.length) {
                    ScoredCharacter next = inspection.characters().get(t + 1);
                    ScoredCharacter expected = ScoredCharacter.of(step.logits(), TEXT[t + 1], V);
                    assertThat(next.logProbability())
                            .isCloseTo(expected.logProbability(), within((float) Rounding.after(40 * 20)));
                    assertThat(next.top().stream().map(ScoredCharacter::id))
                            .containsExactlyElementsOf(expected.top().stream()
                                    .map(ScoredCharacter::id)
                                    .filter(id -> id != next.id())
                                    .limit(3)
                                    .toList());
                }
            }
        }
    }

    /** An unknown character changes nothing, wherever it is. */
    @Test
    void unknownCharactersAreSkipped() {
        ModelConfig config = config(CellType.LSTM, false);
        Inspection known = inspect(config, 1, 2, 3);
        Inspection inspection = inspect(config, Ids.NONE, 1, 2, Ids.NONE, Ids.NONE, 3);

        int[] places = {1, 2, 5};
        for (int i = 0; i < 3; i++) {
            assertThat(inspection.characters().get(places[i]))
                    .isEqualTo(known.characters().get(i));
            assertThat(Arrays.copyOfRange(inspection.states().get(3), 5 * places[i], 5 * places[i] + 5))
                    .isEqualTo(Arrays.copyOfRange(known.states().get(3), 5 * i, 5 * i + 5));
        }
        assertThat(inspection.characters().get(3).id()).isEqualTo(Ids.NONE);
        assertThat(inspection.characters().get(3).logProbability()).isNaN();
        assertThat(Arrays.copyOf(inspection.states().get(0), 5)).containsOnly(0);
        assertThat(Arrays.copyOfRange(inspection.states().get(0), 15, 20))
                .as("the state stays")
                .isEqualTo(Arrays.copyOfRange(inspection.states().get(0), 10, 15));
    }

    @Test
    void firstCharacterOfADocumentIsPredicted() {
        ModelConfig config = config(CellType.GRU, true);

        assertThat(inspect(config, 1, 2).characters().get(0).logProbability()).isNegative();
    }
}
