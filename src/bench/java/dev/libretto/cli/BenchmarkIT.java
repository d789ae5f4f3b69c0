package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs {@code src/bench/benchmark} as a process. */
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
    void writesEveryFigureAsJson() throws IOException, InterruptedException {
        String program = Path.of("src/bench/benchmark").toAbsolutePath().toString();
        Process process = new ProcessBuilder(program, "--workload", "rnn", "--rounds", "1", "--json", "speed.json")
                .directory(folder.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(process.waitFor()).isZero();

        JsonNode rnn =
                new JsonMapper().readTree(folder.resolve("speed.json").toFile()).get("rnn");
        assertThat(rnn.fieldNames()).toIterable().startsWith(FIGURES).hasSize(FIGURES.length + 1);
        assertThat(rnn.get("spread").fieldNames()).toIterable().containsExactly(FIGURES);
        for (String figure : FIGURES) {
            assertThat(rnn.get(figure).doubleValue()).as(figure).isPositive();
        }
    }

    /** In a terminal, whose stdout is a file. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void progressIsShownOnStderr() throws IOException, InterruptedException {
        String program = Path.of("src/bench/benchmark").toAbsolutePath().toString();
        String command = "\"" + program + "\" --workload rnn --rounds 1 >figures";
        ProcessBuilder builder = new ProcessBuilder("script", "--quiet", "--return", "--command", command, "/dev/null")
                .directory(folder.toFile());
        builder.environment().put("TERM", "xterm");
        CliResult screen = Program.run(builder);
        assertThat(screen.exitCode()).isZero();
        assertThat(screen.out()).contains("rnn", "\r");
        assertThat(folder.resolve("figures")).content().isNotEmpty().doesNotContain("\r");
    }
}
