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
 * The gated recurrent unit as first published (Cho et al., 2014), with the reset gate before the recurrent product, as in
 * Keras with {@code reset_after=False}:
 *
 * <pre>
 *     x_z, x_r, x_n = x · W + b               in blocks of H columns
 *     U_z, U_r, U_n = U
 *     z = σ(x_z + h · U_z)
 *     r = σ(x_r + h · U_r)
 *     n = tanh(x_n + (r ∘ h) · U_n)
 *     h' = z ∘ h + (1 − z) ∘ n
 * </pre>
 *
 * <p>with the kernel W {@code [I, 3·H]}, the recurrent kernel U {@code [H, 3·H]} and the bias b {@code [3·H]}.
 */
final class GruResetBeforeCell implements Cell {
    static final CellSpec SPEC = new CellSpec(
            "zrn",
            "h",
            Initializer.UNIT_UNIFORM,
            Initializer.ZEROS,
            false,
            List.of("z", "r", "n", "h − n", "h", "r ∘ h"),
            Map.of(Library.ONNX, new Counterpart("GRU", "zrn", Map.of("linear_before_reset", 0))));

    /** U_z and U_r, {@code [H, 2·H]}. */
    private final Kernel<?> gateKernel;
    /** U_n, {@code [H, H]}. */
    private final Kernel<?> candidateKernel;

    GruResetBeforeCell(Recurrent recurrent) {
        Ops tf = recurrent.tf();
        int h = Math.toIntExact(recurrent.kernel().shape().get(0));
        List<Output<TFloat32>> kernels = tf.splitV(
                        recurrent.kernel(), tf.constant(new int[] {2 * h, h}), tf.constant(1), 2L)
                .output();
        gateKernel = recurrent.factor(kernels.get(0));
        candidateKernel = recurrent.factor(kernels.get(1));
    }

    @Override
    public Step step(Ops tf, Operand<TFloat32> projected, List<Operand<TFloat32>> state) {
        Operand<TFloat32> h = state.get(0);
        List<Output<TFloat32>> x = tf.split(tf.constant(1), projected, 3L).output();
        List<Output<TFloat32>> u =
                tf.split(tf.constant(1), gateKernel.apply(tf, h), 2L).output();
        Operand<TFloat32> z = tf.math.sigmoid(tf.math.addN(List.of(x.get(0), u.get(0))));
        Operand<TFloat32> r = tf.math.sigmoid(tf.math.addN(List.of(x.get(1), u.get(1))));
        Operand<TFloat32> candidate = candidateKernel.apply(tf, tf.math.mul(r, h));
        Operand<TFloat32> n = tf.math.tanh(tf.math.addN(List.of(x.get(2), candidate)));
        Operand<TFloat32> next = GruCell.mix(tf, z, h, n);
        return new Step(next, List.of(next));
    }
}
