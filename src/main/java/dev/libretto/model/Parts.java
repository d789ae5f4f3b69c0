package dev.libretto.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * How the rows of a batch are split, and where each part is computed. Rows are independent, so the parts are independent chains
 * of operations, which TensorFlow computes in parallel. At each time step they are in the order of the parts, and so are the
 * products that a kernel's gradient sums: the same parts give the same bits at any place.
 *
 * <p>All parts have the same number of rows. If P does not divide B, rows of zeros pad the last part; their outputs are cut
 * off, so their gradients are zero.
 *
 * @param places the device of each part
 */
public record Parts(List<DeviceSpec> places) {
    /** Where the session computes. */
    private static final DeviceSpec SESSION = DeviceSpec.newBuilder().build();

    /** Returns P parts that the threads of a session's device compute; P is 1 if B is unknown. */
    public static Parts of(int count) {
        return new Parts(Collections.nCopies(count, SESSION));
    }

    /** Returns P, the number of parts. */
    public int count() {
        return places.size();
    }

    /** Returns the operations of a part. */
    Ops at(Ops tf, int part) {
        DeviceSpec place = places.get(part);
        return place.equals(SESSION) ? tf : tf.withDevice(place);
    }

    /** Returns {@code [T, B, N]} as {@code [T·P, B/P, N]}: the P parts of the first time step, then those of the second. */
    Operand<TFloat32> splitSteps(Ops tf, Operand<TFloat32> steps) {
        if (count() == 1) {
            return steps;
        }
        Shape shape = steps.shape();
        long rows = shape.get(1);
        long[] split = {shape.get(0) * count(), (rows + padding(rows)) / count(), shape.get(2)};
        Operand<TInt64> splitShape = tf.constant(split);
        return tf.reshape(pad(tf, steps, 1, rows), splitShape);
    }

    /**
     * Undoes {@link #splitSteps}.
     *
     * @param rows B
     * @return {@code [T·B, N]}
     */
    Operand<TFloat32> joinSteps(Ops tf, Operand<TFloat32> split, long rows) {
        Shape shape = split.shape();
        Operand<TFloat32> steps = split;
        if (padding(rows) > 0) {
            long[] padded = {shape.get(0) / count(), rows + padding(rows), shape.get(2)};
            steps = cut(tf, tf.reshape(split, tf.constant(padded)), 1, rows);
        }
        return tf.withName("outputs").reshape(steps, tf.constant(new int[] {-1, Math.toIntExact(shape.get(2))}));
    }

    /** Returns the state of each part, each {@code [B/P, H]}. */
    List<List<Operand<TFloat32>>> splitState(Ops tf, List<Operand<TFloat32>> state, long rows) {
        if (count() == 1) {
            return List.of(state);
        }
        List<Operand<TFloat32>> padded =
                state.stream().map(array -> pad(tf, array, 0, rows)).toList();
        List<List<Operand<TFloat32>>> split = new ArrayList<>();
        places.forEach(place -> split.add(new ArrayList<>()));
        for (Operand<TFloat32> array : padded) {
            List<Output<TFloat32>> ofParts =
                    tf.split(tf.constant(0), array, (long) count()).output();
            for (int part = 0; part < count(); part++) {
                split.get(part).add(ofParts.get(part));
            }
        }
        return split;
    }

    /** Undoes {@link #splitState}. */
    List<Operand<TFloat32>> joinState(Ops tf, List<List<Operand<TFloat32>>> split, long rows) {
        if (count() == 1) {
            return split.get(0);
        }
        return IntStream.range(0, split.get(0).size())
                .<Operand<TFloat32>>mapToObj(array ->
                        tf.concat(split.stream().map(part -> part.get(array)).toList(), tf.constant(0)))
                .map(array -> cut(tf, array, 0, rows))
                .toList();
    }

    /** Returns the number of rows of zeros after the last. */
    private long padding(long rows) {
        return Math.floorMod(-rows, (long) count());
    }

    private Operand<TFloat32> pad(Ops tf, Operand<TFloat32> array, int axis, long rows) {
        if (padding(rows) == 0) {
            return array;
        }
        int[][] paddings = new int[array.shape().numDimensions()][2];
        paddings[axis][1] = (int) padding(rows);
        return tf.pad(array, tf.constant(paddings), tf.constant(0f));
    }

    /** Undoes {@link #pad}. TensorFlow's gradient of slice needs 32-bit indexes. */
    private Operand<TFloat32> cut(Ops tf, Operand<TFloat32> array, int axis, long rows) {
        if (padding(rows) == 0) {
            return array;
        }
        int[] begin = new int[array.shape().numDimensions()];
        int[] size = new int[begin.length];
        Arrays.fill(size, -1);
        size[axis] = (int) rows;
        return tf.slice(array, tf.constant(begin), tf.constant(size));
    }
}
