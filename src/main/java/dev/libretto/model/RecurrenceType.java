package dev.libretto.model;

import dev.libretto.model.CellSpec.Library;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** The implementations of a layer's recurrence. They compute the same function of the same parameters. */
public enum RecurrenceType {
    /** Unrolls the cell over time. Supports every cell on every device, and defines the result. */
    UNROLLED,
    /** One cuDNN operation for all time steps, on GPUs only and for the cells that cuDNN has. It cannot zero the state between. */
    CUDNN;

    /**
     * Returns the implementation to train with: cuDNN on a GPU in float32 or TF32 if it supports the model, else unrolled.
     *
     * @param factors the type that matrix products round their factors to
     */
    public static RecurrenceType of(ModelConfig model, boolean onGpu, Class<? extends TFloating> factors) {
        return onGpu && factors == TFloat32.class && !model.endSymbol() && CUDNN.supports(model.cell())
                ? CUDNN
                : UNROLLED;
    }

    /** Returns whether it supports a cell. */
    public boolean supports(CellType cell) {
        return this != CUDNN || cell.isIn(Library.CUDNN);
    }
}
