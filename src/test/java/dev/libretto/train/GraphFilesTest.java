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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TFloat32;

/**
 * Compares the training graph with the files in {@code graphs/}, so that review shows every change. After an intentional
 * change, {@code mvn test -Dtest=GraphFilesTest -Dlibretto.writeGraphs=true} regenerates them.
 */
class GraphFilesTest {
    private static final Path GRAPHS = Path.of("graphs");
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
            RunConfig run = TestModels.runConfig(new ModelConfig(cell, 5, 4, 1), 2, 4, 0.01);
            // Feeding one batch per run keeps the files readable.
            ExecutionPlan execution = ExecutionPlan.of(run.model(), run.training(), onGpu, TFloat32.class, 0);
            new TrainingGraph(
                    graph,
                    run.model(),
                    run.training(),
                    new ExecutionPlan(execution.recurrence(), execution.parts(), execution.factors(), 1, 0));
            GraphDef definition = graph.toGraphDef();
            assertThat(definition.getNodeList())
                    .as("operations tied to a device")
                    .extracting(NodeDef::getDevice)
                    .containsOnly("");
            assertMatches(file + ".pbtxt", TextFormat.printer().printToString(definition));
            assertMatches(file + ".md", drawing(title, definition));
        }
    }

    private static void assertMatches(String file, String content) throws IOException {
        if (WRITE) {
            Files.writeString(GRAPHS.resolve(file), content);
        }
        assertThat(GRAPHS.resolve(file)).hasContent(content);
    }

    /** Returns a Mermaid flow chart of the graph: a box for each scope, without constants and the loading of weights. */
    private static String drawing(String title, GraphDef definition) {
        Map<String, Set<String>> operations = new LinkedHashMap<>();
        Set<String> arrows = new LinkedHashSet<>();
        for (NodeDef node : definition.getNodeList()) {
            if (!node.getOp().equals("Const") && !node.getName().startsWith("load_")) {
                operations
                        .computeIfAbsent(scope(node.getName()), scope -> new LinkedHashSet<>())
                        .add(node.getOp());
            }
        }
        for (NodeDef node : definition.getNodeList()) {
            for (String input : node.getInputList()) {
                String from = scope(input.replaceFirst("^\\^", "").replaceFirst(":\\d+$", ""));
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
        return "# One training step, " + title + ": T = 2, B = 4, V = 5, H = 4\n\n```mermaid\nflowchart TD\n" + boxes
                + String.join("", arrows) + "```\n";
    }

    /** Returns the first part of a name; within a layer, the first two. */
    private static String scope(String node) {
        return node.replaceFirst("^(layer_\\d+)/([^/]*).*", "$1_$2").replaceFirst("/.*", "");
    }
}
