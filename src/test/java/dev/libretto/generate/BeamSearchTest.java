package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Beam search on made-up probabilities of the next character given the last one, without a model. */
@Tag("numeric")
class BeamSearchTest {
    private static final List<int[]> NO_STOP = List.of();

    /** @param logits of the next character, by the last one */
    private record Bigrams(float[]... logits) implements TextModel {
        static Bigrams of(double[]... probabilities) {
            return new Bigrams(Arrays.stream(probabilities)
                    .map(row -> {
                        float[] logits = new float[row.length];
                        for (int id = 0; id < row.length; id++) {
                            logits[id] = (float) Math.log(row[id]);
                        }
                        return logits;
                    })
                    .toArray(float[][]::new));
        }

        static Bigrams random(int v, long seed) {
            Random random = new Random(seed);
            float[][] logits = new float[v][v];
            for (float[] row : logits) {
                for (int id = 0; id < v; id++) {
                    row[id] = (float) (2 * random.nextGaussian());
                }
            }
            return new Bigrams(logits);
        }

        @Override
        public ModelConfig config() {
            return new ModelConfig(CellType.RNN, logits.length, 1, 1);
        }

        @Override
        public Step step(int[] ids, List<float[]> state) {
            int v = logits.length;
            float[] all = new float[ids.length * v];
            for (int row = 0; row < ids.length; row++) {
                System.arraycopy(logits[ids[row]], 0, all, row * v, v);
            }
            return new Step(all, state);
        }

        double logProbability(int last, int... text) {
            double sum = 0;
            int before = last;
            for (int id : text) {
                sum += ScoredCharacter.of(logits[before], id, 0).logProbability();
                before = id;
            }
            return sum;
        }

        @Override
        public void close() {}
    }

    /** After 0, the likelier 1 leads to even odds, but 2 leads to a certain 0: 0.55 · 0.5 is less than 0.45 · 1. */
    @Test
    void findsLikelierTextThanGreedy() {
        Bigrams model = Bigrams.of(new double[] {0, 0.55, 0.45}, new double[] {0.5, 0.5, 0}, new double[] {1, 0, 0});
        assertThat(search(model, 1, 2, Sampler.GREEDY, NO_STOP, 0)).containsExactly(1, 0);
        assertThat(search(model, 2, 2, Sampler.GREEDY, NO_STOP, 0)).containsExactly(2, 0);
    }

    @Test
    void oneBeamIsGreedy() {
        AdjustedSampler adjusted =
                Sampler.GREEDY.adjusted().withRepeatPenalty(1.5, 4).withNoRepeat(3);
        for (int seed = 0; seed < 20; seed++) {
            Bigrams model = Bigrams.random(6, seed);
            for (Sampler sampler : List.of(Sampler.GREEDY, adjusted)) {
                List<Integer> greedy = new ArrayList<>();
                new Decoder(model)
                        .write(
                                List.of(new int[] {2, 3}),
                                1,
                                new Decoder.Options(40, sampler, 0, NO_STOP, Decoder.Scoring.NONE),
                                (row, character) -> greedy.add(character.id()));
                assertThat(search(model, 1, 40, sampler, NO_STOP, 2, 3)).isEqualTo(greedy);
            }
        }
    }

    /** With a beam for each text, the search is exhaustive. */
    @Test
    void asManyBeamsAsTextsFindTheLikeliest() {
        for (int seed = 0; seed < 20; seed++) {
            Bigrams model = Bigrams.random(3, seed);
            double likeliest = IntStream.range(0, 243)
                    .mapToDouble(i -> model.logProbability(1, text(i)))
                    .max()
                    .orElseThrow();
            int[] found = search(model, 243, 5, Sampler.GREEDY, NO_STOP, 1).stream()
                    .mapToInt(id -> id)
                    .toArray();
            assertThat(model.logProbability(1, found)).isEqualTo(likeliest);
        }
    }

    private static int[] text(int i) {
        return new int[] {i % 3, i / 3 % 3, i / 9 % 3, i / 27 % 3, i / 81};
    }

    /** 2 stops. At once it has 0.4 per character; after a 1 it has √(0.6 · 0.9), which is 0.73. */
    @Test
    void stoppedTextsCompareByCharacter() {
        Bigrams model =
                Bigrams.of(new double[] {0, 0.6, 0.4}, new double[] {0.1, 0, 0.9}, new double[] {0.3, 0.3, 0.4});
        assertThat(search(model, 2, 10, Sampler.GREEDY, List.of(new int[] {2}), 0))
                .containsExactly(1);
        assertThat(search(model, 2, 10, Sampler.GREEDY, List.of(new int[] {1, 2}), 0))
                .isEmpty();
    }

    @Test
    void forbiddenTextsAreNotFound() {
        Bigrams model = Bigrams.random(4, 1);
        float[] bias = {0, Float.NEGATIVE_INFINITY, 0, 0};
        Sampler sampler = Sampler.GREEDY.adjusted().withBias(bias).withNoRepeat(2);
        List<Integer> found = search(model, 3, 100, sampler, NO_STOP, 0);
        // Three characters have nine pairs.
        assertThat(found).doesNotContain(1).hasSizeBetween(1, 9);
    }

    /** 2 ends a document, and is neither written nor part of an empty prefix: P(1 | 2) · P(2 | 1) is 0.81, the mean √0.81. */
    @Test
    void documentsEnd() {
        Bigrams bigrams = Bigrams.of(
                new double[] {0.5, 0.25, 0.25}, new double[] {0.05, 0.05, 0.9}, new double[] {0.05, 0.9, 0.05});
        TextModel documents = new TextModel() {
            @Override
            public ModelConfig config() {
                return new ModelConfig(CellType.RNN, 3, 1, 1, 0, false, true);
            }

            @Override
            public Step step(int[] ids, List<float[]> state) {
                return bigrams.step(ids, state);
            }

            @Override
            public void close() {}
        };
        assertThat(search(documents, 3, 50, Sampler.GREEDY, NO_STOP)).containsExactly(1);
        assertThat(search(documents, 1, 50, Sampler.GREEDY, NO_STOP, 0, 1)).isEmpty();
    }

    @Test
    void textsAreTheSameInABatch() {
        Bigrams model = Bigrams.random(9, 7);
        List<int[]> prefixes = List.of(new int[] {1, 2}, new int[] {3}, new int[] {2}, new int[] {3});
        List<List<Integer>> batch = search(model, prefixes, 4, 30, Sampler.GREEDY, List.of(new int[] {5}));
        for (int row = 0; row < 4; row++) {
            assertThat(batch.get(row))
                    .isEqualTo(search(model, 4, 30, Sampler.GREEDY, List.of(new int[] {5}), prefixes.get(row)));
        }
    }

    private static List<Integer> search(
            TextModel model, int beams, int length, Sampler sampler, List<int[]> stop, int... prefix) {
        return search(model, List.of(prefix), beams, length, sampler, stop).get(0);
    }

    private static List<List<Integer>> search(
            TextModel model, List<int[]> prefixes, int beams, int length, Sampler sampler, List<int[]> stop) {
        List<List<Integer>> texts = Stream.<List<Integer>>generate(ArrayList::new)
                .limit(prefixes.size())
                .toList();
        new Decoder(model)
                .search(
                        prefixes,
                        beams,
                        new Decoder.Options(length, sampler, 0, stop, Decoder.Scoring.NONE),
                        (row, character) -> texts.get(row).add(character.id()));
        return texts;
    }
}
