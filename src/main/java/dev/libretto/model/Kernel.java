package dev.libretto.model;

import dev.libretto.device.TensorFlowInternals;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * A weight matrix W {@code [I, O]}. All matrix products of the model are formed here:
 *
 * <pre>
 *     y = x · W
 * </pre>
 *
 * <p>Both factors are rounded to one type, W once and x at each product; y has that type and is cast back to float32. With
 * bfloat16 (8 bits of significand) this is mixed precision (Micikevicius et al., 2018; Kalamkar et al., 2019); with float32
 * nothing is rounded. Gradients are rounded the same way.
 *
 * @param <T> the type of the factors
 */
final class Kernel<T extends TFloating> {
    /** The f of {@link #fused}. */
    enum Activation {
        NONE("BiasAdd"),
        TANH("BiasAdd", "Tanh");

        private final AttrValue operations;

        Activation(String... operations) {
            this.operations = TensorFlowInternals.strings(operations);
        }
    }

    private final Operand<TFloat32> values;
    private final Class<T> factors;
    private final boolean isTransposed;
    /** I and O. */
    private final int rows;

    private final int columns;
    private final int blockRows;
    /** W as blocks from left to right, each from top to bottom; the last ones may have columns of zeros beyond W's. */
    private final List<List<Operand<T>>> blocks;

    Kernel(Ops tf, Operand<TFloat32> values, Class<T> factors) {
        this(tf, values, factors, false);
    }

    /** @param isTransposed whether {@code values} is the transpose of W, {@code [O, I]} */
    Kernel(Ops tf, Operand<TFloat32> values, Class<T> factors, boolean isTransposed) {
        this(tf, values, factors, isTransposed, Blocks.NONE);
    }

    Kernel(Ops tf, Operand<TFloat32> values, Class<T> factors, boolean isTransposed, Blocks blocks) {
        this.values = values;
        this.factors = factors;
        this.isTransposed = isTransposed;
        this.rows = Math.toIntExact(values.shape().get(isTransposed ? 1 : 0));
        this.columns = Math.toIntExact(values.shape().get(isTransposed ? 0 : 1));
        this.blockRows = blocks.rows;
        this.blocks = split(tf, cast(tf, values, factors), blocks);
    }

    private List<List<Operand<T>>> split(Ops tf, Operand<T> rounded, Blocks into) {
        int axis = isTransposed ? 0 : 1;
        List<List<Operand<T>>> all = new ArrayList<>();
        for (Operand<T> block : split(tf, rounded, axis, columns, into.columns)) {
            int added = -Math.toIntExact(block.shape().get(axis)) & (into.tile - 1);
            Operand<T> whole = block;
            if (added > 0) {
                int[] shape = isTransposed ? new int[] {added, rows} : new int[] {rows, added};
                whole = tf.concat(List.of(block, tf.zeros(tf.array(shape), factors)), tf.constant(axis));
            }
            all.add(split(tf, whole, 1 - axis, rows, into.rows));
        }
        return all;
    }

    /** Returns an array of some {@code size} along an axis as arrays of at most {@code most}. */
    private static <U extends TFloating> List<Operand<U>> split(
            Ops tf, Operand<U> array, int axis, int size, int most) {
        if (size <= most) {
            return List.of(array);
        }
        int[] sizes = new int[(size + most - 1) / most];
        Arrays.fill(sizes, most);
        sizes[sizes.length - 1] = size - (sizes.length - 1) * most;
        return List.copyOf(tf.splitV(array, tf.array(sizes), tf.constant(axis), (long) sizes.length)
                .output());
    }

    /** Returns W, or its transpose. */
    Operand<TFloat32> values() {
        return values;
    }

    /** Returns x · W {@code [N, O]} for x {@code [N, I]}. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        Operand<T> factor = cast(tf, x, factors);
        List<Operand<T>> parts = split(tf, factor, 1, rows, blockRows);
        List<Operand<T>> products = new ArrayList<>();
        for (List<Operand<T>> ofColumns : blocks) {
            List<Operand<T>> terms = IntStream.range(0, parts.size())
                    .<Operand<T>>mapToObj(
                            i -> tf.linalg.matMul(parts.get(i), ofColumns.get(i), MatMul.transposeB(isTransposed)))
                    .toList();
            products.add(terms.size() == 1 ? terms.get(0) : tf.math.addN(terms));
        }
        Operand<T> y = products.size() == 1 ? products.get(0) : tf.concat(products, tf.constant(1));
        if (y.shape().get(1) > columns) {
            y = tf.slice(y, tf.array(0, 0), tf.array(-1, columns));
        }
        return cast(tf, y, TFloat32.class);
    }

    /**
     * Returns f(x · W + b) {@code [1, O]} for x {@code [1, I]} and b {@code [O]} as one operation. For one row, calling an
     * operation takes as long as its arithmetic, so fewer operations are faster. It rounds differently, has no gradient, lacks some
     * f on GPUs, and accumulates in the type of its factors, so it is used in float32 only.
     */
    Operand<TFloat32> fused(Ops tf, Operand<TFloat32> x, Operand<TFloat32> bias, Activation f) {
        return TensorFlowInternals.fusedMatMul(tf, x, values, isTransposed, bias, f.operations);
    }

    private static <U extends TFloating> Operand<U> cast(Ops tf, Operand<?> x, Class<U> type) {
        return x.type().equals(type) ? x.asOutput().expect(type) : tf.dtypes.cast(x, type);
    }
}
