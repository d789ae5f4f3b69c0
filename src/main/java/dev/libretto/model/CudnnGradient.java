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
 * The gradient of {@link CudnnRNN}: {@link CudnnRNNBackprop}, which TensorFlow's native library has but does not know for a
 * gradient.
 */
final class CudnnGradient {
    private CudnnGradient() {}

    /** Makes it known for every graph of the process; a second time does nothing. */
    static void register() {
        TensorFlowSetup.apply();
        TensorFlow.registerCustomGradient(CudnnRNN.OP_NAME, CudnnGradient::derive);
    }

    /**
     * Adds the operation that goes back. TensorFlow calls this with the graph locked: what asks the graph for a shape here
     * waits forever.
     *
     * @param forward a {@link CudnnRNN}
     * @param dOutputs what comes back to its outputs: all time steps, h, c, and two that nothing comes back to
     * @return what comes back to its inputs: the vectors, h, c, the parameters, and zeros to the sequence lengths
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
