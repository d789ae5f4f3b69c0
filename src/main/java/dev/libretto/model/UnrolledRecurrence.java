package dev.libretto.model;

import java.util.ArrayList;
import java.util.Arrays;
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
 * Unrolls the cell over time, once for each part of the rows. Rows are independent, so the parts are independent chains of
 * operations, which TensorFlow computes in parallel.
 *
 * <p>All parts have the same number of rows. If P does not divide B, rows of zeros pad the last part; their outputs are cut
 * off, so their gradients are zero.
 *
 * @param parts P, the number of parts; 1 if B is unknown
 */
record UnrolledRecurrence(Cell cell, int hiddenSize, int parts) implements Recurrence {
    @Override
    public Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return unroll(tf, cell.input().lookup(tf, ids), state);
    }

    @Override
    public Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        Operand<TInt64> timeMajor = tf.constant(new long[] {batch.get(0), batch.get(1), -1});
        return unroll(tf, tf.reshape(cell.input().apply(tf, rows), timeMajor), state);
    }

    /** @param projected {@code [T, B, G·H]} */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Shape shape = projected.shape();
        long t = shape.get(0);
        if (parts == 1) {
            Sequence whole = unroll(tf, projected, t, List.of(state));
            return new Sequence(rows(tf, whole.outputs()), whole.state());
        }
        long b = shape.get(1);
        long rowsPerPart = (b + parts - 1) / parts;
        long padding = rowsPerPart * parts - b;
        Operand<TInt64> split = tf.constant(new long[] {t * parts, rowsPerPart, shape.get(2)});
        Sequence padded = unroll(
                tf,
                tf.reshape(pad(tf, projected, 1, padding), split),
                t * parts,
                split(
                        tf,
                        state.stream().map(array -> pad(tf, array, 0, padding)).toList()));
        if (padding == 0) {
            return new Sequence(rows(tf, padded.outputs()), padded.state());
        }
        Operand<TInt64> timeMajor = tf.constant(new long[] {t, b + padding, hiddenSize});
        return new Sequence(
                rows(tf, head(tf, tf.reshape(padded.outputs(), timeMajor), 1, b)),
                padded.state().stream().map(array -> head(tf, array, 0, b)).toList());
    }

    /**
     * @param projected {@code [T·P, B/P, G·H]}: the P parts of the first time step, then those of the second
     * @param steps T·P
     * @param state of each part, each {@code [B/P, H]}
     * @return the outputs {@code [T·P, B/P, H]} and the state {@code [B, H]}
     */
    private Sequence unroll(Ops tf, Operand<TFloat32> projected, long steps, List<List<Operand<TFloat32>>> state) {
        // Opening a scope searches all names of the graph, so all are opened while there are few.
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
        return new Sequence(tf.stack(outputs), join(tf, current));
    }

    /** Reshapes {@code [..., H]} to {@code [N, H]}. */
    private Operand<TFloat32> rows(Ops tf, Operand<TFloat32> outputs) {
        return tf.withName("outputs").reshape(outputs, tf.constant(new int[] {-1, hiddenSize}));
    }

    private static Operand<TFloat32> pad(Ops tf, Operand<TFloat32> array, int axis, long count) {
        if (count == 0) {
            return array;
        }
        int[][] paddings = new int[array.shape().numDimensions()][2];
        paddings[axis][1] = (int) count;
        return tf.pad(array, tf.constant(paddings), tf.constant(0f));
    }

    /** The first {@code count} along an axis. TensorFlow's gradient of slice needs 32-bit indexes. */
    private static Operand<TFloat32> head(Ops tf, Operand<TFloat32> array, int axis, long count) {
        int[] begin = new int[array.shape().numDimensions()];
        int[] size = new int[begin.length];
        Arrays.fill(size, -1);
        size[axis] = (int) count;
        return tf.slice(array, tf.constant(begin), tf.constant(size));
    }

    private List<List<Operand<TFloat32>>> split(Ops tf, List<Operand<TFloat32>> state) {
        List<List<Operand<TFloat32>>> split = Stream.<List<Operand<TFloat32>>>generate(ArrayList::new)
                .limit(parts)
                .toList();
        for (Operand<TFloat32> array : state) {
            List<Output<TFloat32>> rows =
                    tf.split(tf.constant(0), array, (long) parts).output();
            for (int part = 0; part < parts; part++) {
                split.get(part).add(rows.get(part));
            }
        }
        return split;
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
