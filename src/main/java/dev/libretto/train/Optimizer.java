package dev.libretto.train;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Operand;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;

/**
 * How gradients become steps: {@code Optimizer.adam(0.002)}.
 *
 * @param rule the update rule, with its coefficients
 * @param learningRate the learning rate over the course of training
 * @param clipping how gradients are clipped
 */
@JsonPropertyOrder({"kind", "coefficients", "learningRate", "clipping"})
public record Optimizer(@JsonIgnore Rule rule, LearningRate learningRate, Clipping clipping) {
    /** Plain descent, as the textbook has it: learning rate 100, gradients clipped to a global norm of 0.01. */
    public static final Optimizer TEXTBOOK = defaults(Kind.SGD);

    /** @throws IllegalArgumentException if a part is missing */
    public Optimizer {
        Objects.requireNonNull(rule, "optimizer rule");
        Objects.requireNonNull(learningRate, "learning rate");
        Objects.requireNonNull(clipping, "clipping");
    }

    /** Reads the optimizer of a run, which has the coefficients of all rules. */
    @JsonCreator
    static Optimizer of(
            @JsonProperty("kind") Kind kind,
            @JsonProperty("coefficients") Map<String, Double> coefficients,
            @JsonProperty("learningRate") LearningRate learningRate,
            @JsonProperty("clipping") Clipping clipping) {
        Objects.requireNonNull(kind, "optimizer kind");
        Objects.requireNonNull(coefficients, "optimizer coefficients");
        for (String name : coefficients.keySet()) {
            if (!Kind.DEFAULTS.containsKey(name)) {
                throw new IllegalArgumentException(
                        name + " is not a coefficient; expected one of " + String.join(", ", Kind.DEFAULTS.keySet()));
            }
        }
        return new Optimizer(kind.rule.with(coefficients), learningRate, clipping);
    }

    /** Returns an optimizer with the default coefficients, learning rate and clipping of its kind. */
    public static Optimizer defaults(Kind kind) {
        return new Optimizer(
                kind.rule, LearningRate.constant(kind.learningRate), new Clipping(Clipping.By.NORM, kind.clipNorm));
    }

    /** Returns an optimizer with a constant learning rate. */
    public static Optimizer of(Kind kind, double learningRate) {
        return defaults(kind).withLearningRate(LearningRate.constant(learningRate));
    }

    /** Adam at a constant learning rate, clipped to a global norm of 5. */
    public static Optimizer adam(double learningRate) {
        return of(Kind.ADAM, learningRate);
    }

    /** Returns a copy with the given learning rate. */
    public Optimizer withLearningRate(LearningRate newLearningRate) {
        return new Optimizer(rule, newLearningRate, clipping);
    }

    /** Returns a copy with the given clipping. */
    public Optimizer withClipping(Clipping newClipping) {
        return new Optimizer(rule, learningRate, newClipping);
    }

    /** Returns the kind of the rule. */
    @JsonProperty
    public Kind kind() {
        return Arrays.stream(Kind.values())
                .filter(kind -> kind.rule.getClass() == rule.getClass())
                .findFirst()
                .orElseThrow();
    }

    /** Returns the coefficients of all rules, as runs store them; those of other rules have their defaults. */
    @JsonProperty
    Map<String, Double> coefficients() {
        Map<String, Double> all = new TreeMap<>(Kind.DEFAULTS);
        all.putAll(rule.coefficients());
        return all;
    }

