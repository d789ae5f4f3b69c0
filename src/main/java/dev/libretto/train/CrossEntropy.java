package dev.libretto.train;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Max;
import org.tensorflow.op.core.Stack;
import org.tensorflow.op.core.Sum;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The softmax cross entropy of logits z {@code [N, V]} for a target in each row:
 *
 * <pre>
 *     m = max z,   e = exp(z − m),   s = Σ e            over v, in each row
 *     loss = −log softmax(z)[target] = log s + m − z[target]
 * </pre>
 *
 * <p>TensorFlow Java has no gradient for {@code SparseSoftmaxCrossEntropyWithLogits}. These smaller operations compute the same.
 *
 * @param losses in nats, {@code [N]}
 * @param logSum log s + m, {@code [N]}
 * @param exp e, {@code [N, V]}
 * @param sum s, {@code [N, 1]}
 * @param cells the row and column of each target, {@code [N, 2]}
 */
record CrossEntropy(
        Operand<TFloat32> losses,
        Operand<TFloat32> logSum,
        Operand<TFloat32> exp,
        Operand<TFloat32> sum,
        Operand<TInt64> cells) {
    /**
     * @param logits z {@code [N, V]}, with N known
     * @param targets N character ids, in any shape
     */
    static CrossEntropy of(Ops tf, Operand<TFloat32> logits, Operand<? extends TNumber> targets) {
        long n = logits.shape().get(0);
        Operand<TInt32> perRow = tf.constant(new int[] {-1});
        // On a GPU, TensorFlow keeps int32 in host memory and int64 in device memory.
        Operand<TInt64> rows = tf.range(tf.constant(0L), tf.constant(n), tf.constant(1L));
        Operand<TInt64> columns = tf.reshape(tf.dtypes.cast(targets, TInt64.class), perRow);
        Operand<TInt64> cells = tf.stack(List.of(rows, columns), Stack.axis(1L));

        Operand<TInt32> overV = tf.constant(1);
        Operand<TFloat32> max = tf.max(logits, overV, Max.keepDims(true));
        Operand<TFloat32> exp = tf.math.exp(tf.math.sub(logits, max));
        Operand<TFloat32> sum = tf.sum(exp, overV, Sum.keepDims(true));
        Operand<TFloat32> logSum = tf.reshape(tf.math.add(tf.math.log(sum), max), perRow);
        Operand<TFloat32> losses = tf.math.sub(logSum, tf.gatherNd(logits, cells));
        return new CrossEntropy(losses, logSum, exp, sum, cells);
    }

    /**
     * Returns the gradient of a weighted sum of the losses:
     *
     * <pre>
     *     d Σ w · loss / d z = w · (e / s − onehot(target))
     * </pre>
     *
     * @param weights w {@code [N]}
     * @return {@code [N, V]}
     */
    Operand<TFloat32> gradient(Ops tf, Operand<TFloat32> weights) {
        Operand<TFloat32> column = tf.expandDims(weights, tf.constant(1));
        return tf.tensorScatterNdSub(tf.math.mul(exp, tf.math.div(column, sum)), cells, weights);
    }
}
