package dev.libretto.cli;

import dev.libretto.benchmark.Measured;
import dev.libretto.benchmark.Soak;
import dev.libretto.benchmark.Speed;
import dev.libretto.benchmark.SpeedReport;
import dev.libretto.benchmark.Sweep;
import dev.libretto.benchmark.Workload;
import dev.libretto.device.Devices.Choice;
import dev.libretto.plot.BarPlot;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code src/bench/benchmark}: measures Libretto's speed and memory. */
public final class BenchmarkCommand {
    enum Which {
        ALL,
        RNN,
        LSTM,
        GRU
    }

    static final Flag<Which> WORKLOAD =
            Flag.oneOf("workload", "the textbook's RNN, two LSTM or GRU layers of 512 units, or all three", Which.ALL);
    static final Flag<Integer> ROUNDS = Flag.integer("rounds", "measurements of each figure", 7, 1, 10_000);
    static final Flag<Path> JSON = Flag.path("json", "FILE", "also write the figures to this file, replacing it");
    static final Flag<Path> PLOT =
            Flag.path("plot", "FILE", "also plot the figures to FILE.png or FILE.svg, replacing it");
    static final Flag<Boolean> SWEEP =
            Flag.toggle("sweep", "instead, double each size of the textbook's RNN and measure how its time grows");
    static final Flag<Boolean> SOAK =
            Flag.toggle("soak", "instead, train and generate for long and watch the memory; exit code 1 if it grows");
    static final Flag<Integer> STEPS =
            Flag.integer("steps", "training steps of the soak test", 200_000, 200, Integer.MAX_VALUE);
    static final Flag<Integer> CHARACTERS = Flag.integer(
            "characters", "characters that the soak test generates", 1_000_000, 200, GenerateCommand.MAX_LENGTH);

    static final Command COMMAND = new Command(
            "",
            "measure Libretto's speed and memory",
            "",
            Flag.joined(List.of(WORKLOAD, ROUNDS, JSON, PLOT, SWEEP, SOAK, STEPS, CHARACTERS), DeviceFlags.ONE),
            List.of("--json speed.json --plot speed.png", "--sweep --plot sweep.png", "--soak --steps 20000"),
            BenchmarkCommand::run);

    private BenchmarkCommand() {}

    public static void main(String[] args) {
        Main.start(console -> run(console, args));
    }

    static int run(Console console, String... args) {
        return new Main(console).run("benchmark", COMMAND, args);
    }

    private static int run(Arguments arguments, Console console) throws Exception {
        boolean soak = arguments.get(SOAK);
        boolean sweep = arguments.get(SWEEP);
        Which which = arguments.get(WORKLOAD);
        int rounds = arguments.get(ROUNDS);
        int steps = arguments.get(STEPS);
        int characters = arguments.get(CHARACTERS);
        Path json = arguments.get(JSON);
        Path plot = arguments.get(PLOT);
        checkUsage(arguments);
        Choice device = DeviceFlags.choose(arguments, DeviceFlags.DEVICE);
        console.note("device: %s%n", device);
        device.use();
        if (soak) {
            Soak work = new Soak();
            boolean trained = report(console, shown(console, "training", () -> work.train(steps)));
            boolean wrote = report(console, shown(console, "writing", () -> work.generate(characters)));
            return trained && wrote ? 0 : 1;
        }
        if (sweep) {
            draw(growths(sweep(console, rounds)), plot);
        } else {
            List<SpeedReport> reports = speed(console, which, rounds, generate(arguments));
            if (json != null) {
                AtomicWrite.file(json, Json.write(asJson(reports)));
            }
            draw(plot(reports), plot);
        }
        return 0;
    }

    private static void checkUsage(Arguments arguments) throws UsageException {
        boolean soak = arguments.get(SOAK);
        boolean sweep = arguments.get(SWEEP);
        if (soak && sweep) {
            throw new UsageException("--soak and --sweep are mutually exclusive");
        }
        if (!soak && (arguments.has(STEPS) || arguments.has(CHARACTERS))) {
            throw new UsageException("--steps and --characters have no effect without --soak");
        }
        if ((soak || sweep) && (arguments.has(JSON) || arguments.has(WORKLOAD))) {
            throw new UsageException("--json and --workload have no effect with --soak or --sweep");
        }
        if (soak && arguments.has(ROUNDS)) {
            throw new UsageException("--rounds has no effect with --soak; use --steps and --characters");
        }
        if (soak && arguments.has(PLOT)) {
            throw new UsageException("--plot has no effect with --soak");
        }
        if (arguments.has(PLOT)) {
            PlotCommand.extension(PLOT, arguments.get(PLOT));
            requireWritable(PLOT, arguments.get(PLOT));
        }
        if (arguments.has(JSON)) {
            requireWritable(JSON, arguments.get(JSON));
        }
    }

