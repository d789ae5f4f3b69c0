package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * A recurrent cell. The training graph unrolls it over time; the eager decoder calls it once per character. Each cell has a
 * {@link CellSpec} and a constructor from its {@link Values}, listed in {@link CellType}.
 */
interface Cell {
    /**
     * The values of {@link CellType#parameters}.
     *
     * @param kernel W {@code [I, G·H]}
     * @param recurrentKernel U {@code [H, G·H]}
     * @param bias {@code [G·H]}, or {@code [2, G·H]} with a recurrent bias
     * @param factors the type that matrix products round their factors to
     */
    record Values(
            Ops tf,
            Operand<TFloat32> kernel,
            Operand<TFloat32> recurrentKernel,
            Operand<TFloat32> bias,
            Class<? extends TFloating> factors) {
        /** Returns x · W + b for a bias b {@code [G·H]}. */
        InputProjection input(Operand<TFloat32> b) {
            return new InputProjection(tf, new Kernel<>(tf, kernel, factors), b);
        }

        /** Returns U as a factor of products. */
        Kernel<?> recurrent() {
            return new Kernel<>(tf, recurrentKernel, factors);
        }
    }

    /** The output {@code [B, H]} of a time step and the state after it, each {@code [B, H]}. */
    record Step(Operand<TFloat32> output, List<Operand<TFloat32>> state) {}

    /** Returns the part of the equations that depends on the input only. */
    InputProjection input();

    /**
     * Computes one time step.
     *
     * @param projected the input through {@link #input}, {@code [B, G·H]}
     * @param state the previous state, each {@code [B, H]}
     */
    Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state);

    /**
     * Computes one time step of one row on the CPU, in fewer operations if the cell supports it.
     *
     * @param projected {@code [G·H]}
     * @param state each {@code [1, H]}
     */
    default Step stepOneRow(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        return step(tf, tf.expandDims(projected, tf.constant(0)), state);
    }
}
