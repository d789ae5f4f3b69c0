package dev.libretto.device;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The output of {@code nvidia-smi}.
 *
 * @param cards a line for each GPU: index, name, driver version, total memory, used memory
 * @param problem why there is no output, or null
 */
public record NvidiaSmi(List<String> cards, String problem) {
    private static final String NAME = "nvidia-smi";
    private static final String FIELDS = "index,name,driver_version,memory.total,memory.used";
    private static final int MAX_SECONDS = 20;

    /** Runs the tool, if it is on the {@code PATH}. */
    public static NvidiaSmi query() {
        return query(System.getenv().getOrDefault("PATH", ""));
    }

    static NvidiaSmi query(String path) {
        Optional<Path> program = Arrays.stream(path.split(File.pathSeparator))
                .map(folder -> Path.of(folder, NAME))
                .filter(Files::isExecutable)
                .findFirst();
        if (program.isEmpty()) {
            return new NvidiaSmi(List.of(), "it is not on the PATH");
        }
        try {
            return run(program.get());
        } catch (IOException e) {
            return new NvidiaSmi(List.of(), "it cannot be run: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new NvidiaSmi(List.of(), "it was interrupted");
        }
    }

    private static NvidiaSmi run(Path program) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(program.toString(), "--query-gpu=" + FIELDS, "--format=csv,noheader")
                .redirectErrorStream(true)
                .start();
        // Read while it runs: a process whose pipe is full waits until somebody does.
        CompletableFuture<List<String>> output = CompletableFuture.supplyAsync(
                () -> process.inputReader(StandardCharsets.UTF_8).lines().toList());
        if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return new NvidiaSmi(List.of(), "it did not answer within " + MAX_SECONDS + " seconds");
        }
        List<String> lines =
                output.join().stream().filter(line -> !line.isBlank()).toList();
        return process.exitValue() == 0
                ? new NvidiaSmi(lines, null)
                : new NvidiaSmi(
                        List.of(),
                        "it failed: " + lines.stream().findFirst().orElse("exit code " + process.exitValue()));
    }
}
