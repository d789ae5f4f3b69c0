package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.ReferenceModel;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GreedyDecoderTest {
    private static final ModelConfig CONFIG = new ModelConfig(CellType.GRU, 17, 9, 2);
    private static final Weights WEIGHTS = TestModels.randomWeights(CONFIG, 1);

    /** Prefixes and texts that end within a stretch, at its end, and beyond it. */
    @ParameterizedTest
    @CsvSource({"1, 1", "1, 100", "30, 100", "1, 1024", "1, 1025", "1024, 5", "1025, 5", "1030, 2100"})
    void writesWhatTheNaiveLoopWrites(int prefixLength, int length) {
        int[] prefix = TestModels.randomIds(prefixLength, CONFIG.vocabularySize(), prefixLength);

        assertThat(decode(prefix, length)).hasSize(length).isEqualTo(naive(prefix, length));
    }

    @Test
    void aLongerPrefixOfItsOwnTextGoesOnTheSame() {
        int[] prefix = {3, 1, 4};
        List<Integer> whole = decode(prefix, 40);
        int[] longer = new int[13];
        System.arraycopy(prefix, 0, longer, 0, 3);
        for (int i = 0; i < 10; i++) {
            longer[3 + i] = whole.get(i);
        }

        assertThat(decode(longer, 30)).isEqualTo(whole.subList(10, 40));
    }

    @Test
    void textsDoNotTouchEachOther() {
        GreedyDecoder decoder = new GreedyDecoder(CONFIG, WEIGHTS);
        List<Integer> first = new ArrayList<>();
        List<Integer> again = new ArrayList<>();
        decoder.continueText(new int[] {5}, 20, first::add);
        decoder.continueText(new int[] {7, 7, 7}, 20, id -> {});
        decoder.continueText(new int[] {5}, 20, again::add);

        assertThat(again).isEqualTo(first);
    }

    @Test
    void nothingIsWrittenForLengthZero() {
        assertThat(decode(new int[] {1}, 0)).isEmpty();
    }

    @Test
    void anEmptyPrefixIsRejected() {
        assertThatThrownBy(() -> decode(new int[0], 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the prefix is empty");
    }

    /** The tensors of a text are freed as it goes on, not kept until its end: 30,000 logits of 8 KB are 230 MiB. */
    @Test
    void memoryStaysFlat() {
        ModelConfig wide = new ModelConfig(CellType.RNN, 1_000, 16, 1);
        GreedyDecoder decoder = new GreedyDecoder(wide, TestModels.randomWeights(wide, 1));
        decoder.continueText(new int[] {1}, 4_000, id -> {});
        System.gc();
        long before = Pointer.physicalBytes();
        decoder.continueText(new int[] {1}, 30_000, id -> {});
        System.gc();
        long grown = Pointer.physicalBytes() - before;

        assertThat(grown >> 20).as("growth in MiB").isLessThan(100);
    }

    private static List<Integer> decode(int[] prefix, int length) {
        List<Integer> written = new ArrayList<>();
        new GreedyDecoder(CONFIG, WEIGHTS).continueText(prefix, length, written::add);
        return written;
    }

    private static List<Integer> naive(int[] prefix, int length) {
        ReferenceModel reference = new ReferenceModel(CONFIG, WEIGHTS);
        double[] state = reference.zeroState();
        for (int id : prefix) {
            state = reference.step(id, state);
        }
        List<Integer> written = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            double[] logits = reference.logits(state);
            int best = 0;
            for (int j = 1; j < logits.length; j++) {
                best = logits[j] > logits[best] ? j : best;
            }
            written.add(best);
            state = reference.step(best, state);
        }
        return written;
    }
}
