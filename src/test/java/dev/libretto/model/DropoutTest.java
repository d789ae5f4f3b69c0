package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

@Tag("numeric")
class DropoutTest {
    private static final int T = 3;
    private static final int B = 40;
    private static final int H = 50;
    private static final double RATE = 0.3;

    /** Returns the masks, as applied to ones, {@code [T·B·H]}. */
    private static float[] masks(double rate, long seed, long step, long part, int layer) {
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            Dropout dropout = new Dropout(rate, seed, tf.constant(step), tf.constant(part));
            Operand<TFloat32> ones = tf.fill(tf.array(T * B, H), tf.constant(1f));
            return FloatTensors.toArray(dropout.apply(tf, ones, B, layer).asTensor());
        }
    }

    @Test
    void oneMaskForAllTimeSteps() {
        float[] masks = masks(RATE, 1, 1, 0, 0);
        float[] first = Arrays.copyOf(masks, B * H);

        int dropped = 0;
        for (float value : first) {
            assertThat(value).isIn(0f, (float) (1 / (1 - RATE)));
            dropped += value == 0 ? 1 : 0;
        }
        // Six standard deviations of a binomial distribution.
        assertThat((double) dropped).isCloseTo(RATE * B * H, within(6 * Math.sqrt(B * H * RATE * (1 - RATE))));
        for (int t = 1; t < T; t++) {
            assertThat(Arrays.copyOfRange(masks, t * B * H, (t + 1) * B * H)).isEqualTo(first);
        }
        assertThat(Arrays.copyOfRange(first, 0, H)).isNotEqualTo(Arrays.copyOfRange(first, H, 2 * H));
    }

    @Test
    void masksDependOnSeedStepPartAndLayer() {
        float[] masks = masks(RATE, 1, 1, 0, 0);
        assertThat(masks(RATE, 1, 1, 0, 0)).isEqualTo(masks);
        assertThat(masks(RATE, 2, 1, 0, 0)).isNotEqualTo(masks);
        assertThat(masks(RATE, 1, 2, 0, 0)).isNotEqualTo(masks);
        assertThat(masks(RATE, 1, 1, 1, 0)).isNotEqualTo(masks);
        assertThat(masks(RATE, 1, 1, 0, 1)).isNotEqualTo(masks);
    }

    @Test
    void noneKeepsAll() {
        assertThat(masks(0, 1, 1, 0, 0)).containsOnly(1f);
    }
}
