package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

@Tag("numeric")
class LanguageModelTest {
    private static final int V = 11;
    private static final int H = 5;
    private static final int T = 7;
    private static final int B = 3;

    private final int[] ids = TestModels.randomIds(T * B, V, 2);

    /** Every cell with one and two layers, an embedding and a tied embedding. */
    static Stream<ModelConfig> models() {
        return Stream.of(CellType.values())
                .flatMap(cell -> Stream.of(
                        new ModelConfig(cell, V, H, 1),
                        new ModelConfig(cell, V, H, 2),
                        new ModelConfig(cell, V, H, 1, 4, false),
                        new ModelConfig(cell, V, H, 2, H, true)));
    }

    @ParameterizedTest
    @MethodSource("models")
    void unrolledModelMatchesNaiveLoop(ModelConfig config) {
        Weights weights = TestModels.randomWeights(config, 1);
        List<float[]> start = randomState(config);
        double[][] states = TestModels.rows(start, B);
        double[] logits = new double[T * B * V];
        ReferenceModel reference = new ReferenceModel(config, weights);
        for (int i = 0; i < ids.length; i++) {
            states[i % B] = reference.step(ids[i], states[i % B]);
            System.arraycopy(reference.logits(states[i % B]), 0, logits, i * V, V);
        }

        Unrolled output = unroll(config, weights, ids, T, start);

        Rounding.assertClose("logits", output.logits(), logits, Rounding.ofLogits(config, T));
        double[][] ends = TestModels.rows(output.state(), B);
        for (int row = 0; row < B; row++) {
            assertThat(ends[row]).containsExactly(states[row], within(Rounding.ofState(config, T, start)));
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void stepsMatchUnrolledModel(ModelConfig config) {
        Weights weights = TestModels.randomWeights(config, 1);
        List<float[]> start = randomState(config);
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            float[] whole = unroll(config, weights, ids, T, start).logits();
            LanguageModel model = model(tf, config, weights);
            List<Operand<TFloat32>> current = operands(tf, start);
            for (int t = 0; t < T; t++) {
                int[] row = Arrays.copyOfRange(ids, t * B, (t + 1) * B);
                LanguageModel.Output step = model.step(tf, tf.constant(row), current);
                current = step.state();

                assertThat(step.logits().shape()).isEqualTo(Shape.of(B, V));
                Rounding.assertClose(
                        "logits",
                        FloatTensors.toArray(step.logits()),
                        Arrays.copyOfRange(whole, t * B * V, (t + 1) * B * V),
                        Rounding.ofLogits(config, T));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void stepOneRowMatchesStep(ModelConfig config) {
        Weights weights = TestModels.randomWeights(config, 1);
        List<float[]> start = randomState(config);
        try (EagerSession session = EagerSession.create()) {
            Ops tf = Ops.create(session);
            LanguageModel model = model(tf, config, weights);
            List<Operand<TFloat32>> rows = operands(tf, start);
            List<Operand<TFloat32>> row = new ArrayList<>();
            start.forEach(array -> row.add(constant(tf, Shape.of(1, H), Arrays.copyOf(array, H))));
            for (int t = 0; t < T; t++) {
                LanguageModel.Output many =
                        model.step(tf, tf.constant(Arrays.copyOfRange(ids, t * B, (t + 1) * B)), rows);
                rows = many.state();
                Operand<TFloat32> projection = tf.gather(model.projections(), tf.constant(ids[t * B]), tf.constant(0));
                LanguageModel.Output one = model.stepOneRow(tf, projection, List.copyOf(row));
                row.clear();
                row.addAll(one.state());

                assertThat(one.logits().shape()).isEqualTo(Shape.of(1, V));
                Rounding.assertClose(
                        "logits",
                        FloatTensors.toArray(one.logits()),
                        Arrays.copyOf(FloatTensors.toArray(many.logits()), V),
                        Rounding.ofLogits(config, T));
                for (int i = 0; i < row.size(); i++) {
                    Rounding.assertClose(
                            "state",
                            FloatTensors.toArray(row.get(i)),
                            Arrays.copyOf(FloatTensors.toArray(rows.get(i)), H),
                            Rounding.ofLogits(config, T));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void chunksWithCarriedStateMatchWholeSequence(ModelConfig config) {
        Weights weights = TestModels.randomWeights(config, 1);
        List<float[]> carried = randomState(config);
        float[] whole = unroll(config, weights, ids, T, carried).logits();
        int done = 0;
        for (int chunk : new int[] {2, 4, 1}) {
            int[] part = Arrays.copyOfRange(ids, done * B, (done + chunk) * B);
            Unrolled output = unroll(config, weights, part, chunk, carried);
            carried = output.state();

            int from = done * B * V;
            Rounding.assertClose(
                    "logits",
                    output.logits(),
                    Arrays.copyOfRange(whole, from, from + output.logits().length),
                    Rounding.ofLogits(config, T));
            done += chunk;
        }
        assertThat(done).isEqualTo(T);
    }

    @Test
    void textbookModelHasTextbookShapes() {
        ModelConfig config = new ModelConfig(CellType.RNN, 1027, 256, 1);
        try (Graph graph = new Graph()) {
            Ops tf = Ops.create(graph);
            LanguageModel model = new LanguageModel(
                    tf, config, p -> tf.placeholder(TFloat32.class, Placeholder.shape(p.shape())), TFloat32.class);
            Operand<TInt32> inputs = tf.zeros(tf.constant(new int[] {35, 2}), TInt32.class);
            Operand<TFloat32> start = tf.zeros(tf.constant(new int[] {2, 256}), TFloat32.class);
            LanguageModel.Output output = model.unroll(tf, inputs, List.of(start), Dropout.NONE);

            assertThat(output.logits().shape()).isEqualTo(Shape.of(70, 1027));
            assertThat(graph.operation("layer_0/outputs").output(0).shape()).isEqualTo(Shape.of(70, 256));
            assertThat(output.state()).hasSize(1);
            assertThat(output.state().get(0).shape()).isEqualTo(Shape.of(2, 256));
            assertThat(LanguageModel.stateShapes(config, 2)).containsExactly(Shape.of(2, 256));
        }
    }

    /** A two-layer LSTM of 512 on 65 characters: 4·H·(V + H + 1) + 4·H·(H + H + 1) + V·(H + 1). */
    @Test
    void parameterCountMatchesFormula() {
        long count = LanguageModel.parameters(new ModelConfig(CellType.LSTM, 65, 512, 2)).stream()
                .mapToLong(Parameter::size)
                .sum();

        assertThat(count).isEqualTo(2048L * (65 + 512 + 1) + 2048L * (512 + 512 + 1) + 65 * 513);
    }

    @Test
    void lookupMatchesOneHotProductAndItsGradients() {
        Weights weights = TestModels.randomWeights(new ModelConfig(CellType.RNN, V, H, 1), 1);
        try (Graph graph = new Graph();
                Session session = new Session(graph)) {
            Ops tf = Ops.create(graph);
            Parameter kernelOf = weights.parameters().get(0);
            Parameter biasOf = weights.parameters().get(2);
            Operand<TFloat32> kernel = constant(tf, kernelOf.shape(), weights.of(kernelOf));
            Operand<TFloat32> bias = constant(tf, biasOf.shape(), weights.of(biasOf));
            InputProjection projection = new InputProjection(tf, new Kernel<>(tf, kernel, TFloat32.class), bias);
            Operand<TInt32> batch = tf.constant(Shape.of(T * B), DataBuffers.of(ids));
            Operand<TFloat32> lookup = projection.lookup(tf, batch);
            Operand<TFloat32> oneHot = tf.oneHot(batch, tf.constant(V), tf.constant(1f), tf.constant(0f));
            Operand<TFloat32> product = projection.apply(tf, oneHot);

            Session.Runner runner = session.runner().fetch(lookup).fetch(product);
            for (Operand<TFloat32> projected : List.of(lookup, product)) {
                // A loss with a different derivative for every element.
                Operand<TFloat32> loss = tf.reduceSum(tf.math.square(projected), tf.constant(new int[] {0, 1}));
                for (Output<?> gradient :
                        graph.addGradients(loss.asOutput(), new Output<?>[] {kernel.asOutput(), bias.asOutput()})) {
                    runner.fetch(gradient);
                }
            }
            try (Result result = runner.run()) {
                // A product with 1 and sums with 0 are exact in any order.
                assertThat(array(result, 0)).containsExactly(array(result, 1));
                // Sums of at most T · B gradients, each a difference, doubled.
                Rounding.assertClose("kernel", array(result, 2), array(result, 4), Rounding.after(T * B + 2));
                Rounding.assertClose("bias", array(result, 3), array(result, 5), Rounding.after(T * B + 2));
                assertThat(array(result, 2)).isNotEqualTo(new float[V * H]);
            }
        }
    }

    private static float[] array(Result result, int index) {
        return FloatTensors.toArray((TFloat32) result.get(index));
    }

    private record Unrolled(float[] logits, List<float[]> state) {}

    private static Unrolled unroll(ModelConfig config, Weights weights, int[] chunk, int steps, List<float[]> from) {
        try (Graph graph = new Graph();
                Session session = new Session(graph)) {
            Ops tf = Ops.create(graph);
            Operand<TInt32> inputs = tf.constant(Shape.of(steps, B), DataBuffers.of(chunk));
            LanguageModel.Output output = model(tf, config, weights).unroll(tf, inputs, operands(tf, from));
            Session.Runner runner = session.runner().fetch(output.logits());
            output.state().forEach(runner::fetch);
            try (Result result = runner.run()) {
                return new Unrolled(
                        array(result, 0),
                        IntStream.rangeClosed(1, from.size())
                                .mapToObj(i -> array(result, i))
                                .toList());
            }
        }
    }

    private static LanguageModel model(Ops tf, ModelConfig config, Weights weights) {
        return new LanguageModel(tf, config, p -> constant(tf, p.shape(), weights.of(p)), TFloat32.class);
    }

    private static Operand<TFloat32> constant(Ops tf, Shape shape, float[] values) {
        return tf.constant(shape, DataBuffers.of(values));
    }

    private static List<float[]> randomState(ModelConfig config) {
        return TestModels.randomState(config, B, 6);
    }

    private static List<Operand<TFloat32>> operands(Ops tf, List<float[]> state) {
        List<Operand<TFloat32>> operands = new ArrayList<>();
        state.forEach(array -> operands.add(constant(tf, Shape.of(B, H), array)));
        return operands;
    }
}
