package dev.libretto.train;

import dev.libretto.train.Optimizer.Coefficients;
import dev.libretto.train.Optimizer.Kind;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * The step of every parameter w by its gradient. The gradient is first clipped, by the global norm of all of them (Pascanu,
 * Mikolov and Bengio, 2013) or element by element:
 *
 * <pre>
 *     g = min(1, limit / norm) · g        or  min(limit, max(−limit, g))
 * </pre>
 *
 * <p>and then, with the learning rate η and the step t, counted from 1,
 *
 * <pre>
 *     sgd        w = w − η · g
 *     momentum   v = momentum · v + g                 w = w − η · v
 *     rmsprop    s = ρ · s + (1 − ρ) · g²             w = w − η · g / (√s + ε)
 *     adam       m = β1 · m + (1 − β1) · g
 *                s = β2 · s + (1 − β2) · g²           w = w − η · √(1 − β2^t) / (1 − β1^t) · m / (√s + ε)
 *     adamw      w = w − η · decay · w, then as adam
 * </pre>
 */
final class Descent {
    private final Optimizer config;
    private final Operand<TFloat32> learningRate;
    private final Operand<TInt64> step;

    /**
     * @param config the rule, its numbers and the clipping
     * @param learningRate η, a scalar
     * @param step t, a scalar
     */
    Descent(Optimizer config, Operand<TFloat32> learningRate, Operand<TInt64> step) {
        this.config = config;
        this.learningRate = learningRate;
        this.step = step;
    }

    /**
     * Adds the steps to a graph.
     *
     * @param slots the optimizer's arrays: for each that it keeps, one of every parameter
     * @param gradients of every parameter
     * @param norm their global norm before clipping, a scalar
     * @return what to run for the parameters to change
     */
    Op update(Ops tf, Variables variables, Variables slots, List<Operand<TFloat32>> gradients, Operand<TFloat32> norm) {
        // No parameter may change while a gradient is still to be computed from it; the norm takes all of them.
        Ops after = tf.withControlDependencies(List.of(norm));
        List<Op> updates = config.kind() == Kind.SGD && config.clipping().by() == Clipping.By.NORM
                ? descend(after, variables.all(), gradients, tf.math.mul(learningRate, clipFactor(tf, norm)))
                : step(after, variables.all(), slots.all(), clipped(tf, gradients, norm));
        return tf.withControlDependencies(updates).withName("update").noOp();
    }

    /** Plain descent, where scaling the rate is the same as scaling the gradients, for less work. */
    private static List<Op> descend(
            Ops tf, List<Operand<TFloat32>> parameters, List<Operand<TFloat32>> gradients, Operand<TFloat32> rate) {
        List<Op> updates = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
            updates.add(tf.train.applyGradientDescent(parameters.get(i), rate, gradients.get(i)));
        }
        return updates;
    }

    private Operand<TFloat32> clipFactor(Ops tf, Operand<TFloat32> norm) {
        Operand<TFloat32> limit = constant(tf, config.clipping().limit());
        return tf.withName("clip_factor").math.div(limit, tf.math.maximum(norm, limit));
    }

    private List<Operand<TFloat32>> clipped(Ops tf, List<Operand<TFloat32>> gradients, Operand<TFloat32> norm) {
        if (config.clipping().by() == Clipping.By.NORM) {
            Operand<TFloat32> factor = clipFactor(tf, norm);
            return gradients.stream()
                    .<Operand<TFloat32>>map(gradient -> tf.math.mul(gradient, factor))
                    .toList();
        }
        Operand<TFloat32> least = constant(tf, -config.clipping().limit());
        Operand<TFloat32> most = constant(tf, config.clipping().limit());
        return gradients.stream()
                .<Operand<TFloat32>>map(gradient -> tf.clipByValue(gradient, least, most))
                .toList();
    }

    private List<Op> step(
            Ops tf,
            List<Operand<TFloat32>> parameters,
            List<Operand<TFloat32>> slots,
            List<Operand<TFloat32>> clipped) {
        int count = parameters.size();
        Coefficients c = config.coefficients();
        Operand<TFloat32> t = tf.dtypes.cast(step, TFloat32.class);
        Operand<TFloat32> beta1Power = tf.math.pow(constant(tf, c.beta1()), t);
        Operand<TFloat32> beta2Power = tf.math.pow(constant(tf, c.beta2()), t);
        List<Op> updates = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Operand<TFloat32> w = parameters.get(i);
            Operand<TFloat32> g = clipped.get(i);
            updates.add(
                    switch (config.kind()) {
                        case SGD -> tf.train.applyGradientDescent(w, learningRate, g);
                        case MOMENTUM ->
                            tf.train.applyMomentum(w, slots.get(i), learningRate, g, constant(tf, c.momentum()));
                        case RMSPROP -> rmsProp(tf, w, slots.get(i), g);
                        case ADAM -> adam(tf, w, slots.get(i), slots.get(count + i), beta1Power, beta2Power, g);
                        case ADAMW ->
                            adam(tf, decayed(tf, w), slots.get(i), slots.get(count + i), beta1Power, beta2Power, g);
                    });
        }
        return updates;
    }

    private Op rmsProp(Ops tf, Operand<TFloat32> w, Operand<TFloat32> meanSquare, Operand<TFloat32> g) {
        Coefficients c = config.coefficients();
        Operand<TFloat32> kept = tf.math.mul(meanSquare, constant(tf, c.rho()));
        Operand<TFloat32> added = tf.math.mul(tf.math.square(g), constant(tf, 1 - c.rho()));
        Operand<TFloat32> s = tf.assign(meanSquare, tf.math.add(kept, added));
        Operand<TFloat32> divisor = tf.math.add(tf.math.sqrt(s), constant(tf, c.epsilon()));
        return tf.train.applyGradientDescent(w, learningRate, tf.math.div(g, divisor));
    }

    private Operand<TFloat32> decayed(Ops tf, Operand<TFloat32> w) {
        Operand<TFloat32> rate =
                tf.math.mul(learningRate, constant(tf, config.coefficients().weightDecay()));
        return tf.train.applyGradientDescent(w, rate, w);
    }

    private Op adam(
            Ops tf,
            Operand<TFloat32> w,
            Operand<TFloat32> mean,
            Operand<TFloat32> meanSquare,
            Operand<TFloat32> beta1Power,
            Operand<TFloat32> beta2Power,
            Operand<TFloat32> g) {
        Coefficients c = config.coefficients();
        return tf.train.applyAdam(
                w,
                mean,
                meanSquare,
                beta1Power,
                beta2Power,
                learningRate,
                constant(tf, c.beta1()),
                constant(tf, c.beta2()),
                constant(tf, c.epsilon()),
                g);
    }

    private static Operand<TFloat32> constant(Ops tf, double value) {
        return tf.constant((float) value);
    }
}
