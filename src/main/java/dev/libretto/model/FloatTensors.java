package dev.libretto.model;

import dev.libretto.device.TensorFlowSetup;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/** Converts between float arrays and tensors. */
public final class FloatTensors {
    private FloatTensors() {}

    /** Returns the values of an eager operation's output, row-major. */
    public static float[] toArray(Operand<TFloat32> eager) {
        return toArray(eager.asTensor());
    }

    /** Returns the values of a tensor, row-major; the tensor stays open. */
    public static float[] toArray(TFloat32 tensor) {
        float[] values = new float[Math.toIntExact(tensor.size())];
        tensor.copyTo(org.tensorflow.ndarray.NdArrays.wrap(tensor.shape(), DataBuffers.of(values, false, false)));
        return values;
    }

    /** Returns a tensor of the values; the caller closes it. */
    public static TFloat32 of(Shape shape, float[] values) {
        TensorFlowSetup.apply();
        return TFloat32.tensorOf(shape, DataBuffers.of(values, true, false));
    }

    /** Returns a tensor of zeros; the caller closes it. */
    public static TFloat32 zeros(Shape shape) {
        return of(shape, new float[Math.toIntExact(shape.size())]);
    }
}
