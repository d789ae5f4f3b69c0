package dev.libretto.cli;

import dev.libretto.train.Clipping;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Optimizer.Coefficients;
import dev.libretto.train.Optimizer.Kind;
import dev.libretto.train.TrainConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The options of {@code libretto train} that say how gradients become steps. */
final class OptimizerFlags {
    private static final Coefficients DEFAULT = Coefficients.DEFAULT;

    static final Flag<Kind> OPTIMIZER = Flag.oneOf("optimizer", "how gradients become steps", Kind.SGD);
    static final Flag<Double> LEARNING_RATE = Flag.positive(
            "learning-rate", "factor of each step (more than 0; default " + byOptimizer(Kind::learningRate) + ")");
    static final Flag<LearningRate.Schedule> SCHEDULE =
            Flag.oneOf("schedule", "how the learning rate falls", LearningRate.Schedule.CONSTANT);
    static final Flag<Double> DECAY = Flag.parsed(
            "decay",
            "X",
            "to which part the learning rate falls in --decay-epochs (more than 0, at most 1)",
            LearningRate.DEFAULT_DECAY,
            OptimizerFlags::decay);
    static final Flag<Double> DECAY_EPOCHS =
            Flag.positive("decay-epochs", "epochs in which it falls (more than 0; default all that --epochs asks for)");
    static final Flag<Double> WARMUP_EPOCHS =
            Flag.notNegative("warmup-epochs", "epochs over which the learning rate first rises from 0", 0);
    static final Flag<Double> CLIP_NORM = Flag.positive(
            "clip-norm",
            "largest global norm of the gradients (more than 0; default " + byOptimizer(Kind::clipNorm) + ")");
    static final Flag<Double> CLIP_VALUE = Flag.positive(
            "clip-value", "largest absolute value of a gradient's element (more than 0), instead of --clip-norm");
    static final Flag<Double> MOMENTUM =
            Flag.below("momentum", "momentum: how much of the velocity stays", DEFAULT.momentum(), 0, 1);
    static final Flag<Double> RHO =
            Flag.below("rho", "rmsprop: how much of the mean square stays", DEFAULT.rho(), 0, 1);
    static final Flag<Double> BETA1 =
            Flag.below("beta1", "adam, adamw: how much of the mean stays", DEFAULT.beta1(), 0, 1);
    static final Flag<Double> BETA2 =
            Flag.below("beta2", "adam, adamw: how much of the mean square stays", DEFAULT.beta2(), 0, 1);
    static final Flag<Double> EPSILON =
            Flag.positive("epsilon", "rmsprop, adam, adamw: what keeps the divisor from 0", DEFAULT.epsilon());
    static final Flag<Double> WEIGHT_DECAY =
            Flag.notNegative("weight-decay", "adamw: what is taken off the weights", DEFAULT.weightDecay());

    /** All of them, in the order of the help. */
    static final List<Flag<?>> ALL = List.of(
            OPTIMIZER,
            LEARNING_RATE,
            SCHEDULE,
            DECAY,
            DECAY_EPOCHS,
            WARMUP_EPOCHS,
            CLIP_NORM,
            CLIP_VALUE,
            MOMENTUM,
            RHO,
            BETA1,
            BETA2,
            EPSILON,
            WEIGHT_DECAY);

    /** The optimizers that have a coefficient. */
    private static final Map<Flag<Double>, List<Kind>> COEFFICIENTS = Map.of(
            MOMENTUM, List.of(Kind.MOMENTUM),
            RHO, List.of(Kind.RMSPROP),
            BETA1, List.of(Kind.ADAM, Kind.ADAMW),
            BETA2, List.of(Kind.ADAM, Kind.ADAMW),
            EPSILON, List.of(Kind.RMSPROP, Kind.ADAM, Kind.ADAMW),
            WEIGHT_DECAY, List.of(Kind.ADAMW));

    private static final List<LearningRate.Schedule> FALLING =
            List.of(LearningRate.Schedule.STEP, LearningRate.Schedule.EXPONENTIAL, LearningRate.Schedule.COSINE);

    private OptimizerFlags() {}

    /** A value of each optimizer, in words. */
    private static String byOptimizer(ToDoubleFunction<Kind> valueOf) {
        Map<Double, List<Kind>> kinds = Arrays.stream(Kind.values())
                .collect(Collectors.groupingBy(valueOf::applyAsDouble, TreeMap::new, Collectors.toList()));
        return kinds.entrySet().stream()
                .map(entry -> Flag.shortest(entry.getKey()) + " for "
                        + entry.getValue().stream().map(Kind::toString).collect(Collectors.joining(" and ")))
                .collect(Collectors.joining(", "));
    }

