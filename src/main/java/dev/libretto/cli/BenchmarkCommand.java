package dev.libretto.cli;

import dev.libretto.benchmark.Soak;
import dev.libretto.device.NativeLog;
import java.util.List;
import java.util.Locale;

/** {@code libretto benchmark}: measurements of the program itself. */
final class BenchmarkCommand implements Command {
    static final Flag<Boolean> SOAK =
            Flag.toggle("soak", "train and write for long and watch the memory; exit code 1 if it grows");
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
        return List.of(SOAK, STEPS, CHARACTERS, DeviceFlags.DEVICE, DeviceFlags.PRECISION);
    }

    @Override
    public List<String> examples() {
        return List.of("benchmark --soak", "benchmark --soak --steps 20000 --characters 50000");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        int steps = arguments.get(STEPS);
        int characters = arguments.get(CHARACTERS);
        if (!arguments.get(SOAK)) {
            throw new UsageException("say what to measure: --soak");
        }
        console.note("device: %s%n", DeviceFlags.use(arguments));
        NativeLog.passOverFirstRun();
        Soak soak = new Soak();
        boolean trained = report(console, soak.train(steps));
        boolean wrote = report(console, soak.generate(characters));
        return trained && wrote ? 0 : 1;
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
