package dev.libretto.model;

import dev.libretto.device.TensorFlowSetup;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;

/** Float arrays to tensors and back. */
public final class FloatTensors {
    private FloatTensors() {}

    /** The values of an eager operation's output, row-major. */
    public static float[] toArray(Operand<TFloat32> eager) {
        return toArray(eager.asTensor());
    }

    /** The values of a tensor, row-major; the tensor stays open. */
    public static float[] toArray(TFloat32 tensor) {
        float[] values = new float[Math.toIntExact(tensor.size())];
        tensor.copyTo(org.tensorflow.ndarray.NdArrays.wrap(tensor.shape(), DataBuffers.of(values, false, false)));
        return values;
    }

    /** A tensor of the values, which the caller closes. */
    public static TFloat32 of(Shape shape, float[] values) {
        TensorFlowSetup.apply();
        return TFloat32.tensorOf(shape, DataBuffers.of(values, true, false));
    }

    /** A tensor of zeros, which the caller closes. */
    public static TFloat32 zeros(Shape shape) {
        return of(shape, new float[Math.toIntExact(shape.size())]);
    }
}
