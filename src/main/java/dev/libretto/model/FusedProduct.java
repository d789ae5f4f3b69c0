package dev.libretto.model;

import com.google.protobuf.ByteString;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.OperationBuilder;
import org.tensorflow.Output;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.types.TFloat32;

/**
 * f(x · W + b) as one operation of TensorFlow, {@code _FusedMatMul}, with which its optimizer replaces the operations that it
 * is made of. For one row the call of an operation takes as long as its arithmetic, so that fewer of them count. It rounds
 * differently, has no gradient, and on a GPU does not have every f.
 *
 * @param kernel W {@code [I, O]}, or its transpose
 * @param isTransposed whether it is the transpose
 * @param bias b {@code [O]}
 */
record FusedProduct(Operand<TFloat32> kernel, boolean isTransposed, Operand<TFloat32> bias) {
    private static final String BIAS_ADD = "BiasAdd";

    /** x · W + b. */
    Operand<TFloat32> of(Ops tf, Operand<TFloat32> x) {
        return of(tf, x, List.of(BIAS_ADD));
    }

    /** tanh(x · W + b). */
    Operand<TFloat32> tanhOf(Ops tf, Operand<TFloat32> x) {
        return of(tf, x, List.of(BIAS_ADD, "Tanh"));
    }

    private Operand<TFloat32> of(Ops tf, Operand<TFloat32> x, List<String> functions) {
        OperationBuilder operation = tf.scope().opBuilder("_FusedMatMul", "FusedMatMul");
        operation.addInput(x.asOutput());
        operation.addInput(kernel.asOutput());
        operation.addInputList(new Output<?>[] {bias.asOutput()});
        operation.setAttr("num_args", 1);
        operation.setAttr("transpose_b", isTransposed);
        operation.setAttr("fused_ops", strings(functions));
        return operation.build().output(0);
    }

    private static AttrValue strings(List<String> values) {
        AttrValue.ListValue.Builder list = AttrValue.ListValue.newBuilder();
        values.forEach(value -> list.addS(ByteString.copyFromUtf8(value)));
        return AttrValue.newBuilder().setList(list).build();
    }
}
