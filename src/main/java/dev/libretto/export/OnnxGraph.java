package dev.libretto.export;

import static dev.libretto.export.ExecutableModel.IDS;
import static dev.libretto.export.ExecutableModel.LOGITS;
import static dev.libretto.export.ExecutableModel.LOG_PROBABILITIES;
import static dev.libretto.export.ExecutableModel.state;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.UnsafeByteOperations;
import dev.libretto.model.CellSpec.Counterpart;
import dev.libretto.model.CellSpec.Library;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The graph of an ONNX file. Each layer is one {@code RNN}, {@code GRU} or {@code LSTM} operator over all time steps.
 *
 * <pre>
 *     ids [T, B], state_0 … [B, H]   →  logits [T, B, V], next_state_0 … [B, H], log_probabilities [T − 1, B]
 * </pre>
 *
 * <p>Row t of the log-probabilities is log p(ids[t + 1] | ids[0] … ids[t], state), in nats. A decoding step has T = 1.
 */
final class OnnxGraph {
    private final ModelConfig config;
    private final Weights weights;
    private final GraphProto.Builder graph = GraphProto.newBuilder().setName("language_model");

    private OnnxGraph(ModelConfig config, Weights weights) {
        this.config = config;
        this.weights = weights;
    }

    static String nextState(int index) {
        return "next_state_" + index;
    }

    static GraphProto of(ModelConfig config, Weights weights) {
        OnnxGraph built = new OnnxGraph(config, weights);
        built.declare();
        built.add();
        return built.graph.build();
    }

    private void declare() {
        graph.addInput(value(IDS, TensorProto.DataType.INT64, "T", "B"));
        graph.addOutput(value(LOGITS, TensorProto.DataType.FLOAT, "T", "B", config.vocabularySize()));
        for (int i = 0; i < config.states(); i++) {
            graph.addInput(value(state(i), TensorProto.DataType.FLOAT, "B", config.hiddenSize()));
            graph.addOutput(value(nextState(i), TensorProto.DataType.FLOAT, "B", config.hiddenSize()));
        }
        graph.addOutput(value(LOG_PROBABILITIES, TensorProto.DataType.FLOAT, "T - 1", "B"));
    }

    private void add() {
        constant("zero", 0);
        constant("one", 1);
        constant("minus_one", -1);
        String rows = config.embeddingSize() > 0 ? embedded() : oneHot();
        for (int layer = 0; layer < config.layers(); layer++) {
            rows = recurrent(layer, rows);
        }
        if (config.tieEmbeddings()) {
            node("Transpose", List.of("embedding"), "dense_kernel");
        } else {
            initializer("dense_kernel", values("dense/kernel"), config.hiddenSize(), config.vocabularySize());
        }
        initializer("dense_bias", values("dense/bias"), config.vocabularySize());
        node("MatMul", List.of(rows, "dense_kernel"), "dense_product");
        node("Add", List.of("dense_product", "dense_bias"), LOGITS);
        logProbabilities();
    }

    /** Maps {@code [T, B]} to {@code [T, B, V]}. */
    private String oneHot() {
        constant("vocabulary_size", config.vocabularySize());
        initializer("off_and_on", new float[] {0, 1}, 2);
        node("OneHot", List.of(IDS, "vocabulary_size", "off_and_on"), "one_hot");
        return "one_hot";
    }

    /** Maps {@code [T, B]} to {@code [T, B, E]}. */
    private String embedded() {
        initializer("embedding", values("embedding"), config.vocabularySize(), config.embeddingSize());
        node("Gather", List.of("embedding", IDS), "embedded");
        return "embedded";
    }

