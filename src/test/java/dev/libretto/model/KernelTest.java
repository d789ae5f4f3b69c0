package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.Bfloat16;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** Products of numbers that bfloat16 rounds; between 1 and 2 its last bit is 2⁻⁷. */
@Tag("numeric")
class KernelTest {
    /** {@code [2, 2]}. */
    private static final float[][] W = {{1 + 0x1p-8f, 1}, {2, -1}};

    private static final float[] X = {1, 1 + 3 * 0x1p-8f};

    private static float[] product(float[][] w, Class<? extends TFloating> factors, boolean isTransposed) {
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            Operand<TFloat32> x = tf.constant(new float[][] {X});
            return FloatTensors.toArray(new Kernel<>(tf, tf.constant(w), factors, isTransposed).apply(tf, x));
        }
    }

    @Test
    void float32RoundsNothing() {
        // (1 + 1/256) + (1 + 3/256) · 2 and 1 − (1 + 3/256)
        assertThat(product(W, TFloat32.class, false)).containsExactly(3 + 7 * 0x1p-8f, -3 * 0x1p-8f);
    }

    /** Ties round to even: 1 + 1/256 becomes 1, and 1 + 3/256 becomes 1 + 4/256. */
    @Test
    void bfloat16RoundsBothFactors() {
        Bfloat16.assumeComputable();
        // 1 + (1 + 4/256) · 2 and 1 − (1 + 4/256), which are exact in bfloat16.
        assertThat(product(W, TBfloat16.class, false)).containsExactly(3 + 8 * 0x1p-8f, -4 * 0x1p-8f);
    }

    /** Products of small integers, which are exact in whatever order they are added: of blocks of one size or of several. */
    @ParameterizedTest
    @CsvSource({"3, 16", "256, 5", "257, 33", "600, 48", "2, 1027", "257, 2048"})
    void blocksGiveTheSameProduct(int inputs, int outputs) {
        Random random = new Random(1);
        float[][] w = new float[inputs][outputs];
        float[][] transposed = new float[outputs][inputs];
        float[][] x = new float[3][inputs];
        float[] expected = new float[3 * outputs];
        for (int i = 0; i < inputs; i++) {
            for (int o = 0; o < outputs; o++) {
                w[i][o] = transposed[o][i] = random.nextInt(-3, 4);
            }
            for (int row = 0; row < 3; row++) {
                x[row][i] = random.nextInt(-3, 4);
                for (int o = 0; o < outputs; o++) {
                    expected[row * outputs + o] += x[row][i] * w[i][o];
                }
            }
        }
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            for (Blocks blocks : Blocks.values()) {
                for (boolean isTransposed : new boolean[] {false, true}) {
                    Operand<TFloat32> values = tf.constant(isTransposed ? transposed : w);
                    Kernel<TFloat32> kernel = new Kernel<>(tf, values, TFloat32.class, isTransposed, blocks);
                    Operand<TFloat32> product = kernel.apply(tf, tf.constant(x));
                    assertThat(product.shape()).isEqualTo(Shape.of(3, outputs));
                    assertThat(FloatTensors.toArray(product)).containsExactly(expected);
                }
            }
        }
    }

    @Test
    void transposedKernelGivesSameProduct() {
        float[][] transposed = {{W[0][0], W[1][0]}, {W[0][1], W[1][1]}};
        for (Class<? extends TFloating> factors : List.of(TFloat32.class, TBfloat16.class)) {
            if (factors == TBfloat16.class) {
                Bfloat16.assumeComputable();
            }
            assertThat(product(transposed, factors, true)).isEqualTo(product(W, factors, false));
        }
    }
}
