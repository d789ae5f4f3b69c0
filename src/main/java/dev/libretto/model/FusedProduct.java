package dev.libretto.model;

import com.google.protobuf.ByteString;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;

/**
 * f(x · W + b) as one operation, {@code _FusedMatMul}, which TensorFlow's graph optimizer also creates. For one row, calling
 * an operation takes as long as its arithmetic, so fewer operations are faster. It rounds differently, has no gradient, lacks
 * some f on GPUs, and accumulates in the type of its factors, so it is used in float32 only.
 *
 * @param kernel W {@code [I, O]}
 * @param bias b {@code [O]}
 */
record FusedProduct(Kernel<?> kernel, Operand<TFloat32> bias) {
    /** As a protocol buffer, because TensorFlow Java 1.1.0 crashes on attributes that are lists of strings. */
    private static final AttrValue BIAS_ADD = strings("BiasAdd");

    private static final AttrValue BIAS_ADD_TANH = strings("BiasAdd", "Tanh");

    /** Returns x · W + b {@code [1, O]} for x {@code [1, I]}. */
    Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x) {
        return apply(tf, x, BIAS_ADD);
    }

    /** Returns tanh(x · W + b) {@code [1, O]} for x {@code [1, I]}. */
    Operand<TFloat32> applyTanh(Ops tf, Operand<TFloat32> x) {
        return apply(tf, x, BIAS_ADD_TANH);
    }

    private Operand<TFloat32> apply(Ops tf, Operand<TFloat32> x, AttrValue functions) {
        OperationBuilder operation = tf.scope().opBuilder("_FusedMatMul", "FusedMatMul");
        // In graphs oneDNN would take over, which is slower for one row; it leaves transposed factors alone.
        boolean asColumn = tf.scope().env().isGraph();
        operation.addInput((asColumn ? tf.reshape(x, tf.constant(new int[] {-1, 1})) : x).asOutput());
        operation.addInput(kernel.values().asOutput());
        operation.addInputList(new Output<?>[] {bias.asOutput()});
        operation.setAttr("fused_ops", functions);
        operation.setAttr("transpose_a", asColumn);
        if (kernel.isTransposed()) {
            operation.setAttr("transpose_b", true);
        }
        return operation.build().output(0);
    }

    private static AttrValue strings(String... values) {
        AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
        for (String value : values) {
            list.addS(ByteString.copyFromUtf8(value));
        }
        return AttrValue.newBuilder().setList(list).build();
    }
}
