package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * Unrolls the cell over time.
 *
 * @param recurrent the cell's parameters
 * @param carry the factor of the state before each time step, {@code [T, B, 1]}: 0 where a document begins, else 1; null for a text
 *     without documents
 */
record UnrolledRecurrence(TimeSteps steps, InputProjection input, Cell.Recurrent recurrent, Operand<TFloat32> carry)
        implements Recurrence {
    @Override
    public Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return steps.call(tf, input.lookup(tf, ids), recurrent, state, carry);
    }

    @Override
    public Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        long columns = recurrent.kernel().shape().get(1);
        long[] timeMajor = {batch.get(0), batch.get(1), columns};
        return steps.call(tf, tf.reshape(input.apply(tf, rows), tf.constant(timeMajor)), recurrent, state, carry);
    }
}
