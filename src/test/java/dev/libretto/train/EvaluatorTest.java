package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.ReferenceModel;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvaluatorTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.LSTM, 11, 5, 2);
    private static final Weights WEIGHTS = TestModels.randomWeights(CONFIG, 1);

    /** Lengths around the 128 time steps of one run of its graph. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 128, 129, 130, 257, 1000})
    void theLossIsThatOfOneNaivePassOverTheText(int length) {
        int[] ids = TestModels.randomIds(length, CONFIG.vocabularySize(), length);
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        double expected =
                reference.loss(Arrays.copyOf(ids, length - 1), Arrays.copyOfRange(ids, 1, length), new double[][] {
                    reference.zeroState()
                });

        try (Evaluator evaluator = new Evaluator(CONFIG, WEIGHTS)) {
            Evaluation evaluation = evaluator.evaluate(Ids.of(ids));

            assertThat(evaluation.characters()).isEqualTo(length - 1);
            assertThat(evaluation.loss()).isCloseTo(expected, within(1e-5));
        }
    }

    @Test
    void oneEvaluationLeavesNothingForTheNext() {
        int[] ids = TestModels.randomIds(300, CONFIG.vocabularySize(), 1);
        try (Evaluator evaluator = new Evaluator(CONFIG, WEIGHTS)) {
            assertThat(evaluator.evaluate(Ids.of(ids))).isEqualTo(evaluator.evaluate(Ids.of(ids)));
        }
    }

    @Test
    void unknownCharactersAreLeftOut() {
        int[] ids = TestModels.randomIds(300, CONFIG.vocabularySize(), 1);
        int[] withUnknown = Arrays.stream(ids)
                .flatMap(id -> id % 3 == 0 ? IntStream.of(Ids.NONE, id) : IntStream.of(id))
                .toArray();
        try (Evaluator evaluator = new Evaluator(CONFIG, WEIGHTS)) {
            assertThat(evaluator.evaluate(Ids.of(withUnknown))).isEqualTo(evaluator.evaluate(Ids.of(ids)));
        }
    }

    @Test
    void perplexityAndBitsOfAHandComputedLoss() {
        Evaluation fourChoices = new Evaluation(10, Math.log(4));

        assertThat(fourChoices.perplexity()).isCloseTo(4, within(1e-12));
        assertThat(fourChoices.bitsPerCharacter()).isCloseTo(2, within(1e-12));
    }

    @Test
    void aTextOfOneCharacterHasNothingToPredict() {
        try (Evaluator evaluator = new Evaluator(CONFIG, WEIGHTS)) {
            assertThatThrownBy(() -> evaluator.evaluate(Ids.of(0)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("fewer than 2 characters");
        }
    }
}
