package dev.libretto.model;

import dev.libretto.model.CellSpec.Counterpart;
import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The simple recurrent cell (Elman, 1990):
 *
 * <pre>
 *     h' = tanh(x · W + h · U + b)
 * </pre>
 *
 * <p>with the kernel W {@code [I, H]}, the recurrent kernel U {@code [H, H]} and the bias b {@code [H]}.
 *
 * @param recurrentKernel U
 */
record RnnCell(Kernel<?> recurrentKernel) implements Cell {
    static final CellSpec SPEC = new CellSpec(
            "h",
            "h",
            // Keras's, so that the textbook's run stays the same.
            Initializer.GLOROT_UNIFORM,
            Initializer.ZEROS,
            false,
            List.of("h'"),
            Map.of(
                    Library.CUDNN, new Counterpart("rnn_tanh", "h"),
                    Library.PYTORCH, new Counterpart("RNN", "h"),
                    Library.ONNX, new Counterpart("RNN", "h")));

    RnnCell(Recurrent recurrent) {
        this(recurrent.factor());
    }

    @Override
    public Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Operand<TFloat32> h = state.get(0);
        Operand<TFloat32> next = tf.math.tanh(tf.math.addN(List.of(projected, recurrentKernel.apply(tf, h))));
        return new Step(next, List.of(next));
    }

    @Override
    public Step stepOneRow(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Operand<TFloat32> next = recurrentKernel.fused(tf, state.get(0), projected, Kernel.Activation.TANH);
        return new Step(next, List.of(next));
    }
}
