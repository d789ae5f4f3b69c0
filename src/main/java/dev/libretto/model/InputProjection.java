package dev.libretto.model;

import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * The part of a cell's equations that does not depend on its state, x · W + b, so that a training graph does it for all
 * time steps in one operation.
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

    /** W + b, {@code [I, G·H]}: row i is what {@link #lookup} gives for the id i. */
    Operand<TFloat32> table() {
        return table;
    }

    /**
     * One-hot inputs given by their ids: a one-hot row times a matrix is a row of the matrix, so this is a lookup.
     *
     * @param ids of any shape {@code [...]}
     * @return {@code [..., G·H]}
     */
    Operand<TFloat32> lookup(Ops tf, Operand<? extends TNumber> ids) {
        return tf.gather(table, ids, tf.constant(0));
    }

    /**
     * Any inputs.
     *
     * @param x {@code [N, I]}
     * @return {@code [N, G·H]}
     */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        return tf.nn.biasAdd(kernel.apply(tf, x), bias);
    }

    /** The same on the CPU, as one operation. */
    Operand<TFloat32> applyFused(Ops tf, Operand<TFloat32> x) {
        return new FusedProduct(kernel, bias).of(tf, x);
    }
}
