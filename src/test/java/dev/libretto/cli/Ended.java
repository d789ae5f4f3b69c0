package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.libretto.run.Runs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** How a command line ended that was run in this process. */
public record Ended(int exitCode, String out, String err) {
    /** What the CUDA build says first where it writes without a GPU that nobody asked for. */
    private static final Pattern WITHOUT_GPU = Pattern.compile("\\Adevice: CPU, .*\\(auto: .*\\)\n");

    /** @param runs the folder where runs go that are given no other place */
    public static Ended of(Path runs, String... args) {
        return reading("", runs, args);
    }

    /** @param in what stands on stdin */
    public static Ended reading(String in, Path runs, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new ByteArrayInputStream(in.getBytes(UTF_8)),
                new PrintStream(out, true, UTF_8),
                new PrintStream(err, true, UTF_8),
                "libretto",
                new Runs(runs),
                StatusLine.NONE,
                Console.Verbosity.NORMAL);
        int exitCode = new Main(console).run(args);
        return new Ended(
                exitCode,
                out.toString(UTF_8),
                WITHOUT_GPU.matcher(err.toString(UTF_8)).replaceFirst(""));
    }
}
