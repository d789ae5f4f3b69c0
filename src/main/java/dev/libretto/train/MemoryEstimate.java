package dev.libretto.train;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.Locale;

/**
 * A lower bound of the memory that training needs on a CPU, computed before anything is allocated. With P parameters and an
 * optimizer of s slots, 4 bytes for each of
 *
 * <pre>
 *     (1 + s) P                     the variables
 *     (1 + s) P                     the first checkpoint, in Java's heap
 *     (1 + s) P                     its copy while it is written, or, in a training step,
 *     K·T·B·H                       the activations of each layer, kept for the backward pass
 *     2·T·B·V                       logits and their exponentials, overwritten by their gradients
 * </pre>
 *
 * <p>Only the larger of copy and training step counts. A layer keeps K arrays {@code [T·B, H]} for the backward pass: the
 * outputs, for the next layer; the previous states, for the gradient of the recurrent kernel; and for the derivatives what the
 * cell says in {@link dev.libretto.model.CellSpec#kept}.
 *
 * <p>The backward pass frees activations as it allocates gradients, so these are not counted. Nor are TensorFlow's temporary
 * buffers, which depend on the scheduling of its threads.
 *
 * @param bytes the total
 * @param heapBytes the part of it in Java's heap
 */
public record MemoryEstimate(long bytes, long heapBytes) {
    private static final double GIB = 1 << 30;

    /** Returns the estimate for a model and its training. */
    public static MemoryEstimate of(ModelConfig model, TrainConfig training) {
        long parameters = LanguageModel.parameters(model).stream()
                .mapToLong(Parameter::size)
                .sum();
        long arrays = parameters * (1 + training.optimizer().rule().slots().size());
        long rows = (long) training.seqLength() * training.batchSize();
        long units = (long) model.layers() * model.hiddenSize();
        long activations = rows * (units * (2 + model.cell().spec().kept().size()) + 2L * model.vocabularySize());
        long most = 2 * arrays + Math.max(arrays, activations);
        return new MemoryEstimate(most * Float.BYTES, arrays * Float.BYTES);
    }

    /**
     * Throws if training cannot fit into memory.
     *
     * @param memory the memory of the machine or container, in bytes
     * @param heap the maximum size of Java's heap, in bytes
     * @throws IllegalArgumentException saying how much is needed and available, and what to do
     */
    public void requireFits(long memory, long heap) {
        if (bytes > memory) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "training needs at least %.1f GiB of memory, but only %.1f GiB are available; lower --hidden-size,"
                            + " --layers, --batch-size or --seq-length",
                    bytes / GIB,
                    memory / GIB));
        }
        if (heapBytes > heap) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "training needs at least %.1f GiB of Java heap, but at most %.1f GiB are available; lower"
                            + " --hidden-size or --layers, or set LIBRETTO_JAVA_OPTS=-Xmx%dg",
                    heapBytes / GIB,
                    heap / GIB,
                    (long) Math.ceil(1.2 * heapBytes / GIB)));
        }
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "at least %,d MiB, besides Java and TensorFlow themselves", (bytes >> 20) + 1);
    }
}
