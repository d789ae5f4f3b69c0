package dev.libretto.train;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * The exponential moving average of the weights w_t after each step t, which begins with the first weights:
 *
 * <pre>
 *     a_t = a_{t−1} − r_t · (a_{t−1} − w_t)          r_t = max(1 − d, 9 / (10 + t))
 * </pre>
 *
 * <p>Like the mean of Polyak and Juditsky (1992), it varies less than w, so it often predicts better, most of all at a high learning
 * rate. The larger r_t of the first steps, as in TensorFlow's {@code ExponentialMovingAverage}, reduces the influence of
 * the initial weights.
 *
 * <p>In a {@link Checkpoint}, the weights are a, and w is a slot of the optimizer. Validation uses a, so w can diverge
 * unnoticed until a batch's loss shows it.
 */
final class Ema {
    private Ema() {}

    /**
     * Adds the update of the averages after a step.
     *
     * @param decay d
     * @param averages a
     * @param updated w_t, in the order of the averages
     * @param number t, a scalar
     */
    static List<Op> update(
            Ops tf, double decay, Variables averages, List<Operand<TFloat32>> updated, Operand<TInt64> number) {
        Operand<TFloat32> t = tf.dtypes.cast(number, TFloat32.class);
        Operand<TFloat32> early = tf.math.div(tf.constant(9f), tf.math.add(tf.constant(10f), t));
        Operand<TFloat32> rate = tf.math.maximum(tf.constant((float) (1 - decay)), early);
        List<Op> updates = new ArrayList<>();
        for (Operand<TFloat32> average : averages.all()) {
            int index = updates.size();
            Ops at = Parts.at(tf, averages.place(index));
            updates.add(at.train.applyGradientDescent(average, rate, at.math.sub(average, updated.get(index))));
        }
        return updates;
    }
}
