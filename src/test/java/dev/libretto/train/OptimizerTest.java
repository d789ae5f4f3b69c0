package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.Parameter;
import dev.libretto.model.Parameter.Initializer;
import dev.libretto.model.Weights;
import dev.libretto.train.Optimizer.Kind;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/** Each rule against arithmetic done by hand: one weight that starts at 1, learning rate 0.1, two gradients. */
@Tag("numeric")
class OptimizerTest {
    private static final Parameter W = new Parameter("w", Shape.of(1), Initializer.ZEROS);
    private static final double NO_CLIPPING = 1e9;
    /** Two steps of a few roundings and functions each, of numbers up to about 1. The expected ones have 8 digits. */
    private static final double ERROR = Rounding.after(100) + 1e-8;

    /**
     * The gradients are 0.3 and 0.1.
     *
     * <pre>
     *     sgd       1 − 0.03; − 0.01
     *     momentum  v = 0.3; v = 0.9 · 0.3 + 0.1 = 0.37
     *     rmsprop   s = 0.05 · 0.09 = 0.0045; s = 0.95 · 0.0045 + 0.05 · 0.01 = 0.004775
     *     adam      m / (1 − 0.9) = 0.3, s / (1 − 0.999) = 0.09;
     *               m = 0.9 · 0.03 + 0.01 = 0.037, / 0.19; s = 0.999 · 0.00009 + 0.00001 = 0.00009991, / 0.001999
     *     adamw     as adam, each step after w = 0.999 · w
     * </pre>
     */
    @ParameterizedTest
    @CsvSource({
        "SGD, 0.97, 0.96",
        "MOMENTUM, 0.97, 0.933",
        "RMSPROP, 0.55278647, 0.40807157",
        "ADAM, 0.9, 0.81289378",
        "ADAMW, 0.899, 0.81099478"
    })
    void twoSteps(Kind kind, double first, double second) {
        Optimizer config = Optimizer.defaults(kind).withClipping(new Clipping(Clipping.By.NORM, NO_CLIPPING));
        assertThat(steps(config, 0.3f, 0.1f)).containsExactly(new double[] {first, second}, within(ERROR));
    }

    /** A gradient of −0.5 is limited to 0.2 either way: 1 + 0.02. */
    @ParameterizedTest
    @CsvSource({"NORM, SGD", "VALUE, SGD", "NORM, MOMENTUM", "VALUE, MOMENTUM"})
    void clipping(Clipping.By by, Kind kind) {
        Optimizer config = Optimizer.defaults(kind).withClipping(new Clipping(by, 0.2));
        assertThat(steps(config, -0.5f)).containsExactly(new double[] {1.02}, within(ERROR));
    }

    @Test
    void aSmallGradientIsNotClipped() {
        Optimizer config = Optimizer.defaults(Kind.SGD).withClipping(new Clipping(Clipping.By.VALUE, 0.2));
        assertThat(steps(config, 0.1f)).containsExactly(new double[] {0.99}, within(ERROR));
    }

    /** The weight after each gradient. */
    private static double[] steps(Optimizer config, float... gradients) {
        List<Parameter> slotArrays = config.rule().slots().stream()
                .map(slot -> new Parameter(slot, W.shape(), Initializer.ZEROS))
                .toList();
        try (Graph graph = new Graph()) {
            Ops tf = Ops.create(graph);
            Variables variables = new Variables(tf, List.of(W));
            Variables slots = new Variables(tf, slotArrays);
            Placeholder<TFloat32> gradient = tf.placeholder(TFloat32.class, Placeholder.shape(W.shape()));
            Placeholder<TInt64> number = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
            Operand<TFloat32> norm = tf.math.sqrt(tf.math.mul(tf.constant(2f), tf.nn.l2Loss(gradient)));
            Operand<TFloat32> update = config.update(
                            tf, variables, slots, List.of(gradient), norm, tf.constant(0.1f), number)
                    .get(0);
            try (Session session = new Session(graph)) {
                variables.load(session, new Weights(List.of(W), w -> new float[] {1}));
                slots.load(session, new Weights(slotArrays, slot -> new float[1]));
                double[] after = new double[gradients.length];
                Arrays.setAll(after, i -> {
                    try (TFloat32 fed = FloatTensors.of(W.shape(), new float[] {gradients[i]});
                            TInt64 step = TInt64.scalarOf(i + 1)) {
                        session.runner()
                                .feed(gradient, fed)
                                .feed(number, step)
                                .addTarget(update)
                                .run()
                                .close();
                    }
                    return variables.read(session).of(W)[0];
                });
                return after;
            }
        }
    }
}
