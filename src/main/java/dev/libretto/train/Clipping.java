package dev.libretto.train;

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

    /**
     * Returns the clipped gradient of a parameter.
     *
     * @param factor {@link #factor}
     */
    Operand<TFloat32> clip(Ops tf, Operand<TFloat32> gradient, Operand<TFloat32> factor) {
        return by == By.NORM
                ? tf.math.mul(gradient, factor)
                : tf.clipByValue(gradient, Optimizer.constant(tf, -limit), Optimizer.constant(tf, limit));
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
