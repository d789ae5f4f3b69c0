package dev.libretto.cli;

import dev.libretto.benchmark.Measured;
import dev.libretto.benchmark.Soak;
import dev.libretto.benchmark.Speed;
import dev.libretto.benchmark.SpeedReport;
import dev.libretto.benchmark.Sweep;
import dev.libretto.benchmark.Workload;
import dev.libretto.run.Disk;
import dev.libretto.run.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code libretto benchmark}: measurements of the program itself. */
final class BenchmarkCommand implements Command {
    /** Which workloads are measured. */
    enum Which {
        BOTH,
        RNN,
        LSTM;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final Flag<Which> WORKLOAD = Flag.oneOf(
            "workload", "the textbook's RNN, two LSTM layers of 512 units, or both one after the other", Which.BOTH);
    static final Flag<Integer> ROUNDS = Flag.integer("rounds", "times that everything is measured", 7, 1, 10_000);
    static final Flag<Path> JSON =
            Flag.path("json", "FILE", "file to write the figures to as well; one there is replaced");
    static final Flag<Boolean> SWEEP = Flag.toggle(
            "sweep", "double the sizes of the textbook's RNN in turn instead, and measure how its time grows");
    static final Flag<Boolean> SOAK =
            Flag.toggle("soak", "train and write for long instead, and watch the memory; exit code 1 if it grows");
    static final Flag<Integer> STEPS =
            Flag.integer("steps", "training steps of the soak", 200_000, 200, Integer.MAX_VALUE);
    static final Flag<Integer> CHARACTERS =
            Flag.integer("characters", "characters that the soak writes", 1_000_000, 200, GenerateCommand.MAX_LENGTH);

    @Override
    public String name() {
        return "benchmark";
    }

    @Override
    public String summary() {
        return "measure the program itself";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(
                WORKLOAD, ROUNDS, JSON, SWEEP, SOAK, STEPS, CHARACTERS, DeviceFlags.DEVICE, DeviceFlags.PRECISION);
    }

    @Override
    public List<String> examples() {
        return List.of("benchmark --json speed.json", "benchmark --sweep", "benchmark --soak --steps 20000");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        boolean soak = arguments.get(SOAK);
        boolean sweep = arguments.get(SWEEP);
        Which which = arguments.get(WORKLOAD);
        int rounds = arguments.get(ROUNDS);
        int steps = arguments.get(STEPS);
        int characters = arguments.get(CHARACTERS);
        Path json = arguments.get(JSON);
        if (soak && sweep) {
            throw new UsageException("--soak and --sweep are two measurements; give one of them");
        }
        if (!soak && (arguments.has(STEPS) || arguments.has(CHARACTERS))) {
            throw new UsageException("--steps and --characters are the soak's; add --soak");
        }
        if ((soak || sweep) && (json != null || arguments.has(WORKLOAD))) {
            throw new UsageException("--json and --workload go with neither --soak nor --sweep");
        }
        if (soak && arguments.has(ROUNDS)) {
            throw new UsageException("--rounds has no effect with --soak, which has --steps and --characters");
        }
        if (json != null) {
            requireWritable(json);
        }
        console.note("device: %s%n", DeviceFlags.use(arguments));
        if (soak) {
            Soak work = new Soak();
            boolean trained = report(console, work.train(steps));
            boolean wrote = report(console, work.generate(characters));
            return trained && wrote ? 0 : 1;
        }
        if (sweep) {
            sweep(console, rounds);
        } else {
            speed(console, which, rounds, json);
        }
        return 0;
    }

    private static void requireWritable(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new IllegalArgumentException(file + " is a directory; --json takes a file");
        }
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("there is no directory " + folder + " to write " + file + " to");
        }
    }

    private static void speed(Console console, Which which, int rounds, Path json) throws IOException {
        Map<String, Object> reports = new LinkedHashMap<>();
        if (which != Which.LSTM) {
            reports.putAll(speed(console, Workload.rnn(), rounds));
        }
        if (which != Which.RNN) {
            reports.putAll(speed(console, Workload.lstm(), rounds));
        }
        if (json != null) {
            Disk.replace(json, Json.write(reports));
        }
    }

    private static Map<String, Object> speed(Console console, Workload workload, int rounds) throws IOException {
        console.note("%s: measuring %d times, on %s%n", workload.name(), rounds, workload.text());
        SpeedReport report = Speed.measure(workload, rounds, program(console));
        console.out().printf("%-28s %12s %12s %12s%n", report.workload(), "median", "lowest", "highest");
        report.figures()
                .forEach((name, figure) -> console.out()
                        .printf(
                                Locale.ROOT,
                                "%-28s %,12.3f %,12.3f %,12.3f%n",
                                name,
                                figure.median(),
                                figure.min(),
                                figure.max()));
        console.out().println();
        console.out().flush();
        return Map.of(report.workload(), report.asJson());
    }

    /** How this process was started, so that it can be once more. */
    private static List<String> program(Console console) {
        if (System.getProperty("libretto.program") != null) {
            return List.of(console.program());
        }
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        return List.of(java.toString(), "-cp", System.getProperty("java.class.path"), Main.class.getName());
    }

    private static void sweep(Console console, int rounds) {
        console.out().printf("%-16s %10s %10s %10s %12s%n", "doubled", "time", "lowest", "highest", "arithmetic");
        for (Sweep.Growth growth : Sweep.measure(rounds)) {
            console.out()
                    .printf(
                            Locale.ROOT,
                            "%-16s %9.2fx %9.2fx %9.2fx %11.2fx%n",
                            growth.size(),
                            growth.time().median(),
                            growth.time().min(),
                            growth.time().max(),
                            growth.arithmetic());
            console.out().flush();
        }
        Measured build = Sweep.buildSeconds(rounds);
        console.out()
                .printf(
                        Locale.ROOT,
                        "building the graph of T = %d: %.2f seconds (%.2f to %.2f)%n",
                        Sweep.LONG,
                        build.median(),
                        build.min(),
                        build.max());
    }

    private static boolean report(Console console, Soak.Memory memory) {
        console.out()
                .printf(
                        Locale.ROOT,
                        "%s: resident memory by quarter %.1f, %.1f, %.1f, %.1f MiB; last over second %+.2f%% (%s)%n",
                        memory.work(),
                        memory.quarterMean(0),
                        memory.quarterMean(1),
                        memory.quarterMean(2),
                        memory.quarterMean(3),
                        100 * memory.growth(),
                        memory.isFlat() ? "flat" : "grows");
        console.out().flush();
        return memory.isFlat();
    }
}
