package dev.libretto.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.Bfloat16;
import dev.libretto.Rounding;
import dev.libretto.device.Sessions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TBfloat16;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;

@Tag("numeric")
class TimeStepsTest {
    private static final int B = 3;
    private static final int H = 4;

    /** T = 67 is prime: calls of 23, 23 and 21 time steps. */
    @ParameterizedTest
    @CsvSource({
        "RNN, 1",
        "RNN, 6",
        "RNN, 67",
        "GRU, 1",
        "GRU, 6",
        "GRU, 67",
        "GRU_RESET_BEFORE, 1",
        "GRU_RESET_BEFORE, 6",
        "GRU_RESET_BEFORE, 67",
        "LSTM, 1",
        "LSTM, 6",
        "LSTM, 67"
    })
    void callsMatchCellAndTensorFlowsGradients(CellType cell, int t) {
        double error = Rounding.ofGradients(new ModelConfig(cell, 5, H, 1), t, B);
        callsMatchCell(cell, t, TFloat32.class, error, false);
    }

    /** A row begins a document at every third time step, each row at another one. */
    @ParameterizedTest
    @CsvSource({"RNN, 1", "RNN, 67", "GRU, 6", "GRU_RESET_BEFORE, 67", "LSTM, 6", "LSTM, 67"})
    void callsZeroTheStateWhereDocumentsBegin(CellType cell, int t) {
        double error = Rounding.ofGradients(new ModelConfig(cell, 5, H, 1), t, B);
        callsMatchCell(cell, t, TFloat32.class, error, true);
    }

    /** TensorFlow rounds the product of each time step and their sums to 8 bits; gradients are less than 1. */
    @ParameterizedTest
    @EnumSource
    void callsMatchCellAndTensorFlowsGradientsInBfloat16(CellType cell) {
        Bfloat16.assumeComputable();
        callsMatchCell(cell, 6, TBfloat16.class, 6 * 0x1p-8, false);
    }

    /** Compares the results, and the gradients of Σ w ∘ results with w in ±1 / (T · B), with those of the unrolled cell. */
    private static void callsMatchCell(
            CellType cell, int t, Class<? extends TFloating> factors, double error, boolean hasDocuments) {
        Random random = new Random(7);
        try (Graph graph = Sessions.newGraph();
                TimeSteps steps = new TimeSteps(cell, factors, true)) {
            Ops tf = Ops.create(graph);
            Operand<TFloat32> x = random(tf, random, Shape.of(t, B, cell.gates() * H));
            Operand<TFloat32> kernel = random(tf, random, Shape.of(H, cell.gates() * H));
            Operand<TFloat32> bias =
                    cell.spec().hasRecurrentBias() ? random(tf, random, Shape.of(cell.gates() * H)) : null;
            Cell.Recurrent recurrent = new Cell.Recurrent(tf, kernel, bias, factors, Blocks.NONE);
            List<Operand<TFloat32>> state = new ArrayList<>();
            for (int i = 0; i < cell.states(); i++) {
                state.add(random(tf, random, Shape.of(B, H)));
            }

            Cell unrolled = cell.create(recurrent);
            List<Operand<TFloat32>> outputs = new ArrayList<>();
            List<Operand<TFloat32>> current = state;
            Operand<TFloat32> carry = hasDocuments ? carry(tf, t) : null;
            List<Output<TFloat32>> carries =
                    hasDocuments ? tf.unstack(carry, (long) t).output() : List.of();
            for (Operand<TFloat32> ofStep : tf.unstack(x, (long) t)) {
                if (hasDocuments) {
                    Output<TFloat32> factor = carries.get(outputs.size());
                    current = current.stream()
                            .<Operand<TFloat32>>map(array -> tf.math.mul(array, factor))
                            .toList();
                }
                Cell.Step step = unrolled.step(tf, ofStep, current);
                outputs.add(step.output());
                current = step.state();
            }
            Operand<TFloat32> rows = tf.reshape(tf.stack(outputs), tf.constant(new int[] {-1, H}));
            Recurrence.Sequence called = steps.call(tf, x, recurrent, state, carry);

            List<Operand<TFloat32>> weights = new ArrayList<>(List.of(random(tf, random, Shape.of(t * B, H))));
            state.forEach(array -> weights.add(random(tf, random, Shape.of(B, H))));
            List<Operand<TFloat32>> xs = new ArrayList<>(List.of(x));
            xs.addAll(recurrent.parameters());
            xs.addAll(state);
            List<Operand<TFloat32>> expected = withGradients(graph, tf, rows, current, weights, t, xs);
            List<Operand<TFloat32>> actual = withGradients(graph, tf, called.outputs(), called.state(), weights, t, xs);
            try (Session session = Sessions.open(graph)) {
                Session.Runner runner = session.runner();
                expected.forEach(runner::fetch);
                actual.forEach(runner::fetch);
                try (Result result = runner.run()) {
                    for (int i = 0; i < expected.size(); i++) {
                        float[] ofCalls = FloatTensors.toArray((TFloat32) result.get(expected.size() + i));
                        float[] ofCell = FloatTensors.toArray((TFloat32) result.get(i));
                        Rounding.assertClose("value " + i, ofCalls, ofCell, error);
                    }
                }
            }
        }
    }

