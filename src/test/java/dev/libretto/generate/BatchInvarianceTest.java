package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TestModels;
import dev.libretto.generate.ContinuousDecoder.Limits;
import dev.libretto.generate.ContinuousDecoderTest.Received;
import dev.libretto.generate.ContinuousDecoderTest.Request;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.lang3.ArrayUtils;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("numeric")
class BatchInvarianceTest {
    /** Rounds as kernels do that depend on the number of rows, and on whether a row is among the last of a batch. */
    private record Rounding(int block) implements TextModel {
        @Override
        public ModelConfig config() {
            return new ModelConfig(CellType.RNN, 5, 3, 1);
        }

        @Override
        public Step step(int[] ids, List<float[]> state) {
            float[] next = new float[ids.length * 3];
            float[] logits = new float[ids.length * 5];
            for (int row = 0; row < ids.length; row++) {
                boolean isLast = row >= ids.length - ids.length % block;
                float sum = ids[row] + (isLast ? 0x1p-22f : 0);
                for (int i = 0; i < 3; i++) {
                    next[row * 3 + i] = state.get(0)[row * 3 + i] / 2 + sum / 16;
                }
                for (int id = 0; id < 5; id++) {
                    logits[row * 5 + id] = next[row * 3 + id % 3] * id;
                }
            }
            return new Step(logits, List.of(next));
        }

        @Override
        public void close() {}
    }

    @Test
    void sizesAreThoseThatRoundAlike() {
        assertThat(sizes(1, 64)).containsExactly(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64);
        assertThat(sizes(4, 1)).containsExactly(4, 8, 12, 16, 24, 32, 48, 64);
        assertThat(sizes(6, 1)).containsExactly(6, 12, 24, 48);
        assertThat(sizes(6, 100)).containsExactly(6, 12, 24, 48, 96);
        // All rows of all sizes are among the last, so these are alike.
        assertThat(sizes(1000, 1)).isEqualTo(sizes(1, 1));
    }

    private static int[] sizes(int block, int mostRows) {
        return BatchInvariance.of(new Rounding(block), mostRows).sizes();
    }

    @Test
    void rowsAreComputedAloneIfNothingIsAlike() {
        int[] calls = {0};
        TextModel random = new TextModel() {
            @Override
            public ModelConfig config() {
                return new ModelConfig(CellType.RNN, 5, 3, 1);
            }

            @Override
            public Step step(int[] ids, List<float[]> state) {
                float[] logits = new float[ids.length * 5];
                for (int i = 0; i < logits.length; i++) {
                    logits[i] = ids.length == 1 ? i : ++calls[0];
                }
                return new Step(logits, state);
            }

            @Override
            public void close() {}
        };
        BatchInvariance invariance = BatchInvariance.of(random, 64);
        assertThat(invariance.sizes()).containsExactly(1);
        assertThat(invariance.sizeFor(1)).isEqualTo(1);
        assertThat(invariance.most()).isEqualTo(1);
    }

    @Test
    void batchIsPaddedToTheNextSize() {
        BatchInvariance invariance = new BatchInvariance(new int[] {4, 12, 16}, true, true);
        assertThat(IntStream.of(1, 4, 5, 12, 13, 16).map(invariance::sizeFor)).containsExactly(4, 4, 12, 12, 16, 16);
    }

