package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.export.NamedArray;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Compares outputs, states, gradients and ten losses of clipped SGD with Keras and PyTorch in float64. The tolerance is the error
 * of float32; after ten steps, ten times the error of one, doubled: make_fixtures.py ensures that the steps amplify an error at
 * most twofold.
 */
@Tag("numeric")
class ReferenceTest {
    /** Fixtures whose arrays correspond to Libretto's one to one. */
    static Stream<String> ofTheSameArrays() {
        return Stream.of("keras-rnn", "keras-gru", "keras-gru-reset-before", "keras-lstm", "pytorch-gru")
                .flatMap(ReferenceTest::inOneLayerAndInTwo);
    }

    static Stream<String> all() {
        return Stream.concat(
                ofTheSameArrays(), Stream.of("pytorch-rnn", "pytorch-lstm").flatMap(ReferenceTest::inOneLayerAndInTwo));
    }

    private static Stream<String> inOneLayerAndInTwo(String cell) {
        return Stream.of(cell + "-1layers", cell + "-2layers");
    }

    @ParameterizedTest
    @MethodSource("all")
    void outputsStatesAndGradientsMatch(String name) throws IOException {
        ReferenceFixture fixture = ReferenceFixture.read(name);
        try (Graph graph = new Graph()) {
            TrainingGraph training = new TrainingGraph(
                    graph,
                    fixture.model(),
                    fixture.training(),
                    ExecutionPlan.onCpu(fixture.model(), fixture.training()));
            try (Session session = new Session(graph)) {
                oneBatchAgrees(fixture, training, session);
                tenStepsAgree(fixture, training, session);
            }
        }
    }

    private static void oneBatchAgrees(ReferenceFixture fixture, TrainingGraph training, Session session) {
        training.variables.load(session, fixture.startWeights());
        Results results = run(fixture, training, session, 0, fixture.startState());

        double error = Rounding.ofLogits(fixture.model(), fixture.T());
        double gradientError = gradientError(fixture);
        Rounding.assertClose("outputs", results.outputs(), fixture.outputs().values(), error);
        Rounding.assertClose("logits", results.logits(), fixture.logits().values(), error);
        assertThat(results.loss()).isCloseTo(fixture.loss(), within(lossError(fixture) * fixture.loss()));
        List<ReferenceFixture.Array> finalState =
                fixture.finalState().stream().flatMap(List::stream).toList();
        for (int i = 0; i < finalState.size(); i++) {
            Rounding.assertClose(
                    "state", results.state().get(i), finalState.get(i).values(), error);
        }
        double norm = fixture.norm(results.gradients());
        assertThat(norm).isCloseTo(fixture.globalNorm(), within(gradientError * fixture.globalNorm()));
        double factor = Math.min(1, fixture.clipNorm() / norm);
        assertGradientsAgree(fixture, results.gradients(), 1, fixture.gradients());
        assertGradientsAgree(fixture, results.gradients(), factor, fixture.clippedGradients());
    }

    private static void assertGradientsAgree(
            ReferenceFixture fixture, Weights gradients, double factor, List<ReferenceFixture.Array> expected) {
        List<NamedArray> actual = fixture.inItsLayout(gradients);
        for (int i = 0; i < actual.size(); i++) {
            float[] scaled = actual.get(i).values().clone();
            for (int j = 0; j < scaled.length; j++) {
                scaled[j] *= (float) factor;
            }
            // A bias that PyTorch stores twice is stored once here; both of its gradients equal this one's.
            int pair = fixture.hasTwiceTheBias(actual.get(i).name()) ? i - 1 : i;
            float[] own = pair == i ? scaled : expected.get(i).values();
            assertRelativelyClose(own, expected.get(pair).values(), gradientError(fixture));
        }
    }

    /** Ten batches with carried state, each followed by the framework's own update. */
    private static void tenStepsAgree(ReferenceFixture fixture, TrainingGraph training, Session session) {
        Weights weights = fixture.startWeights();
        List<float[]> state = fixture.startState();
        for (int i = 0; i < 10; i++) {
            training.variables.load(session, weights);
            Results results = run(fixture, training, session, i, state);
            assertThat(results.loss())
                    .as("loss %d", i)
                    .isCloseTo(fixture.losses()[i], within(tenStepsError(fixture) * fixture.losses()[i]));
            state = results.state();
            weights = fixture.descend(weights, results.gradients());
        }
        List<NamedArray> end = fixture.inItsLayout(weights);
        for (int i = 0; i < end.size(); i++) {
            float[] values = end.get(i).values();
            if (!fixture.isHalfOfABias(end.get(i).name())) {
                Rounding.assertClose(
                        end.get(i).name(), values, fixture.finalWeights().get(i).values(), tenStepsError(fixture));
            }
        }
    }

