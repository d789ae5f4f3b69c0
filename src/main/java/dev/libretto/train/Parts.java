package dev.libretto.train;

import dev.libretto.model.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TNumber;

/**
 * How the rows of a batch are split, and where each part is computed. The bits depend on the number of parts, not on their
 * places.
 *
 * <p>All parts have the same number of rows. If P does not divide B, rows of zeros follow the last row; whole
 * parts can be padding.
 *
 * @param places the device of each part
 */
record Parts(List<DeviceSpec> places) {
    /** Where the session computes. */
    static final DeviceSpec SESSION = DeviceSpec.newBuilder().build();

    /** Returns P parts that the threads of a session's device compute in parallel. */
    static Parts of(int count) {
        return of(count, List.of(SESSION));
    }

    /** Returns P parts at the given places, with as many at each as at the others, or one more. */
    static Parts of(int count, List<DeviceSpec> places) {
        return new Parts(IntStream.range(0, count)
                .mapToObj(part -> places.get(part * places.size() / count))
                .toList());
    }

    /** Returns P, the number of parts. */
    int count() {
        return places.size();
    }

    /** Returns the number of rows of each part of B rows. */
    int rows(int batchSize) {
        return (batchSize + count() - 1) / count();
    }

    /** Returns whether the CPUs of several hosts compute. Sending parameters and gradients takes long there. */
    boolean areOnSeveralCpus() {
        return Set.copyOf(places).size() > 1 && places.get(0).deviceType() == DeviceType.CPU;
    }

    /** Returns the operations of a part. */
    Ops at(Ops tf, int part) {
        return at(tf, places.get(part));
    }

    /** Returns the operations at a place. */
    static Ops at(Ops tf, DeviceSpec place) {
        return place.equals(SESSION) ? tf : tf.withDevice(place);
    }

    /**
     * Returns the place of each parameter: each is at one place of the parts, from the largest to the smallest where there is
     * least so far, so that a step moves about the same amount to and from every place.
     */
    List<DeviceSpec> spread(List<Parameter> parameters) {
        Map<DeviceSpec, Long> sizes = new LinkedHashMap<>();
        places.forEach(place -> sizes.put(place, 0L));
        Map<Parameter, DeviceSpec> chosen = new HashMap<>();
        parameters.stream()
                .sorted(Comparator.comparingLong(Parameter::size).reversed())
                .forEach(parameter -> {
                    DeviceSpec least = Collections.min(sizes.entrySet(), Map.Entry.comparingByValue())
                            .getKey();
                    sizes.merge(least, (long) parameter.size(), Long::sum);
                    chosen.put(parameter, least);
                });
        return parameters.stream().map(chosen::get).toList();
    }

    /**
     * Returns the rows of each part.
     *
     * @param axis of the rows in the array
     */
    <T extends TNumber> List<Operand<T>> split(Ops tf, Operand<T> array, int axis) {
        if (count() == 1) {
            return List.of(array);
        }
        return new ArrayList<>(tf.split(tf.constant(axis), pad(tf, array, axis), (long) count())
                .output());
    }

    /**
     * Adds what the parts computed, in an order that depends on their number alone: the sum of the first half and that of the
     * second. A half at one place is added there, so that its sum is moved and not each of its terms.
     *
     * @param terms one of each part
     * @param end where the sum is needed
     */
    Operand<TFloat32> sum(Ops tf, List<Operand<TFloat32>> terms, DeviceSpec end) {
        return sum(tf, terms, 0, count(), end);
    }

    private Operand<TFloat32> sum(Ops tf, List<Operand<TFloat32>> terms, int from, int to, DeviceSpec end) {
        if (to - from == 1) {
            return terms.get(from);
        }
        int middle = (from + to) / 2;
        DeviceSpec place = places.get(from);
        boolean isAtOnePlace = places.subList(from, to).stream().allMatch(place::equals);
        return at(tf, isAtOnePlace ? place : end)
                .math
                .add(sum(tf, terms, from, middle, end), sum(tf, terms, middle, to, end));
    }

    /** Undoes {@link #split} along the first axis, for B rows. */
    <T extends TNumber> Operand<T> join(Ops tf, List<Operand<T>> parts, int batchSize) {
        if (count() == 1) {
            return parts.get(0);
        }
        Operand<T> joined = tf.concat(parts, tf.constant(0));
        if (padding(batchSize) == 0) {
            return joined;
        }
        int[] begin = new int[joined.shape().numDimensions()];
        int[] size = new int[begin.length];
        Arrays.fill(size, -1);
        size[0] = batchSize;
        return tf.slice(joined, tf.constant(begin), tf.constant(size));
    }

    private <T extends TNumber> Operand<T> pad(Ops tf, Operand<T> array, int axis) {
        int padding = padding(Math.toIntExact(array.shape().get(axis)));
        if (padding == 0) {
            return array;
        }
        int[][] paddings = new int[array.shape().numDimensions()][2];
        paddings[axis][1] = padding;
        return tf.pad(array, tf.constant(paddings), tf.dtypes.cast(tf.constant(0), array.type()));
    }

    /** Returns the number of rows of zeros after the last. */
    private int padding(int batchSize) {
        return rows(batchSize) * count() - batchSize;
    }
}