    /** A read or a greedy run with other rounding is noticed, whether it is of one row or of several, which another graph runs. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void runsOfManyStepsAreCompared(boolean ofOneRow) {
        class Other implements TextModel {
            private final TextModel model = new Rounding(1);

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
        TextModel reads = new Other() {
            @Override
            public List<float[]> read(int[][] ids, List<float[]> state) {
                List<float[]> read = super.read(ids, state);
                read.get(0)[1] += (ids[0].length == 1) == ofOneRow ? 0x1p-20f : 0;
                return read;
            }
        };
        TextModel writes = new Other() {
            @Override
            public Written writeGreedily(int[] ids, List<float[]> state, boolean scored, int most) {
                Written written = super.writeGreedily(ids, state, scored, most);
                written.state().get(0)[1] += (ids.length == 1) == ofOneRow ? 0x1p-20f : 0;
                return written;
            }
        };
        assertThat(BatchInvariance.of(new Other(), 4)).matches(alike -> alike.readsAlike() && alike.writesAlike());
        assertThat(BatchInvariance.of(reads, 4)).matches(alike -> !alike.readsAlike() && alike.writesAlike());
        assertThat(BatchInvariance.of(writes, 4)).matches(alike -> alike.readsAlike() && !alike.writesAlike());
    }

    /** The graph chooses as {@link Sampler#GREEDY} does, which is used as soon as another text is not greedy. */
    @Test
    void tiesGoToTheLowestIdInTheGraph() {
        ModelConfig config = new ModelConfig(CellType.RNN, 100, 5, 1);
        for (int trial = 0; trial < 5; trial++) {
            Random random = new Random(trial);
            float[] bias = new float[100];
            for (int id = 0; id < 100; id++) {
                bias[id] = random.nextInt(3);
            }
            int expected = Logits.argMax(bias);
            Weights weights = new Weights(
                    LanguageModel.parameters(config),
                    parameter -> parameter.name().equals("dense/bias") ? bias : new float[parameter.size()]);
            try (TextModel model = new GraphModel(config, weights)) {
                for (int rows : new int[] {1, 4, 12}) {
                    TextModel.Written written = model.writeGreedily(new int[rows], model.zeroState(rows), false, 8);
                    assertThat(Stream.of(written.characters()).flatMap(Stream::of))
                            .extracting(ScoredCharacter::id)
                            .containsOnly(expected);
                }
            }
        }
    }

    static Stream<ModelConfig> models() {
        return Stream.of(
                new ModelConfig(CellType.RNN, 61, 40, 1),
                new ModelConfig(CellType.GRU, 37, 48, 2),
                new ModelConfig(CellType.LSTM, 29, 33, 2),
                new ModelConfig(CellType.LSTM, 17, 264, 2),
                new ModelConfig(CellType.GRU, 37, 24, 1, 24, true, false),
                new ModelConfig(CellType.LSTM, 23, 32, 1, 10, false, true));
    }

    /** Texts and log-probabilities to the bit, alone and together, read and continued. */
    @ParameterizedTest
    @MethodSource("models")
    void textsAreTheSameAloneAndTogether(ModelConfig config) {
        Random random = new Random(1);
        List<Request> requests = new ArrayList<>(
                Stream.generate(() -> Request.random(random, config)).limit(200).toList());
        try (TextModel model = new GraphModel(config, TestModels.randomWeights(config, 3))) {
            List<Received> alone = new ArrayList<>();
            try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(1, 0, 0))) {
                for (int i = 0; i < 200; i++) {
                    alone.add(requests.get(i).submit(decoder));
                    alone.get(i).end();
                    // Some requests continue earlier texts.
                    if (i < 100 && i % 3 == 0) {
                        int[] whole = ArrayUtils.addAll(
                                requests.get(i).prefix(), alone.get(i).ids());
                        Request later = requests.get(100 + i);
                        requests.set(
                                100 + i,
                                new Request(ArrayUtils.addAll(whole, later.prefix()), later.sample(), later.options()));
                    }
                }
            }
            for (long stateBytes : new long[] {0, 20_000, 1 << 20}) {
                Received[] together = new Received[200];
                List<Integer> order =
                        new ArrayList<>(IntStream.range(0, 200).boxed().toList());
                Collections.shuffle(order, new Random(stateBytes));
                try (ContinuousDecoder decoder = new ContinuousDecoder(model, new Limits(24, 200, stateBytes))) {
                    for (int i : order) {
                        together[i] = requests.get(i).submit(decoder);
                        if (random.nextInt(20) == 0) {
                            together[i].end();
                        }
                    }
                    for (int i = 0; i < 200; i++) {
                        assertThat(together[i].end()).isEqualTo(alone.get(i).end());
                        assertThat(together[i].text).isEqualTo(alone.get(i).text);
                        assertThat(together[i].prefix).isEqualTo(alone.get(i).prefix);
                    }
                }
            }
        }
    }
}