    /**
     * Adds the update of every trained parameter to a graph. With the global norm of all gradients (Pascanu, Mikolov and Bengio, 2013),
     * a gradient is clipped to
     *
     * <pre>
     *     g = min(1, limit / norm) · g        or  min(limit, max(−limit, g)), element by element
     * </pre>
     *
     * @param variables the trained parameters
     * @param slots the optimizer's arrays: for each of {@link Rule#slots}, one of every trained parameter; others may follow
     * @param gradients of every trained parameter
     * @param norm their global norm before clipping, a scalar
     * @param rate η, a scalar
     * @param number t, the number of the step, a scalar
     * @return the updated parameters
     */
    List<Operand<TFloat32>> update(
            Ops tf,
            Variables variables,
            Variables slots,
            List<Operand<TFloat32>> gradients,
            Operand<TFloat32> norm,
            Operand<TFloat32> rate,
            Operand<TInt64> number) {
        // No parameter may change while a gradient is still to be computed from it; the norm takes all of them.
        Ops after = tf.withControlDependencies(List.of(norm));
        // In plain descent, scaling the rate is the same as scaling the gradients, for less work.
        boolean scalesRate = rule instanceof Sgd && clipping.by() == Clipping.By.NORM;
        Operand<TFloat32> factor = clipping.factor(tf, norm);
        Operand<TFloat32> scaled = scalesRate ? tf.math.mul(rate, factor) : rate;
        Map<DeviceSpec, Step> steps = new HashMap<>();
        List<Operand<TFloat32>> parameters = variables.all();
        List<Operand<TFloat32>> updated = new ArrayList<>();
        for (int i = 0; i < parameters.size(); i++) {
            List<Operand<TFloat32>> own = new ArrayList<>();
            for (int slot = 0; slot < rule.slots().size(); slot++) {
                own.add(slots.all().get(slot * parameters.size() + i));
            }
            DeviceSpec place = variables.place(i);
            Operand<TFloat32> gradient = gradients.get(i);
            Step step = steps.computeIfAbsent(place, at -> rule.step(Parts.at(after, at), scaled, number));
            updated.add(step.of(
                    parameters.get(i),
                    scalesRate ? gradient : clipping.clip(Parts.at(tf, place), gradient, factor),
                    own));
        }
        return updated;
    }

    /** The optimizers, each with its default coefficients, learning rate and limit of the gradients' global norm. */
    public enum Kind {
        SGD(new Sgd(), 100, 0.01),
        MOMENTUM(new Momentum(0.9), 10, 0.01),
        RMSPROP(new RmsProp(0.95, 1e-8), 0.002, 5),
        ADAM(new Adam(0.9, 0.999, 1e-8), 0.002, 5),
        ADAMW(new AdamW(0.9, 0.999, 1e-8, 0.01), 0.002, 5);

        /** The default of each coefficient that a rule has, by name. */
        public static final Map<String, Double> DEFAULTS;

        static {
            Map<String, Double> defaults = new TreeMap<>();
            Arrays.stream(values()).forEach(kind -> defaults.putAll(kind.rule.coefficients()));
            DEFAULTS = Collections.unmodifiableMap(defaults);
        }

        private final Rule rule;
        private final double learningRate;
        private final double clipNorm;

        Kind(Rule rule, double learningRate, double clipNorm) {
            this.rule = rule;
            this.learningRate = learningRate;
            this.clipNorm = clipNorm;
        }

        /** The name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns a parameter w after its update by its clipped gradient g, given its slots. */
    @FunctionalInterface
    public interface Step {
        Operand<TFloat32> of(Operand<TFloat32> w, Operand<TFloat32> g, List<Operand<TFloat32>> slots);
    }

    /**
     * An update rule for a parameter w with the clipped gradient g, the learning rate η and the step t, counted from 1. Its
     * record components are its coefficients.
     */
    public sealed interface Rule {
        /** Returns the names of the arrays kept for each parameter, of its shape and zero at the start. */
        default List<String> slots() {
            return List.of();
        }

        /** Adds what the updates of all parameters share. */
        Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t);

        /** Returns the coefficients by name. */
        default Map<String, Double> coefficients() {
            Map<String, Double> coefficients = new LinkedHashMap<>();
            for (RecordComponent component : getClass().getRecordComponents()) {
                try {
                    coefficients.put(component.getName(), (Double)
                            component.getAccessor().invoke(this));
                } catch (ReflectiveOperationException e) {
                    throw new AssertionError(component + " can be read", e);
                }
            }
            return coefficients;
        }

        /**
         * Returns a copy with the given coefficients, of which those of other rules are ignored.
         *
         * @throws IllegalArgumentException naming the one that is missing or out of range
         */
        default Rule with(Map<String, Double> values) {
            List<Double> own = new ArrayList<>();
            for (String name : coefficients().keySet()) {
                own.add(Objects.requireNonNull(values.get(name), "coefficient " + name));
            }
            try {
                return (Rule) getClass().getDeclaredConstructors()[0].newInstance(own.toArray());
            } catch (ReflectiveOperationException e) {
                if (e.getCause() instanceof IllegalArgumentException outOfRange) {
                    throw outOfRange;
                }
                throw new AssertionError(getClass() + " has one constructor", e);
            }
        }
    }