    private static double decay(String value) {
        double decay = Flag.decimal(value);
        if (!(decay > 0 && decay <= 1)) {
            throw new IllegalArgumentException("must be a number more than 0 and at most 1");
        }
        return decay;
    }

    /**
     * How gradients become steps.
     *
     * @param epochs how many the run has, which a schedule takes where nothing else is said
     */
    static Optimizer config(Arguments arguments, int epochs) throws UsageException {
        Optimizer defaults = Optimizer.defaults(arguments.get(OPTIMIZER));
        for (Map.Entry<Flag<Double>, List<Kind>> coefficient : COEFFICIENTS.entrySet()) {
            arguments.requireEffect(coefficient.getKey(), OPTIMIZER, coefficient.getValue());
        }
        Coefficients coefficients = new Coefficients(
                arguments.get(MOMENTUM),
                arguments.get(RHO),
                arguments.get(BETA1),
                arguments.get(BETA2),
                arguments.get(EPSILON),
                arguments.get(WEIGHT_DECAY));
        return new Optimizer(
                defaults.kind(),
                coefficients,
                learningRate(arguments, defaults, epochs),
                clipping(arguments, defaults));
    }

    private static LearningRate learningRate(Arguments arguments, Optimizer defaults, int epochs)
            throws UsageException {
        Double rate = arguments.get(LEARNING_RATE);
        Double decayEpochs = arguments.get(DECAY_EPOCHS);
        LearningRate.Schedule schedule = arguments.get(SCHEDULE);
        arguments.requireEffect(DECAY, SCHEDULE, FALLING);
        arguments.requireEffect(DECAY_EPOCHS, SCHEDULE, FALLING);
        if (schedule == LearningRate.Schedule.CONSTANT) {
            decayEpochs = null;
            epochs = 1;
        } else if (schedule == LearningRate.Schedule.STEP && decayEpochs == null) {
            throw new UsageException("--schedule step needs to know after how many epochs; add --decay-epochs N");
        }
        return new LearningRate(
                rate == null ? defaults.learningRate().rate() : rate,
                schedule,
                arguments.get(DECAY),
                decayEpochs == null ? Math.max(1, epochs) : decayEpochs,
                arguments.get(WARMUP_EPOCHS));
    }

    private static Clipping clipping(Arguments arguments, Optimizer defaults) throws UsageException {
        Flag<Double> given = arguments.either(CLIP_NORM, CLIP_VALUE);
        if (given == null) {
            return defaults.clipping();
        }
        return new Clipping(given == CLIP_NORM ? Clipping.By.NORM : Clipping.By.VALUE, arguments.get(given));
    }

    /** Returns the names of the coefficients that an optimizer does not have, as in a run's configuration. */
    static List<String> coefficientsWithout(Kind kind) {
        return COEFFICIENTS.entrySet().stream()
                .filter(coefficient -> !coefficient.getValue().contains(kind))
                .map(coefficient -> coefficient.getKey() == WEIGHT_DECAY
                        ? "weightDecay"
                        : coefficient.getKey().name())
                .toList();
    }

    /** @throws UsageException if an option is given that would change how a stored run is trained */
    static void requireSame(Arguments arguments, TrainConfig stored) throws UsageException {
        Optimizer optimizer = stored.optimizer();
        LearningRate rate = optimizer.learningRate();
        Coefficients coefficients = optimizer.coefficients();
        boolean byNorm = optimizer.clipping().by() == Clipping.By.NORM;
        double limit = optimizer.clipping().limit();
        TrainFlags.requireSame(arguments, OPTIMIZER, optimizer.kind());
        TrainFlags.requireSame(arguments, LEARNING_RATE, rate.rate());
        TrainFlags.requireSame(arguments, SCHEDULE, rate.schedule());
        TrainFlags.requireSame(arguments, DECAY, rate.decay());
        TrainFlags.requireSame(arguments, DECAY_EPOCHS, rate.decayEpochs());
        TrainFlags.requireSame(arguments, WARMUP_EPOCHS, rate.warmupEpochs());
        TrainFlags.requireSame(arguments, CLIP_NORM, byNorm ? limit : null);
        TrainFlags.requireSame(arguments, CLIP_VALUE, byNorm ? null : limit);
        TrainFlags.requireSame(arguments, MOMENTUM, coefficients.momentum());
        TrainFlags.requireSame(arguments, RHO, coefficients.rho());
        TrainFlags.requireSame(arguments, BETA1, coefficients.beta1());
        TrainFlags.requireSame(arguments, BETA2, coefficients.beta2());
        TrainFlags.requireSame(arguments, EPSILON, coefficients.epsilon());
        TrainFlags.requireSame(arguments, WEIGHT_DECAY, coefficients.weightDecay());
    }
}
