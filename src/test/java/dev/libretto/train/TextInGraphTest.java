package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Ids;
import dev.libretto.train.TrainStep.StepInput;
import dev.libretto.train.TrainStep.StepMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.proto.OpDef.ArgDef;
import org.tensorflow.types.TFloat32;

/** A text stored in the graph gives the same bits as fed batches. */
@Tag("numeric")
class TextInGraphTest {
    private static final int T = 5;
    private static final int B = 4;
    private static final ModelConfig MODEL = new ModelConfig(CellType.RNN, 9, 6, 1);
    private static final RunConfig CONFIG = TestModels.runConfig(MODEL, T, B, 1);

    @ParameterizedTest
    @EnumSource
    void storedTextMatchesFedBatches(Sampling sampling) {
        Ids text = Ids.of(TestModels.randomIds(200, 9, 1)).slice(7, 197);
        Batches batches = new Batches(text, B, T, sampling, 1);
        // The epoch whose last batch ends closest to the end of the text.
        Batches.Epoch epoch = IntStream.range(0, 100)
                .mapToObj(batches::epoch)
                .max(Comparator.comparingLong(each -> LongStream.range(0, each.count())
                        .flatMap(i -> Arrays.stream(each.batch((int) i).starts()))
                        .max()
                        .orElseThrow()))
                .orElseThrow();
        Checkpoint start = Checkpoint.start(CONFIG.model(), CONFIG.training(), TestModels.randomWeights(MODEL, 3));
        List<StepInput> steps = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            steps.add(new StepInput(epoch.batch(i), 0.1, i + 1));
        }
        List<StepMetrics> expected = new ArrayList<>();
        List<StepMetrics> actual = new ArrayList<>();
        try (TrainStep fed = new TrainStep(
                        CONFIG.model(),
                        CONFIG.training(),
                        start,
                        Ids.of(),
                        ExecutionPlan.onCpu(CONFIG.model(), CONFIG.training()));
                TrainStep cut = new TrainStep(
                        CONFIG.model(),
                        CONFIG.training(),
                        start,
                        text,
                        new ExecutionPlan(RecurrenceType.UNROLLED, Parts.of(2), TFloat32.class, 3, text.length()))) {
            for (int from = 0; from < steps.size(); from += 3) {
                steps.subList(from, from + 3).forEach(step -> expected.addAll(fed.run(List.of(step))));
                actual.addAll(cut.run(steps.subList(from, from + 3)));
            }
            assertThat(actual).isEqualTo(expected);
            Checkpoint after = fed.checkpoint(Progress.start());
            for (Parameter parameter : after.weights().parameters()) {
                assertThat(cut.checkpoint(Progress.start()).weights().of(parameter))
                        .as(parameter.name())
                        .containsExactly(after.weights().of(parameter))
                        .isNotEqualTo(start.weights().of(parameter));
            }
        }
    }

    /** TensorFlow keeps int32 variables and stacked int32 values in host memory. */
    @Test
    void idsAreInt64ToStayOnTheGpu() {
        try (Graph graph = new Graph()) {
            new TrainingGraph(
                    graph,
                    CONFIG.model(),
                    CONFIG.training(),
                    new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(1), TFloat32.class, 1, 100));
            GraphDef definition = graph.toGraphDef();
            List<NodeDef> nodes = TestGraphs.nodes(definition);
            assertThat(nodes)
                    .filteredOn(node -> node.getName().equals("text"))
                    .singleElement()
                    .satisfies(node ->
                            assertThat(node.getAttrOrThrow("dtype").getType()).isEqualTo(DataType.DT_INT64));
            assertThat(nodes)
                    .filteredOn(node -> node.getName().startsWith("cross_entropy/")
                            && node.getOp().equals("Pack"))
                    .singleElement()
                    .satisfies(node ->
                            assertThat(node.getAttrOrThrow("T").getType()).isEqualTo(DataType.DT_INT64));
            assertThat(nodes)
                    .filteredOn(node ->
                            node.getOp().equals("Placeholder") && node.getName().startsWith("characters/"))
                    .singleElement()
                    .satisfies(node -> assertThat(node.getName()).isEqualTo("characters/starts"));
            assertThat(definition.getLibrary().getFunction(0).getSignature().getInputArgList())
                    .filteredOn(argument -> List.of("inputs", "targets").contains(argument.getName()))
                    .hasSize(2)
                    .extracting(ArgDef::getType)
                    .containsOnly(DataType.DT_INT64);
        }
    }

    /** So the tensors made before an allocation fails are closed with the others. */
    @Test
    void eachFedTensorIsHandedOverBeforeTheNextIsMade() {
        List<Tensor> fed = new ArrayList<>();
        try (Graph graph = new Graph()) {
            BatchInput input = new BatchInput.Fed(Ops.create(graph), Shape.of(2, 1));
            Batch withoutTargets = new Batch(new int[2], null, false, new long[0]);
            assertThatThrownBy(() -> input.feed(withoutTargets, (placeholder, tensor) -> fed.add(tensor)))
                    .isInstanceOf(NullPointerException.class);
        }
        assertThat(fed).singleElement().satisfies(Tensor::close);
    }
}
