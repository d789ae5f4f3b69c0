package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.NativeMemory;
import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("numeric")
class DecoderTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.GRU, 17, 9, 2);
    private static final ModelConfig TINY = new ModelConfig(CellType.RNN, 5, 3, 1);
    private static final Weights WEIGHTS = TestModels.randomWeights(CONFIG, 1);
    private static final double LARGEST_LOGIT = largestLogit(CONFIG, WEIGHTS);
    private static final Sampler DRAWN = Sampler.temperature(1);

    /**
     * Draws one of the first nine characters whatever the logits are, so rounding never changes a text. The log-probabilities
     * show what the model computed.
     */
    private static final Sampler BLIND = (logits, text, uniform) -> (int) (9 * uniform);

    private static final Decoder.Scoring SCORED = new Decoder.Scoring(false, true, 0);

    private record Written(List<Integer> ids, List<Float> logProbabilities) {}

    /** The naive loop's. */
    private record Expected(List<Integer> ids, List<Double> logProbabilities, List<Double> errors) {}

    /** Lengths below, at and above the steps of a session and of a graph run. */
    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "1, 63",
        "1, 64",
        "1, 65",
        "64, 5",
        "65, 64",
        "66, 128",
        "30, 100",
        "1, 1024",
        "1, 1025",
        "1024, 5",
        "1025, 5",
        "1030, 2100"
    })
    void bothModelsMatchNaiveLoop(int prefixLength, int length) {
        int[] prefix = TestModels.randomIds(prefixLength, CONFIG.vocabularySize(), prefixLength);
        List<Integer> expected = naive(CONFIG, WEIGHTS, prefix, length).ids();

        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                assertThat(decode(model, prefix, length)).hasSize(length).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void bothModelsMatchNaiveLoopForEveryCell(CellType cell) {
        ModelConfig config = new ModelConfig(cell, 23, 12, 2);
        Weights weights = TestModels.randomWeights(config, 5);
        List<int[]> prefixes = prefixes(config, 3, 1, 70, 64, 3);
        Decoder.Options options = new Decoder.Options(130, Sampler.GREEDY, 0, List.of(), SCORED);

        for (TextModel model : models(config, weights)) {
            try (model) {
                List<Written> written = write(model, prefixes, 1, options);
                for (int row = 0; row < prefixes.size(); row++) {
                    Expected expected = naive(config, weights, prefixes.get(row), 130);
                    assertThat(written.get(row).ids()).isEqualTo(expected.ids());
                    for (int i = 0; i < 130; i++) {
                        double logProbability =
                                written.get(row).logProbabilities().get(i);
                        // The error of the logit, and that of the sum it is divided by.
                        assertThat(logProbability)
                                .isCloseTo(
                                        expected.logProbabilities().get(i),
                                        within(2 * expected.errors().get(i)));
                    }
                }
            }
        }
    }

    /** The interface's default methods, which fast paths must match. */
    @Test
    void defaultMethodsMatchFastPaths() {
        List<int[]> prefixes = prefixes(CONFIG, 5, 1, 80);
        Decoder.Options options = new Decoder.Options(70, Sampler.GREEDY, 0, List.of(new int[] {3, 3}), SCORED);
        try (TextModel eager = new EagerModel(CONFIG, WEIGHTS);
                TextModel graph = new GraphModel(CONFIG, WEIGHTS)) {
            List<Integer> stop = IntStream.of(options.stop().get(0)).boxed().toList();
            List<List<Integer>> expected = prefixes.stream()
                    .map(prefix -> naive(CONFIG, WEIGHTS, prefix, 70).ids())
                    .map(all -> {
                        int end = Collections.indexOfSubList(all, stop);
                        return end < 0 ? all : all.subList(0, end);
                    })
                    .toList();
            for (TextModel model : List.of(eager, graph, new StepsOnly(eager), new StepsOnly(graph))) {
                List<Written> written = write(model, prefixes, 1, options);
                assertThat(written.stream().map(Written::ids)).isEqualTo(expected);
            }
        }
    }

    @Test
    void prefixFromOwnTextContinuesTheSame() {
        int[] prefix = {3, 1, 4};
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                List<Integer> whole = naive(CONFIG, WEIGHTS, prefix, 100).ids();
                assertThat(decode(model, prefix, 100)).isEqualTo(whole);
                int[] longer = IntStream.concat(
                                IntStream.of(prefix),
                                whole.subList(0, 70).stream().mapToInt(i -> i))
                        .toArray();
                assertThat(decode(model, longer, 30)).isEqualTo(whole.subList(70, 100));
            }
        }
    }

    @Test
    void samplesAreIndependentOfBatch() {
        Decoder.Options options = new Decoder.Options(90, BLIND, 7, List.of(), SCORED);
        int[] prefix = {2, 5};
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                List<Written> three = write(model, List.of(prefix), 3, options);
                List<Written> alone = write(model, List.of(prefix), 1, options);
                List<Written> batched =
                        write(model, List.of(new int[] {1, 1, 1, 8}, prefix, new int[] {9}), 5, options);

                assertSame(alone.get(0), three.get(0), 2);
                for (int i = 0; i < 3; i++) {
                    assertSame(batched.get(5 + i), three.get(i), 2);
                }
                assertThat(three.get(0).ids())
                        .isNotEqualTo(three.get(1).ids())
                        .isNotEqualTo(three.get(2).ids());
                assertThat(three.get(1).ids()).isNotEqualTo(three.get(2).ids());
            }
        }
    }

    /**
     * Probabilities may differ by rounding, since kernels depend on the number of rows: on both sides by the error of a logit
     * and that of the sum it is divided by.
     */
    private static void assertSame(Written actual, Written expected, int prefixLength) {
        assertThat(actual.ids()).isEqualTo(expected.ids());
        assertThat(actual.logProbabilities()).hasSameSizeAs(expected.logProbabilities());
        for (int i = 0; i < expected.ids().size(); i++) {
            double error = LARGEST_LOGIT * Rounding.ofLogits(CONFIG, prefixLength + i);
            assertThat((double) actual.logProbabilities().get(i))
                    .as("log-probability of character %d", i)
                    .isCloseTo(expected.logProbabilities().get(i), within(4 * error));
        }
    }

    /** A state is at most 1, so a logit is at most the sum of a column's weights and the bias. */
    private static double largestLogit(ModelConfig config, Weights weights) {
        List<Parameter> parameters = weights.parameters();
        float[] kernel = weights.of(parameters.get(parameters.size() - 2));
        float[] bias = weights.of(parameters.get(parameters.size() - 1));
        return IntStream.range(0, bias.length)
                .mapToDouble(j -> Math.abs(bias[j])
                        + IntStream.range(0, config.hiddenSize())
                                .mapToDouble(k -> Math.abs(kernel[k * bias.length + j]))
                                .sum())
                .max()
                .orElseThrow();
    }

    /** Every decoder, alone and in a batch, gives a sampler each text's own history, and ends texts that cannot go on. */
    @Test
    void adjustedTextsAreTheSameInEveryDecoder() {
        // Draws one of the characters that are not forbidden, so rounding never changes a text.
        Sampler blind = (logits, text, uniform) -> {
            int[] allowed = IntStream.range(0, logits.length)
                    .filter(id -> logits[id] > Float.NEGATIVE_INFINITY)
                    .toArray();
            return allowed[(int) (allowed.length * uniform)];
        };
        float[] bias = new float[CONFIG.vocabularySize()];
        Arrays.fill(bias, 3, bias.length, Float.NEGATIVE_INFINITY);
        List<int[]> prefixes = List.of(new int[] {0, 1, 2, 0}, new int[] {2}, new int[] {9, 8, 9});
        Decoder.Options options = new Decoder.Options(
                200, blind.adjusted().withBias(bias).withNoRepeat(3), 4, List.of(), Decoder.Scoring.NONE);

        List<List<Integer>> expected = null;
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                for (TextModel each : List.of(model, new StepsOnly(model))) {
                    List<List<Integer>> texts = write(each, prefixes, 3, options).stream()
                            .map(Written::ids)
                            .toList();
                    List<List<Integer>> alone = prefixes.stream()
                            .flatMap(prefix -> write(each, List.of(prefix), 3, options).stream())
                            .map(Written::ids)
                            .toList();
                    expected = expected == null ? texts : expected;
                    assertThat(texts).isEqualTo(expected).isEqualTo(alone).doesNotHaveDuplicates();
                }
            }
        }
        for (int row = 0; row < expected.size(); row++) {
            String all = string(prefixes.get(row / 3), 4) + string(toArray(expected.get(row)), 200);
            assertThat(IntStream.rangeClosed(0, all.length() - 3).mapToObj(i -> all.substring(i, i + 3)))
                    .doesNotHaveDuplicates();
            // Of three characters there are 27 sequences of three, so at most 29 characters.
            assertThat(expected.get(row)).hasSizeBetween(1, 29);
        }
    }

    /** Rounding cannot change these texts. */
    @Test
    void adjustedGreedyMatchesNaiveLoop() {
        float[] bias = new float[CONFIG.vocabularySize()];
        bias[4] = -2;
        bias[5] = Float.NEGATIVE_INFINITY;
        AdjustedSampler sampler = Sampler.GREEDY
                .adjusted()
                .withBias(bias)
                .withRepeatPenalty(1.25, 6)
                .withNoRepeat(4);
        List<int[]> prefixes = List.of(new int[] {3, 1, 4}, new int[] {2, 7, 1, 8, 2, 8});
        Decoder.Options options = new Decoder.Options(50, sampler, 1, List.of(), Decoder.Scoring.NONE);
        List<List<Integer>> expected = prefixes.stream()
                .map(prefix -> Margins.greedy(CONFIG, WEIGHTS, prefix, 50, sampler))
                .toList();
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                assertThat(write(model, prefixes, 1, options).stream().map(Written::ids))
                        .isEqualTo(expected);
            }
        }
        for (int row = 0; row < expected.size(); row++) {
            assertThat(expected.get(row))
                    .doesNotContain(5)
                    .isNotEqualTo(naive(CONFIG, WEIGHTS, prefixes.get(row), 50).ids());
        }
    }

    /** The prefix's own characters have the probabilities that they would have if they were written. */
    @Test
    void prefixIsScored() {
        List<int[]> prefixes = prefixes(CONFIG, 5, 1, 70, 5);
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                for (int length : new int[] {0, 3}) {
                    List<List<ScoredCharacter>> read = new ArrayList<>();
                    Decoder.Options options = new Decoder.Options(
                            length, Sampler.GREEDY, 0, List.of(), new Decoder.Scoring(true, true, 2));
                    new Decoder(model).write(prefixes, 2, options, new Decoder.Listener() {
                        @Override
                        public void read(int prefix, List<ScoredCharacter> characters) {
                            assertThat(prefix).isEqualTo(read.size());
                            read.add(characters);
                        }

                        @Override
                        public void written(int row, ScoredCharacter character) {
                            assertThat(read).hasSize(4);
                        }
                    });
                    for (int p = 0; p < 4; p++) {
                        assertScored(read.get(p), prefixes.get(p));
                    }
                }
            }
        }
    }

    private static void assertScored(List<ScoredCharacter> characters, int[] prefix) {
        assertThat(characters)
                .extracting(ScoredCharacter::id)
                .isEqualTo(IntStream.of(prefix).skip(1).boxed().toList());
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        double[] state = reference.zeroState();
        for (int i = 0; i + 1 < prefix.length; i++) {
            state = reference.step(prefix[i], state);
            double[] logits = reference.logits(state);
            double error = Margins.error(CONFIG, i + 1, logits);
            // The error of the logit, and that of the sum it is divided by.
            assertThat((double) characters.get(i).logProbability())
                    .isCloseTo(-ReferenceModel.crossEntropy(logits, prefix[i + 1]), within(2 * error));
            List<ScoredCharacter> top = characters.get(i).top();
            assertThat(top).hasSize(2);
            double[] sorted = Arrays.stream(logits).sorted().toArray();
            for (int rank = 0; rank < 2; rank++) {
                assertThat(logits[top.get(rank).id()]).isCloseTo(sorted[sorted.length - 1 - rank], within(2 * error));
            }
        }
    }

    /** Characters, their probabilities and where they stop do not depend on how many likely ones are listed. */
    @Test
    void likelyCharactersAreListed() {
        int[] prefix = {3, 1, 4};
        List<Integer> greedy = naive(CONFIG, WEIGHTS, prefix, 70).ids();
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                List<ScoredCharacter> characters = new ArrayList<>();
                Decoder.Options options =
                        new Decoder.Options(70, Sampler.GREEDY, 0, List.of(), new Decoder.Scoring(false, true, 3));
                new Decoder(model).write(List.of(prefix), 1, options, (row, character) -> characters.add(character));
                assertThat(characters).extracting(ScoredCharacter::id).isEqualTo(greedy);
                assertThat(characters)
                        .allSatisfy(character -> assertThat(character.top())
                                .hasSize(3)
                                .isSortedAccordingTo((a, b) -> Float.compare(b.logProbability(), a.logProbability()))
                                .first()
                                .isEqualTo(new ScoredCharacter(character.id(), character.logProbability())));
            }
        }
    }

    private static int[] toArray(List<Integer> ids) {
        return ids.stream().mapToInt(id -> id).toArray();
    }

    @Test
    void seedDeterminesSamples() {
        try (TextModel model = new EagerModel(CONFIG, WEIGHTS)) {
            List<List<Integer>> texts = new ArrayList<>();
            for (long seed : new long[] {1, 2, 1, -1}) {
                Decoder.Options options = new Decoder.Options(40, DRAWN, seed, List.of(), Decoder.Scoring.NONE);
                texts.add(
                        write(model, List.of(new int[] {0}), 1, options).get(0).ids());
            }
            assertThat(texts.get(2)).isEqualTo(texts.get(0));
            assertThat(texts.get(1)).isNotEqualTo(texts.get(0));
            assertThat(texts.get(3)).isNotEqualTo(texts.get(0));
        }
    }

    @Test
    void temperatureNearZeroIsGreedy() {
        Sampler cold = Sampler.temperature(1e-6);
        try (TextModel model = new GraphModel(CONFIG, WEIGHTS)) {
            int[] prefix = {4, 4};
            Decoder.Options options = new Decoder.Options(200, cold, 1, List.of(), Decoder.Scoring.NONE);
            assertThat(write(model, List.of(prefix), 1, options).get(0).ids())
                    .isEqualTo(naive(CONFIG, WEIGHTS, prefix, 200).ids())
                    .isEqualTo(decode(model, prefix, 200));
        }
    }

    /** Other rows are unaffected, wherever in a run a row ends. */
    @Test
    void stopTextEndsRowAndIsLeftOut() {
        List<int[]> prefixes = prefixes(CONFIG, 1, 2, 3);
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                Decoder.Options whole = new Decoder.Options(150, BLIND, 3, List.of(), SCORED);
                List<Written> texts = write(model, prefixes, 5, whole);
                for (int[] stop : new int[][] {{3}, {6, 2}, {5, 5}, {1, 8, 1}}) {
                    Decoder.Options options = new Decoder.Options(150, BLIND, 3, List.of(stop), SCORED);
                    List<Written> stopped = write(model, prefixes, 5, options);
                    for (int row = 0; row < texts.size(); row++) {
                        List<Integer> all = texts.get(row).ids();
                        int end = Collections.indexOfSubList(
                                all, IntStream.of(stop).boxed().toList());
                        int length = end < 0 ? all.size() : end;
                        Written expected = new Written(
                                all.subList(0, length),
                                texts.get(row).logProbabilities().subList(0, length));
                        assertSame(stopped.get(row), expected, 3);
                    }
                }
            }
        }
    }

    /** The end is read first, each text ends at the first one, and none is passed on; other rows are unaffected. */
    @Test
    void documentsEndThemselves() {
        int end = CONFIG.vocabularySize() - 1;
        ModelConfig documents = new ModelConfig(CONFIG.cell(), end + 1, 9, 2, 0, false, true);
        Sampler sampler = (logits, text, uniform) -> uniform < 0.01 ? end : BLIND.sample(logits, text, uniform);
        Decoder.Options options = new Decoder.Options(150, sampler, 3, List.of(), SCORED);
        List<int[]> prefixes = List.of(new int[0], new int[] {1, 2, 1}, new int[] {5});
        List<int[]> begun = List.of(new int[] {end}, new int[] {end, 1, 2, 1}, new int[] {end, 5});
        List<TextModel> knowing = models(documents, WEIGHTS);
        List<TextModel> others = models(CONFIG, WEIGHTS);
        for (int i = 0; i < knowing.size(); i++) {
            try (TextModel model = knowing.get(i);
                    TextModel other = others.get(i)) {
                List<Written> written = write(model, prefixes, 5, options);
                List<Written> whole = write(other, begun, 5, options);
                assertThat(written)
                        .extracting(text -> text.ids().size())
                        .contains(150)
                        .anyMatch(size -> size < 150);
                for (int row = 0; row < whole.size(); row++) {
                    List<Integer> ids = whole.get(row).ids();
                    int length = ids.contains(end) ? ids.indexOf(end) : ids.size();
                    Written expected = new Written(
                            ids.subList(0, length),
                            whole.get(row).logProbabilities().subList(0, length));
                    assertSame(written.get(row), expected, 4);
                }
            }
        }
    }

    /** What may have begun the stop text is passed on at the end. */
    @Test
    void documentEndsWithinAStopText() {
        ModelConfig config = new ModelConfig(CellType.RNN, 5, 3, 1, 0, false, true);
        int[] text = {1, 2, 4, 3};
        int[] position = {0};
        Sampler recited = (logits, history, uniform) -> text[position[0]++];
        Decoder.Options options = new Decoder.Options(9, recited, 1, List.of(new int[] {2, 3}), Decoder.Scoring.NONE);
        try (TextModel model = new EagerModel(config, TestModels.randomWeights(config, 1))) {
            assertThat(write(model, List.of(new int[0]), 1, options).get(0).ids())
                    .containsExactly(1, 2);
        }
    }

    /** Characters are passed on at once unless they may begin a stop text. Random texts of two letters. */
    @Test
    void stopTextsMatchNaiveSearch() {
        Random random = new Random(1);
        for (int trial = 0; trial < 500; trial++) {
            int[] text = random.ints(100, 0, 2).toArray();
            List<int[]> stop = Stream.generate(
                            () -> random.ints(1 + random.nextInt(6), 0, 2).toArray())
                    .limit(random.nextInt(4))
                    .toList();
            List<Integer> written = new ArrayList<>();
            Sampler recited = new Sampler() {
                private int position;

                @Override
                public int sample(float[] logits, History history, double uniform) {
                    String before = string(text, position);
                    int held = stop.stream()
                            .flatMapToInt(each -> IntStream.rangeClosed(0, each.length)
                                    .filter(length -> before.endsWith(string(each, length))))
                            .max()
                            .orElse(0);
                    assertThat(written).hasSize(position - held);
                    return text[position++];
                }
            };
            Decoder.Options options = new Decoder.Options(text.length, recited, 1, stop, Decoder.Scoring.NONE);
            new Decoder(new NoModel())
                    .write(List.of(new int[] {0}), 1, options, (row, character) -> written.add(character.id()));

            assertThat(written)
                    .containsExactlyElementsOf(IntStream.of(text)
                            .limit(naiveLength(text, stop))
                            .boxed()
                            .toList());
        }
    }

    /** Returns the length of the text before the stop text that is complete first, the longest of several. */
    private static int naiveLength(int[] text, List<int[]> stop) {
        for (int length = 1; length <= text.length; length++) {
            String before = string(text, length);
            int longest = stop.stream()
                    .filter(each -> before.endsWith(string(each, each.length)))
                    .mapToInt(each -> each.length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return length - longest;
            }
        }
        return text.length;
    }

    @Test
    void emptyStopTextIsRejected() {
        assertThatThrownBy(() -> new Decoder.Options(1, Sampler.GREEDY, 0, List.of(new int[0]), Decoder.Scoring.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a stop text is empty; it needs at least one character");
    }

    private static String string(int[] ids, int length) {
        return IntStream.of(ids).limit(length).mapToObj(Integer::toString).collect(Collectors.joining());
    }

    /** Computes nothing. */
    private record NoModel() implements TextModel {
        @Override
        public ModelConfig config() {
            return TINY;
        }

        @Override
        public Step step(int[] ids, List<float[]> state) {
            return new Step(new float[ids.length * TINY.vocabularySize()], state);
        }

        @Override
        public void close() {}
    }

    /** The limit, 2²⁹ − 2²⁴ weights, lies between these two; their arrays are not needed. */
    @Test
    void modelTooLargeForAGraphIsRefused() {
        ModelConfig fits = new ModelConfig(CellType.RNN, 7_679, 16_384, 1);
        ModelConfig large = new ModelConfig(CellType.RNN, 7_680, 16_384, 1);

        assertThat(GraphModel.fits(fits)).isTrue();
        assertThat(GraphModel.fits(large)).isFalse();
        assertThatThrownBy(() -> new GraphModel(large, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the model has 520117760 weights, but a graph holds at most 520093696; use the eager decoder");
    }

    @Test
    void graphThatCannotBeBuiltIsClosed() {
        // Weights of another model make the constructor fail halfway.
        NativeMemory.assertFreedByFailing(() -> new DecodingGraph(TINY, WEIGHTS, DecodingGraph.Kind.ANY));
        NativeMemory.assertFreedByFailing(() -> new DecodingGraph(TINY, WEIGHTS, DecodingGraph.Kind.FUSED));
    }

    @Test
    void nothingIsWrittenForLengthZero() {
        for (TextModel model : models(CONFIG, WEIGHTS)) {
            try (model) {
                assertThat(decode(model, new int[] {1}, 0)).isEmpty();
            }
        }
    }

    @Test
    void emptyPrefixIsRejected() {
        try (TextModel model = new EagerModel(CONFIG, WEIGHTS)) {
            assertThatThrownBy(() -> decode(model, new int[0], 5))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the prefix is empty");
        }
    }

    /** A replaced eager session closes its tensors, and so does each graph run; one leaked per character would show. */
    @Test
    void tensorsAreClosedWhileWriting() {
        for (TextModel model : models(TINY, TestModels.randomWeights(TINY, 1))) {
            try (model) {
                List<Long> open = new ArrayList<>();
                Decoder.Options options = Decoder.Options.greedy(4 * EagerModel.STEPS_PER_SESSION);
                new Decoder(model)
                        .write(List.of(new int[] {1}), 1, options, (row, character) -> open.add(Pointer.totalCount()));
                long first = Collections.min(open.subList(0, EagerModel.STEPS_PER_SESSION + 1));
                long last = Collections.min(
                        open.subList(3 * EagerModel.STEPS_PER_SESSION - 1, 4 * EagerModel.STEPS_PER_SESSION));
                assertThat(last - first).isLessThan(EagerModel.STEPS_PER_SESSION);
            }
        }
    }

    @Test
    void writingManyTextsLeaksNothing() {
        Decoder.Options scored = new Decoder.Options(10, Sampler.GREEDY, 0, List.of(), SCORED);
        List<int[]> prefixes = prefixes(TINY, 1, 5, 2);
        Weights weights = TestModels.randomWeights(TINY, 1);
        EagerModel eager = new EagerModel(TINY, weights);
        NativeMemory.assertFlat(40, () -> {
            write(eager, prefixes, 1, scored);
            eager.close();
        });
        try (GraphModel graph = new GraphModel(TINY, weights)) {
            NativeMemory.assertFlat(40, () -> write(graph, prefixes, 1, scored));
        }
    }

    /** Implements the abstract methods only. */
    private record StepsOnly(TextModel model) implements TextModel {
        @Override
        public ModelConfig config() {
            return model.config();
        }

        @Override
        public Step step(int[] ids, List<float[]> state) {
            return model.step(ids, state);
        }

        @Override
        public void close() {}
    }

    private static List<TextModel> models(ModelConfig config, Weights weights) {
        return List.of(new EagerModel(config, weights), new GraphModel(config, weights));
    }

    private static List<int[]> prefixes(ModelConfig config, int... lengths) {
        return IntStream.range(0, lengths.length)
                .mapToObj(i -> TestModels.randomIds(lengths[i], config.vocabularySize(), i))
                .toList();
    }

    private static List<Integer> decode(TextModel model, int[] prefix, int length) {
        return write(model, List.of(prefix), 1, Decoder.Options.greedy(length))
                .get(0)
                .ids();
    }

    private static List<Written> write(TextModel model, List<int[]> prefixes, int samples, Decoder.Options options) {
        List<Written> rows = new ArrayList<>();
        for (int row = 0; row < prefixes.size() * samples; row++) {
            rows.add(new Written(new ArrayList<>(), new ArrayList<>()));
        }
        new Decoder(model).write(prefixes, samples, options, (row, character) -> {
            rows.get(row).ids().add(character.id());
            rows.get(row).logProbabilities().add(character.logProbability());
        });
        return rows;
    }

    private static Expected naive(ModelConfig config, Weights weights, int[] prefix, int length) {
        ReferenceModel reference = new ReferenceModel(config, weights);
        double[] state = reference.zeroState();
        for (int id : prefix) {
            state = reference.step(id, state);
        }
        Expected written = new Expected(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (int i = 0; i < length; i++) {
            double[] logits = reference.logits(state);
            double error = Margins.error(config, prefix.length + i, logits);
            int best = 0;
            for (int j = 1; j < logits.length; j++) {
                best = logits[j] > logits[best] ? j : best;
            }
            double[] sorted = Arrays.stream(logits).sorted().toArray();
            double lead = sorted[sorted.length - 1] - sorted[sorted.length - 2];
            assertThat(lead).as("a clear winner").isGreaterThan(2 * error);
            written.ids().add(best);
            written.logProbabilities().add(-ReferenceModel.crossEntropy(logits, best));
            written.errors().add(error);
            state = reference.step(best, state);
        }
        return written;
    }
}
