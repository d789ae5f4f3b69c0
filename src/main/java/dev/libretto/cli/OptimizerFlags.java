package dev.libretto.cli;

import dev.libretto.train.Clipping;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Optimizer.Kind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The options of {@code libretto train} that say how gradients become steps. */
final class OptimizerFlags {
    static final Flag<Kind> OPTIMIZER = Flag.oneOf("optimizer", "how gradients become steps", Kind.SGD);
    static final Flag<Double> LEARNING_RATE = Flag.positive(
            "learning-rate",
            "factor of each step (greater than 0; default "
                    + byOptimizer(defaults -> defaults.learningRate().rate()) + ")");
    static final Flag<LearningRate.Schedule> SCHEDULE =
            Flag.oneOf("schedule", "how the learning rate falls", LearningRate.Schedule.CONSTANT);
    static final Flag<Double> DECAY = Flag.parsed(
            "decay",
            "X",
            "to which part the learning rate falls in --decay-epochs (greater than 0, at most 1)",
            LearningRate.DEFAULT_DECAY,
            OptimizerFlags::decay);
    static final Flag<Double> DECAY_EPOCHS = Flag.positive(
            "decay-epochs", "epochs in which it falls (greater than 0; default all that --epochs asks for)");
    static final Flag<Double> WARMUP_EPOCHS =
            Flag.notNegative("warmup-epochs", "epochs over which the learning rate first rises from 0", 0);
    static final Flag<Double> CLIP_NORM = Flag.positive(
            "clip-norm",
            "largest global norm of the gradients (greater than 0; default "
                    + byOptimizer(defaults -> defaults.clipping().limit()) + ")");
    static final Flag<Double> CLIP_VALUE = Flag.positive(
            "clip-value", "largest absolute value of a gradient's element (greater than 0), instead of --clip-norm");
    static final Flag<Double> MOMENTUM =
            Flag.below("momentum", "momentum: how much of the velocity stays", Kind.DEFAULTS.get("momentum"), 0, 1);
    static final Flag<Double> RHO =
            Flag.below("rho", "rmsprop: how much of the mean square stays", Kind.DEFAULTS.get("rho"), 0, 1);
    static final Flag<Double> BETA1 =
            Flag.below("beta1", "adam, adamw: how much of the mean stays", Kind.DEFAULTS.get("beta1"), 0, 1);
    static final Flag<Double> BETA2 =
            Flag.below("beta2", "adam, adamw: how much of the mean square stays", Kind.DEFAULTS.get("beta2"), 0, 1);
    static final Flag<Double> EPSILON = Flag.positive(
            "epsilon", "rmsprop, adam, adamw: what keeps the divisor from 0", Kind.DEFAULTS.get("epsilon"));
    static final Flag<Double> WEIGHT_DECAY =
            Flag.notNegative("weight-decay", "adamw: what is taken off the weights", Kind.DEFAULTS.get("weightDecay"));

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

    /** The coefficients of {@link Optimizer.Rule}. */
    private static final List<Flag<Double>> COEFFICIENTS = List.of(MOMENTUM, RHO, BETA1, BETA2, EPSILON, WEIGHT_DECAY);

    private static final List<LearningRate.Schedule> FALLING =
            List.of(LearningRate.Schedule.STEP, LearningRate.Schedule.EXPONENTIAL, LearningRate.Schedule.COSINE);

    private OptimizerFlags() {}

    /** A value of each optimizer, in words. */
    private static String byOptimizer(ToDoubleFunction<Optimizer> valueOf) {
        Map<Double, List<Kind>> kinds = Arrays.stream(Kind.values())
                .collect(Collectors.groupingBy(
                        kind -> valueOf.applyAsDouble(Optimizer.defaults(kind)), TreeMap::new, Collectors.toList()));
        return kinds.entrySet().stream()
                .map(entry -> Flag.shortest(entry.getKey()) + " for "
                        + entry.getValue().stream().map(Kind::toString).collect(Collectors.joining(" and ")))
                .collect(Collectors.joining(", "));
    }

    private static double decay(String value) {
        double decay = Flag.decimal(value);
        if (!(decay > 0 && decay <= 1)) {
            throw new IllegalArgumentException("must be greater than 0 and at most 1");
        }
        return decay;
    }

    /**
     * How gradients become steps.
     *
     * @param epochs how many the run has, which a schedule takes where nothing else is said
     */
    static Optimizer config(Arguments arguments, int epochs) throws UsageException {
        Kind kind = arguments.get(OPTIMIZER);
        Optimizer defaults = Optimizer.defaults(kind);
        Map<String, Double> coefficients = new HashMap<>();
        for (Flag<Double> flag : COEFFICIENTS) {
            String name = TrainFlags.componentOf(flag);
            List<Kind> having = Arrays.stream(Kind.values())
                    .filter(each ->
                            Optimizer.defaults(each).rule().coefficients().containsKey(name))
                    .toList();
            arguments.requireEffect(flag, OPTIMIZER, having);
            coefficients.put(name, arguments.get(flag));
        }
        return new Optimizer(
                defaults.rule().with(coefficients),
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
}
