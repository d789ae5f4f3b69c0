package dev.libretto.train;

import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import java.util.List;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * How training steps are computed. All plans give the same steps up to rounding.
 *
 * @param recurrence how the recurrence of a layer is computed
 * @param parts how the rows of a batch are split
 * @param factors the type to which the factors of matrix products are rounded
 * @param batchesPerRun the most batches in one run of the graph
 * @param textLength the number of characters of the text stored in the graph; 0 if batches are fed
 */
record ExecutionPlan(
        RecurrenceType recurrence,
        Parts parts,
        Class<? extends TFloating> factors,
        int batchesPerRun,
        long textLength) {
    /** The longest text stored on a GPU, in characters: 128 MiB as int64. */
    private static final long MAX_TEXT_ON_GPU = 1 << 24;

    /** Enough to make the overhead of a call and of copying its results from the device negligible. */
    private static final int CUDNN_BATCHES_PER_RUN = 8;

    /** Returns the plan for a CPU in float32: an unrolled graph that is fed one batch per run. */
    static ExecutionPlan onCpu(ModelConfig model, TrainConfig training) {
        return of(model, training, false, TFloat32.class, 0);
    }

    /**
     * Returns the plan for a device. On a GPU, cuDNN computes the recurrence of the models that it supports, with several
     * batches per run, and the text is stored in the graph if it is short enough.
     *
     * @param factors the type to which the factors of matrix products are rounded
     * @param textLength the number of characters of the text that all batches are cut from; 0 if they come from any text
     */
    static ExecutionPlan of(
            ModelConfig model,
            TrainConfig training,
            boolean onGpu,
            Class<? extends TFloating> factors,
            long textLength) {
        RecurrenceType recurrence = RecurrenceType.of(model, onGpu, factors);
        return new ExecutionPlan(
                recurrence,
                Parts.of(training.parts()),
                factors,
                // An unrolled graph costs so much more than its call that one batch is enough.
                recurrence == RecurrenceType.CUDNN ? CUDNN_BATCHES_PER_RUN : 1,
                onGpu && textLength <= MAX_TEXT_ON_GPU ? textLength : 0);
    }

    /**
     * Returns the plan with its parts at the given places, of which each computes at least one.
     *
     * @throws IllegalArgumentException if there are more places than parts
     */
    ExecutionPlan at(List<DeviceSpec> places) {
        if (places.size() > parts.count()) {
            String what = places.get(0).deviceType() == DeviceType.GPU ? " GPUs" : " hosts";
            throw new IllegalArgumentException(
                    "a batch has " + parts.count() + (parts.count() == 1 ? " part" : " parts") + ", too few for "
                            + places.size() + what + "; use fewer" + what + ", or start a run with more parts");
        }
        return new ExecutionPlan(recurrence, Parts.of(parts.count(), places), factors, batchesPerRun, textLength);
    }
}
