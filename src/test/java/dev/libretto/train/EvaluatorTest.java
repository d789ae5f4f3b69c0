package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.NativeMemory;
import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("numeric")
class EvaluatorTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.LSTM, 11, 5, 2);
    private static final Weights WEIGHTS = TestModels.randomWeights(CONFIG, 1);
    private static Evaluator evaluator;

    @BeforeAll
    static void open() {
        evaluator = new Evaluator(CONFIG, WEIGHTS);
    }

    @AfterAll
    static void close() {
        evaluator.close();
    }

    /** Lengths around the 128 time steps of one run of the graph. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 128, 129, 130, 257, 1000})
    void lossMatchesReferenceModel(int length) {
        int[] ids = TestModels.randomIds(length, CONFIG.vocabularySize(), length);
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        double expected =
                reference.loss(Arrays.copyOf(ids, length - 1), Arrays.copyOfRange(ids, 1, length), new double[][] {
                    reference.zeroState()
                });

        Evaluation evaluation = evaluator.evaluate(Ids.of(ids));

        assertThat(evaluation.characters()).isEqualTo(length - 1);
        assertThat(evaluation.loss()).isCloseTo(expected, within(error(length) * expected));
    }

    /** Relative to the loss. */
    private static double error(int length) {
        return Rounding.ofLoss(CONFIG, length, 1);
    }

    @Test
    void wrongWeightsLeakNoNativeMemory() {
        ModelConfig wider =
                new ModelConfig(CONFIG.cell(), CONFIG.vocabularySize(), CONFIG.hiddenSize() + 1, CONFIG.layers());
        NativeMemory.assertFreedByFailing(() -> new Evaluator(wider, WEIGHTS));
    }

    @Test
    void evaluationsAreIndependent() {
        int[] ids = TestModels.randomIds(300, CONFIG.vocabularySize(), 1);
        assertThat(evaluator.evaluate(Ids.of(ids))).isEqualTo(evaluator.evaluate(Ids.of(ids)));
    }

    @Test
    void unknownCharactersAreSkipped() {
        int[] ids = TestModels.randomIds(300, CONFIG.vocabularySize(), 1);
        int[] withUnknown = Arrays.stream(ids)
                .flatMap(id -> id % 3 == 0 ? IntStream.of(Ids.NONE, id) : IntStream.of(id))
                .toArray();
        assertThat(evaluator.evaluate(Ids.of(withUnknown))).isEqualTo(evaluator.evaluate(Ids.of(ids)));
    }

    /**
     * Three rows, each from a zero state. Each character except the first is predicted once; the first of a row is predicted by
     * the row before.
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 301, 601})
    void parallelRowsMatchReferenceModel(int length) {
        int[] ids = TestModels.randomIds(length, CONFIG.vocabularySize(), length);
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        int rowLength = (length + 2) / 3;
        double expected = 0;
        for (int start = 0; start < length - 1; start += rowLength) {
            int end = Math.min(start + rowLength, length - 1);
            double[][] state = {reference.zeroState()};
            int[] inputs = Arrays.copyOfRange(ids, start, end);
            expected += (end - start) * reference.loss(inputs, Arrays.copyOfRange(ids, start + 1, end + 1), state);
        }

        try (Evaluator rows = new Evaluator(CONFIG, 3)) {
            rows.load(WEIGHTS);
            Evaluation evaluation = rows.evaluate(Ids.of(ids));

            assertThat(evaluation.characters()).isEqualTo(length - 1);
            double mean = expected / (length - 1);
            assertThat(evaluation.loss()).isCloseTo(mean, within(error(length) * mean));
        }
    }

    @Test
    void perplexityAndBitsMatchHandComputedLoss() {
        Evaluation fourChoices = new Evaluation(10, 30, Math.log(4));

        // In double precision: ln 4 and what is computed from it, each within a unit in the last place of up to 4.
        double error = 2 * 4 * 0x1p-52;
        assertThat(fourChoices.perplexity()).isCloseTo(4, within(error));
        assertThat(fourChoices.bitsPerCharacter()).isCloseTo(2, within(error));
        assertThat(fourChoices.bitsPerByte()).isCloseTo(2 / 3.0, within(error));
    }

    @Test
    void textOfOneCharacterIsRejected() {
        assertThatThrownBy(() -> evaluator.evaluate(Ids.of(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the text has 1 characters");
    }
}
