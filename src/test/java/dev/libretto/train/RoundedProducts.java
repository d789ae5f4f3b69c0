package dev.libretto.train;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.tensorflow.Graph;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;

/**
 * Simulates on a CPU a GPU that rounds the factors of each product, forward and backward, and sums in float32, such as TF32 with
 * 11 bits of significand.
 */
final class RoundedProducts {
    private static final int FLOAT_BITS = 24;

    private static final AttrValue FLOAT =
            AttrValue.newBuilder().setType(DataType.DT_FLOAT).build();

    private RoundedProducts() {}

    /**
     * Returns a copy of the graph with both factors of every {@code MatMul} in a function rounded.
     *
     * @param alsoProducts whether the products are rounded, too
     */
    static Graph of(Graph graph, int bits, boolean alsoProducts) {
        return changed(graph, function -> {
            FunctionDef.Builder rounded = function.toBuilder().clearNodeDef();
            rounded.addNodeDef(constant("rounding", (1 << (FLOAT_BITS - bits)) + 1));
            Map<String, String> products = new HashMap<>();
            for (NodeDef node : function.getNodeDefList()) {
                if (!node.getOp().equals("MatMul")) {
                    rounded.addNodeDef(node);
                    continue;
                }
                NodeDef.Builder copy = node.toBuilder();
                for (int i = 0; i < 2; i++) {
                    copy.setInput(i, round(rounded, node.getName() + "/factor_" + i, node.getInput(i)));
                }
                if (alsoProducts) {
                    copy.setName(node.getName() + "/exact");
                    products.put(
                            node.getName() + ":product:0",
                            round(rounded, node.getName(), copy.getName() + ":product:0"));
                }
                rounded.addNodeDef(copy);
            }
            return withInputs(rounded, products);
        });
    }

    /**
     * Returns a copy of the graph as a broken device computes it: the outputs of all operations of a type in a function are
     * scaled.
     *
     * @param type {@code Sigmoid} for gates, {@code Tanh} for candidates
     */
    static Graph scaled(Graph graph, String type, float factor) {
        return changed(graph, function -> {
            FunctionDef.Builder scaled = function.toBuilder().clearNodeDef();
            scaled.addNodeDef(constant("factor", factor));
            Map<String, String> outputs = new HashMap<>();
            for (NodeDef node : function.getNodeDefList()) {
                NodeDef.Builder copy = node.toBuilder();
                if (node.getOp().equals(type)) {
                    copy.setName(node.getName() + "/exact");
                    outputs.put(
                            node.getName() + ":y:0",
                            add(scaled, "Mul", node.getName(), copy.getName() + ":y:0", "factor:output:0"));
                }
                scaled.addNodeDef(copy);
            }
            return withInputs(scaled, outputs);
        });
    }

    private static Graph changed(Graph graph, UnaryOperator<FunctionDef> change) {
        GraphDef.Builder changed = graph.toGraphDef().toBuilder();
        for (FunctionDef.Builder function : changed.getLibraryBuilder().getFunctionBuilderList()) {
            FunctionDef original = function.build();
            function.clear().mergeFrom(change.apply(original));
        }
        Graph result = new Graph();
        result.importGraphDef(changed.build());
        return result;
    }

    /** Replaces inputs, and results of the function, by others. */
    private static FunctionDef withInputs(FunctionDef.Builder function, Map<String, String> others) {
        for (NodeDef.Builder node : function.getNodeDefBuilderList()) {
            for (int i = 0; i < node.getInputCount(); i++) {
                node.setInput(i, others.getOrDefault(node.getInput(i), node.getInput(i)));
            }
        }
        Map.copyOf(function.getRetMap())
                .forEach((name, value) -> function.putRet(name, others.getOrDefault(value, value)));
        return function.build();
    }

    /** Dekker (1971): x · (2^s + 1) − (x · (2^s + 1) − x) rounds x to s bits fewer. */
    private static String round(FunctionDef.Builder function, String name, String x) {
        String scaled = add(function, "Mul", name + "/scaled", x, "rounding:output:0");
        String low = add(function, "Sub", name + "/low", scaled, x);
        return add(function, "Sub", name, scaled, low);
    }

    private static String add(FunctionDef.Builder function, String type, String name, String... inputs) {
        function.addNodeDef(operation(type, name, inputs));
        return name + ":z:0";
    }

    private static NodeDef constant(String name, float value) {
        TensorProto tensor = TensorProto.newBuilder()
                .setDtype(DataType.DT_FLOAT)
                .setTensorShape(TensorShapeProto.getDefaultInstance())
                .addFloatVal(value)
                .build();
        return NodeDef.newBuilder()
                .setName(name)
                .setOp("Const")
                .putAttr("dtype", FLOAT)
                .putAttr("value", AttrValue.newBuilder().setTensor(tensor).build())
                .build();
    }

    private static NodeDef operation(String type, String name, String... inputs) {
        return NodeDef.newBuilder()
                .setName(name)
                .setOp(type)
                .addAllInput(List.of(inputs))
                .putAttr("T", FLOAT)
                .build();
    }
}
