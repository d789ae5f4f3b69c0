package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A recurrent cell. The training graph unrolls it over time; the eager decoder calls it once per character.
 */
interface Cell {
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
