package dev.libretto.model;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * A weight matrix W {@code [I, O]}. All matrix products of the model are formed here:
 *
 * <pre>
 *     y = x · W
 * </pre>
 *
 * <p>Both factors are rounded to one type, W once and x at each product; y has that type and is cast back to float32. With
 * bfloat16 (8 bits of significand) this is mixed precision (Micikevicius et al., 2018; Kalamkar et al., 2019); with float32
 * nothing is rounded. Gradients are rounded the same way.
 *
 * @param <T> the type of the factors
 */
final class Kernel<T extends TFloating> {
    private final Operand<TFloat32> values;
    private final Class<T> factors;
    private final Operand<T> rounded;
    private final boolean isTransposed;

    /**
     * @param values W {@code [I, O]}
     * @param factors the type of the factors
     */
    Kernel(Ops tf, Operand<TFloat32> values, Class<T> factors) {
        this(tf, values, factors, false);
    }

    /** @param isTransposed whether {@code values} is the transpose of W, {@code [O, I]} */
    Kernel(Ops tf, Operand<TFloat32> values, Class<T> factors, boolean isTransposed) {
        this.values = values;
        this.factors = factors;
        this.rounded = cast(tf, values, factors);
        this.isTransposed = isTransposed;
    }

    /** Returns the trained values: W, or its transpose. */
    Operand<TFloat32> values() {
        return values;
    }

    /**
     * Returns x · W.
     *
     * @param x {@code [N, I]}
     * @return {@code [N, O]}
     */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        Operand<T> y = tf.linalg.matMul(cast(tf, x, factors), rounded, MatMul.transposeB(isTransposed));
        return cast(tf, y, TFloat32.class);
    }

    boolean isTransposed() {
        return isTransposed;
    }

    private static <U extends TFloating> Operand<U> cast(Ops tf, Operand<?> x, Class<U> type) {
        return x.type().equals(type) ? x.asOutput().expect(type) : tf.dtypes.cast(x, type);
    }
}
