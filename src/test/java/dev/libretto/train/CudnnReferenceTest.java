package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.export.NamedArray;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.Graph;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.GraphOptions;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Compares the cuDNN training graph with PyTorch and Keras. cuDNN itself needs a GPU, so its equations are computed by loops, and
 * its results are fed into the graph.
 */
@Tag("numeric")
class CudnnReferenceTest {
    static Stream<String> ofPyTorch() {
        return Stream.of("pytorch-rnn", "pytorch-gru", "pytorch-lstm")
                .flatMap(cell -> Stream.of(cell + "-1layers", cell + "-2layers"));
    }

    static Stream<String> ofBoth() {
        return Stream.concat(ofPyTorch(), ofPyTorch().map(name -> name.replace("pytorch", "keras")));
    }

    /** PyTorch passes its arrays to cuDNN concatenated. */
    @ParameterizedTest
    @MethodSource("ofPyTorch")
    void parametersHavePyTorchsLayout(String name) throws IOException {
        ReferenceFixture fixture = ReferenceFixture.read(name);
        List<float[]> parameters = parameters(fixture);
        for (int layer = 0; layer < fixture.layers(); layer++) {
            List<float[]> arrays = arrays(fixture.weights(), layer);
            if (fixture.hasTwiceTheBias("bias_hh")) {
                arrays.set(2, sum(arrays.get(2), arrays.get(3)));
                arrays.set(3, new float[arrays.get(3).length]);
            }
            assertThat(parameters.get(layer)).containsExactly(joined(arrays));
        }
    }

    /** cuDNN's equations with the graph's parameters give the other frameworks' outputs and states. */
    @ParameterizedTest
    @MethodSource("ofBoth")
    void cudnnEquationsMatchOtherFrameworks(String name) throws IOException {
        ReferenceFixture fixture = ReferenceFixture.read(name);
        List<float[]> parameters = parameters(fixture);
        int[] inputs = fixture.batch(0).inputs();
        double[][] vectors = new double[inputs.length][fixture.V()];
        for (int i = 0; i < inputs.length; i++) {
            vectors[i][inputs[i]] = 1;
        }
        for (int layer = 0; layer < fixture.layers(); layer++) {
            List<ReferenceFixture.Array> before = fixture.initialState().get(layer);
            List<ReferenceFixture.Array> after = fixture.finalState().get(layer);
            for (int row = 0; row < fixture.B(); row++) {
                CudnnEquations cell =
                        new CudnnEquations(fixture.cell(), parameters.get(layer), vectors[row].length, fixture.H());
                cell.start(
                        row, before.stream().map(ReferenceFixture.Array::values).toList());
                double[][] read = new double[vectors.length][];
                for (int i = row; i < vectors.length; i += fixture.B()) {
                    read[i] = cell.step(vectors[i]);
                }
                cell.assertEndsWith(
                        row,
                        fixture.T(),
                        after.stream().map(ReferenceFixture.Array::values).toList());
                for (int i = row; i < vectors.length; i += fixture.B()) {
                    vectors[i] = read[i];
                }
            }
        }
        float[] outputs = fixture.outputs().values();
        for (int i = 0; i < outputs.length; i++) {
            assertThat(vectors[i / fixture.H()][i % fixture.H()])
                    .isCloseTo(outputs[i], within(CudnnEquations.error(fixture.T())));
        }
    }

    /** Returns the parameters of each layer, as the graph passes them to cuDNN. */
    private static List<float[]> parameters(ReferenceFixture fixture) {
        try (Graph graph = new Graph()) {
            PartGraph part = partGraph(graph, fixture);
            List<TFloat32> fed = new ArrayList<>();
            try (Session session = withoutCudnn(graph)) {
                Session.Runner runner = session.runner();
                feedWeights(runner, part, fixture, fed);
                for (int layer = 0; layer < fixture.layers(); layer++) {
                    runner.fetch(graph.operation("layer_" + layer + "/CudnnRNN").input(3));
                }
                return floats(runner);
            } finally {
                fed.forEach(TFloat32::close);
            }
        }
    }

