package dev.libretto.model;

import com.google.protobuf.ByteString;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;

/**
 * f(x · W + b) as one operation of TensorFlow, {@code _FusedMatMul}, with which its optimizer replaces the operations that it
 * is made of. For one row the call of an operation takes as long as its arithmetic, so that fewer of them count. It rounds
 * differently, has no gradient, on a GPU does not have every f, and adds in the type of the factors, so it is for float32 only.
 *
 * @param kernel W {@code [I, O]}
 * @param bias b {@code [O]}
 */
record FusedProduct(Kernel<?> kernel, Operand<TFloat32> bias) {
    /** As messages, for TensorFlow Java 1.1.0 crashes on the list of strings that they are. */
    private static final AttrValue BIAS_ADD = strings("BiasAdd");

    private static final AttrValue BIAS_ADD_TANH = strings("BiasAdd", "Tanh");

    /** x {@code [1, I]} gives x · W + b {@code [1, O]}. */
    Operand<TFloat32> of(Ops tf, Operand<TFloat32> x) {
        return of(tf, x, BIAS_ADD);
    }

    /** x {@code [1, I]} gives tanh(x · W + b) {@code [1, O]}. */
    Operand<TFloat32> tanhOf(Ops tf, Operand<TFloat32> x) {
        return of(tf, x, BIAS_ADD_TANH);
    }

    private Operand<TFloat32> of(Ops tf, Operand<TFloat32> x, AttrValue functions) {
        OperationBuilder operation = tf.scope().opBuilder("_FusedMatMul", "FusedMatMul");
        // In graphs oneDNN would take over, which is the slower one for a row, but it leaves transposed factors alone.
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
