package dev.libretto.train;

import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import java.util.Locale;

/**
 * The least memory that training takes on a CPU, known before anything is drawn or built. With P parameters and an optimizer
 * of s slots, 4 bytes for each of
 *
 * <pre>
 *     (1 + s) P                     the variables
 *     (1 + s) P                     the checkpoint that training starts from, in Java's heap
 *     (1 + s) P                     its copy while it is written, or, in a training step,
 *     K·T·B·H                       in each layer: what the way back needs of the way forward
 *     2·T·B·V                       logits and their exponentials, which become their gradients
 * </pre>
 *
 * <p>The larger of the last two counts: the way back gives up the activations while it forms the gradients. In a layer K arrays
 * {@code [T·B, H]} are kept: the outputs, for the layer above; the states before, for the gradient of the recurrent kernel; and
 * for the derivatives
 *
 * <pre>
 *     rnn                 h'                                    K = 3
 *     gru                 z, r, n, h − n, h_n                   K = 7
 *     gru-reset-before    z, r, n, h − n, h, r ∘ h              K = 8
 *     lstm                i, f, g, o, c', tanh(c')              K = 8
 * </pre>
 *
 * <p>What TensorFlow holds besides, such as the gradients of a time step, is left out, for it depends on the order in which its
 * threads work: what is more than the machine has cannot be trained.
 *
 * @param bytes of all together
 * @param heapBytes of these, in Java's heap
 */
public record MemoryEstimate(long bytes, long heapBytes) {
    private static final double GIB = 1 << 30;

    /** The estimate for a model and its training. */
    public static MemoryEstimate of(ModelConfig model, TrainConfig training) {
        long parameters = LanguageModel.parameters(model).stream()
                .mapToLong(Parameter::size)
                .sum();
        long arrays = parameters * (1 + training.optimizer().kind().slots().size());
        long rows = (long) training.seqLength() * training.batchSize();
        long units = (long) model.layers() * model.hiddenSize();
        long activations = rows * (units * arraysKept(model.cell()) + 2L * model.vocabularySize());
        long most = 2 * arrays + Math.max(arrays, activations);
        return new MemoryEstimate(most * Float.BYTES, arrays * Float.BYTES);
    }

    private static int arraysKept(CellType cell) {
        return switch (cell) {
            case RNN -> 3;
            case GRU -> 7;
            case GRU_RESET_BEFORE, LSTM -> 8;
        };
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
