package dev.libretto.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** Unrolls the cell over time, once for each part of the rows. */
record UnrolledRecurrence(InputProjection input, Cell cell, Parts parts) implements Recurrence {
    @Override
    public Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return unroll(tf, input.lookup(tf, ids), state);
    }

    @Override
    public Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        Operand<TInt64> timeMajor = tf.constant(new long[] {batch.get(0), batch.get(1), -1});
        return unroll(tf, tf.reshape(input.apply(tf, rows), timeMajor), state);
    }

    /** @param projected {@code [T, B, G·H]} */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        long timeSteps = projected.shape().get(0);
        long rows = projected.shape().get(1);
        Operand<TFloat32> split = parts.splitSteps(tf, projected);
        List<List<Operand<TFloat32>>> current = new ArrayList<>(parts.splitState(tf, state, rows));
        // Opening a scope searches all names of the graph, so all are opened while there are few.
        List<Ops> scopes = LongStream.range(0, timeSteps)
                .mapToObj(t -> tf.withSubScope("step_" + t))
                .toList();
        List<Operand<TFloat32>> outputs = new ArrayList<>();
        int i = 0;
        for (Operand<TFloat32> x : tf.withName("time_steps").unstack(split, timeSteps * parts.count())) {
            int part = i % parts.count();
            Ops scope = parts.at(scopes.get(i++ / parts.count()), part);
            Cell.Step step = cell.step(scope, x, current.get(part));
            outputs.add(step.output());
            current.set(part, step.state());
        }
        Operand<TFloat32> stacked = tf.stack(outputs);
        List<Operand<TFloat32>> after = parts.joinState(tf, current, rows);
        return new Sequence(parts.joinSteps(tf, stacked, rows), after);
    }
}
