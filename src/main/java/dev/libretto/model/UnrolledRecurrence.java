package dev.libretto.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/**
 * The cell, once for each time step and each part of the rows. Rows know nothing of each other, so the parts are chains of
 * operations that TensorFlow computes side by side.
 *
 * @param type how many parts there are
 */
record UnrolledRecurrence(Cell cell, int hiddenSize, RecurrenceType type) implements Recurrence {
    @Override
    public Sequence ofCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return unroll(tf, cell.input().lookup(tf, ids), state);
    }

    @Override
    public Sequence ofRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        Operand<TInt64> timeMajor = tf.constant(new long[] {batch.get(0), batch.get(1), -1});
        return unroll(tf, tf.reshape(cell.input().apply(tf, rows), timeMajor), state);
    }

    /** @param projected {@code [T, B, G·H]} */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Shape shape = projected.shape();
        int parts = type.parts(shape.get(1));
        if (parts == 1) {
            return unroll(tf, projected, shape.get(0), List.of(state));
        }
        long steps = shape.get(0) * parts;
        Operand<TInt64> divided = tf.constant(new long[] {steps, shape.get(1) / parts, shape.get(2)});
        return unroll(tf, tf.reshape(projected, divided), steps, divide(tf, state, parts));
    }

    /**
     * @param projected {@code [T·P, B/P, G·H]}: the P parts of the first time step, then those of the second
     * @param steps T·P
     * @param state that of each part, each {@code [B/P, H]}
     */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, long steps, List<List<Operand<TFloat32>>> state) {
        int parts = state.size();
        // A scope goes through all names of the graph when it is opened, so all are opened while there are few.
        List<Ops> scopes = LongStream.range(0, steps / parts)
                .mapToObj(t -> tf.withSubScope("step_" + t))
                .toList();
        List<Operand<TFloat32>> outputs = new ArrayList<>();
        List<List<Operand<TFloat32>>> current = new ArrayList<>(state);
        int i = 0;
        for (Operand<TFloat32> x : tf.withName("time_steps").unstack(projected, steps)) {
            int part = i % parts;
            Cell.Step step = cell.step(scopes.get(i++ / parts), x, current.get(part));
            outputs.add(step.output());
            current.set(part, step.state());
        }
        Operand<TFloat32> stacked = tf.withName("outputs").stack(outputs);
        return new Sequence(tf.reshape(stacked, tf.constant(new int[] {-1, hiddenSize})), join(tf, current));
    }

    private static List<List<Operand<TFloat32>>> divide(Ops tf, List<Operand<TFloat32>> state, int parts) {
        List<List<Operand<TFloat32>>> divided = Stream.<List<Operand<TFloat32>>>generate(ArrayList::new)
                .limit(parts)
                .toList();
        for (Operand<TFloat32> array : state) {
            List<Output<TFloat32>> rows =
                    tf.split(tf.constant(0), array, (long) parts).output();
            for (int part = 0; part < parts; part++) {
                divided.get(part).add(rows.get(part));
            }
        }
        return divided;
    }

    private static List<Operand<TFloat32>> join(Ops tf, List<List<Operand<TFloat32>>> parts) {
        if (parts.size() == 1) {
            return parts.get(0);
        }
        return IntStream.range(0, parts.get(0).size())
                .<Operand<TFloat32>>mapToObj(array ->
                        tf.concat(parts.stream().map(part -> part.get(array)).toList(), tf.constant(0)))
                .toList();
    }
}
