package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.NativeMemory;
import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("numeric")
class ScorerTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.LSTM, 11, 5, 2);
    private static final Weights WEIGHTS = TestModels.randomWeights(CONFIG, 1);
    private static final int T = Scorer.SEQ_LENGTH;

    /** Empty texts, texts around the time steps of a run, and one far longer than the others. */
    private static final List<int[]> TEXTS = IntStream.of(
                    3, 0, 1, 2, T, T + 1, T + 2, 2 * T + 1, 700, 5, 1, 0, 0, 9, 33, 2, 2, 2, 64, 8, 1)
            .mapToObj(length -> TestModels.randomIds(length, CONFIG.vocabularySize(), length))
            .toList();

    /** Whatever texts share a batch, and one after the other a row. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 64})
    void logProbabilitiesMatchReferenceModel(int rows) {
        try (Scorer scorer = new Scorer(CONFIG, WEIGHTS, 4, rows, 1_000)) {
            List<Scorer.Scores> scores = new ArrayList<>();
            scorer.score(TEXTS.iterator(), scores::add);

            assertThat(scores).hasSameSizeAs(TEXTS);
            for (int i = 0; i < TEXTS.size(); i++) {
                assertScored(scores.get(i), TEXTS.get(i));
            }
        }
    }

    private static void assertScored(Scorer.Scores scores, int[] text) {
        assertThat(scores.logProbabilities()).hasSize(Math.max(0, text.length - 1));
        assertThat(scores.topIds()).hasSize(4 * scores.logProbabilities().length);
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        double[] state = reference.zeroState();
        for (int i = 0; i + 1 < text.length; i++) {
            state = reference.step(text[i], state);
            double[] logits = reference.logits(state);
            double largest =
                    Math.max(1, Arrays.stream(logits).map(Math::abs).max().orElseThrow());
            // The error of the logit, and that of the sum it is divided by.
            double error = 2 * largest * Rounding.ofLogits(CONFIG, i + 1);
            assertThat((double) scores.logProbabilities()[i])
                    .isCloseTo(-ReferenceModel.crossEntropy(logits, text[i + 1]), within(error));
            double[] sorted = Arrays.stream(logits)
                    .boxed()
                    .sorted(Comparator.reverseOrder())
                    .mapToDouble(logit -> logit)
                    .toArray();
            for (int k = 0; k < 4; k++) {
                int id = scores.topIds()[4 * i + k];
                double logProbability = scores.topLogProbabilities()[4 * i + k];
                assertThat(logProbability).isCloseTo(-ReferenceModel.crossEntropy(logits, id), within(error));
                assertThat(logits[id]).isCloseTo(sorted[k], within(2 * error));
                assertThat(id != text[i + 1] || logProbability == scores.logProbabilities()[i])
                        .isTrue();
            }
        }
    }

    @Test
    void sumIsTheEvaluatorsLoss() {
        int[] text = TEXTS.get(8);
        try (Scorer scorer = new Scorer(CONFIG, WEIGHTS, 0);
                Evaluator evaluator = new Evaluator(CONFIG, WEIGHTS)) {
            scorer.score(List.of(text).iterator(), scores -> {
                double mean = IntStream.range(0, text.length - 1)
                        .mapToDouble(i -> -scores.logProbabilities()[i])
                        .average()
                        .orElseThrow();
                double loss = evaluator.evaluate(Ids.of(text)).loss();
                assertThat(mean).isCloseTo(loss, within(2 * loss * Rounding.ofLoss(CONFIG, text.length, 1)));
            });
        }
    }

    /** A long text does not make the others wait in memory. */
    @Test
    void textsAreReadAsTheyAreNeeded() {
        int[] characters = new int[2];
        List<int[]> texts = new ArrayList<>();
        texts.add(TestModels.randomIds(2_000, CONFIG.vocabularySize(), 1));
        for (int i = 0; i < 5_000; i++) {
            texts.add(TestModels.randomIds(i % 4, CONFIG.vocabularySize(), i));
        }
        Iterator<int[]> all = texts.iterator();
        Iterator<int[]> counted = new Iterator<>() {
            @Override
            public boolean hasNext() {
                return all.hasNext();
            }

            @Override
            public int[] next() {
                // What is held, each text counting one more, is at most the limit when another text is read.
                assertThat(characters[0] - characters[1]).isLessThan(3_000);
                int[] text = all.next();
                characters[0] += 1 + text.length;
                return text;
            }
        };
        List<Integer> lengths = new ArrayList<>();
        try (Scorer scorer = new Scorer(CONFIG, WEIGHTS, 0, 8, 3_000)) {
            scorer.score(counted, scores -> {
                characters[1] += 1 + texts.get(lengths.size()).length;
                lengths.add(scores.logProbabilities().length);
            });
        }
        assertThat(lengths)
                .isEqualTo(
                        texts.stream().map(text -> Math.max(0, text.length - 1)).toList());
    }

    @Test
    void nothingIsScoredWithoutTexts() {
        try (Scorer scorer = new Scorer(CONFIG, WEIGHTS, 100, 2, 10)) {
            List<Scorer.Scores> scores = new ArrayList<>();
            scorer.score(List.<int[]>of().iterator(), scores::add);
            assertThat(scores).isEmpty();
            scorer.score(List.of(new int[] {1, 2}).iterator(), scores::add);
            assertThat(scores.get(0).topIds()).hasSize(CONFIG.vocabularySize()).doesNotHaveDuplicates();
        }
    }

    @Test
    void scoringLeaksNothing() {
        ModelConfig wider =
                new ModelConfig(CONFIG.cell(), CONFIG.vocabularySize(), CONFIG.hiddenSize() + 1, CONFIG.layers());
        NativeMemory.assertFreedByFailing(() -> new Scorer(wider, WEIGHTS, 0));
        try (Scorer scorer = new Scorer(CONFIG, WEIGHTS, 3, 2, 100)) {
            NativeMemory.assertFlat(10, () -> scorer.score(TEXTS.iterator(), scores -> {}));
        }
    }
}
