package dev.libretto.cli;

import dev.libretto.train.Clipping;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Optimizer.Kind;
import dev.libretto.train.Progress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The options of {@code libretto train} that say how gradients become steps. */
final class OptimizerFlags {
    static final Flag<Kind> OPTIMIZER = Flag.oneOf("optimizer", "optimizer", Kind.SGD);
    static final Flag<Double> LEARNING_RATE = Flag.positive(
            "learning-rate",
            "learning rate (greater than 0; default "
                    + byOptimizer(defaults -> defaults.learningRate().rate()) + ")");
    static final Flag<LearningRate.Schedule> SCHEDULE =
            Flag.oneOf("schedule", "learning-rate schedule", LearningRate.Schedule.CONSTANT);
    static final Flag<Double> DECAY = Flag.parsed(
            "decay",
            "X",
            "final fraction of the learning rate (greater than 0, at most 1)",
            LearningRate.DEFAULT_DECAY,
            Flag.number(d -> d > 0 && d <= 1, "must be greater than 0 and at most 1"));
    static final Flag<Double> DECAY_EPOCHS = Flag.positive(
            "decay-epochs",
            "epochs until the rate has decayed to that fraction; plateau: epochs without a lower validation loss after which"
                    + " it is halved (greater than 0; default all of --epochs, 1 for plateau)");
    static final Flag<Double> WARMUP_EPOCHS = Flag.notNegative("warmup-epochs", "epochs of linear warm-up from 0", 0);
    static final Flag<Double> CLIP_NORM = Flag.positive(
            "clip-norm",
            "maximum global norm of the gradients (greater than 0; default "
                    + byOptimizer(defaults -> defaults.clipping().limit()) + ")");
    static final Flag<Double> CLIP_VALUE = Flag.positive(
            "clip-value", "maximum absolute value of each gradient element (greater than 0), instead of --clip-norm");
    static final Flag<Double> MOMENTUM =
            Flag.fraction("momentum", "momentum: decay of the velocity", Kind.DEFAULTS.get("momentum"));
    static final Flag<Double> RHO = Flag.fraction("rho", "rmsprop: decay of the mean square", Kind.DEFAULTS.get("rho"));
    static final Flag<Double> BETA1 =
            Flag.fraction("beta1", "adam, adamw: decay of the first moment", Kind.DEFAULTS.get("beta1"));
    static final Flag<Double> BETA2 =
            Flag.fraction("beta2", "adam, adamw: decay of the second moment", Kind.DEFAULTS.get("beta2"));
    static final Flag<Double> EPSILON =
            Flag.positive("epsilon", "rmsprop, adam, adamw: added to the divisor", Kind.DEFAULTS.get("epsilon"));
    static final Flag<Double> WEIGHT_DECAY =
            Flag.notNegative("weight-decay", "adamw: weight decay", Kind.DEFAULTS.get("weightDecay"));

    /** The coefficients of {@link Optimizer.Rule}. */
    private static final List<Flag<Double>> COEFFICIENTS = List.of(MOMENTUM, RHO, BETA1, BETA2, EPSILON, WEIGHT_DECAY);

    static final List<Flag<?>> ALL = Flag.joined(
            List.of(OPTIMIZER, LEARNING_RATE, SCHEDULE, DECAY, DECAY_EPOCHS, WARMUP_EPOCHS, CLIP_NORM, CLIP_VALUE),
            COEFFICIENTS);

    /** The schedules that depend on time alone. */
    private static final List<LearningRate.Schedule> TIMED =
            List.of(LearningRate.Schedule.STEP, LearningRate.Schedule.EXPONENTIAL, LearningRate.Schedule.COSINE);

    private static final List<LearningRate.Schedule> FALLING = Stream.concat(
                    TIMED.stream(), Stream.of(LearningRate.Schedule.PLATEAU))
            .toList();

    /** The factor by which a plateau schedule decays. */
    private static final double HALF = 0.5;

    private OptimizerFlags() {}

    private static String byOptimizer(ToDoubleFunction<Optimizer> valueOf) {
        Map<Double, List<Kind>> kinds = Arrays.stream(Kind.values())
                .collect(Collectors.groupingBy(
                        kind -> valueOf.applyAsDouble(Optimizer.defaults(kind)), TreeMap::new, Collectors.toList()));
        return kinds.entrySet().stream()
                .map(entry -> Flag.shortest(entry.getKey()) + " for "
                        + entry.getValue().stream().map(Kind::toString).collect(Collectors.joining(" and ")))
                .collect(Collectors.joining(", "));
    }

    /** @param epochs of the run, over which a schedule decays by default */
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
        arguments.requireEffect(DECAY, SCHEDULE, TIMED);
        arguments.requireEffect(DECAY_EPOCHS, SCHEDULE, FALLING);
        boolean isPlateau = schedule == LearningRate.Schedule.PLATEAU;
        if (schedule == LearningRate.Schedule.CONSTANT) {
            decayEpochs = 1.0;
        } else if (schedule == LearningRate.Schedule.STEP && decayEpochs == null) {
            throw new UsageException("--schedule step needs to know after how many epochs; add --decay-epochs N");
        } else if (decayEpochs == null) {
            decayEpochs = isPlateau ? 1.0 : Math.max(1, epochs);
        }
        return new LearningRate(
                rate == null ? defaults.learningRate().rate() : rate,
                schedule,
                isPlateau ? HALF : arguments.get(DECAY),
                decayEpochs,
                arguments.get(WARMUP_EPOCHS));
    }

    /**
     * Returns the learning rate of a resumed run. A given one is the rate from here on, apart from a schedule of time, so
     * it is divided by what the plateau schedule and rollbacks have multiplied it by.
     *
     * @param epochs of the run
     * @param progress where it continues
     */
    static LearningRate resumed(Arguments arguments, LearningRate before, int epochs, Progress progress)
            throws UsageException {
        LearningRate rate = arguments.has(LEARNING_RATE)
                ? before.withRate(arguments.get(LEARNING_RATE) / progress.learningRateFactor())
                : before;
        if (!arguments.get(TrainFlags.EXTEND_SCHEDULE)) {
            return rate;
        }
        if (!before.schedule().decaysOnce()) {
            throw new UsageException("--extend-schedule has no effect with the " + before.schedule()
                    + " schedule of this run; it requires exponential or cosine");
        }
        return rate.withDecayEpochs(Math.max(1, epochs));
    }

    private static Clipping clipping(Arguments arguments, Optimizer defaults) throws UsageException {
        Flag<Double> given = arguments.either(CLIP_NORM, CLIP_VALUE);
        if (given == null) {
            return defaults.clipping();
        }
        return new Clipping(given == CLIP_NORM ? Clipping.By.NORM : Clipping.By.VALUE, arguments.get(given));
    }
}
