package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.nn.SparseSoftmaxCrossEntropyWithLogits;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

@Tag("numeric")
class CrossEntropyTest {
    /** Exp, a sum of three, a quotient and log, of numbers up to ln 5. */
    private static final float ERROR = 2 * (float) Rounding.after(40);

    /** The logits 0, ln 2, ln 5 have probabilities 1/8, 2/8, 5/8; the gradient is that of the mean of two losses. */
    @Test
    void matchesHandComputedLossAndGradient() {
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            float[][] logits = {{0, (float) Math.log(2), (float) Math.log(5)}, {7, 7, 7}};
            CrossEntropy crossEntropy = CrossEntropy.of(tf, tf.constant(logits), tf.constant(new int[][] {{1}, {0}}));

            assertThat(FloatTensors.toArray(crossEntropy.losses()))
                    .containsExactly(new float[] {(float) Math.log(4), (float) Math.log(3)}, within(ERROR));
            assertThat(FloatTensors.toArray(crossEntropy.gradient(tf, tf.constant(new float[] {0.5f, 0.5f}))))
                    .containsExactly(new float[] {0.0625f, -0.375f, 0.3125f, -1 / 3f, 1 / 6f, 1 / 6f}, within(ERROR));
        }
    }

    /** For logits near 0, and for logits whose exponential overflows float32. */
    @ParameterizedTest
    @CsvSource({"1", "1000"})
    void matchesTensorFlowsCrossEntropy(float spread) {
        int n = 200;
        int v = 65;
        // Exp, a sum over the vocabulary, a quotient and log, on both sides.
        float error = 2 * (float) Rounding.after(v + 40);
        float largest = 1;
        Random random = new Random(7);
        float[] logits = new float[n * v];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = spread * (float) random.nextGaussian();
            largest = Math.max(largest, Math.abs(logits[i]));
        }
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            Operand<TFloat32> z = tf.constant(Shape.of(n, v), DataBuffers.of(logits));
            Operand<TInt32> targets = tf.constant(TestModels.randomIds(n, v, 8));
            CrossEntropy own = CrossEntropy.of(tf, z, targets);
            Operand<TFloat32> weights = tf.fill(tf.constant(new int[] {n}), tf.constant(1f / n));
            SparseSoftmaxCrossEntropyWithLogits<TFloat32> theirs =
                    tf.nn.sparseSoftmaxCrossEntropyWithLogits(z, targets);

            assertThat(FloatTensors.toArray(own.losses()))
                    .containsExactly(FloatTensors.toArray(theirs.loss()), within(largest * error));
            assertThat(FloatTensors.toArray(own.gradient(tf, weights)))
                    .containsExactly(
                            FloatTensors.toArray(tf.math.div(theirs.backprop(), tf.constant((float) n))),
                            // The relative error of exp is the absolute error of its argument; a gradient is at most 1
                            // / n.
                            within(largest * error / n));
        }
    }

    /** One logit of each row is NaN or +∞, or all are −∞. Divergence is detected by the loss and the gradient. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void nonFiniteLogitsGiveNonFiniteLossAndGradient(float value) {
        int v = 37;
        boolean isWholeRow = value == Float.NEGATIVE_INFINITY;
        float[][] logits = new float[v][v];
        for (int i = 0; i < v; i++) {
            Arrays.fill(logits[i], isWholeRow ? value : i);
            logits[i][i] = value;
        }
        try (Graph graph = Sessions.newGraph()) {
            Ops tf = Ops.create(graph);
            CrossEntropy crossEntropy =
                    CrossEntropy.of(tf, tf.constant(logits), tf.fill(tf.constant(new int[] {v}), tf.constant(3)));
            Operand<TFloat32> gradient =
                    crossEntropy.gradient(tf, tf.fill(tf.constant(new int[] {v}), tf.constant(1f)));
            try (Session session = Sessions.open(graph);
                    Result result = session.runner()
                            .fetch(crossEntropy.losses())
                            .fetch(gradient)
                            .run()) {
                for (float loss : FloatTensors.toArray((TFloat32) result.get(0))) {
                    assertThat(Float.isFinite(loss)).isFalse();
                }
                float[] gradients = FloatTensors.toArray((TFloat32) result.get(1));
                for (int i = 0; i < v; i++) {
                    float norm = 0;
                    for (int j = 0; j < v; j++) {
                        norm += gradients[i * v + j] * gradients[i * v + j];
                    }
                    assertThat(Float.isFinite(norm)).isFalse();
                }
            }
        }
    }
}
