package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.text.CounterRandom;
import dev.libretto.text.Ids;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Samplers on made-up distributions, without a model. */
@Tag("numeric")
class SamplerTest {
    private static final int DRAWS = 100_000;
    private static final int ALL = RandomSampler.ALL;
    /** 0.1, 0.4, 0.15, 0.05, 0.3. */
    private static final float[] LOGITS = logits(0.1, 0.4, 0.15, 0.05, 0.3);

    private static final History NO_TEXT = new History(new int[0], 0);

    @Test
    void greedyChoosesMostLikelyThenLowestId() {
        assertThat(Sampler.GREEDY.sample(LOGITS, NO_TEXT, 0.99)).isEqualTo(1);
        assertThat(Sampler.GREEDY.sample(new float[] {-3, -1, -2, -1}, NO_TEXT, 0))
                .isEqualTo(1);
        assertThat(Sampler.GREEDY.sample(new float[] {-5}, NO_TEXT, 0)).isZero();
    }

    @Test
    void drawsFromDistribution() {
        assertDraws(new RandomSampler(1, ALL, 1, 0), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    /** softmax(x + c) = softmax(x). */
    @Test
    void shiftedLogitsGiveSameDistribution() {
        float[] shifted = {1000, 1000 + (float) Math.log(3), -2000};
        assertDraws(new RandomSampler(1, ALL, 1, 0), shifted, 0.25, 0.75, 0);
    }

    /** p^(1/T), normalized: squares at T = ½, square roots at T = 2. */
    @Test
    void temperatureRaisesProbabilitiesToAPower() {
        float[] logits = logits(0.1, 0.2, 0.7);
        assertDraws(new RandomSampler(0.5, ALL, 1, 0), logits, 0.01 / 0.54, 0.04 / 0.54, 0.49 / 0.54);
        double roots = Math.sqrt(0.1) + Math.sqrt(0.2) + Math.sqrt(0.7);
        assertDraws(
                new RandomSampler(2, ALL, 1, 0),
                logits,
                Math.sqrt(0.1) / roots,
                Math.sqrt(0.2) / roots,
                Math.sqrt(0.7) / roots);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-3, 1e-30, Double.MIN_VALUE})
    void temperatureNearZeroIsGreedy(double temperature) {
        Sampler cold = new RandomSampler(temperature, ALL, 1, 0);
        for (double uniform : new double[] {0, 0.5, Math.nextDown(1.0)}) {
            assertThat(cold.sample(LOGITS, NO_TEXT, uniform)).isEqualTo(1);
        }
    }

    @Test
    void highTemperatureIsUniform() {
        assertDraws(new RandomSampler(1e30, ALL, 1, 0), LOGITS, 0.2, 0.2, 0.2, 0.2, 0.2);
    }

    @Test
    void topKKeepsMostLikely() {
        assertDraws(new RandomSampler(1, 1, 1, 0), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, 2, 1, 0), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, 5, 1, 0), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
        assertDraws(new RandomSampler(1, 1_000, 1, 0), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    @Test
    void topKBreaksTiesByLowestId() {
        assertDraws(
                new RandomSampler(1, 2, 1, 0), new float[] {0, 1, 0, 0}, 1 / (1 + Math.E), Math.E / (1 + Math.E), 0, 0);
        assertDraws(new RandomSampler(1, 3, 1, 0), new float[] {-0f, 0f, -0f, 0f}, 1 / 3.0, 1 / 3.0, 1 / 3.0, 0);
    }

    /** 0.4, 0.3, 0.15, 0.1, 0.05 add up to 0.4, 0.7, 0.85, 0.95, 1. */
    @Test
    void topPKeepsNucleus() {
        assertDraws(new RandomSampler(1, ALL, 1e-9, 0), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, ALL, 0.39, 0), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(1, ALL, 0.41, 0), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, ALL, 0.69, 0), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
        assertDraws(new RandomSampler(1, ALL, 0.71, 0), LOGITS, 0, 8 / 17.0, 3 / 17.0, 0, 6 / 17.0);
        assertDraws(new RandomSampler(1, ALL, 0.96, 0), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
    }

    /** After top-k, 0.4 and 0.3 become 0.57 and 0.43. */
    @Test
    void topPAppliesAfterTopK() {
        assertDraws(Sampler.temperature(1).withTopK(2).withTopP(0.56), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(Sampler.temperature(1).withTopP(0.58).withTopK(2), LOGITS, 0, 4 / 7.0, 0, 0, 3 / 7.0);
    }

    /** At T = ½ the squares are 0.16, 0.09, 0.0225, 0.01, 0.0025; the first is 0.56 of their sum. */
    @Test
    void temperatureAppliesBeforeTopP() {
        assertDraws(new RandomSampler(0.5, ALL, 0.55, 0), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(new RandomSampler(0.5, ALL, 0.57, 0), LOGITS, 0, 0.64, 0, 0, 0.36);
    }

    /** 0.12 of the most likely one's 0.4 is 0.048, 0.13 is 0.052. */
    @Test
    void minPKeepsShareOfMostLikely() {
        assertDraws(Sampler.temperature(1).withMinP(0.12), LOGITS, 0.1, 0.4, 0.15, 0.05, 0.3);
        assertDraws(Sampler.temperature(1).withMinP(0.13), LOGITS, 2 / 19.0, 8 / 19.0, 3 / 19.0, 0, 6 / 19.0);
        assertDraws(Sampler.temperature(1).withMinP(0.76), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(Sampler.temperature(1).withMinP(1), LOGITS, 0, 1, 0, 0, 0);
        assertDraws(Sampler.temperature(1).withMinP(1), new float[] {3, 3, 2}, 0.5, 0.5, 0);
    }

    /** At T = ½ the squares are 0.16, 0.09, 0.0225, …, of which the second is 0.5625 of the first. */
    @Test
    void temperatureAppliesBeforeMinP() {
        assertDraws(new RandomSampler(0.5, ALL, 1, 0.56), LOGITS, 0, 0.64, 0, 0, 0.36);
        assertDraws(new RandomSampler(0.5, ALL, 1, 0.57), LOGITS, 0, 1, 0, 0, 0);
    }

    /** The nucleus of 0.8 is 0.4, 0.3, 0.15, all at least 0.3 of the first; of these alone it would be 0.4, 0.3. */
    @Test
    void minPAppliesAfterTopP() {
        assertDraws(new RandomSampler(1, ALL, 0.8, 0.3), LOGITS, 0, 8 / 17.0, 3 / 17.0, 0, 6 / 17.0);
        assertDraws(new RandomSampler(1, ALL, 0.96, 0.3), LOGITS, 0, 8 / 17.0, 3 / 17.0, 0, 6 / 17.0);
    }

    /** e^(ln 3) = 3 times as likely. */
    @Test
    void biasMultipliesProbabilities() {
        float[] bias = {0, (float) -Math.log(4), 0, (float) Math.log(4), Float.NEGATIVE_INFINITY};
        assertDraws(
                Sampler.temperature(1).adjusted().withBias(bias),
                LOGITS,
                0.1 / 0.55,
                0.1 / 0.55,
                0.15 / 0.55,
                0.2 / 0.55,
                0);
    }

    @Test
    void forbiddenCharacterIsNotChosen() {
        float no = Float.NEGATIVE_INFINITY;
        assertThat(Sampler.GREEDY.adjusted().withBias(0, no, 0, 0, 0).sample(LOGITS, NO_TEXT, 0))
                .isEqualTo(4);
        assertThat(Sampler.GREEDY.adjusted().withBias(no, no, no, no, no).sample(LOGITS, NO_TEXT, 0))
                .isEqualTo(Ids.NONE);
        Sampler hot = new RandomSampler(1e30, ALL, 1, 0).adjusted().withBias(0, no, 0, no, 0);
        assertDraws(hot, LOGITS, 1 / 3.0, 0, 1 / 3.0, 0, 1 / 3.0);
    }

    @Test
    void repeatPenaltyShrinksPositiveAndGrowsNegativeLogits() {
        float[] logits = {2, -2, 0, 2, -2};
        History text = new History(new int[] {3, 3, 0, 1, 2, 1}, History.WHOLE);
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(2, 4).adjust(logits, text))
                .containsExactly(1, -4, 0, 2, -2);
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(2, 3).adjust(logits, text))
                .containsExactly(2, -4, 0, 2, -2);
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(2, History.WHOLE).adjust(logits, text))
                .containsExactly(1, -4, 0, 1, -2);
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(0.5, 1).adjust(logits, text))
                .containsExactly(2, -1, 0, 2, -2);
        assertThat(logits).containsExactly(2, -2, 0, 2, -2);
    }

    /** −1 + 3 is positive, and forbidden stays forbidden. */
    @Test
    void biasAppliesBeforePenalty() {
        History text = new History(new int[] {0, 1}, History.WHOLE);
        assertThat(Sampler.GREEDY
                        .adjusted()
                        .withRepeatPenalty(2, 9)
                        .withBias(3, Float.NEGATIVE_INFINITY)
                        .adjust(new float[] {-1, 5}, text))
                .containsExactly(1, Float.NEGATIVE_INFINITY);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void noRepeatWritesNoSequenceTwice(int n) {
        AdjustedSampler sampler = Sampler.temperature(1).adjusted().withNoRepeat(n);
        for (int trial = 0; trial < 50; trial++) {
            int[] prefix = {1, 0, 2, 1};
            History text = new History(prefix, sampler.lookBack());
            StringBuilder written = new StringBuilder("1021");
            int id = 0;
            for (int i = 0; id != Ids.NONE; i++) {
                id = sampler.sample(logits(0.2, 0.5, 0.3), text, CounterRandom.uniform(1, trial, i));
                if (id != Ids.NONE) {
                    text.add(id);
                    written.append(id);
                }
            }
            // Of the prefix, only the one that it has itself may occur twice.
            String all = written.toString();
            List<String> sequences = IntStream.rangeClosed(0, all.length() - n)
                    .mapToObj(i -> all.substring(i, i + n))
                    .toList();
            assertThat(sequences.subList(n == 1 ? 1 : 0, sequences.size())).doesNotHaveDuplicates();
            String end = all.substring(all.length() - n + 1);
            assertThat(sequences).contains(end + "0", end + "1", end + "2");
        }
    }

    /** The text repeats itself to the last character, so nearly every place has nearly all of the sequence. */
    @Test
    @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void noRepeatTakesLinearTime() {
        int[] prefix = new int[4_000_000];
        prefix[prefix.length / 2] = 1;
        AdjustedSampler sampler = Sampler.GREEDY.adjusted().withNoRepeat(prefix.length / 4);
        assertThat(sampler.adjust(logits(0.2, 0.5, 0.3), new History(prefix, History.WHOLE))[0])
                .isEqualTo(Float.NEGATIVE_INFINITY);
    }

    @Test
    void noRepeatForbidsAsANaiveSearchDoes() {
        Random random = new Random(1);
        for (int trial = 0; trial < 2000; trial++) {
            int n = 1 + random.nextInt(6);
            int[] ids =
                    random.ints(random.nextInt(30), 0, 1 + random.nextInt(3)).toArray();
            float[] expected = new float[3];
            for (int from = 0; from + n <= ids.length; from++) {
                if (Arrays.equals(ids, from, from + n - 1, ids, ids.length - n + 1, ids.length)) {
                    expected[ids[from + n - 1]] = Float.NEGATIVE_INFINITY;
                }
            }
            AdjustedSampler sampler = Sampler.GREEDY.adjusted().withNoRepeat(n);
            assertThat(sampler.adjust(new float[3], new History(ids, History.WHOLE)))
                    .containsExactly(expected);
        }
    }

    @Test
    void shortTextHasNoRepetition() {
        AdjustedSampler sampler = Sampler.GREEDY.adjusted().withNoRepeat(3);
        for (int[] prefix : new int[][] {{}, {1}, {1, 1}}) {
            assertThat(sampler.sample(LOGITS, new History(prefix, History.WHOLE), 0))
                    .isEqualTo(1);
        }
        assertThat(sampler.sample(LOGITS, new History(new int[] {1, 1, 1}, History.WHOLE), 0))
                .isEqualTo(4);
    }

    @Test
    void adjustmentsOutOfRangeAreRejected() {
        AdjustedSampler sampler = Sampler.GREEDY.adjusted();
        assertThatThrownBy(() -> sampler.withBias(Float.NaN)).hasMessageContaining("a bias is NaN");
        assertThatThrownBy(() -> sampler.withBias(Float.POSITIVE_INFINITY)).hasMessageContaining("a bias is Infinity");
        assertThatThrownBy(() -> sampler.withRepeatPenalty(0, 1)).hasMessageContaining("repeat penalty is 0.0");
        assertThatThrownBy(() -> sampler.withRepeatPenalty(Double.NaN, 1))
                .hasMessageContaining("repeat penalty is NaN");
        assertThatThrownBy(() -> sampler.withRepeatPenalty(1, -1)).hasMessageContaining("repeat window is -1");
        assertThatThrownBy(() -> sampler.withNoRepeat(-1)).hasMessageContaining("no-repeat is -1");
    }

    @Test
    void onlySamplersThatNeedTextLookBack() {
        assertThat(Sampler.GREEDY.lookBack()).isZero();
        assertThat(Sampler.GREEDY.adjusted().withBias(1, 2).lookBack()).isZero();
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(1, 64).lookBack())
                .isZero();
        assertThat(Sampler.GREEDY.adjusted().withRepeatPenalty(1.1, 64).lookBack())
                .isEqualTo(64);
        assertThat(Sampler.GREEDY.adjusted().withNoRepeat(2).lookBack()).isEqualTo(History.WHOLE);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 7, 64, History.WHOLE})
    void historyKeepsLastCharacters(int lookBack) {
        for (int prefix : new int[] {0, 1, 5, 100}) {
            int[] all = TestModels.randomIds(prefix + 500, 1_000, prefix);
            History text = new History(Arrays.copyOf(all, prefix), lookBack);
            for (int length = prefix; length <= all.length; length++) {
                assertThat(text.length()).isEqualTo(Math.min(length, lookBack));
                for (int i = 0; i < text.length(); i++) {
                    assertThat(text.back(i)).isEqualTo(all[length - 1 - i]);
                }
                if (length == 250) {
                    History copy = text.with(-5);
                    assertThat(copy.length()).isEqualTo(Math.min(251, lookBack));
                    assertThat(lookBack == 0 || copy.back(0) == -5).isTrue();
                    assertThat(lookBack < 2 || copy.back(1) == all[249]).isTrue();
                }
                if (length < all.length) {
                    text.add(all[length]);
                }
            }
        }
    }

