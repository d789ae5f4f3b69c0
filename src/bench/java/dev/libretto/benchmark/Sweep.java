package dev.libretto.benchmark;

import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep;
import java.util.ArrayList;
import java.util.List;

/** Measures how the time and the arithmetic of a training batch grow when one of the textbook's sizes is doubled. */
public final class Sweep {
    /** The time steps of the graph whose build time is measured. */
    public static final int LONG = 512;

    private static final int T = TrainConfig.TEXTBOOK.seqLength();
    private static final int B = TrainConfig.TEXTBOOK.batchSize();
    private static final int H = 256;
    private static final int V = 638;
    private static final int TIMES = 3;

    /**
     * The effect of a doubling.
     *
     * @param size the doubled size and its values
     * @param time the ratio of the batch times
     * @param arithmetic the ratio of the floating-point operations of the matrix products
     */
    public record Growth(String size, Measured time, double arithmetic) {}

    private Sweep() {}

    /** Doubles T, B, H and V three times each and measures every doubling {@code rounds} times. */
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

    /** The two are trained alternately, so that other load on the machine slows down both. */
    private static Growth growth(String letter, int from, Workload before, Workload after, int rounds) {
        try (TrainingSpeed small = new TrainingSpeed(before);
                TrainingSpeed large = new TrainingSpeed(after)) {
            Speed.warmUp(() -> {
                small.epoch();
                large.epoch();
            });
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                double smallSeconds = small.epoch() / before.batches().count();
                ratios.add(large.epoch() / after.batches().count() / smallSeconds);
            }
            return new Growth(
                    letter + " " + from + " to " + 2 * from,
                    Measured.of(ratios),
                    MatMulBound.operations(after.config()) / MatMulBound.operations(before.config()));
        }
    }

    /** Measures the seconds to build the textbook's training graph with 512 time steps and to load its weights. */
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
