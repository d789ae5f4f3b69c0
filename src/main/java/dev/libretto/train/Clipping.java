package dev.libretto.train;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * Gradient clipping.
 *
 * @param by whether the global norm or each element is limited
 * @param limit the largest global norm, or the largest absolute value of an element
 */
public record Clipping(By by, double limit) {
    /** @throws IllegalArgumentException if the limit is out of range */
    public Clipping {
        Objects.requireNonNull(by, "clipping by");
        Require.positive("clip " + by, limit);
    }

    /** Returns the clipped gradients. */
    List<Operand<TFloat32>> clip(Ops tf, List<Operand<TFloat32>> gradients, Operand<TFloat32> norm) {
        if (by == By.NORM) {
            Operand<TFloat32> factor = factor(tf, norm);
            return gradients.stream()
                    .<Operand<TFloat32>>map(gradient -> tf.math.mul(gradient, factor))
                    .toList();
        }
        Operand<TFloat32> least = Optimizer.constant(tf, -limit);
        Operand<TFloat32> most = Optimizer.constant(tf, limit);
        return gradients.stream()
                .<Operand<TFloat32>>map(gradient -> tf.clipByValue(gradient, least, most))
                .toList();
    }

    /** Returns min(1, limit / norm). */
    Operand<TFloat32> factor(Ops tf, Operand<TFloat32> norm) {
        Operand<TFloat32> most = Optimizer.constant(tf, limit);
        return tf.withName("clip_factor").math.div(most, tf.math.maximum(norm, most));
    }

    /** The clipping method. */
    public enum By {
        /** Scales all gradients by one factor, so that their global norm is at most the limit. */
        NORM,
        /** Clips each element to ± the limit. */
        VALUE;

        /** Returns the name in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
