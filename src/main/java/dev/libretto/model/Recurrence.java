package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/** Computes a layer's outputs for all time steps of a batch. */
interface Recurrence {
    /** The outputs of all time steps {@code [T·B, H]} and the state after the last, each {@code [B, H]}. */
    record Sequence(Operand<TFloat32> outputs, List<Operand<TFloat32>> state) {}

    /**
     * Reads characters, in the first layer.
     *
     * @param ids {@code [T, B]} with a known T
     * @param state the state before the first time step, each {@code [B, H]}
     */
    Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state);

    /**
     * Reads the outputs of the layer below.
     *
     * @param rows {@code [T·B, I]}, row {@code t·B + b} for time step t of row b
     * @param batch {@code [T, B]}
     * @param state the state before the first time step, each {@code [B, H]}
     */
    Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state);
}