    /** Libretto's own update in the graph, for arrays that correspond one to one. */
    @ParameterizedTest
    @MethodSource("ofTheSameArrays")
    void tenTrainingStepsMatch(String name) throws IOException {
        ReferenceFixture fixture = ReferenceFixture.read(name);
        try (TrainStep step = new TrainStep(fixture.model(), fixture.training(), fixture.start())) {
            for (int i = 0; i < 10; i++) {
                double loss = step.run(fixture.batch(i), fixture.learningRate(), i + 1)
                        .loss();
                assertThat(loss)
                        .as("loss %d", i)
                        .isCloseTo(fixture.losses()[i], within(tenStepsError(fixture) * fixture.losses()[i]));
            }
            Weights end = step.checkpoint(Progress.start()).weights();
            List<NamedArray> arrays = fixture.inItsLayout(end);
            for (int i = 0; i < arrays.size(); i++) {
                Rounding.assertClose(
                        arrays.get(i).name(),
                        arrays.get(i).values(),
                        fixture.finalWeights().get(i).values(),
                        tenStepsError(fixture));
            }
        }
    }

    private record Results(float[] outputs, float[] logits, double loss, List<float[]> state, Weights gradients) {}

    private static Results run(
            ReferenceFixture fixture, TrainingGraph training, Session session, int index, List<float[]> state) {
        TrainingGraph.Step step = training.steps.get(0);
        Batch batch = fixture.batch(index);
        Shape ids = Shape.of(fixture.T(), fixture.B());
        TInt32 inputs = TInt32.tensorOf(ids, DataBuffers.of(batch.inputs()));
        TInt32 targets = TInt32.tensorOf(ids, DataBuffers.of(batch.targets()));
        List<Tensor> fed = new ArrayList<>(List.of(inputs, targets));
        Session.Runner runner = session.runner()
                .feed(step.characters.inputs(), inputs)
                .feed(step.characters.targets(), targets)
                .fetch("layer_" + (fixture.layers() - 1) + "/outputs")
                .fetch("dense/BiasAdd")
                .fetch(step.loss);
        for (int i = 0; i < state.size(); i++) {
            TFloat32 tensor = FloatTensors.of(Shape.of(fixture.B(), fixture.H()), state.get(i));
            fed.add(tensor);
            runner.feed(step.before.get(i), tensor).fetch(step.after.get(i));
        }
        step.gradients.forEach(runner::fetch);
        List<float[]> arrays = new ArrayList<>();
        try (Result result = runner.run()) {
            result.forEach(entry -> arrays.add(FloatTensors.toArray((TFloat32) entry.getValue())));
        }
        fed.forEach(Tensor::close);
        List<Parameter> parameters = LanguageModel.parameters(fixture.model());
        int first = 3 + state.size();
        Weights gradients = new Weights(parameters, p -> arrays.get(first + parameters.indexOf(p)));
        return new Results(arrays.get(0), arrays.get(1), arrays.get(2)[0], arrays.subList(3, first), gradients);
    }

    private static double lossError(ReferenceFixture fixture) {
        return Rounding.ofLoss(fixture.model(), fixture.T(), fixture.B());
    }

    private static double gradientError(ReferenceFixture fixture) {
        return Rounding.ofGradients(fixture.model(), fixture.T(), fixture.B());
    }

    /** Ten clipped steps, each with the error of its gradient on either side, and the error of the last loss. */
    private static double tenStepsError(ReferenceFixture fixture) {
        return 2 * 10 * fixture.learningRate() * fixture.clipNorm() * gradientError(fixture) + lossError(fixture);
    }

    /** Asserts that each value is within {@code error} times the largest of its array. */
    private static void assertRelativelyClose(float[] actual, float[] expected, double error) {
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest).isPositive();
        assertThat(actual).containsExactly(expected, within((float) (error * largest)));
    }
}
