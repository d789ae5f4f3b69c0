package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TestModels;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("numeric")
class WarmStartTest {
    private static final int H = 3;
    /** Characters 2 and 0 of the trained model, with a new one between them and after them. */
    private static final int[] IDS = {2, -1, 0, -1};

    /** A row for each character, a column for each, or one number for each. */
    private static float[] slice(Weights weights, Parameter parameter, boolean isColumn, int id) {
        float[] values = weights.of(parameter);
        int count = (int) parameter.shape().get(isColumn ? 1 : 0);
        int length = values.length / count;
        float[] slice = new float[length];
        for (int i = 0; i < length; i++) {
            slice[i] = values[isColumn ? i * count + id : id * length + i];
        }
        return slice;
    }

    @ParameterizedTest
    @CsvSource({"RNN, 1, 0, false", "GRU, 2, 0, false", "LSTM, 2, 5, false", "LSTM, 1, 3, true"})
    void sharedCharactersKeepTheirWeightsAndNewOnesAreDrawn(
            CellType cell, int layers, int embeddingSize, boolean tied) {
        ModelConfig small = new ModelConfig(cell, 3, H, layers, embeddingSize, tied);
        ModelConfig model = small.withVocabularySize(IDS.length);
        Weights trained = TestModels.randomWeights(small, 5);
        Weights drawn = Initializers.draw(LanguageModel.parameters(model), 7);
        List<Parameter> before = LanguageModel.parameters(small);
        String first = embeddingSize > 0 ? "embedding" : "layer_0/kernel";

        Weights weights = WarmStart.of(model, trained, IDS, 7, index -> {});

        assertThat(weights.parameters()).isEqualTo(LanguageModel.parameters(model));
        for (int p = 0; p < before.size(); p++) {
            Parameter old = before.get(p);
            Parameter parameter = weights.parameters().get(p);
            boolean isColumn = old.name().equals("dense/kernel");
            if (!List.of(first, "dense/kernel", "dense/bias").contains(old.name())) {
                assertThat(weights.of(parameter)).as(old.name()).containsExactly(trained.of(old));
                continue;
            }
            for (int id = 0; id < IDS.length; id++) {
                assertThat(slice(weights, parameter, isColumn, id))
                        .as(old.name() + " of character " + id)
                        .containsExactly(
                                IDS[id] < 0
                                        ? slice(drawn, parameter, isColumn, id)
                                        : slice(trained, old, isColumn, IDS[id]));
            }
        }
    }

    @Test
    void weightsAreKeptWithoutNewCharacters() {
        ModelConfig model = new ModelConfig(CellType.GRU, 3, H, 1);
        Weights trained = TestModels.randomWeights(model, 5);
        Weights weights = WarmStart.of(model, trained, new int[] {0, 1, 2}, 7, index -> {});

        for (Parameter parameter : trained.parameters()) {
            assertThat(weights.of(parameter)).containsExactly(trained.of(parameter));
        }
    }
}
