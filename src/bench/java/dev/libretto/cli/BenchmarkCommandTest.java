package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.run.Runs;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchmarkCommandTest {
    @TempDir
    private Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Rows of {@code bad-input.txt}; in these, @ is a folder. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            2 | --soak --steps 199 | --steps must be an integer from 200 to 2147483647 (got 199)
            2 | --soak --characters many | --characters must be an integer from 200 to 1000000000 (got many)
            2 | --steps 1000 | --steps and --characters have no effect without --soak
            2 | --sweep --soak | --soak and --sweep are mutually exclusive
            2 | --sweep --json new.json | --json and --workload have no effect with --soak or --sweep
            2 | --soak --workload rnn | --json and --workload have no effect with --soak or --sweep
            2 | --soak --rounds 3 | --rounds has no effect with --soak; use --steps and --characters
            2 | --workload cnn | --workload must be one of all, rnn, lstm, gru (got cnn)
            2 | --rounds 0 | --rounds must be an integer from 1 to 10000 (got 0)
            2 | --plot speed.gif | --plot must end in .png or .svg (got speed.gif)
            2 | --soak --plot speed.png | --plot has no effect with --soak
            2 | rnn | unexpected argument "rnn"; options begin with two dashes
            1 | --json @/missing/new.json | there is no directory @/missing to write @/missing/new.json to
            1 | --json @ | @ is a directory; --json needs a file
            1 | --plot @/missing/new.svg | there is no directory @/missing to write @/missing/new.svg to
            1 | --soak --device gpu:99 | gpu:99 cannot be used:
            """)
    void mistakeIsOneLineAndWritesNothing(int exitCode, String line, String message) throws IOException {
        assertThat(run(line.replace("@", folder.toString()).split(" "))).isEqualTo(exitCode);
        assertThat(err.toString(UTF_8))
                .startsWith("benchmark: " + message.replace("@", folder.toString()))
                .hasLineCount(1);
        assertThat(err.toString(UTF_8).endsWith(" (see \"src/bench/benchmark --help\")\n"))
                .isEqualTo(exitCode == 2);
        assertThat(out.size()).isZero();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void documentationHasEveryOptionOfTheHelp() throws IOException {
        assertThat(run("--help")).isZero();
        assertThat(out.toString(UTF_8))
                .contains("src/bench/benchmark [OPTIONS]\n")
                .contains("examples:\n  src/bench/benchmark --json");
        String documentation = Files.readString(Path.of("docs/speed.md"));
        for (Flag<?> flag : BenchmarkCommand.COMMAND.flags()) {
            assertThat(out.toString(UTF_8)).contains("--" + flag.name());
            assertThat(documentation.lines()).anyMatch(row -> row.startsWith("| `--" + flag.name()));
        }
    }

    private int run(String... args) {
        Console console = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(out, true, UTF_8),
                new PrintWriter(err, true, UTF_8),
                "src/bench/benchmark",
                new Runs(folder),
                () -> 100,
                StatusLine.NONE,
                Console.Verbosity.NORMAL);
        return BenchmarkCommand.run(console, args);
    }
}
