package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.libretto.run.Runs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** The result of a command line that was run in this process. */
public record CliResult(int exitCode, String out, String err) {
    /** The line that the CUDA build prints if no GPU was requested and none is found. */
    private static final Pattern WITHOUT_GPU = Pattern.compile("\\Adevice: CPU, .*\\(auto: .*\\)\n");

    /** @param runs the default directory of runs */
    public static CliResult of(Path runs, String... args) {
        return reading("", runs, args);
    }

    /** @param in the content of stdin */
    public static CliResult reading(String in, Path runs, String... args) {
        return inTerminal(100, in, runs, args);
    }

    /** @param width the columns of the terminal */
    static CliResult inTerminal(int width, String in, Path runs, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(
                new ByteArrayInputStream(in.getBytes(UTF_8)),
                new PrintWriter(out, true, UTF_8),
                new PrintWriter(err, true, UTF_8),
                "libretto",
                new Runs(runs),
                () -> width,
                StatusLine.NONE,
                Console.Verbosity.NORMAL);
        int exitCode = new Main(console).run(args);
        return new CliResult(
                exitCode,
                out.toString(UTF_8),
                WITHOUT_GPU.matcher(err.toString(UTF_8)).replaceFirst(""));
    }
}
