package dev.libretto.train;

import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
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
     * Returns a copy of the graph with both factors of every {@code MatMul} rounded.
     *
     * @param alsoProducts whether the products are rounded, too
     */
    static Graph of(Graph graph, int bits, boolean alsoProducts) {
        GraphDef.Builder rounded = GraphDef.newBuilder();
        GraphDef original = graph.toGraphDef();
        rounded.setVersions(original.getVersions()).setLibrary(original.getLibrary());
        rounded.addNode(constant("rounding", (1 << (FLOAT_BITS - bits)) + 1));
        for (NodeDef node : original.getNodeList()) {
            NodeDef.Builder copy = node.toBuilder();
            if (node.getOp().equals("MatMul")) {
                for (int i = 0; i < 2; i++) {
                    round(rounded, node.getName() + "/factor_" + i, node.getInput(i));
                    copy.setInput(i, node.getName() + "/factor_" + i);
                }
                if (alsoProducts) {
                    copy.setName(node.getName() + "/product");
                    round(rounded, node.getName(), copy.getName());
                }
            }
            rounded.addNode(copy);
        }
        Graph result = new Graph();
        result.importGraphDef(rounded.build());
        return result;
    }

    /**
     * Returns a copy of the graph as a broken device computes it: the outputs of all operations of a type are scaled.
     *
     * @param type {@code Sigmoid} for gates, {@code Tanh} for candidates
     */
    static Graph scaled(Graph graph, String type, float factor) {
        GraphDef.Builder scaled = GraphDef.newBuilder();
        GraphDef original = graph.toGraphDef();
        scaled.setVersions(original.getVersions()).setLibrary(original.getLibrary());
        scaled.addNode(constant("factor", factor));
        for (NodeDef node : original.getNodeList()) {
            NodeDef.Builder copy = node.toBuilder();
            if (node.getOp().equals(type)) {
                copy.setName(node.getName() + "/exact");
                scaled.addNode(operation("Mul", node.getName(), copy.getName(), "factor"));
            }
            scaled.addNode(copy);
        }
        Graph result = new Graph();
        result.importGraphDef(scaled.build());
        return result;
    }

    /** Dekker (1971): x · (2^s + 1) − (x · (2^s + 1) − x) rounds x to s bits fewer. */
    private static void round(GraphDef.Builder graph, String name, String x) {
        graph.addNode(operation("Mul", name + "/scaled", x, "rounding"))
                .addNode(operation("Sub", name + "/low", name + "/scaled", x))
                .addNode(operation("Sub", name, name + "/scaled", name + "/low"));
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
