package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.proto.AttrValue;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;

/** Checks the operations, wiring and gradients of the cuDNN training graph, which only a GPU can run. */
class CudnnGraphTest {
    private static final int V = 7;
    private static final int H = 4;
    private static final int T = 5;
    private static final int B = 3;

    static final List<DeviceSpec> TWO_GPUS = List.of(gpu(0), gpu(1));

    private static DeviceSpec gpu(int index) {
        return DeviceSpec.newBuilder()
                .deviceType(DeviceType.GPU)
                .deviceIndex(index)
                .build();
    }

    /** The nodes by name of the graph that computes a batch, as it runs, and the shapes of its gradients. */
    private record Built(Map<String, NodeDef> nodes, List<Shape> gradients) {
        static Built of(ModelConfig model) {
            return of(model, training(model));
        }

        static Built of(ModelConfig model, TrainConfig training) {
            try (Graph graph = new Graph()) {
                PartGraph part = new PartGraph(graph, model, training, plan(1));
                return new Built(
                        byName(graph.toGraphDef().getNodeList()),
                        part.results.gradients().stream()
                                .map(gradient -> gradient.shape())
                                .toList());
            }
        }

        NodeDef forward(int layer) {
            return nodes.get("layer_" + layer + "/CudnnRNN");
        }

        NodeDef backward(int layer) {
            return nodes.get("gradients/layer_" + layer + "/CudnnRNN/CudnnRNNBackprop");
        }
    }

    private static TrainConfig training(ModelConfig model) {
        return TestModels.runConfig(model, T, B, 0.01).training();
    }

