package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.FloatTensors;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.nn.SparseSoftmaxCrossEntropyWithLogits;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

@Tag("numeric")
class CrossEntropyTest {
    /** Exp, a sum of three, log, of numbers up to ln 5. */
    private static final float ERROR = 2 * (float) Rounding.after(40);

    /** With the logits 0, ln 2, ln 5 the probabilities are 1/8, 2/8, 5/8; the gradient is that of the mean of two losses. */
    @Test
    void ofHandComputedLogits() {
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            float[][] logits = {{0, (float) Math.log(2), (float) Math.log(5)}, {7, 7, 7}};
            CrossEntropy crossEntropy = CrossEntropy.of(tf, tf.constant(logits), tf.constant(new int[][] {{1}, {0}}));

            assertThat(FloatTensors.toArray(crossEntropy.losses()))
                    .containsExactly(new float[] {(float) Math.log(4), (float) Math.log(3)}, within(ERROR));
            assertThat(FloatTensors.toArray(crossEntropy.gradient()))
                    .containsExactly(new float[] {0.0625f, -0.375f, 0.3125f, -1 / 3f, 1 / 6f, 1 / 6f}, within(ERROR));
        }
    }

    /** TensorFlow's own operation, for logits near 0 and for ones whose exponential is no 32-bit number. */
    @ParameterizedTest
    @CsvSource({"1", "1000"})
    void agreesWithTensorFlowsOwn(float spread) {
        int n = 200;
        int v = 65;
        // Exp, a sum over the vocabulary, log; logits go up to four times the spread.
        float error = 2 * (float) Rounding.after(v + 40);
        Random random = new Random(7);
        float[] logits = new float[n * v];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = spread * (float) random.nextGaussian();
        }
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            Operand<TFloat32> z = tf.constant(Shape.of(n, v), DataBuffers.of(logits));
            Operand<TInt32> targets = tf.constant(TestModels.randomIds(n, v, 8));
            CrossEntropy own = CrossEntropy.of(tf, z, targets);
            SparseSoftmaxCrossEntropyWithLogits<TFloat32> theirs =
                    tf.nn.sparseSoftmaxCrossEntropyWithLogits(z, targets);

            assertThat(FloatTensors.toArray(own.losses()))
                    .containsExactly(FloatTensors.toArray(theirs.loss()), within(4 * spread * error));
            assertThat(FloatTensors.toArray(own.gradient()))
                    .containsExactly(
                            FloatTensors.toArray(tf.math.div(theirs.backprop(), tf.constant((float) n))),
                            // Exp has its argument's absolute error as its relative one; a gradient is up to 1 / n.
                            within(4 * spread * error / n));
        }
    }
}
