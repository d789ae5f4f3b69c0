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
import java.util.function.DoubleSupplier;
import java.util.stream.Stream;

/**
 * How fast Libretto trains and writes with a workload. Everything is measured several times after a burn-in; an epoch and
 * its floor are measured in turn, so that whatever else the machine does slows both down.
 */
public final class Speed {
    /** Epochs that are trained, and rounds of writing, before any is measured. */
    static final int BURN_IN = 2;

    private static final int EAGER_LENGTH = 4096;

    /** A whole number of the graph's stretches. */
    private static final int GRAPH_LENGTH = 640;

    /** Texts that are written at once. */
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
     * @param rounds how often everything is measured, at least 1
     * @param generate the command that starts Libretto to write, without the run and the prefix
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

    /** Returns the peak of resident memory in MiB while nothing but training had been done. */
    private double train() throws IOException {
        List<Double> epochs = new ArrayList<>();
        List<Double> atShape = new ArrayList<>();
        List<Double> atPeak = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        double peak;
        try (TrainingSpeed training = new TrainingSpeed(workload)) {
            for (int i = 0; i < BURN_IN; i++) {
                training.epoch();
            }
            peak = PeakMemory.mebibytes();
            try (Floor floor = new Floor(workload.config())) {
                int batches = workload.batches().count();
                floor.secondsAtShape();
                floor.secondsAtPeak();
                for (int round = 0; round < rounds; round++) {
                    double epoch = training.epoch();
                    double products = mean(batches, floor::secondsAtShape) * batches;
                    epochs.add(epoch);
                    atShape.add(products);
                    atPeak.add(floor.secondsAtPeak() * batches);
                    ratios.add(epoch / products);
                }
            }
        }
        Measured epoch = Measured.of(epochs);
        figures.put("epoch_seconds", epoch);
        figures.put(
                "chars_per_second", epoch.inverse(seconds -> workload.batches().charsPerEpoch() / seconds));
        figures.put("floor_seconds_at_shape", Measured.of(atShape));
        figures.put("floor_seconds_at_peak", Measured.of(atPeak));
        figures.put("ratio_to_floor_at_shape", Measured.of(ratios));
        return peak;
    }

    private static double mean(int times, DoubleSupplier measurement) {
        double sum = 0;
        for (int i = 0; i < times; i++) {
            sum += measurement.getAsDouble();
        }
        return sum / times;
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

    /** Measures greedy writing of so many texts at once. */
    private void write(String figure, TextModel model, int prompts, int length) {
        Decoder decoder = new Decoder(model);
        List<int[]> prefixes = Collections.nCopies(prompts, new int[] {0, 1});
        List<Double> rates = new ArrayList<>();
        for (int round = -BURN_IN; round < rounds; round++) {
            int[] written = new int[1];
            long start = System.nanoTime();
            decoder.write(prefixes, 1, Decoder.Options.greedy(length), (row, id, logProbability) -> written[0]++);
            double rate = written[0] / ((System.nanoTime() - start) / 1e9);
            if (round >= 0) {
                rates.add(rate);
            }
        }
        figures.put(figure, Measured.of(rates));
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