    /** The whole vocabulary is sorted; only what is needed of it must be in the same order. */
    @Test
    void drawsWhatASortOfAllCharactersDraws() {
        Random random = new Random(1);
        for (int trial = 0; trial < 20_000; trial++) {
            float[] logits = new float[1 + random.nextInt(50)];
            for (int id = 0; id < logits.length; id++) {
                // Some are equal, some are forbidden.
                logits[id] = random.nextInt(10) == 0 ? Float.NEGATIVE_INFINITY : random.nextInt(12) - 6.5f;
            }
            logits[random.nextInt(logits.length)] = random.nextFloat() - 0.5f;
            int topK = random.nextBoolean() ? ALL : 1 + random.nextInt(60);
            double topP = random.nextBoolean() ? 1 : 1 - random.nextDouble();
            double minP = random.nextBoolean() ? 0 : random.nextDouble();
            RandomSampler sampler = new RandomSampler(0.1 + 2 * random.nextDouble(), topK, topP, minP);
            double uniform = random.nextDouble();
            assertThat(sampler.sample(logits, NO_TEXT, uniform))
                    .as("%s of %s at %s", sampler, Arrays.toString(logits), uniform)
                    .isEqualTo(sampleBySorting(sampler, logits, uniform));
        }
    }

    private static int sampleBySorting(RandomSampler sampler, float[] logits, double uniform) {
        List<Integer> ids = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparing(id -> -logits[id]))
                .limit(sampler.topK())
                .toList();
        double[] weights = ids.stream()
                .mapToDouble(id -> Math.exp((logits[id] - logits[ids.get(0)]) / sampler.temperature()))
                .toArray();
        double total = DoubleStream.of(weights).sum();
        double sum = 0;
        int count = 0;
        while (count < weights.length
                && sum < sampler.topP() * total
                && weights[count] > 0
                && weights[count] >= sampler.minP()) {
            sum += weights[count++];
        }
        double left = uniform * sum;
        int i = 0;
        while (i + 1 < count && left >= weights[i]) {
            left -= weights[i++];
        }
        return ids.get(i);
    }

    @Test
    void likelyCharactersAreInOrder() {
        ScoredCharacter scored = ScoredCharacter.of(LOGITS, 3, 3);
        assertThat(scored.top()).extracting(ScoredCharacter::id).containsExactly(1, 4, 2);
        for (ScoredCharacter likely : scored.top()) {
            assertThat(likely).isEqualTo(ScoredCharacter.of(LOGITS, likely.id(), 0));
        }
        assertThat(ScoredCharacter.of(LOGITS, 3, 100).top()).hasSize(5);
        assertThat(ScoredCharacter.of(LOGITS, 3, 0).top()).isEmpty();
    }

    @Test
    void uniformNumberDeterminesSample() {
        Sampler sampler = new RandomSampler(1, ALL, 1, 0);
        assertThat(sampler.sample(LOGITS, NO_TEXT, 0)).isEqualTo(1);
        assertThat(sampler.sample(LOGITS, NO_TEXT, 0.399)).isEqualTo(1);
        assertThat(sampler.sample(LOGITS, NO_TEXT, 0.401)).isEqualTo(4);
        assertThat(sampler.sample(LOGITS, NO_TEXT, 0.699)).isEqualTo(4);
        assertThat(sampler.sample(LOGITS, NO_TEXT, Math.nextDown(1.0))).isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 1, 0",
        "-1, 1, 1, 0",
        "NaN, 1, 1, 0",
        "Infinity, 1, 1, 0",
        "1, 0, 1, 0",
        "1, 1, 0, 0",
        "1, 1, 1.1, 0",
        "1, 1, NaN, 0",
        "1, 1, 1, -0.1",
        "1, 1, 1, 1.1",
        "1, 1, 1, NaN"
    })
    void valuesOutOfRangeAreRejected(double temperature, int topK, double topP, double minP) {
        assertThatThrownBy(() -> new RandomSampler(temperature, topK, topP, minP))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("it must be");
    }

    @Test
    void logProbabilityIsLogSoftmax() {
        // Two logits, their difference and the result are rounded, each a number of at most 2.1.
        float error = (float) (2.1 * Rounding.after(4));
        assertThat(ScoredCharacter.of(LOGITS, 4, 0).logProbability()).isCloseTo((float) Math.log(0.3), within(error));
        assertThat(ScoredCharacter.of(new float[] {-1e30f, 500, 500}, 1, 0).logProbability())
                .isEqualTo((float) -Math.log(2));
    }

    /** Numbers of consecutive seeds, samples and positions are uniform and independent. */
    @Test
    void randomNumbersAreUniformAndIndependent() {
        double[] expected = new double[64];
        Arrays.fill(expected, 1.0 / 64);
        for (int direction = 0; direction < 3; direction++) {
            int[] counts = new int[64];
            int[] pairs = new int[64];
            double before = 0;
            for (int i = 0; i < DRAWS; i++) {
                double u = uniform(direction, i);
                assertThat(u).isGreaterThanOrEqualTo(0).isLessThan(1);
                counts[(int) (64 * u)]++;
                pairs[8 * (int) (8 * before) + (int) (8 * u)]++;
                before = u;
            }
            assertFits(counts, expected);
            assertFits(pairs, expected);
        }
    }

    private static double uniform(int direction, int i) {
        return switch (direction) {
            case 0 -> CounterRandom.uniform(i, 3, 5);
            case 1 -> CounterRandom.uniform(1, i, 5);
            default -> CounterRandom.uniform(1, 3, i);
        };
    }

    private static float[] logits(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (2 + Math.log(probabilities[i]));
        }
        return logits;
    }

    private static void assertDraws(Sampler sampler, float[] logits, double... probabilities) {
        int[] counts = new int[logits.length];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(logits, NO_TEXT, CounterRandom.uniform(1, 0, i))]++;
        }
        assertFits(counts, probabilities);
    }

    /**
     * Pearson's χ² is within six standard deviations of its mean, and impossible characters are never drawn. The seeds are
     * fixed, so the result never varies; with other seeds a correct sampler would fail at most once in 480 cases (one degree
     * of freedom).
     */
    private static void assertFits(int[] counts, double[] probabilities) {
        double chiSquare = 0;
        int degrees = -1;
        for (int i = 0; i < counts.length; i++) {
            double expected = DRAWS * probabilities[i];
            if (expected == 0) {
                assertThat(counts[i]).as("draws of " + i).isZero();
            } else {
                chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
                degrees++;
            }
        }
        assertThat(chiSquare).as("χ² of " + degrees).isLessThanOrEqualTo(degrees + 6 * Math.sqrt(2.0 * degrees));
    }
}
