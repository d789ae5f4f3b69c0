package dev.libretto.train;

import dev.libretto.text.Batches.Batch;
import java.util.function.BiConsumer;
import org.tensorflow.Operand;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TNumber;

/** The characters of a batch in the training graph. */
interface BatchInput {
    /** Returns the character ids, {@code [T, B]}. */
    Operand<? extends TNumber> inputs();

    /** Returns the next character of each, {@code [T, B]}. */
    Operand<? extends TNumber> targets();

    /**
     * Feeds a batch.
     *
     * @param feed receives each tensor as soon as it is allocated, and owns it
     */
    void feed(Batch batch, BiConsumer<Operand<?>, Tensor> feed);

    /** Feeds the characters of each batch. */
    record Fed(Placeholder<TInt32> inputs, Placeholder<TInt32> targets) implements BatchInput {
        /** @param ids {@code [T, B]} */
        Fed(Ops tf, Shape ids) {
            this(
                    tf.withName("inputs").placeholder(TInt32.class, Placeholder.shape(ids)),
                    tf.withName("targets").placeholder(TInt32.class, Placeholder.shape(ids)));
        }

        @Override
        public void feed(Batch batch, BiConsumer<Operand<?>, Tensor> feed) {
            feed.accept(inputs, ids(batch.inputs()));
            feed.accept(targets, ids(batch.targets()));
        }

        private TInt32 ids(int[] values) {
            return TInt32.tensorOf(inputs.shape(), DataBuffers.of(values));
        }
    }

    /**
     * Cuts batches from a text in the graph, given the start of each row.
     *
     * @param starts {@code [B]}
     */
    record FromText(Placeholder<TInt64> starts, Operand<TInt64> inputs, Operand<TInt64> targets) implements BatchInput {
        /**
         * @param text character ids, {@code [N]}
         * @param ids {@code [T, B]}
         */
        static FromText of(Ops tf, Operand<TInt64> text, Shape ids) {
            Shape rows = Shape.of(ids.get(1));
            Placeholder<TInt64> starts = tf.withName("starts").placeholder(TInt64.class, Placeholder.shape(rows));
            Operand<TInt64> steps = tf.range(tf.constant(0L), tf.constant(ids.get(0)), tf.constant(1L));
            Operand<TInt64> positions = tf.math.add(starts, tf.expandDims(steps, tf.constant(1)));
            Operand<TInt64> after = tf.math.add(positions, tf.constant(1L));
            return new FromText(
                    starts, tf.gather(text, positions, tf.constant(0)), tf.gather(text, after, tf.constant(0)));
        }

        @Override
        public void feed(Batch batch, BiConsumer<Operand<?>, Tensor> feed) {
            feed.accept(starts, TInt64.vectorOf(batch.starts()));
        }
    }
}
