package dev.libretto.benchmark;

import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep;
import java.util.ArrayList;
import java.util.List;

/** How the time of a training batch grows when one of the textbook's sizes is doubled, beside how its arithmetic grows. */
public final class Sweep {
    /** How many time steps the graph has whose building is timed. */
    public static final int LONG = 512;

    private static final int T = TrainConfig.TEXTBOOK.seqLength();
    private static final int B = TrainConfig.TEXTBOOK.batchSize();
    private static final int H = 256;
    private static final int V = 638;
    private static final int TIMES = 3;

    /**
     * What a doubling did.
     *
     * @param size which size was doubled, and to what
     * @param time the time of a batch, as a multiple of the time before
     * @param arithmetic the floating-point operations of its matrix products, as a multiple of those before
     */
    public record Growth(String size, Measured time, double arithmetic) {}

    private Sweep() {}

    /** Doubles T, B, H and V in turn, each three times, and measures every step so many times. */
    public static List<Growth> measure(int rounds) {
        List<Growth> steps = new ArrayList<>();
        for (int i = 1; i < 1 << TIMES; i *= 2) {
            steps.add(growth("T", T * i, Workload.sized(T * i, B, H, V), Workload.sized(2 * T * i, B, H, V), rounds));
        }
        for (int i = 1; i < 1 << TIMES; i *= 2) {
            steps.add(growth("B", B * i, Workload.sized(T, B * i, H, V), Workload.sized(T, 2 * B * i, H, V), rounds));
        }
        for (int i = 1; i < 1 << TIMES; i *= 2) {
            steps.add(growth("H", H * i, Workload.sized(T, B, H * i, V), Workload.sized(T, B, 2 * H * i, V), rounds));
        }
        for (int i = 1; i < 1 << TIMES; i *= 2) {
            steps.add(growth("V", V * i, Workload.sized(T, B, H, V * i), Workload.sized(T, B, H, 2 * V * i), rounds));
        }
        return steps;
    }

    /** One doubling; the two are trained in turn, so that whatever else the machine does slows both down. */
    private static Growth growth(String letter, int from, Workload before, Workload after, int rounds) {
        try (TrainingSpeed small = new TrainingSpeed(before);
                TrainingSpeed large = new TrainingSpeed(after)) {
            for (int i = 0; i < Speed.BURN_IN; i++) {
                small.epoch();
                large.epoch();
            }
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                double smallSeconds = small.epoch() / before.batches().count();
                ratios.add(large.epoch() / after.batches().count() / smallSeconds);
            }
            return new Growth(
                    letter + " " + from + " to " + 2 * from,
                    Measured.of(ratios),
                    Floor.operations(after.config()) / Floor.operations(before.config()));
        }
    }

    /** The seconds that it takes to build the textbook's training graph with 512 time steps and to load its weights. */
    public static Measured buildSeconds(int rounds) {
        Workload workload = Workload.sized(LONG, B, H, V);
        List<Double> seconds = new ArrayList<>();
        for (int round = 0; round <= rounds; round++) {
            long start = System.nanoTime();
            TrainStep step =
                    new TrainStep(workload.config().model(), workload.config().training(), workload.start());
            double took = (System.nanoTime() - start) / 1e9;
            step.close();
            if (round > 0) {
                seconds.add(took);
            }
        }
        return Measured.of(seconds);
    }
}
