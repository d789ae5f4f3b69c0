package dev.libretto.train;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Stack;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The softmax cross entropy of logits z {@code [N, V]} for a target in each row:
 *
 * <pre>
 *     p = softmax(z)
 *     l = log Σ exp(z) = max z − log max p              over v, in each row
 *     loss = −log p[target] = l − z[target]
 * </pre>
 *
 * <p>The largest probability is at least 1 / V, so its logarithm is finite and accurate, while a target's may underflow to 0. On a
 * CPU this is faster than TensorFlow's {@code SparseSoftmaxCrossEntropyWithLogits}.
 *
 * @param losses in nats, {@code [N]}
 * @param logSum l, {@code [N]}
 * @param probabilities p, {@code [N, V]}
 * @param cells the row and column of each target, {@code [N, 2]}
 */
record CrossEntropy(
        Operand<TFloat32> losses, Operand<TFloat32> logSum, Operand<TFloat32> probabilities, Operand<TInt64> cells) {
    /**
     * @param logits z {@code [N, V]}, with N known
     * @param targets N character ids, in any shape
     */
    static CrossEntropy of(Ops tf, Operand<TFloat32> logits, Operand<? extends TNumber> targets) {
        long n = logits.shape().get(0);
        // On a GPU, TensorFlow keeps int32 in host memory and int64 in device memory.
        Operand<TInt64> rows = tf.range(tf.constant(0L), tf.constant(n), tf.constant(1L));
        Operand<TInt64> columns = tf.reshape(tf.dtypes.cast(targets, TInt64.class), tf.constant(new int[] {-1}));
        Operand<TInt64> cells = tf.stack(List.of(rows, columns), Stack.axis(1L));

        Operand<TInt32> overV = tf.constant(1);
        Operand<TFloat32> probabilities = tf.nn.softmax(logits);
        Operand<TFloat32> logSum = tf.math.sub(tf.max(logits, overV), tf.math.log(tf.max(probabilities, overV)));
        Operand<TFloat32> losses = tf.math.sub(logSum, tf.gatherNd(logits, cells));
        return new CrossEntropy(losses, logSum, probabilities, cells);
    }

    /**
     * Returns the gradient of a weighted sum of the losses:
     *
     * <pre>
     *     d Σ w · loss / d z = w · (p − onehot(target))
     * </pre>
     *
     * @param weights w {@code [N]}
     * @return {@code [N, V]}
     */
    Operand<TFloat32> gradient(Ops tf, Operand<TFloat32> weights) {
        Operand<TFloat32> column = tf.expandDims(weights, tf.constant(1));
        return tf.tensorScatterNdSub(tf.math.mul(probabilities, column), cells, weights);
    }
}
