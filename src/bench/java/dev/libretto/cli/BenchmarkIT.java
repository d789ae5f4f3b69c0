package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs {@code src/bench/benchmark} in a terminal. */
class BenchmarkIT {
    private static final String[] FIGURES = {
        "epoch_seconds",
        "chars_per_second",
        "floor_seconds_at_shape",
        "floor_seconds_at_peak",
        "ratio_to_floor_at_shape",
        "eager_chars_per_second",
        "graph_chars_per_second",
        "batch_chars_per_second",
        "startup_seconds",
        "peak_rss_mib"
    };

    @TempDir
    private Path folder;

    @Test
    void showsProgressAndWritesEveryFigureAsJson() throws IOException, InterruptedException {
        String program = Path.of("src/bench/benchmark").toAbsolutePath().toString();
        String command = "\"" + program + "\" --workload rnn --rounds 1 --json speed.json";
        ProcessBuilder terminal =
                new ProcessBuilder("script", "--quiet", "--return", "--command", command, "/dev/null");
        terminal.environment().put("TERM", "xterm");
        CliResult screen = Program.run(terminal.directory(folder.toFile()));
        assertThat(screen.exitCode()).as(screen.out()).isZero();
        assertThat(screen.out()).as("the status line").contains("\r\u001b[Kmeasuring ");

        JsonNode rnn =
                new JsonMapper().readTree(folder.resolve("speed.json").toFile()).get("rnn");
        assertThat(rnn.fieldNames()).toIterable().startsWith(FIGURES).hasSize(FIGURES.length + 1);
        assertThat(rnn.get("spread").fieldNames()).toIterable().containsExactly(FIGURES);
        for (String figure : FIGURES) {
            assertThat(rnn.get(figure).doubleValue()).as(figure).isPositive();
        }
    }
}
