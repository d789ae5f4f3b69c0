package dev.libretto.train;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.run.RunConfig;
import dev.libretto.run.TrainConfig;
import java.util.Locale;

/**
 * The least memory that training takes on a CPU, known before anything is drawn or built. With P parameters and an optimizer
 * of s slots, 4 bytes for each of
 *
 * <pre>
 *     (1 + s) P                     the variables
 *     (1 + s) P                     the checkpoint that training starts from, in Java's heap
 *     (1 + s) P                     its copy while it is written, or, in a training step,
 *     P                             the gradients,
 *     T·B·H·(2G + states − 1)       in each layer: gates and states, kept for the gradients, and the gradients of the gates,
 *     3·T·B·V                       logits, their exponentials, their gradients
 * </pre>
 *
 * <p>What TensorFlow holds besides, such as the products of a time step, is left out: what is more than the machine has cannot
 * be trained.
 *
 * @param bytes of all together
 * @param heapBytes of these, in Java's heap
 */
public record MemoryEstimate(long bytes, long heapBytes) {
    private static final double GIB = 1 << 30;

    /** The estimate for a run. */
    public static MemoryEstimate of(RunConfig config) {
        ModelConfig model = config.model();
        TrainConfig training = config.training();
        long parameters = LanguageModel.parameters(model).stream()
                .mapToLong(Parameter::size)
                .sum();
        long arrays = parameters * (1 + training.optimizer().kind().slots().size());
        long rows = (long) training.seqLength() * training.batchSize();
        long perUnit = 2L * model.cell().gates() + model.cell().states() - 1;
        long activations = rows * (model.layers() * model.hiddenSize() * perUnit + 3L * model.vocabularySize());
        long most = 2 * arrays + Math.max(arrays, parameters + activations);
        return new MemoryEstimate(most * Float.BYTES, arrays * Float.BYTES);
    }

    /**
     * Throws if training cannot fit.
     *
     * @param memory of the machine or container, in bytes
     * @param heap the most that Java's heap can take of it, in bytes
     * @throws IllegalArgumentException saying what is needed, what there is, and what to do
     */
    public void requireFits(long memory, long heap) {
        if (bytes > memory) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "training needs at least %.1f GiB of memory, but there are %.1f GiB; lower --hidden-size, --layers,"
                            + " --batch-size or --seq-length",
                    bytes / GIB,
                    memory / GIB));
        }
        if (heapBytes > heap) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "training needs at least %.1f GiB of Java's heap, which has at most %.1f GiB; lower --hidden-size or"
                            + " --layers, or set LIBRETTO_JAVA_OPTS=-Xmx%dg",
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
