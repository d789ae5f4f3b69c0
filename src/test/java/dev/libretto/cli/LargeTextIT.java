package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.run.RunDirectory;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training on a text larger than the heap. */
class LargeTextIT {
    private static final int CHARACTERS = 60_000_000;

    @TempDir
    private Path folder;

    @Test
    void trainsOnTextLargerThanTheHeap() throws Exception {
        writeText(folder.resolve("large.txt"));
        Process process = new ProcessBuilder(List.of(
                        "env",
                        "--default-signal=INT",
                        "LIBRETTO_JAVA_OPTS=-Xmx48m",
                        "LIBRETTO_CACHE=" + folder.resolve("cache"),
                        Program.LAUNCHER,
                        "train",
                        "--corpus",
                        "large.txt",
                        "--max-chars",
                        "0",
                        "--sampling",
                        "random",
                        "--hidden-size",
                        "8",
                        "--min-count",
                        "1000",
                        "--checkpoint-every",
                        "10b",
                        "--run",
                        "run"))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        Path checkpoints = folder.resolve("run/checkpoints");
        while (process.isAlive() && !hasCheckpointAfter(0, checkpoints)) {
            Thread.sleep(50);
        }
        Program.signal(process.pid(), "INT");
        int exitCode = process.waitFor();
        String output = Files.readString(folder.resolve("output"), UTF_8);

        assertThat(exitCode).as(output).isEqualTo(130);
        assertThat(output)
                .contains(
                        "corpus: large.txt, 60,000,000 characters, 27 distinct; 26 are in the vocabulary, and the others, 1 times")
                .contains("index: " + folder.resolve("cache"))
                .contains("batches: 53,571 per epoch, 32 rows of 35 time steps, random sampling");
        RunDirectory run = RunDirectory.open(folder.resolve("run"));
        assertThat(run.newest(warning -> {}).progress().step()).isPositive();
        assertThat(run.vocabulary().symbols()).hasSize(27).contains("\uFFFD").doesNotContain("猫");
        try (Stream<Path> cache = Files.list(folder.resolve("cache"))) {
            assertThat(cache.map(file -> file.toFile().length()))
                    .as("a byte for each character, and little more")
                    .hasSize(1)
                    .allMatch(size -> size > CHARACTERS && size < CHARACTERS + 1000);
        }
    }

    private static boolean hasCheckpointAfter(long step, Path checkpoints) throws IOException {
        if (!Files.isDirectory(checkpoints)) {
            return false;
        }
        try (Stream<Path> entries = Files.list(checkpoints)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> name.matches("step-\\d+"))
                    .anyMatch(name -> Long.parseLong(name.substring("step-".length())) > step);
        }
    }

    /** The letters repeated, and one character that occurs once. */
    private static void writeText(Path file) throws IOException {
        String letters = "abcdefghijklmnopqrstuvwxyz".repeat(10_000);
        try (BufferedWriter writer = Files.newBufferedWriter(file)) {
            for (int written = 1; written < CHARACTERS; ) {
                int count = Math.min(letters.length(), CHARACTERS - written);
                writer.write(letters, 0, count);
                written += count;
            }
            writer.write("猫");
        }
    }
}
