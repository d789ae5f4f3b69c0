package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * A recurrent cell: the one definition that the training graph unrolls over time and the eager decoder calls once per
 * character.
 */
interface Cell {
    /** What a time step gives: the output {@code [B, H]} and the state after it, each {@code [B, H]}. */
    record Step(Operand<TFloat32> output, List<Operand<TFloat32>> state) {}

    /** The input's part of the equations. */
    InputProjection input();

    /**
     * One time step.
     *
     * @param projected what {@link #input} gave for this time step, {@code [B, G·H]}
     * @param state the state before, each {@code [B, H]}
     */
    Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state);

    /**
     * The same for one row on the CPU, in fewer operations where the cell has them.
     *
     * @param projected {@code [G·H]}
     * @param state each {@code [1, H]}
     */
    default Step stepOneRow(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        return step(tf, tf.expandDims(projected, tf.constant(0)), state);
    }
}
