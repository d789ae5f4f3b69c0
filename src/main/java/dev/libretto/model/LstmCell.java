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
 * The long short-term memory (Hochreiter and Schmidhuber, 1997; the forget gate after Gers, Schmidhuber and Cummins, 2000):
 *
 * <pre>
 *     i, f, g, o = x · W + h · U + b          in blocks of H columns
 *     c' = σ(f) ∘ c + σ(i) ∘ tanh(g)
 *     h' = σ(o) ∘ tanh(c')
 * </pre>
 *
 * <p>with the kernel W {@code [I, 4·H]}, the recurrent kernel U {@code [H, 4·H]} and the bias b {@code [4·H]}. The state is
 * h and c, the output h'.
 *
 * @param recurrentKernel U
 */
record LstmCell(Kernel<?> recurrentKernel) implements Cell {
    static final CellSpec SPEC = new CellSpec(
            "ifgo",
            "hc",
            Initializer.UNIT_UNIFORM,
            Initializer.UNIT_FORGET_BIAS,
            false,
            List.of("i", "f", "g", "o", "c'", "tanh(c')"),
            Map.of(
                    Library.CUDNN, new Counterpart("lstm", "ifgo"),
                    Library.PYTORCH, new Counterpart("LSTM", "ifgo"),
                    Library.ONNX, new Counterpart("LSTM", "iofg")));

    LstmCell(Recurrent recurrent) {
        this(recurrent.factor());
    }

    @Override
    public Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Operand<TFloat32> h = state.get(0);
        return step(tf, tf.math.addN(List.of(projected, recurrentKernel.apply(tf, h))), state.get(1));
    }

    @Override
    public Step stepOneRow(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        return step(tf, recurrentKernel.fused(tf, state.get(0), projected, Kernel.Activation.NONE), state.get(1));
    }

    /** @param gates i, f, g, o before activation */
    private static Step step(Ops tf, Operand<TFloat32> gates, Operand<TFloat32> c) {
        List<org.tensorflow.Output<TFloat32>> blocks =
                tf.split(tf.constant(1), gates, 4L).output();
        Operand<TFloat32> kept = tf.math.mul(tf.math.sigmoid(blocks.get(1)), c);
        Operand<TFloat32> added = tf.math.mul(tf.math.sigmoid(blocks.get(0)), tf.math.tanh(blocks.get(2)));
        Operand<TFloat32> nextC = tf.math.addN(List.of(kept, added));
        Operand<TFloat32> nextH = tf.math.mul(tf.math.sigmoid(blocks.get(3)), tf.math.tanh(nextC));
        return new Step(nextH, List.of(nextH, nextC));
    }
}