    private static ExecutionPlan plan(int batchesPerRun) {
        return new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(1), TFloat32.class, batchesPerRun, 0);
    }

    private static Map<String, NodeDef> byName(List<NodeDef> nodes) {
        return nodes.stream().collect(Collectors.toMap(NodeDef::getName, Function.identity()));
    }

    @ParameterizedTest
    @CsvSource({"RNN, rnn_tanh", "GRU, gru", "LSTM, lstm"})
    void eachLayerIsOneForwardAndOneBackwardOperation(CellType cell, String mode) {
        Built built = Built.of(new ModelConfig(cell, V, H, 2));

        assertThat(built.nodes().values().stream().map(NodeDef::getOp))
                .filteredOn(operation -> operation.startsWith("Cudnn"))
                .containsExactlyInAnyOrder("CudnnRNNV3", "CudnnRNNV3", "CudnnRNNBackpropV3", "CudnnRNNBackpropV3")
                .doesNotContain("Tanh", "Sigmoid");
        for (int layer = 0; layer < 2; layer++) {
            for (NodeDef node : List.of(built.forward(layer), built.backward(layer))) {
                Map<String, AttrValue> attributes = node.getAttrMap();
                assertThat(attributes.get("rnn_mode").getS().toStringUtf8()).isEqualTo(mode);
                assertThat(attributes.get("input_mode").getS().toStringUtf8()).isEqualTo("linear_input");
                assertThat(attributes.get("direction").getS().toStringUtf8()).isEqualTo("unidirectional");
                assertThat(attributes.get("dropout").getF()).isZero();
                assertThat(attributes.get("num_proj").getI()).isZero();
                assertThat(attributes.get("time_major").getB()).isTrue();
            }
            assertThat(built.forward(layer).getAttrMap().get("is_training").getB())
                    .isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"RNN", "GRU", "LSTM"})
    void frozenLayersHaveNoGradients(CellType cell) {
        ModelConfig model = new ModelConfig(cell, V, H, 2);
        List<Shape> shapes = LanguageModel.parameters(model).stream()
                .filter(parameter -> !parameter.layer().equals("layer_0"))
                .map(Parameter::shape)
                .toList();
        Built upper = Built.of(model, training(model).with(c -> c.frozen = List.of("layer_0")));
        Built lower = Built.of(model, training(model).with(c -> c.frozen = List.of("layer_1", "dense")));

        assertThat(upper.gradients()).isEqualTo(shapes);
        assertThat(upper.backward(0)).as("nothing below is trained").isNull();
        assertThat(upper.backward(1)).isNotNull();
        assertThat(lower.gradients()).hasSize(3);
        assertThat(lower.backward(1)).as("the gradient passes through").isNotNull();
    }

    /** The backward operation's inputs: those of the forward operation, its outputs, and their gradients. */
    @ParameterizedTest
    @CsvSource({"RNN", "GRU", "LSTM"})
    void backwardOperationIsWiredToTheForwardOperation(CellType cell) {
        Built built = Built.of(new ModelConfig(cell, V, H, 2));

        for (int layer = 0; layer < 2; layer++) {
            NodeDef forward = built.forward(layer);
            String name = forward.getName();
            List<String> inputs = built.backward(layer).getInputList();
            assertThat(inputs).hasSize(13);
            assertThat(inputs.subList(0, 5)).isEqualTo(forward.getInputList());
            assertThat(inputs.subList(5, 8)).containsExactly(name, name + ":1", name + ":2");
            assertThat(inputs.subList(11, 13)).containsExactly(name + ":3", name + ":4");
            // The loss does not depend on the last state, so its gradient is zero.
            for (int state : List.of(1, 2)) {
                NodeDef zeros = built.nodes().get(inputs.get(8 + state));
                assertThat(zeros.getOp()).isEqualTo("ZerosLike");
                assertThat(zeros.getInputList()).containsExactly(name + ":" + state);
            }
        }
        // The gradient of the lower layer's outputs is that of the upper layer's input.
        assertThat(origin(built, built.backward(0).getInput(8)))
                .isEqualTo(built.backward(1).getName());
    }

    /** Returns the operation that a value comes from, skipping those that only reshape it. */
    private static String origin(Built built, String input) {
        NodeDef node = built.nodes().get(input.replaceFirst(":\\d+$", ""));
        return node.getOp().equals("Reshape") ? origin(built, node.getInput(0)) : node.getName();
    }

    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 0, false",
        "GRU, 2, 0, false",
        "LSTM, 3, 0, false",
        "LSTM, 2, 6, false",
        "GRU, 1, 4, true",
        "RNN, 2, 4, true"
    })
    void gradientsHaveTheShapesOfTheirParameters(CellType cell, int layers, int embeddingSize, boolean isTied) {
        ModelConfig model = new ModelConfig(cell, V, H, layers, embeddingSize, isTied);
        assertThat(Built.of(model).gradients())
                .isEqualTo(LanguageModel.parameters(model).stream()
                        .map(Parameter::shape)
                        .toList());
    }

    /** One-hot vectors, or rows of the embedding. */
    @Test
    void firstLayerReadsCharacters() {
        Built oneHot = Built.of(new ModelConfig(CellType.RNN, V, H, 1));
        assertThat(oneHot.nodes().get(oneHot.forward(0).getInput(0)).getOp()).isEqualTo("OneHot");

        Built embedded = Built.of(new ModelConfig(CellType.RNN, V, H, 1, 6, false));
        NodeDef lookup = embedded.nodes().get(embedded.forward(0).getInput(0));
        assertThat(lookup.getOp()).isEqualTo("GatherV2");
        assertThat(lookup.getInput(0)).isEqualTo("embedding");
    }

    /** In a graph of several batches, each step waits for the update of the step before. */
    @Test
    void everyStepReadsUpdatedVariables() {
        GraphDef definition;
        try (Graph graph = new Graph()) {
            ModelConfig model = new ModelConfig(CellType.LSTM, V, H, 2);
            new TrainingGraph(graph, model, training(model), plan(3));
            definition = graph.toGraphDef();
        }
        Map<String, NodeDef> nodes = byName(definition.getNodeList());
        Map<String, NodeDef> function =
                byName(definition.getLibrary().getFunction(0).getNodeDefList());
        assertThat(function).containsKeys("layer_0/CudnnRNN", "layer_1/CudnnRNN");
        List<String> variables = nodes.values().stream()
                .filter(node -> node.getOp().equals("VariableV2"))
                .map(NodeDef::getName)
                .toList();
        // Three arrays per layer, two of the dense layer, h and c per layer.
        assertThat(variables).hasSize(2 * 3 + 2 + 2 * 2);
        for (int batch = 1; batch < 3; batch++) {
            String step = "batch_" + batch + "/";
            String before = batch == 1 ? "^update" : "^batch_1/update";
            assertThat(nodes.values())
                    .filteredOn(node -> node.getName().matches(step + "Identity(_\\d+)?"))
                    .map(NodeDef::getInputList)
                    .map(List::copyOf)
                    .containsExactlyInAnyOrderElementsOf(variables.stream()
                            .map(variable -> List.of(variable, before))
                            .toList());
            assertThat(nodes.get(step + "part").getAttrMap().get("f").getFunc().getName())
                    .isEqualTo(definition
                            .getLibrary()
                            .getFunction(0)
                            .getSignature()
                            .getName());
        }
    }

    /** A session places each operation where it has a kernel; a device name in the graph would pin it. */
    @Test
    void noOperationIsPinnedToADevice() {
        try (Graph graph = new Graph()) {
            ModelConfig model = new ModelConfig(CellType.LSTM, V, H, 2);
            new TrainingGraph(graph, model, training(model), plan(1));
            assertThat(TestGraphs.nodes(graph.toGraphDef()))
                    .extracting(NodeDef::getDevice)
                    .containsOnly("");
        }
    }

    /**
     * A function has no devices of its own: all of a part, its recurrence and gradients, is computed where its call is. A
     * parameter, its slots, the sum of its gradients and its update are on one GPU.
     */
    @Test
    void partsAndParametersAreSpreadOverGpus() {
        GraphDef definition;
        try (Graph graph = new Graph()) {
            ModelConfig model = new ModelConfig(CellType.LSTM, V, H, 2);
            TrainConfig training = training(model).with(c -> c.optimizer = Optimizer.adam(0.01));
            ExecutionPlan plan = new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(3), TFloat32.class, 2, 100);
            new TrainingGraph(graph, model, training, plan.at(TWO_GPUS));
            definition = graph.toGraphDef();
        }
        assertThat(definition.getLibrary().getFunctionList().stream()
                        .flatMap(function -> function.getNodeDefList().stream()))
                .extracting(NodeDef::getDevice)
                .containsOnly("");
        List<String> calls = List.of("/device:GPU:0", "/device:GPU:0", "/device:GPU:1");
        assertThat(devices(definition, "part(_\\d)?")).isEqualTo(calls);
        assertThat(devices(definition, "batch_1/part(_\\d)?")).isEqualTo(calls);

        Map<String, NodeDef> nodes = byName(definition.getNodeList());
        List<NodeDef> updates = definition.getNodeList().stream()
                .filter(node -> node.getOp().equals("ApplyAdam"))
                .toList();
        // In each of two batches, three arrays of each layer and two of the dense layer.
        assertThat(updates).hasSize(2 * (2 * 3 + 2));
        for (NodeDef update : updates) {
            for (int input : List.of(0, 1, 2)) {
                NodeDef variable = nodes.get(update.getInput(input));
                assertThat(variable.getOp()).isEqualTo("VariableV2");
                assertThat(variable.getDevice()).isEqualTo(update.getDevice());
            }
            NodeDef gradient = nodes.get(update.getInput(9));
            assertThat(gradient.getName()).contains("descend/");
            NodeDef sum = nodes.get(gradient.getInput(0));
            assertThat(sum.getOp()).isEqualTo("Add");
            assertThat(List.of(gradient.getDevice(), sum.getDevice())).containsOnly(update.getDevice());
        }
        assertThat(updates).extracting(NodeDef::getDevice).contains("/device:GPU:0", "/device:GPU:1");
    }

    private static List<String> devices(GraphDef definition, String name) {
        return definition.getNodeList().stream()
                .filter(node -> node.getName().matches(name))
                .map(NodeDef::getDevice)
                .toList();
    }

    @Test
    void cudnnIsUsedOnGpusForItsCells() {
        for (CellType cell : CellType.values()) {
            ModelConfig model = new ModelConfig(cell, V, H, 1);
            assertThat(RecurrenceType.of(model, true, TFloat32.class))
                    .isEqualTo(cell == CellType.GRU_RESET_BEFORE ? RecurrenceType.UNROLLED : RecurrenceType.CUDNN);
            assertThat(RecurrenceType.of(model, true, TBfloat16.class)).isEqualTo(RecurrenceType.UNROLLED);
            assertThat(RecurrenceType.of(model, false, TFloat32.class)).isEqualTo(RecurrenceType.UNROLLED);
        }
        assertThatThrownBy(() -> Built.of(new ModelConfig(CellType.GRU_RESET_BEFORE, V, H, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("cuDNN has no gru-reset-before");
        ModelConfig documents = new ModelConfig(CellType.LSTM, V, H, 1, 0, false, true);
        assertThat(RecurrenceType.of(documents, true, TFloat32.class)).isEqualTo(RecurrenceType.UNROLLED);
        assertThatThrownBy(() -> Built.of(documents))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("cuDNN cannot zero the state where a document begins");
    }
}
