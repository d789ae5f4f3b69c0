package dev.libretto.model;

import dev.libretto.device.TensorFlowSetup;
import java.util.List;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.op.Ops;
import org.tensorflow.op.nn.CudnnRNN;
import org.tensorflow.op.nn.CudnnRNNBackprop;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * The gradient of {@link CudnnRNN}. TensorFlow's native library has the operation, {@link CudnnRNNBackprop}, but does not
 * register it as a gradient.
 */
final class CudnnGradient {
    private CudnnGradient() {}

    /** Registers it for all graphs of the process; further calls do nothing. */
    static void register() {
        TensorFlowSetup.apply();
        TensorFlow.registerCustomGradient(CudnnRNN.OP_NAME, CudnnGradient::derive);
    }

    /**
     * Adds the backward operation. TensorFlow calls this with the graph locked, so querying a shape here deadlocks.
     *
     * @param forward a {@link CudnnRNN}
     * @param dOutputs the gradients of all time steps, h and c, and two unused ones
     * @return the gradients of the vectors, h, c and the parameters, and zeros for the sequence lengths
     */
    private static List<Operand<?>> derive(Ops tf, GraphOperation forward, List<Output<?>> dOutputs) {
        CudnnRNN<TFloat32> outputs = new CudnnRNN<>(forward);
        CudnnRNNBackprop<TFloat32> backward = tf.nn.cudnnRNNBackprop(
                floats(forward.input(0)),
                floats(forward.input(1)),
                floats(forward.input(2)),
                floats(forward.input(3)),
                forward.input(4).expect(TInt32.class),
                outputs.output(),
                outputs.outputH(),
                outputs.outputC(),
                floats(dOutputs.get(0)),
                floats(dOutputs.get(1)),
                floats(dOutputs.get(2)),
                outputs.reserveSpace(),
                outputs.hostReserved(),
                CudnnRNNBackprop.rnnMode(forward.attributes().getAttrString("rnn_mode")),
                CudnnRNNBackprop.inputMode(CudnnRecurrence.INPUT_MODE),
                CudnnRNNBackprop.direction(CudnnRecurrence.DIRECTION),
                CudnnRNNBackprop.dropout(0f),
                CudnnRNNBackprop.timeMajor(true));
        return List.of(
                backward.inputBackprop(),
                backward.inputHBackprop(),
                backward.inputCBackprop(),
                backward.paramsBackprop(),
                tf.zerosLike(forward.input(4)));
    }

    private static Operand<TFloat32> floats(Output<?> output) {
        return output.expect(TFloat32.class);
    }
}
