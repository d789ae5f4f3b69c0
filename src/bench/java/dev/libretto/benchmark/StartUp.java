package dev.libretto.benchmark;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Measures the time from starting Libretto to its first generated character. */
final class StartUp {
    private StartUp() {}

    /**
     * Returns the seconds from the start of the process to the first character after the prefix.
     *
     * @param generate the command that generates, without the run and the prefix
     */
    static double seconds(List<String> generate, String run, String prefix) throws IOException {
        List<String> line = new ArrayList<>(generate);
        line.addAll(List.of("--run", run, "--prefix", prefix, "--length", "50"));
        int prefixBytes = prefix.getBytes(StandardCharsets.UTF_8).length;
        long start = System.nanoTime();
        Process process = new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (InputStream text = process.getInputStream()) {
            if (text.readNBytes(prefixBytes + 1).length <= prefixBytes) {
                throw new IOException("the process has generated nothing: " + String.join(" ", line));
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            text.readAllBytes();
            return seconds;
        } finally {
            process.destroy();
        }
    }
}
