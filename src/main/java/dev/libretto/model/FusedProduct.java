package dev.libretto.model;

import dev.libretto.device.TensorFlowInternals;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;

/**
 * f(x · W + b) as one operation. For one row, calling an operation takes as long as its arithmetic, so fewer operations are
 * faster. It rounds differently, has no gradient, lacks some f on GPUs, and accumulates in the type of its factors, so it is used
 * in float32 only.
 *
 * @param kernel W {@code [I, O]}
 * @param bias b {@code [O]}
 */
record FusedProduct(Kernel<?> kernel, Operand<TFloat32> bias) {
    private static final AttrValue BIAS_ADD = TensorFlowInternals.strings("BiasAdd");
    private static final AttrValue BIAS_ADD_TANH = TensorFlowInternals.strings("BiasAdd", "Tanh");

    /** Returns x · W + b {@code [1, O]} for x {@code [1, I]}. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        return apply(tf, x, BIAS_ADD);
    }

    /** Returns tanh(x · W + b) {@code [1, O]} for x {@code [1, I]}. */
    Operand<TFloat32> applyTanh(Ops tf, Operand<TFloat32> x) {
        return apply(tf, x, BIAS_ADD_TANH);
    }

    private Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x, AttrValue functions) {
        // In graphs oneDNN would take over, which is slower for one row; it leaves transposed factors alone.
        boolean asColumn = tf.scope().env().isGraph();
        Operand<TFloat32> factor = asColumn ? tf.reshape(x, tf.constant(new int[] {-1, 1})) : x;
        return TensorFlowInternals.fusedMatMul(
                tf, factor, asColumn, kernel.values(), kernel.isTransposed(), bias, functions);
    }
}