    private static void requireWritable(Flag<Path> flag, Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(file)) {
            throw new IllegalArgumentException(file + " is a directory; --" + flag.name() + " needs a file");
        }
        if (!Files.isDirectory(folder)) {
            throw new IllegalArgumentException("there is no directory " + folder + " to write " + file + " to");
        }
    }

    private static <T> T shown(Console console, String task, Callable<T> work) throws Exception {
        WorkBar bar = console.workBar(task);
        try {
            return work.call();
        } finally {
            bar.close();
        }
    }

    private static List<SpeedReport> speed(Console console, Which which, int rounds, List<String> generate)
            throws Exception {
        List<Workload> workloads = switch (which) {
            case ALL -> List.of(Workload.rnn(), Workload.lstm(), Workload.gru());
            case RNN -> List.of(Workload.rnn());
            case LSTM -> List.of(Workload.lstm());
            case GRU -> List.of(Workload.gru());
        };
        List<SpeedReport> reports = new ArrayList<>();
        for (Workload workload : workloads) {
            reports.add(speed(console, workload, rounds, generate));
        }
        return reports;
    }

    private static Map<String, Object> asJson(List<SpeedReport> reports) {
        Map<String, Object> json = new LinkedHashMap<>();
        reports.forEach(report -> json.put(report.workload(), report.asJson()));
        return json;
    }

    private static SpeedReport speed(Console console, Workload workload, int rounds, List<String> generate)
            throws Exception {
        console.note("%s: measuring %d times, on %s%n", workload.name(), rounds, workload.text());
        SpeedReport report = shown(console, "measuring", () -> Speed.measure(workload, rounds, generate));
        console.out().printf(Locale.ROOT, "%-28s %12s %12s %12s%n", report.workload(), "median", "lowest", "highest");
        report.figures()
                .forEach((name, figure) -> console.out()
                        .printf(
                                Locale.ROOT,
                                "%-28s %,12.3f %,12.3f %,12.3f%n",
                                name,
                                figure.median(),
                                figure.min(),
                                figure.max()));
        report.wrongBounds().forEach(line -> console.out().println(line));
        console.out().println();
        console.out().flush();
        return report;
    }

    /** Returns the command that starts generation on the measured device. */
    private static List<String> generate(Arguments arguments) throws UsageException {
        List<String> command =
                new ArrayList<>(List.of(System.getProperty("libretto.launcher", "./libretto"), "generate", "--quiet"));
        for (Flag<?> flag : List.of(DeviceFlags.DEVICE, DeviceFlags.PRECISION)) {
            command.addAll(List.of("--" + flag.name(), arguments.get(flag).toString()));
        }
        return command;
    }

    private static List<Sweep.Growth> sweep(Console console, int rounds) throws Exception {
        List<Sweep.Growth> steps = new ArrayList<>();
        console.out()
                .printf(
                        Locale.ROOT,
                        "%-16s %10s %10s %10s %12s%n",
                        "doubled",
                        "time",
                        "lowest",
                        "highest",
                        "arithmetic");
        for (Sweep.Growth growth : shown(console, "measuring", () -> Sweep.measure(rounds))) {
            steps.add(growth);
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
        Measured build = shown(console, "measuring", () -> Sweep.buildSeconds(rounds));
        console.out()
                .printf(
                        Locale.ROOT,
                        "building the graph of T = %d: %.2f seconds (%.2f to %.2f)%n",
                        Sweep.LONG,
                        build.median(),
                        build.min(),
                        build.max());
        return steps;
    }

    private static BarPlot plot(List<SpeedReport> reports) {
        Map<String, List<Double>> bars = new LinkedHashMap<>();
        bars.put("epoch", ratiosToBound(reports, SpeedReport.EPOCH));
        bars.put("lower bound: its matrix products", ratiosToBound(reports, SpeedReport.BOUND_AT_SHAPE));
        bars.put("lower bound: at the highest rate of any product", ratiosToBound(reports, SpeedReport.BOUND_AT_PEAK));
        return new BarPlot(
                "Training time relative to its matrix products",
                "time / time of its matrix products",
                reports.stream().map(SpeedReport::workload).toList(),
                bars);
    }

    private static List<Double> ratiosToBound(List<SpeedReport> reports, String figure) {
        return reports.stream()
                .map(SpeedReport::figures)
                .map(figures -> figures.get(figure).median()
                        / figures.get(SpeedReport.BOUND_AT_SHAPE).median())
                .toList();
    }

    private static BarPlot growths(List<Sweep.Growth> steps) {
        Map<String, List<Double>> bars = new LinkedHashMap<>();
        bars.put("time", steps.stream().map(step -> step.time().median()).toList());
        bars.put("arithmetic", steps.stream().map(Sweep.Growth::arithmetic).toList());
        return new BarPlot(
                "Batch time when a size is doubled",
                "ratio to before",
                steps.stream().map(Sweep.Growth::size).toList(),
                bars);
    }

    private static void draw(BarPlot bars, Path file) throws UsageException, IOException {
        if (file != null) {
            AtomicWrite.file(file, bars.encode(PlotCommand.extension(PLOT, file)));
        }
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
