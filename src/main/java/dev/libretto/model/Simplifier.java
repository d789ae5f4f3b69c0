package dev.libretto.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.core.Constant;
import org.tensorflow.op.core.Identity;
import org.tensorflow.op.core.Reshape;
import org.tensorflow.op.core.Sum;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.op.linalg.Transpose;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.proto.TensorShapeProto.Dim;

/**
 * Simplifies an unrolled graph with TensorFlow's gradients, where it pays at every time step:
 *
 * <ul>
 *   <li>A gradient of a product of arrays is summed over the axes that were broadcast, and reshaped. Where none was, neither
 *       changes anything, and both are left out, as are identities and what nothing needs.
 *   <li>The gradient of h · U multiplies by the transpose of U. It is formed once: with few rows, a product with a transposed
 *       factor takes up to three times as long as one with a factor that is stored as its transpose.
 * </ul>
 */
final class Simplifier {
    private static final String SHAPE = "Shape";
    private static final String BROADCAST_AXES = "BroadcastGradientArgs";

    private final Graph graph;
    private final Map<String, NodeDef> nodes = new LinkedHashMap<>();
    private final Map<String, Shape> shapes = new HashMap<>();
    /** For each value that is left out, the value that equals it. */
    private final Map<String, String> replacements = new HashMap<>();

    private Simplifier(Graph graph) {
        this.graph = graph;
        graph.toGraphDef().getNodeList().forEach(node -> nodes.put(node.getName(), node));
    }

    /**
     * Returns the operations of the simplified graph by their names, which are those of the graph.
     *
     * @param needed kept, with all they are computed from
     */
    static Map<String, NodeDef> simplify(Graph graph, List<? extends Operand<?>> needed) {
        return new Simplifier(graph).simplify(needed);
    }

    private Map<String, NodeDef> simplify(List<? extends Operand<?>> needed) {
        nodes.values().forEach(this::findReplacement);
        nodes.replaceAll((name, node) -> withReplacedInputs(node));
        Map<String, Long> uses = nodes.values().stream()
                .filter(Simplifier::multipliesByTranspose)
                .collect(Collectors.groupingBy(
                        product -> product.getInput(1), LinkedHashMap::new, Collectors.counting()));
        uses.values().removeIf(count -> count == 1);
        uses.keySet().forEach(this::transposeOnce);
        nodes.keySet().retainAll(ancestors(nodes, needed));
        return nodes;
    }

    /** Returns the names of the operations that values are computed from, and of their own. */
    static Set<String> ancestors(Map<String, NodeDef> nodes, List<? extends Operand<?>> needed) {
        Set<String> ancestors = new HashSet<>();
        Deque<String> open = new ArrayDeque<>();
        needed.forEach(operand -> open.add(operand.op().name()));
        while (!open.isEmpty()) {
            String name = open.remove();
            if (ancestors.add(name)) {
                nodes.get(name).getInputList().forEach(input -> open.add(producer(input)));
            }
        }
        return ancestors;
    }

    private void findReplacement(NodeDef node) {
        if (node.getOp().equals(Identity.OP_NAME) && node.getInputCount() == 1) {
            replacements.put(node.getName(), node.getInput(0));
        } else if (node.getOp().equals(Reshape.OP_NAME)) {
            NodeDef sum = nodes.get(producer(node.getInput(0)));
            if (sum.getOp().equals(Sum.OP_NAME) && isOverNoAxes(sum, node)) {
                replacements.put(node.getName(), sum.getInput(0));
            }
        }
    }

    /** @param reshape to the shape of the factor whose gradient is summed */
    private boolean isOverNoAxes(NodeDef sum, NodeDef reshape) {
        NodeDef axes = nodes.get(producer(sum.getInput(1)));
        if (!axes.getOp().equals(BROADCAST_AXES)) {
            return false;
        }
        List<NodeDef> factors = axes.getInputList().stream()
                .map(shape -> nodes.get(producer(shape)))
                .toList();
        NodeDef own = nodes.get(producer(reshape.getInput(1)));
        return factors.contains(own)
                && factors.stream().allMatch(factor -> factor.getOp().equals(SHAPE))
                && factors.stream().allMatch(factor -> fits(shapeOf(factor.getInput(0)), shapeOf(own.getInput(0))));
    }

    /** Returns whether an array is broadcast to a shape, or has it. */
    private static boolean fits(Shape array, Shape shape) {
        return array.numDimensions() == shape.numDimensions()
                && IntStream.range(0, shape.numDimensions())
                        .allMatch(axis -> array.get(axis) == shape.get(axis) || array.get(axis) == 1);
    }

    private Shape shapeOf(String value) {
        return shapes.computeIfAbsent(value, this::askShapeOf);
    }

    private Shape askShapeOf(String value) {
        return graph.output(value).shape();
    }

    /** Returns the name of the operation of a value or of a control dependency. */
    static String producer(String input) {
        int colon = input.indexOf(':');
        return input.substring(input.startsWith("^") ? 1 : 0, colon < 0 ? input.length() : colon);
    }

    /** Also leaves out control dependencies on what is an input. TensorFlow's gradients have them. */
    private NodeDef withReplacedInputs(NodeDef node) {
        List<String> inputs = new ArrayList<>();
        for (String input : node.getInputList()) {
            boolean isControl = input.startsWith("^");
            String value = isControl ? producer(input) : input;
            while (replacements.containsKey(value)) {
                value = replacements.get(value);
            }
            inputs.add(isControl ? "^" + producer(value) : value);
        }
        Set<String> producers = inputs.stream()
                .filter(input -> !input.startsWith("^"))
                .map(Simplifier::producer)
                .collect(Collectors.toSet());
        inputs.removeIf(input -> input.startsWith("^") && producers.contains(producer(input)));
        return node.toBuilder().clearInput().addAllInput(inputs).build();
    }

    private static boolean multipliesByTranspose(NodeDef node) {
        return node.getOp().equals(MatMul.OP_NAME)
                && node.getAttrOrThrow("transpose_b").getB();
    }

    private void transposeOnce(String kernel) {
        String transposed = "transposed/" + kernel.replace(':', '/');
        AttrValue no = AttrValue.newBuilder().setB(false).build();
        NodeDef.Builder transpose = NodeDef.newBuilder().setName(transposed).setOp(Transpose.OP_NAME);
        nodes.replaceAll((name, node) -> {
            if (!multipliesByTranspose(node) || !node.getInput(1).equals(kernel)) {
                return node;
            }
            transpose.putAttr("T", node.getAttrOrThrow("T"));
            return node.toBuilder()
                    .setInput(1, transposed)
                    .putAttr("transpose_b", no)
                    .build();
        });
        AttrValue int32 = AttrValue.newBuilder().setType(DataType.DT_INT32).build();
        TensorProto order = TensorProto.newBuilder()
                .setDtype(DataType.DT_INT32)
                .setTensorShape(
                        TensorShapeProto.newBuilder().addDim(Dim.newBuilder().setSize(2)))
                .addIntVal(1)
                .addIntVal(0)
                .build();
        NodeDef.Builder axes = NodeDef.newBuilder()
                .setName(transposed + "/axes")
                .setOp(Constant.OP_NAME)
                .putAttr("dtype", int32)
                .putAttr("value", AttrValue.newBuilder().setTensor(order).build());
        transpose.addInput(kernel).addInput(axes.getName()).putAttr("Tperm", int32);
        nodes.put(axes.getName(), axes.build());
        nodes.put(transposed, transpose.build());
    }
}
