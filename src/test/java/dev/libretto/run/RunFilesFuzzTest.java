package dev.libretto.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.Fuzzing;
import dev.libretto.LibrettoException;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Any bytes as a text file of a run are read correctly, or rejected with one line that says what is wrong. */
class RunFilesFuzzTest {
    private static final ObjectMapper TREES = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    private TestRun run;

    @BeforeEach
    void createRun() throws IOException {
        run = TestRun.create(folder.resolve("run"));
    }

    /** @param input one byte that chooses the file, then its content */
    @MethodSource("files")
    @FuzzTest
    void anyContentIsReadOrRejected(byte[] input) throws IOException {
        byte[] content = Arrays.copyOfRange(input, Math.min(1, input.length), Math.max(1, input.length));
        switch (input.length == 0 ? 0 : (input[0] & 0xff) % 4) {
            case 0 -> config(content);
            case 1 -> vocabulary(content);
            case 2 -> progress(content);
            default -> metrics(content);
        }
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void damagedFilesAndNoise() throws IOException {
        List<byte[]> files = files();
        for (int seed = 0; seed < 6_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            byte[] input = files.get(random.nextInt(files.size()));
            for (int damages = random.nextInt(4); damages > 0; damages--) {
                input = Fuzzing.damaged(input, files.get(random.nextInt(files.size())), random);
            }
            anyContentIsReadOrRejected(input);
        }
    }

    private void config(byte[] content) throws IOException {
        Path file = run.write("config.json", content);
        Fuzzing.read(file, LibrettoException.class, () -> Json.<RunConfig>read(file, new TypeReference<>() {}))
                .ifPresent(config -> {
                    assertThat(config.corpus().paths())
                            .hasSameSizeAs(config.corpus().files());
                    assertSays(content, config, new TypeReference<>() {});
                });
        Fuzzing.read(run.path(), LibrettoException.class, () -> RunDirectory.open(run.path()));
        run.restore("config.json");
    }

    private void vocabulary(byte[] content) throws IOException {
        Path file = run.write("vocabulary.json", content);
        Fuzzing.read(file, LibrettoException.class, () -> RunDirectory.open(run.path()))
                .ifPresent(opened ->
                        assertSays(content, opened.vocabulary().symbols(), new TypeReference<List<String>>() {}));
        run.restore("vocabulary.json");
    }

    private void progress(byte[] content) throws IOException {
        Path file = run.write("checkpoints/step-00000020/progress.json", content);
        Checksums.write(file.getParent());
        Fuzzing.read(file, LibrettoException.class, () -> CheckpointFiles.readProgress(file.getParent()))
                .ifPresent(progress -> assertSays(content, progress, new TypeReference<>() {}));
        run.restore("checkpoints/step-00000020/progress.json");
    }

    private void metrics(byte[] content) throws IOException {
        Path file = run.write("metrics.csv", content);
        int epochs = 3;
        MetricsFile metrics = new MetricsFile(file);
        Fuzzing.read(file, LibrettoException.class, () -> {
                    int rows = metrics.countRows(epochs);
                    metrics.cutAfter(epochs);
                    return rows;
                })
                .ifPresent(rows -> {
                    assertThat(rows).isBetween(0, epochs);
                    List<String> lines = lines(file);
                    assertThat(lines).hasSize(1 + rows);
                    assertThat(lines.get(0)).isEqualTo(MetricsFile.HEADER);
                    for (int epoch = 1; epoch <= rows; epoch++) {
                        assertThat(lines.get(epoch)).startsWith(epoch + ",").isPrintable();
                        assertThat(lines.get(epoch).split(",", -1)).hasSize(MetricsFile.HEADER.split(",").length);
                    }
                });
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Asserts that a file was read exactly, without rounding or skipping, and is written back the same. */
    private <T> void assertSays(byte[] content, T value, TypeReference<T> type) {
        try {
            String written = Json.write(value);
            assertThat(TREES.readTree(content).equals(RunFilesFuzzTest::compare, TREES.readTree(written)))
                    .as("%s%nread as %s", new String(content, UTF_8), written)
                    .isTrue();
            assertThat(Json.read(run.write("again.json", written.getBytes(UTF_8)), type))
                    .isEqualTo(value);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Compares numbers by value, and text ignoring case and surrounding spaces. */
    private static int compare(JsonNode one, JsonNode two) {
        return text(one).compareToIgnoreCase(text(two));
    }

    private static String text(JsonNode node) {
        return node.isNumber()
                ? Double.toString(node.doubleValue())
                : node.asText().trim();
    }

    static List<byte[]> files() throws IOException {
        List<String> contents = List.of(
                "0" + Json.write(TestRun.CONFIG),
                "1" + Json.write(TestRun.VOCABULARY.symbols()),
                "2"
                        + Json.write(new Progress(
                                2, 0, 20, 0.5, 1.5, 1.25, null, 1, 0, new Progress.Validation(1.5, 1.25, 1))),
                "3" + MetricsFile.HEADER + "\n"
                        + MetricsFile.row(new EpochMetrics(1, 4.5, 0.25, 1000, 100, 0, null)) + "\n"
                        + MetricsFile.row(new EpochMetrics(2, 4.25, 0.25, 1000, 100, 0, 4.5)) + "\n",
                "0null",
                "1null",
                "2null",
                "1[\"\\ud800\"]",
                "1[\"\\n\\n\"]",
                "0" + Json.write(TestRun.CONFIG).replace(": 32", ": 32.7"),
                "0" + Json.write(TestRun.CONFIG).replace("\"consecutive\"", "0"));
        List<byte[]> files = new ArrayList<>();
        contents.forEach(content -> files.add(content.getBytes(UTF_8)));
        return files;
    }
}