    /** Given PyTorch's outputs and its gradients of the parameters, the rest of the graph computes loss and gradients. */
    @ParameterizedTest
    @MethodSource("ofPyTorch")
    void lossAndGradientsFollowFromCudnnsResults(String name) throws IOException {
        ReferenceFixture fixture = ReferenceFixture.read(name);
        Shape ids = Shape.of(fixture.T(), fixture.B());
        Shape outputs = Shape.of(fixture.T(), fixture.B(), fixture.H());
        String top = "layer_" + (fixture.layers() - 1) + "/CudnnRNN";
        try (Graph graph = new Graph();
                TInt32 inputs =
                        TInt32.tensorOf(ids, DataBuffers.of(fixture.batch(0).inputs()));
                TInt32 targets =
                        TInt32.tensorOf(ids, DataBuffers.of(fixture.batch(0).targets()));
                TFloat32 shares = FloatTensors.of(Shape.of(fixture.B()), shares(fixture));
                TFloat32 read = FloatTensors.of(outputs, fixture.outputs().values())) {
            PartGraph part = partGraph(graph, fixture);
            List<TFloat32> fed = new ArrayList<>();
            try (Session session = withoutCudnn(graph)) {
                Session.Runner runner = session.runner()
                        .feed(part.arguments.inputs(), inputs)
                        .feed(part.arguments.targets(), targets)
                        .feed(part.arguments.shares(), shares)
                        .feed(graph.operation(top).output(0), read)
                        .fetch(part.results.loss());
                feedWeights(runner, part, fixture, fed);
                for (int layer = 0; layer < fixture.layers(); layer++) {
                    float[] gradient = joined(arrays(fixture.gradients(), layer));
                    TFloat32 tensor = FloatTensors.of(Shape.of(gradient.length), gradient);
                    fed.add(tensor);
                    String backward = "gradients/layer_" + layer + "/CudnnRNN/CudnnRNNBackprop";
                    runner.feed(graph.operation(backward).output(3), tensor);
                }
                part.results.gradients().forEach(runner::fetch);
                List<float[]> results = floats(runner);

                assertThat((double) results.get(0)[0])
                        .isCloseTo(
                                fixture.loss(),
                                within(Rounding.ofLoss(fixture.model(), 1, fixture.T() * fixture.B())
                                        * fixture.loss()));
                List<Parameter> parameters = LanguageModel.parameters(fixture.model());
                Weights gradients = new Weights(parameters, p -> results.get(1 + parameters.indexOf(p)));
                List<NamedArray> actual = fixture.inItsLayout(gradients);
                // Gradients are at most 1; cuDNN's results are fed, so no time step adds roundings.
                float error = (float) Rounding.ofGradients(fixture.model(), 1, fixture.T() * fixture.B());
                for (int i = 0; i < actual.size(); i++) {
                    if (!fixture.hasTwiceTheBias(actual.get(i).name())) {
                        assertThat(actual.get(i).values())
                                .containsExactly(fixture.gradients().get(i).values(), within(error));
                    }
                }
            } finally {
                fed.forEach(TFloat32::close);
            }
        }
    }

    /** Adds the graph of a batch in one part. */
    private static PartGraph partGraph(Graph graph, ReferenceFixture fixture) {
        return new PartGraph(
                graph,
                fixture.model(),
                fixture.training(),
                new ExecutionPlan(RecurrenceType.CUDNN, Parts.of(1), TFloat32.class, 1, 0));
    }

    /** Returns the weight of each row's losses in the mean of all. */
    private static float[] shares(ReferenceFixture fixture) {
        float[] shares = new float[fixture.B()];
        Arrays.fill(shares, 1f / (fixture.T() * fixture.B()));
        return shares;
    }

    /** @param fed receives the tensors, for the caller to close */
    private static void feedWeights(
            Session.Runner runner, PartGraph part, ReferenceFixture fixture, List<TFloat32> fed) {
        Weights weights = fixture.startWeights();
        for (int i = 0; i < weights.parameters().size(); i++) {
            Parameter parameter = weights.parameters().get(i);
            TFloat32 tensor = FloatTensors.of(parameter.shape(), weights.of(parameter));
            fed.add(tensor);
            runner.feed(part.arguments.parameters().get(i), tensor);
        }
    }

    /** Opens a session that resolves kernels only for the operations of a run. */
    private static Session withoutCudnn(Graph graph) {
        GraphOptions onlyWhatRuns =
                GraphOptions.newBuilder().setPlacePrunedGraph(true).build();
        return new Session(
                graph, ConfigProto.newBuilder().setGraphOptions(onlyWhatRuns).build());
    }

    private static List<float[]> floats(Session.Runner runner) {
        List<float[]> arrays = new ArrayList<>();
        try (Result result = runner.run()) {
            result.forEach(entry -> arrays.add(FloatTensors.toArray((TFloat32) entry.getValue())));
        }
        return arrays;
    }

    /** The four arrays of a layer: weight_ih, weight_hh, bias_ih, bias_hh. */
    private static List<float[]> arrays(List<ReferenceFixture.Array> all, int layer) {
        return new ArrayList<>(all.subList(4 * layer, 4 * layer + 4).stream()
                .map(ReferenceFixture.Array::values)
                .toList());
    }

    private static float[] sum(float[] a, float[] b) {
        float[] sum = a.clone();
        for (int i = 0; i < b.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    private static float[] joined(List<float[]> arrays) {
        float[] joined =
                new float[arrays.stream().mapToInt(array -> array.length).sum()];
        int length = 0;
        for (float[] array : arrays) {
            System.arraycopy(array, 0, joined, length, array.length);
            length += array.length;
        }
        return joined;
    }
}
