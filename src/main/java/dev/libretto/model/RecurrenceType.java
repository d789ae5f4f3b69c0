package dev.libretto.model;

import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** The ways to compute the recurrence of a layer. All compute the same and take the same parameters. */
public enum RecurrenceType {
    /** The cell, time step by time step: every cell on every device, and the definition of what is computed. */
    UNROLLED,
    /** One operation of cuDNN for all time steps: on GPUs only, and for those cells that cuDNN has. */
    CUDNN;

    /**
     * The one to train with: cuDNN's on a GPU for a cell that it has in float32 or TF32, the unrolled one otherwise.
     *
     * @param factors the type to which the factors of matrix products are rounded
     */
    public static RecurrenceType of(CellType cell, boolean onGpu, Class<? extends TFloating> factors) {
        return onGpu && factors == TFloat32.class && CUDNN.has(cell) ? CUDNN : UNROLLED;
    }

    /** Whether it can compute a cell. */
    public boolean has(CellType cell) {
        return this != CUDNN || CudnnRecurrence.mode(cell) != null;
    }
}
