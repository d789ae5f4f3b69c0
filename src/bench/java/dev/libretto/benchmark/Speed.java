package dev.libretto.benchmark;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.generate.GraphModel;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Measures how fast Libretto trains and generates. Every figure is measured several times. The lower bound of an epoch is that of
 * the fastest measurements.
 */
public final class Speed {
    private static final int WARM_UP_ROUNDS = 2;

    private static final double WARM_UP_NANOS = 2e9;

    private static final int EAGER_LENGTH = 4096;

    /** A multiple of the graph's steps per run. */
    private static final int GRAPH_LENGTH = 640;

    private static final int PROMPTS = 64;

    private final Workload workload;
    private final int rounds;
    private final Map<String, Measured> figures = new LinkedHashMap<>();

    private Speed(Workload workload, int rounds) {
        this.workload = workload;
        this.rounds = rounds;
    }

    /**
     * Measures a workload.
     *
     * @param rounds measurements of each figure, at least 1
     * @param generate the command that generates, without the run and the prefix
     */
    public static SpeedReport measure(Workload workload, int rounds, List<String> generate) throws IOException {
        Speed speed = new Speed(workload, rounds);
        PeakMemory.reset();
        double peak = speed.train();
        speed.write();
        speed.startUp(generate);
        speed.figures.put("peak_rss_mib", Measured.of(List.of(peak)));
        return new SpeedReport(workload.name(), speed.figures);
    }

    /** Returns the peak resident memory in MiB after training alone. */
    private double train() throws IOException {
        List<Double> epochs = new ArrayList<>();
        double peak;
        try (TrainingSpeed training = new TrainingSpeed(workload)) {
            warmUp(training::epoch);
            peak = PeakMemory.mebibytes();
            for (int round = 0; round < rounds; round++) {
                epochs.add(training.epoch());
            }
        }
        MatMulBound bound = MatMulBound.measure(workload.config());
        int batches = workload.batches().count();
        double atShape = bound.secondsAtShape() * batches;
        Measured epoch = Measured.of(epochs);
        figures.put(SpeedReport.EPOCH, epoch);
        figures.put(
                "chars_per_second", epoch.inverse(seconds -> workload.batches().charsPerEpoch() / seconds));
        figures.put(SpeedReport.BOUND_AT_SHAPE, Measured.of(List.of(atShape)));
        figures.put(SpeedReport.BOUND_AT_PEAK, Measured.of(List.of(bound.secondsAtPeak() * batches)));
        figures.put(
                "ratio_to_floor_at_shape",
                Measured.of(epochs.stream().map(seconds -> seconds / atShape).toList()));
        return peak;
    }

    private void write() {
        ModelConfig config = workload.config().model();
        try (EagerModel model = new EagerModel(config, workload.weights())) {
            write("eager_chars_per_second", model, 1, EAGER_LENGTH);
        }
        try (GraphModel model = new GraphModel(config, workload.weights())) {
            write("graph_chars_per_second", model, 1, GRAPH_LENGTH);
            write("batch_chars_per_second", model, PROMPTS, GRAPH_LENGTH);
        }
    }

    private void write(String figure, TextModel model, int prompts, int length) {
        Decoder decoder = new Decoder(model);
        List<int[]> prefixes = Collections.nCopies(prompts, new int[] {0, 1});
        int[] written = new int[1];
        Runnable round =
                () -> decoder.write(prefixes, 1, Decoder.Options.greedy(length), (row, character) -> written[0]++);
        warmUp(round);
        List<Double> rates = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            written[0] = 0;
            long start = System.nanoTime();
            round.run();
            rates.add(written[0] / ((System.nanoTime() - start) / 1e9));
        }
        figures.put(figure, Measured.of(rates));
    }

    /** Runs a workload for at least two rounds and two seconds, to measure its steady state. */
    static void warmUp(Runnable round) {
        long start = System.nanoTime();
        for (int i = 0; i < WARM_UP_ROUNDS || System.nanoTime() - start < WARM_UP_NANOS; i++) {
            round.run();
        }
    }

    private void startUp(List<String> generate) throws IOException {
        Path folder = Files.createTempDirectory("libretto-benchmark");
        Path path = folder.resolve("run");
        String prefix = workload.vocabulary().decode(new int[] {0, 1});
        List<Double> seconds = new ArrayList<>();
        try (RunDirectory run = RunDirectory.create(path, workload.config(), workload.vocabulary(), false)) {
            run.save(workload.start());
            StartUp.seconds(generate, path.toString(), prefix);
            for (int round = 0; round < rounds; round++) {
                seconds.add(StartUp.seconds(generate, path.toString(), prefix));
            }
        } finally {
            deleteTree(folder);
        }
        figures.put("startup_seconds", Measured.of(seconds));
    }

    private static void deleteTree(Path folder) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
