package dev.libretto.train;

import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * How training steps are computed. Each way takes the same steps but for rounding.
 *
 * @param recurrence how the recurrence of a layer is computed
 * @param parts into how many parts the rows of a batch are split
 * @param factors the type to which the factors of matrix products are rounded
 * @param batchesPerRun how many batches a run of the graph can train on
 * @param textLength the number of characters of the text that is kept in the graph; 0 where batches are fed
 */
record Execution(
        RecurrenceType recurrence, int parts, Class<? extends TFloating> factors, int batchesPerRun, long textLength) {
    /** The longest text that is kept on a GPU, in characters; 128 MiB of its memory. */
    private static final long LONGEST_ON_GPU = 1 << 24;

    /** Enough for the call of the graph, and the way of its results from the device, not to count. */
    private static final int BATCHES_PER_RUN_OF_CUDNN = 8;

    /** As a CPU trains, in float32: the cell unrolled, a batch a run, which is fed. */
    static Execution onCpu(ModelConfig model, TrainConfig training) {
        return of(model, training, false, TFloat32.class, 0);
    }

    /**
     * The one to train with. On a GPU, cuDNN computes the recurrence if it has the cell, several batches are then a run of the
     * graph, and a text that is not too long is kept there.
     *
     * @param factors the type to which the factors of matrix products are rounded
     * @param textLength the number of characters of the text that all batches are cut from; 0 if there is no such text
     */
    static Execution of(
            ModelConfig model,
            TrainConfig training,
            boolean onGpu,
            Class<? extends TFloating> factors,
            long textLength) {
        RecurrenceType recurrence = RecurrenceType.of(model.cell(), onGpu, factors);
        return new Execution(
                recurrence,
                onGpu ? 1 : training.parts(),
                factors,
                // A graph that is unrolled is large, and costs so much more than its call that one batch is enough for
                // it.
                recurrence == RecurrenceType.CUDNN ? BATCHES_PER_RUN_OF_CUDNN : 1,
                onGpu && textLength <= LONGEST_ON_GPU ? textLength : 0);
    }
}
