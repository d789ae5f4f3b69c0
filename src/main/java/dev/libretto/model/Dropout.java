package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * Dropout (Srivastava et al., 2014) on non-recurrent connections only (Zaremba, Sutskever and Vinyals, 2014), with one mask for all
 * time steps of a row, as in variational dropout (Gal and Ghahramani, 2016) without its masks of the state:
 *
 * <pre>
 *     y_t = x_t ∘ m         m is 0 with probability p and 1 / (1 − p) otherwise, drawn for each element
 * </pre>
 *
 * <p>The mean of y_t is x_t, so generation needs no scaling. The mask is a function of the seed, the training step, the layer and
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

    /**
     * Returns y for a layer's outputs x.
     *
     * @param x {@code [T·B, H]}, row {@code t·B + b} for time step t of row b
     * @param batchSize B
     */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x, long batchSize, int layer) {
        if (rate == 0) {
            return x;
        }
        // The key of each layer and part is far from typical seeds; the counter is the step.
        long ofLayer = seed ^ (0x9E3779B97F4A7C15L * (layer + 1));
        Operand<TInt64> key = tf.math.add(tf.constant(ofLayer), tf.math.mul(part, tf.constant(0xD1B54A32D192ED03L)));
        // On a GPU, TensorFlow keeps int32 in host memory, where shapes are needed.
        int[] maskShape = {Math.toIntExact(batchSize), Math.toIntExact(x.shape().get(1))};
        Operand<TFloat32> uniform =
                tf.random.statelessRandomUniform(tf.constant(maskShape), tf.stack(List.of(key, step)));
        Operand<TFloat32> isKept =
                tf.dtypes.cast(tf.math.greaterEqual(uniform, tf.constant((float) rate)), TFloat32.class);
        Operand<TFloat32> mask = tf.math.mul(isKept, tf.constant((float) (1 / (1 - rate))));
        Operand<TFloat32> timeMajor = tf.reshape(x, tf.array(-1, maskShape[0], maskShape[1]));
        return tf.reshape(tf.math.mul(timeMajor, mask), tf.array(-1, maskShape[1]));
    }
}
