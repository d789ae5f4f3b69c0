package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Parameter.Initializer;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.train.Optimizer.Kind;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/** The weights are trained as without an average, which follows them. */
@Tag("numeric")
class EmaTest {
    private static final int T = 6;
    private static final int B = 4;
    private static final int V = 9;
    private static final int STEPS = 12;

    /**
     * The last step with 9 / (10 + t) &gt; 0.45 is 9, so the last three steps have the constant rate 1 − 0.55.
     *
     * <p>With M the largest |w| or |a|, a step rounds the rate, the difference (up to 2 · M) and their product, and the average: at
     * most (1 + 6 · r) · u · M. It multiplies the error before by 1 − r. With the rates of these steps the sum stays below 9 · u · M.
     */
    @ParameterizedTest
    @CsvSource({"RNN, SGD, ''", "GRU, MOMENTUM, layer_0", "LSTM, ADAM, ''", "LSTM, ADAMW, dense"})
    void averagesFollowTheWeightsOfPlainTraining(CellType cell, Kind kind, String frozen) {
        ModelConfig model = new ModelConfig(cell, V, 4, 2);
        TrainConfig plain = TrainConfig.TEXTBOOK
                .withBatches(T, B, Sampling.CONSECUTIVE)
                .with(c -> {
                    c.parts = 2;
                    c.dropout = 0.2;
                    c.optimizer = Optimizer.of(kind, 0.1);
                    c.frozen = frozen.isEmpty() ? List.of() : List.of(frozen);
                });
        List<Checkpoint> weights = train(model, plain);
        List<Checkpoint> averages = train(model, plain.with(c -> c.emaDecay = 0.55));

        for (Parameter parameter : LanguageModel.parameters(model)) {
            double[] expected = doubles(weights.get(0).weights().of(parameter));
            double largest = 0;
            for (int step = 1; step <= STEPS; step++) {
                float[] w = weights.get(step).weights().of(parameter);
                Checkpoint actual = averages.get(step);
                if (plain.trains(parameter)) {
                    assertThat(actual.slots().of(Checkpoint.averaged(parameter)))
                            .as(parameter.name())
                            .containsExactly(w);
                } else {
                    assertThat(actual.slots().parameters()).doesNotContain(Checkpoint.averaged(parameter));
                }
                double rate = Math.max(0.45, 9.0 / (10 + step));
                for (int i = 0; i < w.length; i++) {
                    largest = Math.max(largest, Math.max(Math.abs(w[i]), Math.abs(expected[i])));
                    expected[i] -= rate * (expected[i] - w[i]);
                }
                assertThat(doubles(actual.weights().of(parameter)))
                        .as(parameter.name())
                        .containsExactly(expected, within(9 * Rounding.UNIT * largest));
            }
        }
    }

    /**
     * w is 1, 0.8 and 0.6. With r = 0.9: 1 − 0.9 · 0.2; 0.82 − 0.9 · 0.22. With r = 9 / 11 and 0.75: 1 − 9 / 11 · 0.2 = 0.836364;
     * 0.836364 − 0.75 · 0.236364.
     */
    @ParameterizedTest
    @CsvSource({"0.1, 0.82, 0.622", "0.5, 0.836364, 0.659091", "0.999, 0.836364, 0.659091"})
    void twoStepsByHand(double decay, double first, double second) {
        Parameter array = new Parameter("a", Shape.of(1), Initializer.ZEROS);
        Parameter averagedArray = new Parameter("w", Shape.of(1), Initializer.ZEROS);
        try (Graph graph = new Graph()) {
            Ops tf = Ops.create(graph);
            Variables averages = new Variables(tf, List.of(array));
            Variables weights = new Variables(tf, List.of(averagedArray));
            Placeholder<TInt64> number = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
            Operand<TFloat32> updated = tf.assignSub(weights.all().get(0), tf.constant(new float[] {0.2f}));
            Op update =
                    Ema.update(tf, decay, averages, List.of(updated), number).get(0);
            try (Session session = new Session(graph)) {
                averages.load(session, new Weights(List.of(array), a -> new float[] {1}));
                weights.load(session, new Weights(List.of(averagedArray), w -> new float[] {1}));
                double[] after = new double[2];
                for (int i = 0; i < after.length; i++) {
                    try (TInt64 t = TInt64.scalarOf(i + 1)) {
                        session.runner().feed(number, t).addTarget(update).run().close();
                    }
                    after[i] = averages.read(session).of(array)[0];
                }
                // The expected ones have 6 digits.
                assertThat(after).containsExactly(new double[] {first, second}, within(5e-7 + Rounding.after(8)));
            }
        }
    }

    private static List<Checkpoint> train(ModelConfig model, TrainConfig training) {
        Checkpoint start = Checkpoint.start(model, training, TestModels.randomWeights(model, 3));
        List<Checkpoint> checkpoints = new ArrayList<>(List.of(start));
        try (TrainStep step = new TrainStep(model, training, start)) {
            for (int i = 0; i < STEPS; i++) {
                int[] inputs = TestModels.randomIds(T * B, V, 2 * i);
                int[] targets = TestModels.randomIds(T * B, V, 2 * i + 1);
                step.run(new Batch(inputs, targets, i > 0, new long[0]), 0.1, i + 1);
                checkpoints.add(step.checkpoint(Progress.start()));
            }
        }
        return checkpoints;
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }
}
