package dev.libretto.model;

/** The two ways to compute the recurrence of a layer. Both compute the same and take the same parameters. */
public enum RecurrenceType {
    /** The cell, time step by time step: every cell on every device, and the definition of what is computed. */
    UNROLLED,
    /** One operation of cuDNN for all time steps: on GPUs only, and for those cells that cuDNN has. */
    CUDNN;

    /** The one to train with: cuDNN's on a GPU for a cell that it has, the unrolled one otherwise. */
    public static RecurrenceType of(CellType cell, boolean onGpu) {
        return onGpu && CUDNN.has(cell) ? CUDNN : UNROLLED;
    }

    /** Whether it can compute a cell. */
    public boolean has(CellType cell) {
        return this == UNROLLED || CudnnRecurrence.mode(cell) != null;
    }
}
