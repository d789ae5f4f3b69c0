package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.device.Devices.Choice;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Evaluation;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("numeric")
class TextScoreTest {
    /** What follows a: b three times, a once. What follows b: a twice. The last b is followed by nothing. */
    private static final String TEXT = "abaabab";

    private static final double ROUNDING = 4 * Rounding.after(64);

    /**
     * A model of the text's bigrams: the hidden unit of the last character is tanh(20), which is 1 in float32, the others are 0,
     * and the output layer has the logarithms of the frequencies.
     */
    private static CharModel bigramModel(Vocabulary vocabulary, double[][] probabilities) {
        int v = vocabulary.size();
        ModelConfig config = new ModelConfig(CellType.RNN, v, v, 1, 0, false, vocabulary.hasEnd());
        Weights weights = new Weights(LanguageModel.parameters(config), parameter -> {
            float[] values = new float[parameter.size()];
            for (int i = 0; i < v; i++) {
                for (int j = 0; j < v; j++) {
                    if (parameter.name().equals("dense/kernel")) {
                        values[i * v + j] = (float) Math.max(-60, Math.log(probabilities[i][j]));
                    } else if (parameter.name().endsWith("/kernel") && i == j) {
                        values[i * v + j] = 20;
                    }
                }
            }
            return values;
        });
        return new CharModel(config, vocabulary, weights, CorpusOptions.WHOLE_TEXT, "", Choice.CPU);
    }

    private static CharModel bigramModel() {
        double[][] probabilities = {{0.25, 0.75}, {1, 0}};
        return bigramModel(Vocabulary.ofSymbols(List.of("a", "b"), false), probabilities);
    }

    @Test
    void scoreAndEvaluationMatchBigramsCountedByHand() throws IOException {
        Corpus corpus = Corpus.of(TEXT);
        try (CharModel model = bigramModel()) {
            Ids ids = model.vocabulary().encodeKnown(corpus);
            double loss = Math.log(BigramModel.perplexity(ids));
            assertThat(6 * loss).isCloseTo(-(3 * Math.log(0.75) + Math.log(0.25)), within(1e-12));

            Evaluation evaluation = model.evaluate(corpus);
            assertThat(evaluation.loss()).isCloseTo(loss, within(ROUNDING));
            assertThat(evaluation.bytes()).isEqualTo(6);
            assertThat(evaluation.bitsPerByte()).isEqualTo(evaluation.bitsPerCharacter());

            TextScore score = model.score(List.of(TEXT)).get(0);
            assertThat(score.predicted()).isEqualTo(6);
            assertThat(score.unknown()).isZero();
            assertThat(score.logProbability()).isCloseTo(-6 * loss, within(6 * ROUNDING));
            assertThat(score.logProbabilityPerCharacter()).isCloseTo(-loss, within(ROUNDING));
            assertThat(score.bitsPerCharacter()).isCloseTo(loss / Math.log(2), within(2 * ROUNDING));
            assertThat(score.bitsPerByte()).isEqualTo(score.bitsPerCharacter());
            double[] expected = {Double.NaN, 0.75, 1, 0.25, 0.75, 1, 0.75};
            for (int i = 1; i < 7; i++) {
                assertThat((double) score.characters().get(i).logProbability())
                        .isCloseTo(Math.log(expected[i]), within(ROUNDING));
            }
            assertThat(score.characters().get(0).logProbability()).isNaN();
        }
    }

    /** Each text starts from a zero state, whatever was scored before it. */
    @Test
    void shortTextsHaveNoProbability() {
        try (CharModel model = bigramModel()) {
            List<TextScore> scores = model.score(List.of("ab", "", "a", "猫", "b猫", "ab"));
            assertThat(scores).extracting(TextScore::text).containsExactly("ab", "", "a", "猫", "b猫", "ab");
            assertThat(scores).extracting(TextScore::predicted).containsExactly(1, 0, 0, 0, 0, 1);
            assertThat(scores).extracting(TextScore::unknown).containsExactly(0, 0, 0, 1, 1, 0);
            for (TextScore score : scores.subList(1, 5)) {
                assertThat(score.logProbability()).isZero();
                assertThat(score.logProbabilityPerCharacter()).isNaN();
                assertThat(score.bitsPerCharacter()).isNaN();
                assertThat(score.bitsPerByte()).isNaN();
            }
            assertThat(scores.get(5)).isEqualTo(scores.get(0));
        }
    }

    @Test
    void unknownCharactersAreLeftOut() throws IOException {
        try (CharModel model = bigramModel()) {
            List<TextScore> scores = model.score(List.of("aba", "猫a😀b猫a猫"));
            assertThat(scores.get(1).logProbability()).isEqualTo(scores.get(0).logProbability());
            assertThat(scores.get(1).bitsPerByte()).isEqualTo(scores.get(0).bitsPerByte());
            assertThat(scores.get(1).unknown()).isEqualTo(4);
            assertThat(scores.get(1).characters())
                    .extracting(ScoredCharacter::id)
                    .containsExactly(Ids.NONE, 0, Ids.NONE, 1, Ids.NONE, 0, Ids.NONE);
            assertThat(scores.get(1).characters())
                    .extracting(character -> Float.isNaN(character.logProbability()))
                    .containsExactly(true, true, true, false, true, false, true);

            Evaluation evaluation = model.evaluate(Corpus.of("猫a😀b猫a猫"));
            assertThat(evaluation.characters()).isEqualTo(2);
            assertThat(evaluation.bytes()).isEqualTo(2);
        }
    }

