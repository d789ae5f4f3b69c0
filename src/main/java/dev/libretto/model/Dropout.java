package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * Dropout (Srivastava et al., 2014) on non-recurrent connections only (Zaremba, Sutskever and Vinyals, 2014):
 *
 * <pre>
 *     y = x ∘ m / (1 − p)         m is 0 with probability p and 1 otherwise, drawn for each element
 * </pre>
 *
 * <p>The mean of y is x, so generation needs no scaling. The mask is a function of the seed, the training step, the layer and
 * the part of the batch.
 *
 * @param rate p, at least 0 and less than 1
 * @param seed random seed of the masks
 * @param step the training step, a scalar of the graph; unused if {@code rate} is 0
 * @param part the index of the part, a scalar of the graph; unused if {@code rate} is 0
 */
public record Dropout(double rate, long seed, Operand<TInt64> step, Operand<TInt64> part) {
    /** No dropout. */
    public static final Dropout NONE = new Dropout(0, 0, null, null);

    /** Returns y for a layer's output x of any shape. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x, int layer) {
        if (rate == 0) {
            return x;
        }
        // The key of each layer and part is far from typical seeds; the counter is the step.
        long ofLayer = seed ^ (0x9E3779B97F4A7C15L * (layer + 1));
        Operand<TInt64> key = tf.math.add(tf.constant(ofLayer), tf.math.mul(part, tf.constant(0xD1B54A32D192ED03L)));
        Operand<TInt64> keyAndStep = tf.stack(List.of(key, step));
        Operand<TFloat32> uniform = tf.random.statelessRandomUniform(tf.shape(x), keyAndStep);
        Operand<TFloat32> mask =
                tf.dtypes.cast(tf.math.greaterEqual(uniform, tf.constant((float) rate)), TFloat32.class);
        return tf.math.mul(x, tf.math.mul(mask, tf.constant((float) (1 / (1 - rate)))));
    }
}
