package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * The part of a recurrent cell that depends on its state; {@link InputProjection} is the other. The training graph unrolls it over
 * time; the eager decoder calls it once per character. Each cell has a {@link CellSpec} and a constructor from a {@link
 * Recurrent}, listed in {@link CellType}.
 */
interface Cell {
    /**
     * The recurrent parameters.
     *
     * @param kernel U {@code [H, G·H]}
     * @param bias d {@code [G·H]}; null if the cell has none
     * @param factors the type that matrix products round their factors to
     * @param blocks of U in products
     */
    record Recurrent(
            Ops tf,
            Operand<TFloat32> kernel,
            Operand<TFloat32> bias,
            Class<? extends TFloating> factors,
            Blocks blocks) {
        /** Returns U, and d if the cell has it. */
        List<Operand<TFloat32>> parameters() {
            return bias == null ? List.of(kernel) : List.of(kernel, bias);
        }

        /** Returns U as a factor of products. */
        Kernel<?> factor() {
            return factor(kernel);
        }

        /** @param columns of U */
        Kernel<?> factor(Operand<TFloat32> columns) {
            return new Kernel<>(tf, columns, factors, false, blocks);
        }
    }

    /** The output {@code [B, H]} of a time step and the state after it, each {@code [B, H]}. */
    record Step(Operand<TFloat32> output, List<Operand<TFloat32>> state) {}

    /**
     * Computes one time step.
     *
     * @param projected x · W + b, {@code [B, G·H]}
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
