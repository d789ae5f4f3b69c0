package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.device.Sessions;
import dev.libretto.model.CellType;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.NodeDef;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

@Tag("numeric")
class TrainingGraphTest {
    private static final double NO_CLIPPING = 1e9;
    private static final ModelConfig SMALL = new ModelConfig(CellType.RNN, 11, 5, 1);

    /** The results of one run of the graph. */
    private record Outcome(float loss, float norm, List<float[]> gradients, List<float[]> nextState, Weights after) {}

    /** Compares each gradient with the central difference of a loss computed by plain loops in double precision. */
    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 7, 3, 11, 5",
        "RNN, 1, 1, 1, 2, 1",
        "RNN, 3, 1, 4, 3, 6",
        "RNN, 1, 12, 2, 5, 8",
        "GRU, 1, 7, 3, 11, 5",
        "GRU, 2, 4, 2, 5, 3",
        "GRU_RESET_BEFORE, 1, 7, 3, 11, 5",
        "GRU_RESET_BEFORE, 2, 4, 2, 5, 3",
        "LSTM, 1, 7, 3, 11, 5",
        "LSTM, 2, 4, 2, 5, 3",
        "LSTM, 2, 67, 2, 3, 2"
    })
    void gradientsMatchFiniteDifferences(CellType cell, int layers, int t, int b, int v, int h) {
        gradientsMatchFiniteDifferences(new ModelConfig(cell, v, h, layers), t, b);
    }

    /**
     * TensorFlow adds up the gradients of a value in an order that differs from process to process if more than 64 operations
     * use it, so that the bits would differ, too. No such sum may grow with the time steps.
     */
    @ParameterizedTest
    @EnumSource
    void noSumOfGradientsGrowsWithTheTimeSteps(CellType cell) {
        assertThat(mostAddends(cell, 9)).isEqualTo(mostAddends(cell, 3));
        assertThat(mostAddends(cell, 70 * 33)).isEqualTo(mostAddends(cell, 3));
    }

    private static int mostAddends(CellType cell, int t) {
        ModelConfig config = new ModelConfig(cell, 5, 4, 2);
        TrainConfig training = TrainConfig.TEXTBOOK.with(c -> {
            c.seqLength = t;
            c.batchSize = 4;
            c.parts = 2;
        });
        try (Graph graph = new Graph()) {
            new PartGraph(graph, config, training, ExecutionPlan.onCpu(config, training));
            return TestGraphs.nodes(graph.toGraphDef()).stream()
                    .filter(node -> node.getOp().equals("AddN"))
                    .filter(node -> node.getName().matches("gradients(_\\d+)?/.*"))
                    .mapToInt(NodeDef::getInputCount)
                    .max()
                    .orElse(0);
        }
    }

    @ParameterizedTest
    @CsvSource({"3, false", "4, true"})
    void embeddingGradientsMatchFiniteDifferences(int embeddingSize, boolean isTied) {
        gradientsMatchFiniteDifferences(new ModelConfig(CellType.LSTM, 6, 4, 2, embeddingSize, isTied), 4, 3);
    }

    private static void gradientsMatchFiniteDifferences(ModelConfig config, int t, int b) {
        int v = config.vocabularySize();
        Weights weights = TestModels.randomWeights(config, 3);
        int[] inputs = TestModels.randomIds(t * b, v, 4);
        int[] targets = TestModels.randomIds(t * b, v, 5);
        List<float[]> state = TestModels.randomState(config, b, 6);
        Outcome outcome = run(config, weights, t, b, NO_CLIPPING, 1, inputs, targets, state);

        ReferenceModel reference = new ReferenceModel(config, weights);
        double[][] states = TestModels.rows(state, b);
        double loss = reference.loss(inputs, targets, states);
        assertThat((double) outcome.loss()).isCloseTo(loss, within(Rounding.ofLoss(config, t, b) * loss));
        double[][] ends = TestModels.rows(outcome.nextState(), b);
        for (int row = 0; row < b; row++) {
            assertThat(ends[row]).containsExactly(states[row], within(Rounding.ofState(config, t, state)));
        }
        // The error of the difference is below 1e-9: δ² / 6 times a third derivative, and 2⁻⁵³ · loss / δ.
        double delta = 1e-5;
        double error = Rounding.ofGradients(config, t, b);
        for (int p = 0; p < weights.parameters().size(); p++) {
            double[] values = reference.parameter(p);
            for (int i = 0; i < values.length; i++) {
                double value = values[i];
                values[i] = value + delta;
                double up = reference.loss(inputs, targets, TestModels.rows(state, b));
                values[i] = value - delta;
                double down = reference.loss(inputs, targets, TestModels.rows(state, b));
                values[i] = value;
                assertThat((double) outcome.gradients().get(p)[i])
                        .as("%s[%d]", weights.parameters().get(p).name(), i)
                        .isCloseTo((up - down) / (2 * delta), within(error));
            }
        }
    }

    @Test
    void gradientNormIsGlobal() {
        Outcome outcome = runSmall(NO_CLIPPING, 1);

        double squares = 0;
        for (float[] gradient : outcome.gradients()) {
            for (float g : gradient) {
                squares += (double) g * g;
            }
        }
        // A square and an addition for each element, and a root.
        double norm = Math.sqrt(squares);
        double error = Rounding.after(2 * LanguageModel.countParameters(SMALL) + 16);
        assertThat((double) outcome.norm()).isCloseTo(norm, within(error * norm));
    }

    /** w − learning rate · min(1, clip norm / norm) · g, with the norm above and below the limit. */
    @ParameterizedTest
    @CsvSource({"0.01", "0.1", "1000"})
    void updateIsClippedGradientDescent(double clipNorm) {
        float rate = 2.5f;
        Outcome outcome = runSmall(clipNorm, rate);
        double factor = Math.min(1, clipNorm / outcome.norm());
        assertThat(factor < 1).isEqualTo(clipNorm < 1000);

        Weights before = smallWeights();
        List<Parameter> parameters = before.parameters();
        for (int p = 0; p < parameters.size(); p++) {
            float[] values = before.of(parameters.get(p));
            for (int i = 0; i < values.length; i++) {
                // A quotient, three products and a difference, of numbers up to the weight or, as gradients are, the
                // rate.
                double expected =
                        values[i] - rate * factor * outcome.gradients().get(p)[i];
                assertThat((double) outcome.after().of(parameters.get(p))[i])
                        .isCloseTo(expected, within(Rounding.after(8) * (Math.abs(values[i]) + rate)));
            }
        }
    }

    /** A GPU scatters in any order ({@code TensorFlowSetup}); here all indices differ, one per row of logits. */
    @ParameterizedTest
    @EnumSource
    void onlyTheCrossEntropyScatters(RecurrenceType recurrence) {
        try (Graph graph = new Graph()) {
            ModelConfig tied = new ModelConfig(CellType.LSTM, 6, 4, 2, 4, true);
            RunConfig run = TestModels.runConfig(tied, 4, 2, 1);
            ExecutionPlan execution = ExecutionPlan.of(
                    run.model(), run.training(), recurrence == RecurrenceType.CUDNN, TFloat32.class, 0);
            new PartGraph(graph, run.model(), run.training(), execution);
            assertThat(graph.toGraphDef().getNodeList())
                    .filteredOn(node -> node.getOp().contains("Scatter"))
                    .singleElement()
                    .satisfies(node -> {
                        assertThat(node.getName()).contains("cross_entropy/");
                        assertThat(node.getOp()).isEqualTo("TensorScatterSub");
                    });
        }
    }

    /** All time steps share one rounded kernel, and its gradient is one product. */
    @ParameterizedTest
    @EnumSource
    void kernelIsRoundedOnceForAllTimeSteps(CellType cell) {
        try (Graph graph = new Graph()) {
            ModelConfig config = new ModelConfig(cell, 5, 4, 2);
            RunConfig run = TestModels.runConfig(config, 6, 3, NO_CLIPPING);
            new PartGraph(
                    graph,
                    run.model(),
                    run.training(),
                    ExecutionPlan.of(run.model(), run.training(), false, TBfloat16.class, 0));
            List<NodeDef> products = TestGraphs.nodes(graph.toGraphDef()).stream()
                    .filter(node -> node.getOp().equals("MatMul"))
                    .toList();
            int kernels = cell == CellType.GRU_RESET_BEFORE ? 2 : 1;
            assertThat(products.stream().filter(product -> product.getName().startsWith("step_")))
                    .hasSize(6 * kernels)
                    .extracting(product -> product.getInput(1))
                    .satisfies(factors -> assertThat(Set.copyOf(factors)).hasSize(kernels));
            assertThat(products.stream().filter(product -> product.getName().startsWith("kernel_gradients/")))
                    .hasSize(kernels);
        }
    }

    private static Weights smallWeights() {
        return TestModels.randomWeights(SMALL, 3);
    }

    private static Outcome runSmall(double clipNorm, float learningRate) {
        int[] inputs = TestModels.randomIds(21, 11, 4);
        int[] targets = TestModels.randomIds(21, 11, 5);
        return run(
                SMALL,
                smallWeights(),
                7,
                3,
                clipNorm,
                learningRate,
                inputs,
                targets,
                TestModels.randomState(SMALL, 3, 6));
    }

    private static Outcome run(
            ModelConfig config,
            Weights weights,
            int t,
            int b,
            double clipNorm,
            float learningRate,
            int[] inputs,
            int[] targets,
            List<float[]> state) {
        Shape ids = Shape.of(t, b);
        try (Graph graph = new Graph();
                TInt32 inputTensor = TInt32.tensorOf(ids, DataBuffers.of(inputs));
                TInt32 targetTensor = TInt32.tensorOf(ids, DataBuffers.of(targets));
                TFloat32 rate = TFloat32.scalarOf(learningRate);
                TInt64 number = TInt64.scalarOf(1)) {
            RunConfig run = TestModels.runConfig(config, t, b, clipNorm);
            TrainingGraph training = new TrainingGraph(
                    graph, run.model(), run.training(), ExecutionPlan.onCpu(run.model(), run.training()));
            TrainingGraph.Step step = training.steps.get(0);
            List<TFloat32> fed = new ArrayList<>();
            try (Session session = Sessions.open(graph)) {
                training.weights.load(session, weights);
                Session.Runner runner = session.runner()
                        .feed(step.characters.inputs(), inputTensor)
                        .feed(step.characters.targets(), targetTensor)
                        .feed(step.learningRate, rate)
                        .feed(step.number, number)
                        .addTarget(step.update)
                        .fetch(step.loss)
                        .fetch(step.gradientNorm);
                for (int i = 0; i < state.size(); i++) {
                    TFloat32 tensor = FloatTensors.of(Shape.of(b, config.hiddenSize()), state.get(i));
                    fed.add(tensor);
                    runner.feed(step.before.get(i), tensor).fetch(step.after.get(i));
                }
                step.gradients.forEach(runner::fetch);
                try (Result result = runner.run()) {
                    fed.forEach(TFloat32::close);
                    List<float[]> arrays = new ArrayList<>();
                    result.forEach(entry -> arrays.add(FloatTensors.toArray((TFloat32) entry.getValue())));
                    int gradients = 2 + state.size();
                    return new Outcome(
                            arrays.get(0)[0],
                            arrays.get(1)[0],
                            arrays.subList(gradients, arrays.size()),
                            arrays.subList(2, gradients),
                            training.weights.read(session));
                }
            }
        }
    }
}
