package dev.libretto.model;

import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/** The cell, once for each time step. */
record UnrolledRecurrence(Cell cell, int hiddenSize) implements Recurrence {
    @Override
    public Sequence ofCharacters(Ops tf, Operand<TInt32> ids, List<Operand<TFloat32>> state) {
        return unroll(tf, cell.input().lookup(tf, ids), state);
    }

    @Override
    public Sequence ofRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        Operand<TInt64> timeMajor = tf.constant(new long[] {batch.get(0), batch.get(1), -1});
        return unroll(tf, tf.reshape(cell.input().apply(tf, rows), timeMajor), state);
    }

    /** @param projected {@code [T, B, G·H]} */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        List<Operand<TFloat32>> outputs = new ArrayList<>();
        List<Operand<TFloat32>> current = state;
        long steps = projected.shape().get(0);
        int t = 0;
        for (Operand<TFloat32> x : tf.withName("time_steps").unstack(projected, steps)) {
            Cell.Step step = cell.step(tf.withSubScope("step_" + t++), x, current);
            outputs.add(step.output());
            current = step.state();
        }
        Operand<TFloat32> stacked = tf.withName("outputs").stack(outputs);
        return new Sequence(tf.reshape(stacked, tf.constant(new int[] {-1, hiddenSize})), current);
    }
}
