package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Batches.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class BatchesTest {
    @Test
    void consecutiveSamplingMatchesTextbookExample() {
        Batches.Epoch epoch = batches(30, 2, 6, Sampling.CONSECUTIVE).epoch(0);

        assertThat(epoch.count()).isEqualTo(2);
        assertThat(row(epoch.batch(0).inputs(), 2, 0)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(row(epoch.batch(0).inputs(), 2, 1)).containsExactly(15, 16, 17, 18, 19, 20);
        assertThat(row(epoch.batch(0).targets(), 2, 1)).containsExactly(16, 17, 18, 19, 20, 21);
        assertThat(row(epoch.batch(1).inputs(), 2, 0)).containsExactly(6, 7, 8, 9, 10, 11);
        assertThat(row(epoch.batch(1).inputs(), 2, 1)).containsExactly(21, 22, 23, 24, 25, 26);
    }

    @Test
    void textbookRunHasEightBatches() {
        assertThat(batches(10_000, 32, 35, Sampling.CONSECUTIVE).count()).isEqualTo(8);
        assertThat(batches(10_000, 32, 35, Sampling.RANDOM).count()).isEqualTo(8);
    }

    @Test
    void inputsAreTimeMajor() {
        assertThat(batches(30, 2, 6, Sampling.CONSECUTIVE).epoch(0).batch(0).inputs())
                .startsWith(0, 15, 1, 16, 2, 17);
    }

    @Test
    void onlyConsecutiveBatchesAfterTheFirstContinue() {
        Batches.Epoch consecutive = batches(30, 2, 6, Sampling.CONSECUTIVE).epoch(3);
        assertThat(consecutive.batch(0).continues()).isFalse();
        assertThat(consecutive.batch(1).continues()).isTrue();

        Batches.Epoch shifted = batches(30, 2, 6, Sampling.SHIFTED).epoch(3);
        assertThat(shifted.batch(0).continues()).isFalse();
        assertThat(shifted.batch(1).continues()).isTrue();

        Batches.Epoch random = batches(30, 2, 6, Sampling.RANDOM).epoch(3);
        assertThat(random.batch(1).continues()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"30, 2, 6", "1000, 7, 13", "50, 1, 49", "71, 35, 1", "2, 1, 1"})
    void consecutiveRowsCoverTheTextWithTargetsOneAhead(int length, int batchSize, int seqLength) {
        Batches.Epoch epoch =
                batches(length, batchSize, seqLength, Sampling.CONSECUTIVE).epoch(0);
        int rowLength = length / batchSize;
        for (int row = 0; row < batchSize; row++) {
            List<Integer> walked = new ArrayList<>();
            for (int i = 0; i < epoch.count(); i++) {
                Batch batch = epoch.batch(i);
                row(batch.inputs(), batchSize, row).forEach(walked::add);
                assertThat(row(batch.targets(), batchSize, row))
                        .isEqualTo(row(batch.inputs(), batchSize, row).stream()
                                .map(id -> id + 1)
                                .toList());
            }
            int start = row * rowLength;
            assertThat(walked)
                    .isEqualTo(IntStream.range(start, start + walked.size())
                            .boxed()
                            .toList());
            assertThat(rowLength - 1 - walked.size()).as("left over").isBetween(0, seqLength - 1);
        }
    }

    /** Each row continues, and the end of one row is the beginning of the next, in a circle. */
    @ParameterizedTest
    @CsvSource({"30, 2, 6", "1000, 7, 13", "50, 1, 49", "71, 35, 1", "2, 1, 1"})
    void shiftedRowsAreACircleOfWindowsWithTargetsOneAhead(int length, int batchSize, int seqLength) {
        for (int number = 0; number < 20; number++) {
            Batches.Epoch epoch =
                    batches(length, batchSize, seqLength, Sampling.SHIFTED).epoch(number);
            List<Integer> starts = new ArrayList<>();
            for (int row = 0; row < batchSize; row++) {
                for (int i = 0; i < epoch.count(); i++) {
                    starts.add(startOfWindow(epoch.batch(i), batchSize, seqLength, row));
                }
            }
            int offset = starts.stream().min(Integer::compare).orElseThrow();
            assertThat(offset).isBetween(0, length - 1 - starts.size() * seqLength);
            int rotation = (starts.get(0) - offset) / seqLength;
            assertThat(starts)
                    .hasSize((length - 1) / seqLength / batchSize * batchSize)
                    .isEqualTo(IntStream.range(0, starts.size())
                            .map(i -> offset + (rotation + i) % starts.size() * seqLength)
                            .boxed()
                            .toList());
        }
    }

    /** Five windows of 5 of 29 characters begin at 0 to 3; of 26, only at 0. Five rows of 5 leave 24 of 50 characters over. */
    @ParameterizedTest
    @CsvSource({"29, 1, 4", "26, 1, 1", "50, 5, 25"})
    void shiftedEpochsBeginAnywhere(int length, int batchSize, int offsets) {
        Batches batches = batches(length, batchSize, 5, Sampling.SHIFTED);

        assertThat(IntStream.range(0, 2000)
                        .map(e -> batches.epoch(e).batch(0).inputs()[0])
                        .distinct()
                        .sorted()
                        .boxed())
                .isEqualTo(IntStream.range(0, 25)
                        .flatMap(window -> IntStream.range(0, offsets).map(offset -> window - window % 5 + offset))
                        .distinct()
                        .sorted()
                        .boxed()
                        .toList());
    }

    @ParameterizedTest
    @CsvSource({"30, 2, 6", "1000, 7, 13", "50, 1, 49", "71, 35, 1"})
    void randomWindowsAreDistinctAndTargetsOneAhead(int length, int batchSize, int seqLength) {
        Batches.Epoch epoch =
                batches(length, batchSize, seqLength, Sampling.RANDOM).epoch(0);
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i < epoch.count(); i++) {
            Batch batch = epoch.batch(i);
            for (int row = 0; row < batchSize; row++) {
                starts.add(startOfWindow(batch, batchSize, seqLength, row));
            }
        }
        assertThat(starts).doesNotHaveDuplicates().allMatch(start -> start % seqLength == 0);
        assertThat(starts).hasSize((length - 1) / seqLength / batchSize * batchSize);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 16, 17, 1000, 65_537})
    void permutationContainsEveryNumberOnce(long size) {
        Permutation permutation = new Permutation(size, 7);

        assertThat(LongStream.range(0, size).map(permutation::at).sorted())
                .containsExactlyElementsOf(LongStream.range(0, size).boxed().toList());
    }

    /**
     * χ² test with 81 degrees of freedom: each of ten numbers is equally likely at each of ten indexes. The keys are fixed
     * and the arithmetic is integral, so the result never varies; about one set of keys in 500 would fail.
     */
    @Test
    void permutationsAreUniform() {
        int size = 10;
        int draws = 20_000;
        int[][] seen = new int[size][size];
        for (int key = 0; key < draws; key++) {
            Permutation permutation = new Permutation(size, key);
            for (int i = 0; i < size; i++) {
                seen[i][(int) permutation.at(i)]++;
            }
        }
        double expected = draws / (double) size;
        double chiSquare = Arrays.stream(seen)
                .flatMapToInt(Arrays::stream)
                .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                .sum();
        assertThat(chiSquare).as("0.001 and 0.999 quantiles").isBetween(46.0, 126.1);
    }

    /** Ten times 2^31 computed characters. */
    @ParameterizedTest
    @EnumSource
    void textMayBeLongerThanAnArray(Sampling sampling) {
        long length = 10L << 31;
        Ids ids = Ids.of(length, position -> (int) (position / 1000));
        Batches batches = new Batches(ids, 10, 1000, sampling, 1);
        Batch last = batches.epoch(0).batch(batches.count() - 1);

        assertThat(batches.count()).isEqualTo((int) (length / 10_000));
        assertThat(Arrays.stream(last.inputs())).allMatch(id -> id >= 0 && id <= length / 1000);
        if (sampling == Sampling.CONSECUTIVE) {
            long rowLength = length / 10;
            long at = (batches.count() - 1) * 1000L;
            assertThat(row(last.inputs(), 10, 9).get(0)).isEqualTo((int) ((9 * rowLength + at) / 1000));
        }
        assertThatThrownBy(() -> new Batches(ids, 1, 1, sampling, 1))
                .hasMessage("an epoch would have 21474836479 batches; the limit is 2147483647;"
                        + " use a larger batch size or sequence length");
    }

    @ParameterizedTest
    @EnumSource(names = {"SHIFTED", "RANDOM"})
    void orderDependsOnSeedAndEpochOnly(Sampling sampling) {
        assertThat(order(sampling, 1, 5)).isEqualTo(order(sampling, 1, 5));
        assertThat(order(sampling, 1, 5)).isNotEqualTo(order(sampling, 1, 6));
        assertThat(order(sampling, 1, 5)).isNotEqualTo(order(sampling, 2, 5));
    }

    @Test
    void everyWindowIsFirstInSomeEpoch() {
        Batches batches = batches(51, 1, 10, Sampling.RANDOM);

        assertThat(IntStream.range(0, 200).map(e -> batches.epoch(e).batch(0).inputs()[0]))
                .contains(0, 10, 20, 30, 40);
    }

    @ParameterizedTest
    @EnumSource
    void messageForShortTextSuggestsSizesThatFit(Sampling sampling) {
        assertThatThrownBy(() -> batches(100, 32, 35, sampling))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(
                        "the text has 100 characters, too short for one batch of 32 rows of 35 time steps")
                .hasMessageEndingWith("; a batch size of 2 fits");
        assertThat(batches(100, 2, 35, sampling).count()).isPositive();

        assertThatThrownBy(() -> batches(20, 32, 35, sampling))
                .hasMessageEndingWith("; a batch size of 1 and a sequence length of 19 fit");
        assertThat(batches(20, 1, 19, sampling).count()).isEqualTo(1);

        assertThatThrownBy(() -> batches(1, 32, 35, sampling)).hasMessageEndingWith("at least 2 characters are needed");
    }

    @ParameterizedTest
    @EnumSource
    void messageNamesShortestLengthThatFits(Sampling sampling) {
        int needed = sampling == Sampling.CONSECUTIVE ? 32 * 36 : 32 * 35 + 1;
        assertThatThrownBy(() -> batches(needed - 1, 32, 35, sampling))
                .hasMessageContaining("(" + needed + " characters)");
        assertThat(batches(needed, 32, 35, sampling).count()).isEqualTo(1);
    }

    private static int[] order(Sampling sampling, long seed, int epoch) {
        int[] ids = IntStream.range(0, 1001).toArray();
        Batches.Epoch order = new Batches(Ids.of(ids), 4, 5, sampling, seed).epoch(epoch);
        return IntStream.range(0, order.count())
                .flatMap(i -> Arrays.stream(order.batch(i).inputs()))
                .toArray();
    }

    private static Batches batches(int length, int batchSize, int seqLength, Sampling sampling) {
        return new Batches(Ids.of(IntStream.range(0, length).toArray()), batchSize, seqLength, sampling, 1);
    }

    /** Returns where a row's window begins, and checks that it is contiguous, with targets one ahead. */
    private static int startOfWindow(Batch batch, int batchSize, int seqLength, int row) {
        List<Integer> window = row(batch.inputs(), batchSize, row);
        int start = window.get(0);
        assertThat(batch.starts()[row]).isEqualTo(start);
        assertThat(window)
                .isEqualTo(IntStream.range(start, start + seqLength).boxed().toList());
        assertThat(row(batch.targets(), batchSize, row))
                .isEqualTo(window.stream().map(id -> id + 1).toList());
        return start;
    }

    private static List<Integer> row(int[] timeMajor, int batchSize, int row) {
        return IntStream.range(0, timeMajor.length / batchSize)
                .mapToObj(t -> timeMajor[t * batchSize + row])
                .toList();
    }
}
