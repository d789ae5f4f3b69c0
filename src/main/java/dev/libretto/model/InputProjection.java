package dev.libretto.model;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * x · W + b, the part of a cell's equations that does not depend on its state. A training graph computes it for all time
 * steps in one operation.
 */
final class InputProjection {
    private final Kernel<?> kernel;
    private final Operand<TFloat32> bias;
    private final Operand<TFloat32> table;

    /**
     * @param kernel W {@code [I, G·H]}
     * @param bias b {@code [G·H]}
     */
    InputProjection(Ops tf, Kernel<?> kernel, Operand<TFloat32> bias) {
        this.kernel = kernel;
        this.bias = bias;
        this.table = tf.withName("projections").math.add(kernel.values(), bias);
    }

    /** Returns W + b, {@code [I, G·H]}. A one-hot row times a matrix is a row of the matrix, so row i is the projection of id i. */
    Operand<TFloat32> table() {
        return table;
    }

    /** Projects one-hot inputs given by their ids {@code [...]} to {@code [..., G·H]}: rows of the table. */
    Operand<TFloat32> lookup(Ops tf, Operand<? extends TNumber> ids) {
        return tf.gather(table, ids, tf.constant(0));
    }

    /** Projects any inputs {@code [N, I]} to {@code [N, G·H]}. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        return tf.nn.biasAdd(kernel.apply(tf, x), bias);
    }

    /** Projects any inputs in one operation, on the CPU only. */
    Operand<TFloat32> applyFused(Ops tf, Operand<TFloat32> x) {
        return kernel.fused(tf, x, bias, Kernel.Activation.NONE);
    }
}
