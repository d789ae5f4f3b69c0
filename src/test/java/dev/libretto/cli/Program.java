package dev.libretto.cli;

import dev.libretto.device.Build;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Libretto as a process. A process that hangs ends with its test, whose time limit is in {@code junit-platform.properties}. */
final class Program {
    /** Where the build is. */
    static final Path TARGET =
            Path.of(Build.current().isCuda() ? "target/gpu" : "target").toAbsolutePath();

    static final Path JAR = TARGET.resolve("libretto.jar");
    static final String LAUNCHER = Path.of("libretto").toAbsolutePath().toString();

    /** The launcher as bash reads it, whose path may have spaces. */
    static final String IN_BASH = "\"" + LAUNCHER + "\"";

    static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private Program() {}

    /** Runs a process to its end. */
    static CliResult run(ProcessBuilder builder) throws IOException, InterruptedException {
        Path out = Files.createTempFile("libretto", ".out");
        Path err = Files.createTempFile("libretto", ".err");
        try {
            int exitCode = builder.redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start()
                    .waitFor();
            return new CliResult(exitCode, Files.readString(out), Files.readString(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** @param name as {@code kill} names it, such as TERM */
    static void signal(long process, String name) throws IOException, InterruptedException {
        new ProcessBuilder("bash", "-c", "kill -" + name + " " + process)
                .start()
                .waitFor();
    }

    static List<String> join(List<String> start, List<String> more) {
        return Stream.concat(start.stream(), more.stream()).toList();
    }
}
