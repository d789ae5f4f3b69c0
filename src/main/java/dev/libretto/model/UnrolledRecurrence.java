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

/** Unrolls the cell over time. */
record UnrolledRecurrence(InputProjection input, Cell cell) implements Recurrence {
    @Override
    public Scopes open(Ops layer, long timeSteps) {
        return new Scopes(
                layer,
                LongStream.range(0, timeSteps)
                        .mapToObj(t -> layer.withSubScope("step_" + t))
                        .toList());
    }

    @Override
    public Sequence readCharacters(Scopes scopes, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return unroll(scopes, input.lookup(scopes.layer(), ids), state);
    }

    @Override
    public Sequence readRows(Scopes scopes, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        Ops tf = scopes.layer();
        Operand<TInt64> timeMajor = tf.constant(new long[] {batch.get(0), batch.get(1), -1});
        return unroll(scopes, tf.reshape(input.apply(tf, rows), timeMajor), state);
    }

    /** @param projected {@code [T, B, G·H]} */
    private Sequence unroll(Scopes scopes, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Ops tf = scopes.layer();
        List<Operand<TFloat32>> current = state;
        List<Operand<TFloat32>> outputs = new ArrayList<>();
        for (Operand<TFloat32> x : tf.withName("time_steps")
                .unstack(projected, (long) scopes.steps().size())) {
            Cell.Step step = cell.step(scopes.steps().get(outputs.size()), x, current);
            outputs.add(step.output());
            current = step.state();
        }
        long hiddenSize = outputs.get(0).shape().get(1);
        Operand<TFloat32> rows =
                tf.withName("outputs").reshape(tf.stack(outputs), tf.constant(new long[] {-1, hiddenSize}));
        return new Sequence(rows, current);
    }
}
