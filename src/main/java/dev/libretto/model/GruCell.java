package dev.libretto.model;

import dev.libretto.model.CellSpec.Counterpart;
import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.Map;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;

/**
 * The gated recurrent unit (Cho et al., 2014) with the reset gate after the recurrent product, as in cuDNN, PyTorch and Keras
 * ({@code reset_after=True}):
 *
 * <pre>
 *     x_z, x_r, x_n = x · W + b               in blocks of H columns
 *     h_z, h_r, h_n = h · U + d
 *     z = σ(x_z + h_z)
 *     r = σ(x_r + h_r)
 *     n = tanh(x_n + r ∘ h_n)
 *     h' = z ∘ h + (1 − z) ∘ n
 * </pre>
 *
 * <p>with the kernel W {@code [I, 3·H]}, the recurrent kernel U {@code [H, 3·H]} and the biases b and d, the rows of an array
 * {@code [2, 3·H]}.
 *
 * @param recurrentKernel U
 * @param recurrentBias d
 */
record GruCell(Kernel<?> recurrentKernel, Operand<TFloat32> recurrentBias) implements Cell {
    static final CellSpec SPEC = new CellSpec(
            "zrn",
            "h",
            Initializer.UNIT_UNIFORM,
            Initializer.ZEROS,
            true,
            List.of("z", "r", "n", "h − n", "h_n"),
            Map.of(
                    Library.CUDNN, new Counterpart("gru", "rzn"),
                    Library.PYTORCH, new Counterpart("GRU", "rzn"),
                    Library.ONNX, new Counterpart("GRU", "zrn", Map.of("linear_before_reset", 1))));

    GruCell(Recurrent recurrent) {
        this(recurrent.factor(), recurrent.bias());
    }

    @Override
    public Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Operand<TFloat32> h = state.get(0);
        List<Output<TFloat32>> x = tf.split(tf.constant(1), projected, 3L).output();
        Operand<TFloat32> product = tf.nn.biasAdd(recurrentKernel.apply(tf, h), recurrentBias);
        List<Output<TFloat32>> u = tf.split(tf.constant(1), product, 3L).output();
        Operand<TFloat32> z = tf.math.sigmoid(tf.math.addN(List.of(x.get(0), u.get(0))));
        Operand<TFloat32> r = tf.math.sigmoid(tf.math.addN(List.of(x.get(1), u.get(1))));
        Operand<TFloat32> n = tf.math.tanh(tf.math.addN(List.of(x.get(2), tf.math.mul(r, u.get(2)))));
        Operand<TFloat32> next = mix(tf, z, h, n);
        return new Step(next, List.of(next));
    }

    /** Returns z ∘ h + (1 − z) ∘ n, computed as n + z ∘ (h − n). */
    static Operand<TFloat32> mix(Ops tf, Operand<TFloat32> z, Operand<TFloat32> h, Operand<TFloat32> n) {
        return tf.math.addN(List.of(n, tf.math.mul(z, tf.math.sub(h, n))));
    }
}
