package dev.libretto.train;

import dev.libretto.device.Host;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.Locale;

/**
 * A lower bound of the memory that a model needs on a CPU, computed before anything is allocated. With P parameters and an
 * optimizer of s slots, one more with an {@link Ema}, for each parameter that is not frozen, training needs 4 bytes for each of
 *
 * <pre>
 *     (1 + s) P                     the variables
 *     (1 + s) P                     the first checkpoint, in Java's heap
 *     (1 + s) P                     its copy while it is written, or, in a training step,
 *     K·T·B·H                       the activations of each layer, kept for the backward pass
 *     2·T·B·V                       logits and their probabilities, overwritten by their gradients
 * </pre>
 *
 * <p>Only the larger of copy and training step counts. A layer keeps K arrays {@code [T·B, H]} for the backward pass: the
 * outputs, for the next layer; the previous states, for the gradient of the recurrent kernel; and for the derivatives what the
 * cell says in {@link dev.libretto.model.CellSpec#kept}.
 *
 * <p>A layer below all trained ones has no backward pass and keeps nothing for it.
 *
 * <p>The backward pass frees activations as it allocates gradients, so these are not counted. Nor are TensorFlow's temporary
 * buffers, which depend on the scheduling of its threads.
 *
 * <p>Without training, a model needs (1 + s) P for its checkpoint, in Java's heap, and P for its variables.
 *
 * @param needing what needs it, for messages
 * @param bytes the total
 * @param heapBytes the part of it in Java's heap
 */
public record MemoryEstimate(String needing, long bytes, long heapBytes) {
    private static final double GIB = 1 << 30;

    /**
     * Java and TensorFlow without a model. With the smallest heap, they hold 88 MiB that cannot be dropped; another 220 MiB are
     * pages of the libraries' files, which the system drops when memory is short. Rounded down, because this is a lower
     * bound.
     */
    private static final long BASE_BYTES = 80 << 20;

    /** Returns the estimate for training a model. */
    public static MemoryEstimate ofTraining(ModelConfig model, TrainConfig training) {
        long arrays = arrays(model, training);
        long rows = (long) training.seqLength() * training.batchSize();
        long units = layersWithGradient(model, training) * model.hiddenSize();
        long activations = rows * (units * (2 + model.cell().spec().kept().size()) + 2L * model.vocabularySize());
        long most = 2 * arrays + Math.max(arrays, activations);
        return new MemoryEstimate("training", BASE_BYTES + most * Float.BYTES, arrays * Float.BYTES);
    }

    /** Returns the estimate for using a trained model, to generate, evaluate or export. */
    public static MemoryEstimate ofModel(ModelConfig model, TrainConfig training) {
        long heapBytes = arrays(model, training) * Float.BYTES;
        return new MemoryEstimate(
                "the model", BASE_BYTES + heapBytes + LanguageModel.countParameters(model) * Float.BYTES, heapBytes);
    }

    /**
     * Returns the estimate for a model's file: its weights in Java's heap, and a copy that is computed with or written.
     *
     * @param weightBytes the size of the weights
     */
    public static MemoryEstimate ofFile(long weightBytes) {
        return new MemoryEstimate("the model", BASE_BYTES + 2 * weightBytes, weightBytes);
    }

    private static long arrays(ModelConfig model, TrainConfig training) {
        long slots = Checkpoint.slotArrays(model, training).stream()
                .mapToLong(Parameter::size)
                .sum();
        return LanguageModel.countParameters(model) + slots;
    }

    /** Returns the number of recurrent layers from the lowest trained layer up. */
    private static long layersWithGradient(ModelConfig model, TrainConfig training) {
        return LanguageModel.parameters(model).stream()
                .dropWhile(parameter -> !training.trains(parameter))
                .map(Parameter::layer)
                .distinct()
                .filter(layer -> layer.startsWith("layer_"))
                .count();
    }

    /** @throws IllegalArgumentException if it does not fit into this machine, saying what is needed and available */
    public void requireFits() {
        Host host = Host.current();
        requireFits(host.memory(), host.javaHeap());
    }

    /**
     * @param memory the memory of the machine or container, in bytes
     * @param heap the maximum size of Java's heap, in bytes
     */
    void requireFits(long memory, long heap) {
        if (bytes > memory) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%s needs at least %.1f GiB of memory, but only %.1f GiB are available; use a larger machine, a"
                            + " smaller model or smaller batches",
                    needing,
                    bytes / GIB,
                    memory / GIB));
        }
        if (heapBytes > heap) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%s needs at least %.1f GiB of Java heap, but at most %.1f GiB are available; set"
                            + " LIBRETTO_JAVA_OPTS=-Xmx%dg, or use a smaller model",
                    needing,
                    heapBytes / GIB,
                    heap / GIB,
                    (long) Math.ceil(1.2 * heapBytes / GIB)));
        }
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "at least %,d MiB", (bytes >> 20) + 1);
    }
}
