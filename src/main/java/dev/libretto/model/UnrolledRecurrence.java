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
 */
record UnrolledRecurrence(TimeSteps steps, InputProjection input, Cell.Recurrent recurrent) implements Recurrence {
    @Override
    public Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return steps.call(tf, input.lookup(tf, ids), recurrent, state);
    }

    @Override
    public Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        long columns = recurrent.kernel().shape().get(1);
        long[] timeMajor = {batch.get(0), batch.get(1), columns};
        return steps.call(tf, tf.reshape(input.apply(tf, rows), tf.constant(timeMajor)), recurrent, state);
    }
}
