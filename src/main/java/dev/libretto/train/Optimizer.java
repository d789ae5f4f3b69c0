package dev.libretto.train;

import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * How gradients become steps: {@code Optimizer.adam(0.002)}.
 *
 * @param kind the rule
 * @param coefficients the numbers of the rule
 * @param learningRate the learning rate over the course of training
 * @param clipping how large gradients are made smaller
 */
public record Optimizer(Kind kind, Coefficients coefficients, LearningRate learningRate, Clipping clipping) {
    /** Plain descent, as the textbook has it: learning rate 100, gradients clipped to a global norm of 0.01. */
    public static final Optimizer TEXTBOOK = defaults(Kind.SGD);

    /** @throws IllegalArgumentException if a part is missing */
    public Optimizer {
        Objects.requireNonNull(kind, "optimizer kind");
        Objects.requireNonNull(coefficients, "optimizer coefficients");
        Objects.requireNonNull(learningRate, "learning rate");
        Objects.requireNonNull(clipping, "clipping");
    }

    /** A rule with the numbers that usually go with it, and a constant learning rate. */
    public static Optimizer defaults(Kind kind) {
        return new Optimizer(
                kind,
                Coefficients.DEFAULT,
                LearningRate.constant(kind.learningRate),
                new Clipping(Clipping.By.NORM, kind.clipNorm));
    }

    /** Stochastic gradient descent at a constant learning rate, clipped to a global norm of 0.01. */
    public static Optimizer sgd(double learningRate) {
        return defaults(Kind.SGD).withLearningRate(LearningRate.constant(learningRate));
    }

    /** Descent with momentum 0.9 at a constant learning rate, clipped to a global norm of 0.01. */
    public static Optimizer momentum(double learningRate) {
        return defaults(Kind.MOMENTUM).withLearningRate(LearningRate.constant(learningRate));
    }

    /** RMSProp at a constant learning rate, clipped to a global norm of 5. */
    public static Optimizer rmsProp(double learningRate) {
        return defaults(Kind.RMSPROP).withLearningRate(LearningRate.constant(learningRate));
    }

    /** Adam at a constant learning rate, clipped to a global norm of 5. */
    public static Optimizer adam(double learningRate) {
        return defaults(Kind.ADAM).withLearningRate(LearningRate.constant(learningRate));
    }

    /** Adam with decoupled weight decay 0.01 at a constant learning rate, clipped to a global norm of 5. */
    public static Optimizer adamW(double learningRate) {
        return defaults(Kind.ADAMW).withLearningRate(LearningRate.constant(learningRate));
    }

    /** Returns a copy with the given learning rate. */
    public Optimizer withLearningRate(LearningRate newLearningRate) {
        return new Optimizer(kind, coefficients, newLearningRate, clipping);
    }

    /** Returns a copy with the given clipping. */
    public Optimizer withClipping(Clipping newClipping) {
        return new Optimizer(kind, coefficients, learningRate, newClipping);
    }

    /**
     * The rules, each for a parameter w with the clipped gradient g and the learning rate η; in {@code train.Descent} they
     * stand as operations.
     */
    public enum Kind {
        /** w − η · g. */
        SGD(100, 0.01, List.of()),
        /** v = momentum · v + g; w − η · v (Polyak, 1964). */
        MOMENTUM(10, 0.01, List.of("velocity")),
        /** s = ρ · s + (1 − ρ) · g²; w − η · g / (√s + ε) (Tieleman and Hinton, 2012). */
        RMSPROP(0.002, 5, List.of("mean_square")),
        /** Kingma and Ba, 2015, in the order of computation at the end of its section 2. */
        ADAM(0.002, 5, List.of("mean", "mean_square")),
        /** {@link #ADAM} after w = (1 − η · decay) · w (Loshchilov and Hutter, 2019). */
        ADAMW(0.002, 5, List.of("mean", "mean_square"));

        private final double learningRate;
        private final double clipNorm;
        private final List<String> slots;

        Kind(double learningRate, double clipNorm, List<String> slots) {
            this.learningRate = learningRate;
            this.clipNorm = clipNorm;
            this.slots = slots;
        }

        /** The learning rate where none is given. */
        public double learningRate() {
            return learningRate;
        }

        /** The largest global norm of the gradients where no clipping is given. */
        public double clipNorm() {
            return clipNorm;
        }

        /** The names of the arrays that it keeps for each parameter, of the parameter's shape, zero at the start. */
        public List<String> slots() {
            return slots;
        }

        /** The name on the command line and in configuration files. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The numbers of the rules; each rule uses its own.
     *
     * @param momentum decay of the velocity
     * @param rho ρ of RMSProp, decay of the mean square
     * @param beta1 β1 of Adam, decay of the mean
     * @param beta2 β2 of Adam, decay of the mean square
     * @param epsilon ε of RMSProp and Adam, which keeps the divisor from zero
     * @param weightDecay of AdamW
     */
    public record Coefficients(
            double momentum, double rho, double beta1, double beta2, double epsilon, double weightDecay) {
        /** The values that the rules' authors, or most programs, have. */
        public static final Coefficients DEFAULT = new Coefficients(0.9, 0.95, 0.9, 0.999, 1e-8, 0.01);

        /** @throws IllegalArgumentException naming the value that is out of range */
        public Coefficients {
            Require.belowOne("momentum", momentum);
            Require.belowOne("rho", rho);
            Require.belowOne("beta1", beta1);
            Require.belowOne("beta2", beta2);
            Require.positive("epsilon", epsilon);
            if (!(weightDecay >= 0 && weightDecay <= Float.MAX_VALUE)) {
                throw new IllegalArgumentException("weight decay is " + weightDecay + "; it must be at least 0");
            }
        }
    }
}