    /** One bit per character: of one, three and four bytes, the first not counted. */
    @Test
    void bytesAreThoseOfUtf8() throws IOException {
        double[][] even = {{0.5, 0.5, 0, 0}, {0, 0.5, 0.5, 0}, {0, 0, 0.5, 0.5}, {0.5, 0, 0, 0.5}};
        try (CharModel model = bigramModel(Vocabulary.ofSymbols(List.of("a", "é", "猫", "😀"), false), even)) {
            TextScore score = model.score(List.of("aé猫😀a")).get(0);
            assertThat(score.bitsPerCharacter()).isCloseTo(1, within(2 * ROUNDING));
            assertThat(score.bitsPerByte()).isCloseTo(4 / 10.0, within(2 * ROUNDING));
            Evaluation evaluation = model.evaluate(Corpus.of("aé猫😀a"));
            assertThat(evaluation.bytes()).isEqualTo(10);
            assertThat(evaluation.bitsPerByte()).isCloseTo(0.4, within(2 * ROUNDING));
        }
    }

    /** With U+FFFD in the vocabulary, unknown characters are read as it, and count their own bytes. */
    @Test
    void unknownCharactersAreReadAsReplacement() throws IOException {
        double[][] probabilities = {{0.5, 0.5}, {0.75, 0.25}};
        Vocabulary vocabulary = Vocabulary.ofSymbols(List.of("a", "\uFFFD"), true);
        try (CharModel model = bigramModel(vocabulary, probabilities)) {
            TextScore score = model.score(List.of("aé😀")).get(0);
            assertThat(score.unknown()).isEqualTo(2);
            assertThat(score.predicted()).isEqualTo(2);
            assertThat(score.logProbability()).isCloseTo(Math.log(0.5 * 0.25), within(2 * ROUNDING));
            assertThat(score.bitsPerByte()).isCloseTo(3 / 6.0, within(3 * ROUNDING));
            assertThat(model.evaluate(Corpus.of("aé😀")).bytes()).isEqualTo(6);
        }
    }

    /** Each text is a document: P(a | beginning) · P(b | a) · P(end | b), the end without bytes. */
    @Test
    void documentsArePredictedFromTheirBeginningToTheirEnd() {
        double[][] probabilities = {{0.5, 0.25, 0.25}, {0.25, 0.25, 0.5}, {0.75, 0.125, 0.125}};
        Vocabulary vocabulary = Vocabulary.ofSymbols(List.of("a", "b", ""), false);
        try (CharModel model = bigramModel(vocabulary, probabilities)) {
            List<TextScore> scores = model.score(List.of("ab", "", "猫b"));
            assertThat(scores).extracting(TextScore::predicted).containsExactly(3, 1, 2);
            assertThat(scores).extracting(TextScore::unknown).containsExactly(0, 0, 1);
            assertThat(scores.get(0).logProbability()).isCloseTo(Math.log(0.75 * 0.25 * 0.5), within(3 * ROUNDING));
            assertThat(scores.get(1).logProbability()).isCloseTo(Math.log(0.125), within(ROUNDING));
            assertThat(scores.get(2).logProbability()).isCloseTo(Math.log(0.125 * 0.5), within(2 * ROUNDING));
            assertThat(scores.get(0).bitsPerByte()).isCloseTo((Math.log(32 / 3.0) / Math.log(2)) / 2, within(ROUNDING));
            assertThat(scores.get(1).bitsPerByte()).as("of the end alone").isNaN();
            assertThat(scores.get(0).characters())
                    .extracting(ScoredCharacter::id)
                    .containsExactly(0, 1, 2);
        }
    }

    @Test
    void likeliestOthersAreWithoutTheCharacter() {
        double[][] probabilities = {{0.5, 0.3, 0.2}, {0.1, 0.3, 0.6}, {1, 0, 0}};
        try (CharModel model = bigramModel(Vocabulary.ofSymbols(List.of("a", "b", "c"), false), probabilities)) {
            model.score(List.of("aab").iterator(), 2, score -> {
                assertThat(score.characters().get(0).top()).isEmpty();
                assertThat(score.characters().get(1).top())
                        .extracting(ScoredCharacter::id)
                        .containsExactly(1, 2);
                assertThat(score.characters().get(2).top())
                        .extracting(ScoredCharacter::id)
                        .containsExactly(0, 2);
            });
            model.score(
                    List.of("aab").iterator(),
                    1,
                    score -> assertThat(score.characters().get(2).top()).hasSize(1));
            model.score(
                    List.of("aab").iterator(),
                    9,
                    score -> assertThat(score.characters().get(2).top()).hasSize(2));
        }
    }
}
