package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.TextFormat;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.proto.FunctionDef;
import org.tensorflow.proto.FunctionDefLibrary;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;
import org.tensorflow.types.TFloat32;

/**
 * Compares the training graph and its function with the files in {@code graphs/}, so that review shows every change. After an
 * intentional change, {@code mvn test -Dtest=GraphFilesTest -Dlibretto.writeGraphs=true} regenerates them.
 */
class GraphFilesTest {
    private static final Path GRAPHS = Path.of("graphs");
    private static final Map<String, String> MEANINGS = Map.of(
            "part", "a part of the batch",
            "time_steps", "a layer's time steps",
            "time_steps_gradient", "their gradient");
    private static final boolean WRITE = Boolean.getBoolean("libretto.writeGraphs");

    @ParameterizedTest
    @EnumSource
    void trainingGraphMatchesFile(CellType cell) throws IOException {
        assertMatches(cell, false, cell.toString(), "cell " + cell);
    }

    @Test
    void gpuTrainingGraphMatchesFile() throws IOException {
        assertMatches(CellType.LSTM, true, "lstm-cudnn", "cell lstm computed by cuDNN");
    }

    private static void assertMatches(CellType cell, boolean onGpu, String file, String title) throws IOException {
        try (Graph graph = new Graph()) {
            // With three time steps, the transposed kernel is used more than once.
            RunConfig run = TestModels.runConfig(new ModelConfig(cell, 5, 4, 1), 3, 4, 0.01);
            TrainConfig training = run.training().with(c -> c.parts = onGpu ? 1 : 2);
            // Feeding one batch per run keeps the files readable.
            ExecutionPlan execution = ExecutionPlan.of(run.model(), training, onGpu, TFloat32.class, 0);
            new TrainingGraph(
                    graph,
                    run.model(),
                    training,
                    new ExecutionPlan(execution.recurrence(), execution.parts(), execution.factors(), 1, 0));
            GraphDef definition = graph.toGraphDef();
            assertThat(TestGraphs.nodes(definition))
                    .as("operations tied to a device")
                    .extracting(NodeDef::getDevice)
                    .containsOnly("");
            Map<String, FunctionDef> functions = new TreeMap<>();
            for (FunctionDef function : definition.getLibrary().getFunctionList()) {
                functions.put(function.getSignature().getName(), onlyWhatRuns(function));
            }
            String text = TextFormat.printer()
                    .printToString(definition.toBuilder()
                            .setLibrary(FunctionDefLibrary.newBuilder().addAllFunction(functions.values()))
                            .build());
            StringBuilder charts = new StringBuilder("# One training step, " + title
                    + ": T = 3, B = 4, V = 5, H = 4\n\n" + flowChart(definition.getNodeList()));
            for (Map.Entry<String, FunctionDef> function : functions.entrySet()) {
                // TensorFlow adds a hash to the name.
                String name = function.getKey().replaceFirst("_[^_]*$", "");
                text = text.replace(function.getKey(), name);
                charts.append("\n## The function `" + name + "`: " + MEANINGS.get(name) + "\n\n");
                charts.append(flowChart(nodes(function.getValue())));
            }
            assertMatches(file + ".pbtxt", text);
            assertMatches(file + ".md", charts.toString());
        }
    }

    /** Returns a function with the operations that its results need, each after its inputs. TensorFlow prunes the others. */
    private static FunctionDef onlyWhatRuns(FunctionDef function) {
        Map<String, NodeDef> nodes = new HashMap<>();
        function.getNodeDefList().forEach(node -> nodes.put(node.getName(), node));
        Map<String, NodeDef> needed = new LinkedHashMap<>();
        results(function).forEach(result -> addNeeded(result, nodes, needed));
        return function.toBuilder()
                .clearNodeDef()
                .addAllNodeDef(needed.values())
                .build();
    }

    private static void addNeeded(String value, Map<String, NodeDef> nodes, Map<String, NodeDef> needed) {
        String name = producer(value);
        if (nodes.containsKey(name) && !needed.containsKey(name)) {
            nodes.get(name).getInputList().forEach(input -> addNeeded(input, nodes, needed));
            needed.put(name, nodes.get(name));
        }
    }

    private static List<String> results(FunctionDef function) {
        return function.getSignature().getOutputArgList().stream()
                .map(result -> function.getRetOrThrow(result.getName()))
                .toList();
    }

    /** Returns the operations of a function, with nodes for the arguments that it reads, and one for its results. */
    private static List<NodeDef> nodes(FunctionDef function) {
        Set<String> read = function.getNodeDefList().stream()
                .flatMap(node -> node.getInputList().stream())
                .collect(Collectors.toSet());
        List<NodeDef> nodes = new ArrayList<>();
        function.getSignature().getInputArgList().stream()
                .map(ArgDef::getName)
                .filter(read::contains)
                .forEach(name -> nodes.add(
                        NodeDef.newBuilder().setName(name).setOp("argument").build()));
        nodes.addAll(function.getNodeDefList());
        nodes.add(NodeDef.newBuilder()
                .setName("results")
                .setOp("results")
                .addAllInput(results(function))
                .build());
        return nodes;
    }

    private static void assertMatches(String file, String content) throws IOException {
        if (WRITE) {
            Files.writeString(GRAPHS.resolve(file), content);
        }
        assertThat(GRAPHS.resolve(file)).hasContent(content);
    }

    /** Returns a Mermaid flow chart: a box for each scope, without constants and the loading of weights. */
    private static String flowChart(List<NodeDef> nodes) {
        Map<String, Set<String>> operations = new LinkedHashMap<>();
        Set<String> arrows = new LinkedHashSet<>();
        for (NodeDef node : nodes) {
            if (!node.getOp().equals("Const") && !node.getName().startsWith("load_")) {
                operations
                        .computeIfAbsent(scope(node.getName()), scope -> new LinkedHashSet<>())
                        .add(node.getOp());
            }
        }
        for (NodeDef node : nodes) {
            for (String input : node.getInputList()) {
                String from = scope(producer(input));
                String to = scope(node.getName());
                if (!from.equals(to) && operations.containsKey(from) && operations.containsKey(to)) {
                    arrows.add("    " + from + " --> " + to + "\n");
                }
            }
        }
        String boxes = operations.entrySet().stream()
                .map(scope -> "    " + scope.getKey() + "[\"<b>" + scope.getKey() + "</b><br/>"
                        + String.join(", ", scope.getValue()) + "\"]\n")
                .collect(Collectors.joining());
        return "```mermaid\nflowchart TD\n" + boxes + String.join("", arrows) + "```\n";
    }

    /** Returns the name of the operation of a value or of a control dependency. */
    private static String producer(String input) {
        return input.replaceFirst("^\\^", "").replaceFirst(":.*", "");
    }

    /** Returns the first part of a name; within a layer, the first two. */
    private static String scope(String node) {
        return node.replaceFirst("^(layer_\\d+)/([^/]*).*", "$1_$2").replaceFirst("/.*", "");
    }
}