    /**
     * Adds a layer.
     *
     * @param rows its input, {@code [T, B, I]}
     * @return its output, {@code [T, B, H]}
     */
    private String recurrent(int layer, String rows) {
        CellType cell = config.cell();
        int hidden = config.hiddenSize();
        int columns = cell.gates() * hidden;
        String name = "layer_" + layer;
        Gates gates = Gates.of(cell, Library.ONNX, "export a SavedModel");
        float[] kernel = values(name + "/kernel");
        initializer(name + "_W", gates.toRows(kernel, columns), 1, columns, kernel.length / columns);
        initializer(name + "_R", gates.toRows(values(name + "/recurrent_kernel"), columns), 1, columns, hidden);
        initializer(name + "_B", biases(gates, values(name + "/bias"), columns), 1, 2 * columns);

        List<String> inputs = new ArrayList<>(List.of(rows, name + "_W", name + "_R", name + "_B", ""));
        List<String> outputs = new ArrayList<>(List.of(name + "_Y"));
        for (int i = layer * cell.states(); i < (layer + 1) * cell.states(); i++) {
            node("Unsqueeze", List.of(state(i), "zero"), state(i) + "_in");
            inputs.add(state(i) + "_in");
            outputs.add(nextState(i) + "_out");
        }
        Counterpart operator = cell.in(Library.ONNX);
        NodeProto.Builder node = node(operator.name(), inputs, outputs).addAttribute(attribute("hidden_size", hidden));
        operator.attributes().forEach((key, value) -> node.addAttribute(attribute(key, value)));
        for (int i = layer * cell.states(); i < (layer + 1) * cell.states(); i++) {
            node("Squeeze", List.of(nextState(i) + "_out", "zero"), nextState(i));
        }
        node("Squeeze", List.of(name + "_Y", "one"), name + "_output");
        return name + "_output";
    }

    /** Returns ONNX's two biases, for the input and for the recurrent product; the second is zero if the cell has one. */
    private static float[] biases(Gates gates, float[] bias, int columns) {
        float[] both = new float[2 * columns];
        for (int from = 0; from < bias.length; from += columns) {
            float[] reordered = gates.reorder(Arrays.copyOfRange(bias, from, from + columns));
            System.arraycopy(reordered, 0, both, from, columns);
        }
        return both;
    }

    private void logProbabilities() {
        node("Slice", List.of(LOGITS, "zero", "minus_one", "zero"), "predicting");
        node("LogSoftmax", List.of("predicting"), "log_softmax").addAttribute(attribute("axis", -1));
        constant("largest", Long.MAX_VALUE);
        node("Slice", List.of(IDS, "one", "largest", "zero"), "predicted");
        node("Unsqueeze", List.of("predicted", "minus_one"), "places");
        node("GatherElements", List.of("log_softmax", "places"), "picked").addAttribute(attribute("axis", 2));
        node("Squeeze", List.of("picked", "minus_one"), LOG_PROBABILITIES);
    }

    private float[] values(String name) {
        return weights.parameters().stream()
                .filter(parameter -> parameter.name().equals(name))
                .map(weights::of)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the model has no " + name));
    }

    private void constant(String name, long value) {
        graph.addInitializer(TensorProto.newBuilder()
                .setName(name)
                .setDataType(TensorProto.DataType.INT64_VALUE)
                .addDims(1)
                .addInt64Data(value));
    }

    private void initializer(String name, float[] values, long... shape) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        TensorProto.Builder tensor = TensorProto.newBuilder()
                .setName(name)
                .setDataType(TensorProto.DataType.FLOAT_VALUE)
                .setRawData(UnsafeByteOperations.unsafeWrap(bytes));
        Arrays.stream(shape).forEach(tensor::addDims);
        graph.addInitializer(tensor);
    }

    private NodeProto.Builder node(String operator, List<String> inputs, String output) {
        return node(operator, inputs, List.of(output));
    }

    /** Adds a node named after its first output; the caller may add attributes. */
    private NodeProto.Builder node(String operator, List<String> inputs, List<String> outputs) {
        return graph.addNodeBuilder()
                .setName(outputs.get(0) + "/" + operator)
                .setOpType(operator)
                .addAllInput(inputs)
                .addAllOutput(outputs);
    }

    private static AttributeProto attribute(String name, long value) {
        return AttributeProto.newBuilder()
                .setName(name)
                .setType(AttributeProto.AttributeType.INT)
                .setI(value)
                .build();
    }

    /** @param shape an integer for a known dimension, a name for an unknown one */
    private static ValueInfoProto value(String name, TensorProto.DataType type, Object... shape) {
        TensorShapeProto.Builder sizes = TensorShapeProto.newBuilder();
        for (Object size : shape) {
            TensorShapeProto.Dimension.Builder dimension = sizes.addDimBuilder();
            if (size instanceof Integer known) {
                dimension.setDimValue(known);
            } else {
                dimension.setDimParam((String) size);
            }
        }
        return ValueInfoProto.newBuilder()
                .setName(name)
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(type.getNumber())
                                .setShape(sizes)))
                .build();
    }
}
