package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Ids;
import dev.libretto.train.TrainStep.StepMetrics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.DeviceSpec.DeviceType;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

/** Splitting the rows of a batch into parts gives the same training steps. */
@Tag("numeric")
class PartsTest {
    private static final int T = 7;
    private static final int V = 9;
    private static final int STEPS = 4;
    private static final double LEARNING_RATE = 0.1;
    private static final double CLIP_NORM = 1;

    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 6, 2",
        "RNN, 2, 2, 2",
        "RNN, 1, 5, 2",
        "GRU, 2, 4, 4",
        "GRU, 1, 5, 3",
        "GRU_RESET_BEFORE, 1, 6, 3",
        "GRU_RESET_BEFORE, 2, 3, 2",
        "LSTM, 2, 6, 2",
        "LSTM, 1, 3, 2",
        "LSTM, 2, 5, 4"
    })
    void partsMatchTheWholeBatch(CellType cell, int layers, int rows, int parts) {
        ModelConfig model = new ModelConfig(cell, V, 5, layers);
        RunConfig config = TestModels.runConfig(model, T, rows, CLIP_NORM);
        double error = error(model, rows);
        Checkpoint start = Checkpoint.start(config.model(), config.training(), TestModels.randomWeights(model, 3));
        try (TrainStep whole = new TrainStep(config.model(), config.training(), start, Ids.of(), execution(config, 1));
                TrainStep split =
                        new TrainStep(config.model(), config.training(), start, Ids.of(), execution(config, parts))) {
            for (int i = 0; i < STEPS; i++) {
                Batch batch = new Batch(
                        TestModels.randomIds(T * rows, V, 2 * i),
                        TestModels.randomIds(T * rows, V, 2 * i + 1),
                        i > 0,
                        new long[0]);
                StepMetrics expected = whole.run(batch, LEARNING_RATE, i + 1);
                StepMetrics actual = split.run(batch, LEARNING_RATE, i + 1);
                Rounding.assertClose(
                        "loss and gradient norm of step " + i,
                        new float[] {actual.loss(), actual.gradientNorm()},
                        new float[] {expected.loss(), expected.gradientNorm()},
                        error);
            }
            Checkpoint expected = whole.checkpoint(Progress.start());
            Checkpoint actual = split.checkpoint(Progress.start());
            assertClose(actual.weights(), expected.weights(), error);
            assertClose(actual.state(), expected.state(), error);
        }
    }

    @Test
    void partsAreSharedOutEvenlyInTheirOrder() {
        DeviceSpec a = DeviceSpec.newBuilder().task(0).build();
        DeviceSpec b = DeviceSpec.newBuilder().task(1).build();
        DeviceSpec c = DeviceSpec.newBuilder().task(2).build();
        assertThat(Parts.of(8, List.of(a, b, c)).places()).containsExactly(a, a, a, b, b, b, c, c);
        assertThat(Parts.of(4, List.of(a, b)).places()).containsExactly(a, a, b, b);
    }

    /** TensorFlow would send a value of another place to each call there. */
    @Test
    void parametersAreSentToEachPlaceOnce() {
        RunConfig config = TestModels.runConfig(new ModelConfig(CellType.LSTM, V, 5, 2), T, 8, CLIP_NORM);
        Map<String, NodeDef> nodes = nodes(config, 4);
        for (Parameter parameter : LanguageModel.parameters(config.model())) {
            NodeDef variable = nodes.get(Variables.name(parameter));
            NodeDef send = send(nodes, parameter);
            assertThat(nodes.values())
                    .as(parameter.name())
                    .filteredOn(node -> node.getOp().equals("PartitionedCall"))
                    .hasSize(4)
                    .allSatisfy(call -> assertThat(call.getInputList())
                            .contains(
                                    call.getDevice().equals(variable.getDevice())
                                            ? variable.getName()
                                            : send.getName()));
        }
    }

    /** A network that delivers all at the same time, or in any order, keeps the first layer waiting. */
    @Test
    void hostsSendALayerWhenTheOneBeforeHasArrived() {
        RunConfig config = TestModels.runConfig(new ModelConfig(CellType.LSTM, V, 5, 3), T, 8, CLIP_NORM);
        Map<String, NodeDef> nodes = nodes(config, 2);
        for (DeviceSpec place : List.of(cpu(0), cpu(1))) {
            Map<String, List<NodeDef>> sent = new LinkedHashMap<>();
            for (Parameter parameter : LanguageModel.parameters(config.model())) {
                NodeDef send = send(nodes, parameter);
                if (send.getDevice().equals(place.toString())) {
                    sent.computeIfAbsent(parameter.layer(), layer -> new ArrayList<>())
                            .add(send);
                }
            }
            assertThat(sent.keySet()).as("layers sent to %s", place).contains("layer_0", "layer_1", "layer_2");
            List<String> arrived = List.of();
            for (List<NodeDef> ofLayer : sent.values()) {
                for (NodeDef send : ofLayer) {
                    NodeDef source = nodes.get(send.getInput(0));
                    assertThat(source.getDevice()).isNotEqualTo(place.toString());
                    assertThat(source.getInputList())
                            .filteredOn(input -> input.startsWith("^"))
                            .containsExactlyElementsOf(arrived);
                }
                arrived = ofLayer.stream().map(send -> "^" + send.getName()).toList();
            }
        }
    }

    /** Returns the nodes of a training graph for two hosts, by name. */
    private static Map<String, NodeDef> nodes(RunConfig config, int parts) {
        try (Graph graph = new Graph()) {
            ExecutionPlan plan = execution(config, parts).at(List.of(cpu(0), cpu(1)));
            new TrainingGraph(graph, config.model(), config.training(), plan);
            return graph.toGraphDef().getNodeList().stream()
                    .collect(Collectors.toMap(NodeDef::getName, Function.identity()));
        }
    }

    /** Returns the only node that has a parameter at the place where its variable is not. */
    private static NodeDef send(Map<String, NodeDef> nodes, Parameter parameter) {
        NodeDef variable = nodes.get(Variables.name(parameter));
        List<NodeDef> sends = nodes.values().stream()
                .filter(node -> node.getOp().equals("Identity")
                        && !node.getDevice().equals(variable.getDevice())
                        && (node.getInput(0).equals(variable.getName())
                                || nodes.get(node.getInput(0)).getOp().equals("Identity")
                                        && nodes.get(node.getInput(0))
                                                .getInput(0)
                                                .equals(variable.getName())))
                .toList();
        assertThat(sends).as(parameter.name()).hasSize(1);
        return sends.get(0);
    }

    /** Of four parts at two places, each place adds its two, and the end adds the sums. */
    @Test
    void sumsAreAddedWherePartsAre() {
        DeviceSpec a = cpu(0);
        DeviceSpec b = cpu(1);
        DeviceSpec end = cpu(2);
        try (Graph graph = new Graph()) {
            Ops tf = Ops.create(graph);
            List<Operand<TFloat32>> terms = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                terms.add(tf.withName("term_" + i).placeholder(TFloat32.class));
            }
            Parts.of(4, List.of(a, b)).sum(tf, terms, end);
            assertThat(graph.toGraphDef().getNodeList())
                    .filteredOn(node -> node.getOp().equals("Add"))
                    .extracting(NodeDef::getInputList, NodeDef::getDevice)
                    .containsExactly(
                            tuple(List.of("term_0", "term_1"), a.toString()),
                            tuple(List.of("term_2", "term_3"), b.toString()),
                            tuple(List.of("Add", "Add_1"), end.toString()));
        }
    }

    @Test
    void placesDoNotChangeTheBits() {
        ModelConfig model = new ModelConfig(CellType.LSTM, V, 5, 1);
        TrainConfig training =
                TestModels.runConfig(model, T, 5, CLIP_NORM).training().with(c -> c.optimizer = Optimizer.adam(0.01));
        DeviceSpec cpu = cpu(0);
        DeviceSpec anywhere = DeviceSpec.newBuilder().build();

        ExecutionPlan placed = execution(new Parts(List.of(anywhere, cpu)));
        try (Graph graph = new Graph()) {
            new TrainingGraph(graph, model, training, placed);
            assertThat(graph.toGraphDef().getNodeList())
                    .filteredOn(node -> node.getOp().equals("PartitionedCall"))
                    .extracting(NodeDef::getDevice)
                    .containsExactly("", cpu.toString());
            // W has 9 · 20 numbers, U 5 · 20.
            for (String variable : List.of("layer_0_kernel", "optimizer_mean_layer_0_kernel")) {
                assertPlace(graph, variable, "");
            }
            for (String variable : List.of("layer_0_recurrent_kernel", "optimizer_mean_layer_0_recurrent_kernel")) {
                assertPlace(graph, variable, cpu.toString());
            }
        }
        Checkpoint start = Checkpoint.start(model, training, TestModels.randomWeights(model, 3));
        Batch batch =
                new Batch(TestModels.randomIds(T * 5, V, 1), TestModels.randomIds(T * 5, V, 2), true, new long[0]);
        List<List<float[]>> weights = new ArrayList<>();
        for (ExecutionPlan plan : List.of(execution(Parts.of(2)), placed)) {
            try (TrainStep step = new TrainStep(model, training, start, Ids.of(), plan)) {
                step.run(batch, LEARNING_RATE, 1);
                Weights after = step.weights();
                weights.add(after.parameters().stream().map(after::of).toList());
            }
        }
        assertThat(weights.get(1)).usingRecursiveComparison().isEqualTo(weights.get(0));
    }

    private static DeviceSpec cpu(int index) {
        return DeviceSpec.newBuilder()
                .deviceType(DeviceType.CPU)
                .deviceIndex(index)
                .build();
    }

    /** Checks the place of a variable and of all operations that read or assign it, except those that give it to the parts. */
    private static void assertPlace(Graph graph, String variable, String place) {
        assertThat(graph.toGraphDef().getNodeList())
                .filteredOn(node -> node.getName().equals(variable)
                        || node.getInputList().contains(variable)
                                && !node.getOp().equals("PartitionedCall")
                                && !node.getName().startsWith("send"))
                .hasSizeGreaterThanOrEqualTo(3)
                .extracting(NodeDef::getDevice)
                .containsOnly(place);
    }

    private static ExecutionPlan execution(Parts parts) {
        return new ExecutionPlan(RecurrenceType.UNROLLED, parts, TFloat32.class, 1, 0);
    }

    private static ExecutionPlan execution(RunConfig config, int parts) {
        return ExecutionPlan.onCpu(config.model(), config.training().with(c -> c.parts = parts));
    }

    /**
     * The roundings of a step, whose state has passed through all time steps before, and of the updates before. An update is at
     * most learning rate · clip norm long and has its gradient's relative error. As it is short relative to the weights, it at
     * most doubles their errors.
     */
    private static double error(ModelConfig model, int rows) {
        return Rounding.ofGradients(model, STEPS * T, rows) * (1 + 2 * STEPS * LEARNING_RATE * CLIP_NORM);
    }

    private static void assertClose(Weights actual, Weights expected, double error) {
        for (Parameter parameter : expected.parameters()) {
            Rounding.assertClose(parameter.name(), actual.of(parameter), expected.of(parameter), error);
        }
    }
}