    private static Operand<TFloat32> carry(Ops tf, int t) {
        float[] factors = new float[t * B];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (i / B + i % B) % 3 == 0 ? 0 : 1;
        }
        return tf.reshape(tf.constant(factors), tf.constant(new int[] {t, B, 1}));
    }

    private static Operand<TFloat32> random(Ops tf, Random random, Shape shape) {
        float[] values = new float[Math.toIntExact(shape.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() * 2 - 1;
        }
        return tf.reshape(tf.constant(values), tf.constant(shape));
    }

    /** Returns the outputs, the state, and the gradients of {@code xs}. */
    private static List<Operand<TFloat32>> withGradients(
            Graph graph,
            Ops tf,
            Operand<TFloat32> outputs,
            List<Operand<TFloat32>> state,
            List<Operand<TFloat32>> weights,
            int t,
            List<Operand<TFloat32>> xs) {
        List<Operand<TFloat32>> values = new ArrayList<>(List.of(outputs));
        values.addAll(state);
        Operand<TFloat32> loss = tf.constant(0f);
        for (int i = 0; i < values.size(); i++) {
            Operand<TFloat32> products = tf.math.mul(values.get(i), weights.get(i));
            Operand<TFloat32> sum = tf.sum(tf.reshape(products, tf.constant(new int[] {-1})), tf.constant(0));
            loss = tf.math.add(loss, tf.math.div(sum, tf.constant((float) t * B)));
        }
        Output<?>[] gradients = graph.addGradients(
                loss.asOutput(), xs.stream().map(Operand::asOutput).toArray(Output<?>[]::new));
        Arrays.stream(gradients).forEach(gradient -> values.add(gradient.expect(TFloat32.class)));
        return values;
    }

    /** However many layers and time steps, a graph has one function of K time steps and one for its gradient. */
    @Test
    void layersAndCallsShareFunctions() {
        try (Graph graph = Sessions.newGraph()) {
            Ops tf = Ops.create(graph);
            ModelConfig config = new ModelConfig(CellType.LSTM, 5, H, 3);
            LanguageModel model = new LanguageModel(
                    tf, config, p -> tf.placeholder(TFloat32.class, Placeholder.shape(p.shape())), TFloat32.class);
            List<Operand<TFloat32>> state = new ArrayList<>();
            LanguageModel.stateShapes(config, B)
                    .forEach(shape -> state.add(tf.placeholder(TFloat32.class, Placeholder.shape(shape))));
            Operand<TInt32> ids = tf.placeholder(TInt32.class, Placeholder.shape(Shape.of(400, B)));
            model.unroll(tf, ids, state, Dropout.NONE);
            assertThat(graph.toGraphDef().getLibrary().getFunctionList())
                    .extracting(function -> function.getSignature().getName().replaceFirst("_[^_]*$", ""))
                    .containsExactlyInAnyOrder("time_steps", "time_steps_gradient");
            assertThat(graph.toGraphDef().getNodeList())
                    .filteredOn(node -> node.getOp().equals("PartitionedCall"))
                    .hasSizeLessThan(400 / 16 * 3);
        }
    }
}
