package dev.libretto.model;

import dev.libretto.device.TensorFlowInternals;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.proto.AttrValue;
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
    /** The f of {@link #fused}. */
    enum Activation {
        NONE("BiasAdd"),
        TANH("BiasAdd", "Tanh");

        private final AttrValue operations;

        Activation(String... operations) {
            this.operations = TensorFlowInternals.strings(operations);
        }
    }

    private final Operand<TFloat32> values;
    private final Class<T> factors;
    private final Operand<T> rounded;
    private final boolean isTransposed;

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

    /** Returns W, or its transpose. */
    Operand<TFloat32> values() {
        return values;
    }

    /** Returns x · W {@code [N, O]} for x {@code [N, I]}. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        Operand<T> y = tf.linalg.matMul(cast(tf, x, factors), rounded, MatMul.transposeB(isTransposed));
        return cast(tf, y, TFloat32.class);
    }

    /**
     * Returns f(x · W + b) {@code [1, O]} for x {@code [1, I]} and b {@code [O]} as one operation. For one row, calling an operation takes as long as its arithmetic, so fewer
     * operations are faster. It rounds differently, has no gradient, lacks some f on GPUs, and accumulates in the type of its
     * factors, so it is used in float32 only.
     */
    Operand<TFloat32> fused(Ops tf, Operand<TFloat32> x, Operand<TFloat32> bias, Activation f) {
        // In graphs oneDNN would take over, which is slower for one row; it leaves transposed factors alone.
        boolean asColumn = tf.scope().env().isGraph();
        Operand<TFloat32> factor = asColumn ? tf.reshape(x, tf.constant(new int[] {-1, 1})) : x;
        return TensorFlowInternals.fusedMatMul(tf, factor, asColumn, values, isTransposed, bias, f.operations);
    }

    private static <U extends TFloating> Operand<U> cast(Ops tf, Operand<?> x, Class<U> type) {
        return x.type().equals(type) ? x.asOutput().expect(type) : tf.dtypes.cast(x, type);
    }
}