    /** w = w − η · g. */
    public record Sgd() implements Rule {
        @Override
        public Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t) {
            return (w, g, slots) -> tf.train.applyGradientDescent(w, rate, g);
        }
    }

    /** v = momentum · v + g; w = w − η · v (Polyak, 1964). */
    public record Momentum(double momentum) implements Rule {
        public Momentum {
            Require.belowOne("momentum", momentum);
        }

        @Override
        public List<String> slots() {
            return List.of("velocity");
        }

        @Override
        public Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t) {
            return (w, g, slots) -> tf.train.applyMomentum(w, slots.get(0), rate, g, constant(tf, momentum));
        }
    }

    /**
     * s = ρ · s + (1 − ρ) · g²; w = w − η · g / (√s + ε) (Tieleman and Hinton, 2012).
     *
     * @param rho ρ, decay of the mean square
     * @param epsilon ε, keeps the divisor from zero
     */
    public record RmsProp(double rho, double epsilon) implements Rule {
        public RmsProp {
            Require.belowOne("rho", rho);
            Require.positive("epsilon", epsilon);
        }

        @Override
        public List<String> slots() {
            return List.of("mean_square");
        }

        @Override
        public Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t) {
            return (w, g, slots) -> {
                Operand<TFloat32> kept = tf.math.mul(slots.get(0), constant(tf, rho));
                Operand<TFloat32> added = tf.math.mul(tf.math.square(g), constant(tf, 1 - rho));
                Operand<TFloat32> s = tf.assign(slots.get(0), tf.math.add(kept, added));
                Operand<TFloat32> divisor = tf.math.add(tf.math.sqrt(s), constant(tf, epsilon));
                return tf.train.applyGradientDescent(w, rate, tf.math.div(g, divisor));
            };
        }
    }

    /**
     * In the order of computation at the end of section 2 of Kingma and Ba, 2015:
     *
     * <pre>
     *     m = β1 · m + (1 − β1) · g
     *     s = β2 · s + (1 − β2) · g²
     *     w = w − η · √(1 − β2^t) / (1 − β1^t) · m / (√s + ε)
     * </pre>
     *
     * @param beta1 β1, decay of the mean m
     * @param beta2 β2, decay of the mean square s
     * @param epsilon ε, keeps the divisor from zero
     */
    public record Adam(double beta1, double beta2, double epsilon) implements Rule {
        public Adam {
            Require.belowOne("beta1", beta1);
            Require.belowOne("beta2", beta2);
            Require.positive("epsilon", epsilon);
        }

        @Override
        public List<String> slots() {
            return List.of("mean", "mean_square");
        }

        @Override
        public Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t) {
            Operand<TFloat32> exponent = tf.dtypes.cast(t, TFloat32.class);
            Operand<TFloat32> beta1Power = tf.math.pow(constant(tf, beta1), exponent);
            Operand<TFloat32> beta2Power = tf.math.pow(constant(tf, beta2), exponent);
            return (w, g, slots) -> tf.train.applyAdam(
                    w,
                    slots.get(0),
                    slots.get(1),
                    beta1Power,
                    beta2Power,
                    rate,
                    constant(tf, beta1),
                    constant(tf, beta2),
                    constant(tf, epsilon),
                    g);
        }
    }

    /**
     * w = w − η · decay · w, then as {@link Adam} (Loshchilov and Hutter, 2019).
     *
     * @param weightDecay at least 0
     */
    public record AdamW(double beta1, double beta2, double epsilon, double weightDecay) implements Rule {
        public AdamW {
            new Adam(beta1, beta2, epsilon);
            if (!(weightDecay >= 0 && weightDecay <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("weight decay is " + weightDecay + "; it must be at least 0");
            }
        }

        @Override
        public List<String> slots() {
            return adam().slots();
        }

        private Adam adam() {
            return new Adam(beta1, beta2, epsilon);
        }

        @Override
        public Step step(Ops tf, Operand<TFloat32> rate, Operand<TInt64> t) {
            Step adam = adam().step(tf, rate, t);
            return (w, g, slots) -> {
                Operand<TFloat32> decay = tf.math.mul(rate, constant(tf, weightDecay));
                return adam.of(tf.train.applyGradientDescent(w, decay, w), g, slots);
            };
        }
    }

    static Operand<TFloat32> constant(Ops tf, double value) {
        return tf.constant((float) value);
    }
}
