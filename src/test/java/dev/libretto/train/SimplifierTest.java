package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches.Batch;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.proto.NodeDef;

@Tag("numeric")
class SimplifierTest {
    private static final int B = 4;

    /** The operations that each further time step adds are those of its equations and of their derivatives. */
    @ParameterizedTest
    @EnumSource
    void timeStepsAddNoOperationsWithoutEffect(CellType cell) {
        Map<String, Long> few = operations(cell, 3);
        Map<String, Long> many = operations(cell, 5);

        many.forEach((type, count) -> {
            long added = count - few.getOrDefault(type, 0L);
            if (List.of("Sum", "Reshape", "Shape", "BroadcastGradientArgs", "Identity", "Transpose")
                    .contains(type.replaceFirst("\\(.*", ""))) {
                assertThat(added).as(type).isZero();
            }
        });
        assertThat(many.getOrDefault("MatMul(transposed)", 0L)).isEqualTo(few.getOrDefault("MatMul(transposed)", 0L));
        assertThat(many).containsEntry("Transpose of a kernel", cell == CellType.GRU_RESET_BEFORE ? 2L : 1L);
    }

    /** Returns how many operations of each type the results need. */
    private static Map<String, Long> operations(CellType cell, int t) {
        ModelConfig model = new ModelConfig(cell, 5, 4, 2);
        TrainConfig training = TestModels.runConfig(model, t, B, 1).training().with(c -> c.parts = 1);
        try (Graph graph = new Graph()) {
            new PartGraph(graph, model, training, ExecutionPlan.onCpu(model, training));
            return graph.toGraphDef().getLibrary().getFunctionList().stream()
                    .flatMap(function -> function.getNodeDefList().stream())
                    .collect(Collectors.groupingBy(SimplifierTest::type, Collectors.counting()));
        }
    }

    private static String type(NodeDef node) {
        if (node.getOp().equals("Transpose") && node.getName().startsWith("transposed/")) {
            return "Transpose of a kernel";
        }
        boolean isTransposed = node.containsAttr("transpose_b")
                && node.getAttrOrThrow("transpose_b").getB();
        return node.getOp() + (isTransposed ? "(transposed)" : "");
    }

    /** The simplified function computes what the graph does. */
    @ParameterizedTest
    @EnumSource
    void simplifiedGraphHasTheSameResults(CellType cell) {
        int t = 6;
        ModelConfig model = new ModelConfig(cell, 7, 5, 2);
        RunConfig run = TestModels.runConfig(model, t, B, 1e9);
        TrainConfig training = run.training().with(c -> c.parts = 1);
        Weights start = TestModels.randomWeights(model, 3);
        int[] inputs = TestModels.randomIds(t * B, 7, 4);
        int[] targets = TestModels.randomIds(t * B, 7, 5);
        double error = Rounding.ofGradients(model, t, B);
        Checkpoint checkpoint = Checkpoint.start(model, training, start);
        try (PartRun part = new PartRun(model, training);
                TrainStep step = new TrainStep(model, training, checkpoint)) {
            List<float[]> zeros = Collections.nCopies(model.states(), new float[B * 5]);
            PartRun.Outcome expected = part.run(start, inputs, targets, zeros, List.of());
            float loss = step.run(new Batch(inputs, targets, false, new long[0]), 1, 1)
                    .loss();
            Rounding.assertClose("loss", new float[] {loss}, new float[] {expected.loss()}, error);
            Weights after = step.weights();
            for (Parameter parameter : start.parameters()) {
                float[] updated = start.of(parameter).clone();
                for (int i = 0; i < updated.length; i++) {
                    updated[i] -= expected.gradients().of(parameter)[i];
                }
                Rounding.assertClose(parameter.name(), after.of(parameter), updated, error);
            }
        }
    }
}
