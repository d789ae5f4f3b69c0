package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.export.NamedArray;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Operand;
import org.tensorflow.types.TFloat32;

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
        try (PartRun part = new PartRun(fixture.model(), fixture.training())) {
            oneBatchAgrees(fixture, part);
            tenStepsAgree(fixture, part);
        }
    }

    private static void oneBatchAgrees(ReferenceFixture fixture, PartRun part) {
        PartRun.Outcome results = run(fixture, part, 0, fixture.startWeights(), fixture.startState());

        double error = Rounding.ofLogits(fixture.model(), fixture.T());
        double gradientError = gradientError(fixture);
        Rounding.assertClose(
                "outputs", results.further().get(0), fixture.outputs().values(), error);
        Rounding.assertClose(
                "logits", results.further().get(1), fixture.logits().values(), error);
        assertThat((double) results.loss()).isCloseTo(fixture.loss(), within(lossError(fixture) * fixture.loss()));
        List<ReferenceFixture.Array> finalState =
                fixture.finalState().stream().flatMap(List::stream).toList();
        for (int i = 0; i < finalState.size(); i++) {
            Rounding.assertClose(
                    "state", results.after().get(i), finalState.get(i).values(), error);
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
    private static void tenStepsAgree(ReferenceFixture fixture, PartRun part) {
        Weights weights = fixture.startWeights();
        List<float[]> state = fixture.startState();
        for (int i = 0; i < 10; i++) {
            PartRun.Outcome results = run(fixture, part, i, weights, state);
            assertThat((double) results.loss())
                    .as("loss %d", i)
                    .isCloseTo(fixture.losses()[i], within(tenStepsError(fixture) * fixture.losses()[i]));
            state = results.after();
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

    /** Returns also the last layer's outputs and the logits. */
    private static PartRun.Outcome run(
            ReferenceFixture fixture, PartRun part, int index, Weights weights, List<float[]> state) {
        Batch batch = fixture.batch(index);
        Operand<TFloat32> outputs = part.graph
                .operation("layer_" + (fixture.layers() - 1) + "/outputs")
                .output(0);
        return part.run(weights, batch.inputs(), batch.targets(), state, List.of(outputs, part.part.logits));
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
